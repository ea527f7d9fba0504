"""Free TCP ports on loopback, and whether something answers there. Called by launch.run, the demo and tests."""

from __future__ import annotations

import contextlib
import errno
import random
import socket
from collections.abc import Iterable

from launch import LaunchError

TRIES = 50
QUIET = range(18_000, 32_000)
"""Below those that the kernel lends to outgoing connections (32768 and more on Linux, 49152 on macOS)."""


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of 127.0.0.1, and `localhost` would not lead to somebody else's.

    Connections of a server that has just stopped do not count: SO_REUSEADDR, as the servers set it themselves.
    """
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
                probe.listen(1)
        except OSError as problem:
            if problem.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            if family == socket.AF_INET:
                raise LaunchError(f"This machine has no loopback network (127.0.0.1): {problem}.") from None
    return True


def choose(wanted: int, taken: Iterable[int] = ()) -> int:
    """`wanted` where it is free, else the next free one; `taken` are ours already. LaunchError after many tries."""
    ours = set(taken)
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if port not in ours and is_free(port):
            return port
    raise LaunchError(
        f"No free port from {wanted} to {min(wanted + TRIES, 65536) - 1}: set HELPDESK_PORT to another number."
    )


def any_free() -> int:
    """A free port for a server that starts a moment later: of the quiet ones, where only another such server could take it.

    LaunchError after many tries.
    """
    for port in random.sample(QUIET, TRIES):
        if is_free(port):
            return port
    raise LaunchError(f"No free port from {QUIET.start} to {QUIET.stop - 1}.")


def answers(port: int, seconds: float = 0.2) -> bool:
    """Whether something accepts connections on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=seconds):
        return True
    return False
