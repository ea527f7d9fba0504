"""An IMAP line that can be hung up from another thread, so that no server holds us by dripping a byte now and then.

A socket's time limit is for each read; a whole command gets one of its own here. Used by imap.py only.
"""

from __future__ import annotations

import contextlib
import imaplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imapclient import IMAPClient, SocketTimeout


class Handle:
    """Holds a second name for the line's socket; `hang_up` ends every wait on it."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.hung_up = False

    def hold(self, line: socket.socket) -> None:
        """Called as soon as there is a socket, before the first byte is read."""
        self._socket = line.dup()

    def hang_up(self) -> None:
        """Ends the line; whoever waits on it gets an error."""
        self.hung_up = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """The line is over."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None

    @contextmanager
    def at_most(self, seconds: float) -> Iterator[None]:
        """Hangs up when the block takes longer. Raises TimeoutError in place of what the hanging up caused."""
        watch = threading.Timer(seconds, self.hang_up)
        watch.daemon = True
        watch.start()
        try:
            yield
        except Exception as problem:
            if self.hung_up:
                raise TimeoutError(f"no whole answer within {seconds:g} seconds") from problem
            raise
        finally:
            watch.cancel()


class _Protocol(imaplib.IMAP4):
    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, timeout: float, handle: Handle) -> None:
        self._context, self._limit, self._handle = context, timeout, handle
        super().__init__(host, port, timeout)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        line = socket.create_connection((self.host, self.port), timeout=self._limit)
        self._handle.hold(line)
        try:
            return self._context.wrap_socket(line, server_hostname=self.host) if self._context else line
        except BaseException:
            line.close()
            raise


class Client(IMAPClient):  # type: ignore[misc]  # the package has no types
    """An IMAPClient over such a line. imaplib's own debugging is off: it writes out every mail it reads."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        context: ssl.SSLContext | None,
        connect_seconds: float,
        read_seconds: float,
        handle: Handle,
    ) -> None:
        self._handle = handle
        timeout = SocketTimeout(connect=connect_seconds, read=read_seconds)
        super().__init__(host, port, ssl=context is not None, ssl_context=context, timeout=timeout)
        self._imap.debug = 0
        self.normalise_times = False

    def _create_IMAP4(self) -> Any:
        return _Protocol(self.host, self.port, self.ssl_context, self._timeout.connect, self._handle)
