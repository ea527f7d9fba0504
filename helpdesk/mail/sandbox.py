"""Mails are read in a child process with limits on time and memory: called by the poller and by `import_mail`.

A mail is an attack until it is read. A child that hangs, crashes or eats memory costs one mail its reading, never
the mails after it: that one comes back as UnreadableMail with the reason, and a fresh child reads on. The child
stays for many mails, since starting one costs as much as reading fifty.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from helpdesk.mail import wire
from helpdesk.mail.message import ParsedMail, UnreadableMail
from helpdesk.mail.mime import Limits
from helpdesk.mail.reasons import Reason

Outcome = ParsedMail | UnreadableMail

_TOO_LONG = "Reading the mail took longer than %(seconds)s seconds."
_TOO_MUCH_WORK = "Reading the mail took more than %(seconds)s seconds of processor time."

_ROOT = Path(__file__).resolve().parents[2]
_CHUNK = 1 << 20
_READ_AHEAD = 16
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031  # fcntl.F_SETPIPE_SZ, Linux


class _Child:
    """One process and the two pipes to it. Answers that do not fit the protocol count as its death."""

    def __init__(self, settings: bytes, module: str) -> None:
        environment = {"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}
        for name in ("LD_LIBRARY_PATH", "SYSTEMROOT"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            close_fds=True,
            start_new_session=True,  # Ctrl-C at the terminal is the parent's business
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.to_child = self.process.stdin.fileno()
        self.from_child = self.process.stdout.fileno()
        for pipe in (self.to_child, self.from_child):
            os.set_blocking(pipe, False)
            _widen(pipe)
        self.unsent: deque[memoryview] = deque()
        self.received = bytearray()
        self.send(settings)

    def send(self, body: bytes) -> None:
        """Queue a request; `flush` writes what the pipe takes."""
        self.unsent.append(memoryview(wire.REQUEST.pack(len(body))))
        self.unsent.append(memoryview(body))

    def flush(self) -> bool:
        """Write without waiting; False when the child no longer reads."""
        try:
            while self.unsent:
                written = os.write(self.to_child, self.unsent[0][:_CHUNK])
                rest = self.unsent[0][written:]
                if rest:
                    self.unsent[0] = rest
                else:
                    self.unsent.popleft()
        except BlockingIOError:
            pass
        except OSError:
            self.unsent.clear()
            return False
        return True

    def receive(self) -> bool:
        """Take what has come; False at the end of the stream."""
        try:
            data = os.read(self.from_child, _CHUNK)
        except BlockingIOError:
            return True
        self.received += data
        return bool(data)

    def answer(self, max_bytes: int) -> tuple[int, Outcome] | None:
        """Kind and outcome of the next complete answer, None while it is still coming. Raises WireError for what is
        no answer."""
        received = self.received
        if len(received) < wire.ANSWER.size:
            return None
        kind, head_size, count = wire.ANSWER.unpack_from(received)
        if head_size > wire.MAX_HEAD_BYTES or count > wire.MAX_CONTENTS:
            raise wire.WireError("an answer out of all bounds")
        at = wire.ANSWER.size + count * wire.SIZE.size
        if len(received) < at:
            return None
        sizes = [wire.SIZE.unpack_from(received, wire.ANSWER.size + n * wire.SIZE.size)[0] for n in range(count)]
        if sum(sizes) > max_bytes:
            raise wire.WireError("an answer out of all bounds")
        if len(received) < at + head_size + sum(sizes):
            return None
        with memoryview(received) as view:
            head = bytes(view[at : at + head_size])
            at += head_size
            contents = []
            for size in sizes:
                contents.append(bytes(view[at : at + size]))
                at += size
        del received[:at]
        if kind == wire.PARSED:
            return kind, wire.decode(head, contents)
        return kind, UnreadableMail(head[:1000].decode("utf-8", "replace").replace("\x00", ""))

    def kill(self) -> int:
        """End the process and close its pipes; returns its exit code."""
        with contextlib.suppress(OSError):
            self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        return self.process.wait()


def _widen(pipe: int) -> None:
    """A larger pipe means fewer switches between the two processes; the default works as well."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE_BYTES)


