"""Free ports and the wait until somebody listens."""

from __future__ import annotations

import socket
import time

from launch.ports import any_free


def free_port() -> int:
    """A loopback TCP port nobody listens on at this moment, and no outgoing connection takes in the next."""
    return any_free()


def wait_for_port(port: int, seconds: float = 15.0) -> None:
    """Returns when somebody listens. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nobody listens on port {port} after {seconds:g} s")