class ParserSandbox:
    """Reads mails in a child process.

    `max_cpu_seconds` and `wall_seconds` hold for each mail, `max_memory_bytes` (address space) for the child;
    `our_addresses` and `limits` go to `parse_mail`; `module` is what the child runs (tests let it misbehave). One
    sandbox serves one thread at a time (a lock sees to it); use one a thread to read in parallel. `close()` or the
    context manager ends the child.
    """

    def __init__(
        self,
        *,
        max_cpu_seconds: int = 10,
        max_memory_bytes: int = 512 << 20,
        wall_seconds: float = 15,
        our_addresses: frozenset[str] = frozenset(),
        limits: Limits | None = None,
        module: str = "helpdesk.mail.sandbox_child",
    ) -> None:
        self._module = module
        self._limits = limits or Limits()
        self._max_cpu_seconds = max_cpu_seconds
        self._wall_seconds = wall_seconds
        settings = {
            "max_cpu_seconds": max_cpu_seconds,
            "max_memory_bytes": max_memory_bytes,
            "our_addresses": sorted(our_addresses),
            "limits": asdict(self._limits),
        }
        self._settings = json.dumps(settings).encode("ascii")
        self._child: _Child | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> ParserSandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Have a child ready before the first mail comes; starting one takes as long as reading fifty."""
        with self._lock:
            self._alive()

    def close(self) -> None:
        """End the child. The sandbox may be used again; it then starts another."""
        with self._lock:
            self._drop()

    def parse(self, raw: bytes) -> ParsedMail:
        """Read one mail. Raises UnreadableMail when it cannot be read within the limits."""
        outcomes: list[Outcome] = []
        with self._lock:
            self._exchange([raw], outcomes.append)
        outcome = outcomes[0]
        if isinstance(outcome, UnreadableMail):
            raise outcome
        return outcome

    def parse_many(self, raws: Sequence[bytes]) -> Generator[Outcome]:
        """Read mails in order, one outcome each; an UnreadableMail is given, not raised.

        The child reads on while the caller works on an outcome, at most 16 mails ahead.
        """
        ready: queue.Queue[Outcome | BaseException] = queue.Queue(maxsize=_READ_AHEAD)
        abandoned = threading.Event()

        def deliver(outcome: Outcome | BaseException) -> None:
            while not abandoned.is_set():
                with contextlib.suppress(queue.Full):
                    ready.put(outcome, timeout=0.5)
                    return
            raise _AbandonedError

        def pump() -> None:
            try:
                with self._lock:
                    self._exchange(raws, deliver)
            except _AbandonedError:
                with self._lock:
                    self._drop()
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                with contextlib.suppress(_AbandonedError):
                    deliver(error)

        thread = threading.Thread(target=pump, name="mail-parser", daemon=True)
        thread.start()
        try:
            for _ in raws:
                outcome = ready.get()
                if isinstance(outcome, BaseException) and not isinstance(outcome, UnreadableMail):
                    raise outcome
                yield outcome
        finally:
            abandoned.set()
            thread.join()

    # --- the exchange with the child; the lock is held ---

    def _exchange(self, raws: Sequence[bytes], deliver: Callable[[Outcome], None]) -> None:
        """Send all, deliver one outcome for each in order. Whatever mail was being read when a child dies is the
        one that is unreadable; those behind it are sent to the next child."""
        done = 0
        while done < len(raws):
            if len(raws[done]) > self._limits.max_bytes:
                size, limit = len(raws[done]), self._limits.max_bytes
                deliver(
                    UnreadableMail(
                        Reason(
                            "The mail has %(size)s bytes, more than the %(limit)s that are read.",
                            size=str(size),
                            limit=str(limit),
                        )
                    )
                )
                done += 1
                continue
            stop = done
            while stop < len(raws) and len(raws[stop]) <= self._limits.max_bytes:
                stop += 1
            done += self._converse(raws[done:stop], deliver)

    def _converse(self, raws: Sequence[bytes], deliver: Callable[[Outcome], None]) -> int:
        """Let one child read as many as it lives for; returns how many have their outcome."""
        child = self._alive()
        for raw in raws:
            child.send(raw)
        count = 0
        with selectors.DefaultSelector() as selector:
            selector.register(child.from_child, selectors.EVENT_READ)
            if child.flush() and child.unsent:
                selector.register(child.to_child, selectors.EVENT_WRITE)
            deadline = time.monotonic() + self._wall_seconds
            while count < len(raws):
                left = deadline - time.monotonic()
                events = selector.select(left) if left > 0 else []
                if not events and time.monotonic() >= deadline:
                    self._drop()
                    deliver(UnreadableMail(Reason(_TOO_LONG, seconds=f"{self._wall_seconds:g}")))
                    return count + 1
                ended = False
                for key, _mask in events:
                    if key.fd == child.to_child:
                        child.flush()
                        if not child.unsent:
                            selector.unregister(child.to_child)
                    elif not child.receive():
                        ended = True
                try:
                    while count < len(raws) and (answer := child.answer(2 * self._limits.max_bytes)) is not None:
                        kind, outcome = answer
                        if kind == wire.EXHAUSTED:
                            self._drop()
                        deliver(outcome)
                        count += 1
                        if kind == wire.EXHAUSTED:
                            return count
                        deadline = time.monotonic() + self._wall_seconds
                except wire.WireError as error:
                    self._drop()
                    deliver(UnreadableMail(Reason("The reader's answer was not sound: %(what)s.", what=str(error))))
                    return count + 1
                if ended and count < len(raws):
                    deliver(UnreadableMail(self._why(self._drop())))
                    return count + 1
        if child.received:
            self._drop()  # it said more than it was asked
        return count

    def _alive(self) -> _Child:
        """The child, a new one if there is none or it has ended meanwhile."""
        if self._child is not None and self._child.process.poll() is not None:
            self._drop()
        if self._child is None:
            self._child = _Child(self._settings, self._module)
        return self._child

    def _drop(self) -> int:
        """End the child; returns its exit code, negative for a signal."""
        child, self._child = self._child, None
        if child is None:
            return 0
        code = child.process.poll()
        if code is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = child.process.wait(0.05)  # it may be dying of its own limit: that is the reason to tell
        killed = child.kill()
        return killed if code is None else code

    def _why(self, code: int) -> str:
        """A sentence for the quarantine list from the exit code of a child that died over a mail."""
        if code == -signal.SIGXCPU:
            return Reason(_TOO_MUCH_WORK, seconds=self._max_cpu_seconds)
        if code < 0:
            return Reason("Reading the mail ended the reader (signal %(code)s).", code=str(-code))
        return Reason("Reading the mail ended the reader (exit code %(code)s).", code=str(code))


class _AbandonedError(Exception):
    """The caller of parse_many went away before the last outcome."""
