"""The dispatcher: what must happen within a second. One thread, connection and advisory lock for each role.

Roles: `route` offers contacts to agents, `clocks` and `feed` run the periodic work of flow.py, `outbox` sends, `mailboxes`
watches every mailbox in a thread of its own. Several dispatchers may run: each role is held by one of them, the others wait.
A bell (NOTIFY) wakes a role at once; a lost bell costs at most a second.
"""

from __future__ import annotations

import logging
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from time import monotonic, sleep
from typing import Protocol, cast

import psycopg
from django.db import DatabaseError, InterfaceError, connection
from django.utils.module_loading import import_string

from helpdesk.actions import delivery, portal_mail
from helpdesk.flow import PERIODIC, ROUTER, Periodic
from helpdesk.logs import correlated
from helpdesk.mail_pipeline import Pipeline, is_left_behind
from helpdesk.mail_poll import Poller
from helpdesk.models import Mailbox, OutgoingMail, PortalMail

log = logging.getLogger("helpdesk.dispatcher")
ROLES = ("route", "clocks", "feed", "outbox", "mailboxes")
_LOCK_SPACE = 0x64697370  # "disp"
_SWEEP_SECONDS = 1.0
_STOP_LOOK_SECONDS = 0.2
#: The place of the one thread that mails codes and links to customers, among those of the mailboxes.
_PORTAL = 0


def lock_numbers(role: str) -> list[int]:
    """The name of a role's advisory lock, as PostgreSQL takes it."""
    return [_LOCK_SPACE, zlib.crc32(role.encode()) >> 1]


class Role(threading.Thread):
    """A role: holds its lock, works, waits for the bell. Trouble is logged and tried again; the lock's loss ends the term."""

    def __init__(self, name: str, stop: threading.Event) -> None:
        super().__init__(
            name=f"dispatcher-{name}", daemon=True
        )  # what hangs ends with the process, 30 s after the stop
        self.role = name
        self.stop = stop
        self.bell = threading.Event()
        self.rung = False  # whether this turn was asked for
        self.turns = 0

    def run(self) -> None:
        """Until stopped: win the lock, serve, and after trouble begin again with a fresh connection."""
        wait = 0.2
        while not self.stop.is_set():
            try:
                if self._win_lock():
                    log.info("role taken", extra={"role": self.role})
                    wait = 0.2
                    self._serve()
                else:
                    self.stop.wait(1.0)
            except (DatabaseError, InterfaceError, psycopg.Error) as problem:
                log.warning(
                    "database trouble", extra={"role": self.role, "problem": str(problem).splitlines()[0][:300]}
                )
                self.stop.wait(wait)
                wait = min(wait * 2, 5.0)
            except Exception:
                log.exception("a role failed and starts again", extra={"role": self.role})
                self.stop.wait(1.0)
            finally:
                self._end_term()
                connection.close()

    def _win_lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", lock_numbers(self.role))
            return bool(cursor.fetchone()[0])

    def _serve(self) -> None:
        while not self.stop.is_set():
            self.rung = self.bell.is_set()
            self.bell.clear()
            with correlated():
                again = self.turn()
            self.turns += 1
            if not again:
                self.bell.wait(_SWEEP_SECONDS)

    def turn(self) -> bool:
        """Does what is due; True when there may be more at once."""
        raise NotImplementedError

    def _end_term(self) -> None:
        """Lets go of what the role keeps besides its connection."""


class PeriodicRole(Role):
    """Runs the periodic work of flow.py that names this role."""

    def __init__(self, name: str, stop: threading.Event) -> None:
        super().__init__(name, stop)
        self.due: dict[Periodic, float] = {p: 0.0 for p in PERIODIC if p.where == name}
        self.work: dict[Periodic, Callable[[], int]] = {}

    def turn(self) -> bool:
        """Each piece of work at its own pace."""
        for periodic, due in self.due.items():
            if monotonic() >= due and not self.stop.is_set():
                function = self.work.setdefault(periodic, import_string(periodic.path))
                function()
                self.due[periodic] = monotonic() + periodic.every_seconds - 0.05
        return False


class OutboxRole(Role):
    """Sends what is due, each mailbox's mails in a thread of its own: a server that hangs holds up nobody else's mail."""

    def __init__(self, name: str, stop: threading.Event) -> None:
        super().__init__(name, stop)
        self.senders: dict[int, threading.Thread] = {}

    def turn(self) -> bool:
        """One batch for those who are free; more at once while there is any."""
        self.senders = {key: thread for key, thread in self.senders.items() if thread.is_alive()}
        leased = delivery.lease_due(besides=list(self.senders))
        for mailbox_id, mails in delivery.by_mailbox(leased).items():
            sender = threading.Thread(target=self._deliver, args=[mails], name=f"sender-{mailbox_id}", daemon=True)
            self.senders[mailbox_id] = sender
            sender.start()
        if _PORTAL not in self.senders and (letters := portal_mail.claim_due()):
            sender = threading.Thread(target=self._let_in, args=[letters], name="sender-portal", daemon=True)
            self.senders[_PORTAL] = sender
            sender.start()
        return bool(leased)

    def _let_in(self, letters: list[PortalMail]) -> None:
        try:
            with correlated():
                portal_mail.send_all(letters, self.stop.is_set)
        except (DatabaseError, InterfaceError) as problem:
            log.warning("database trouble", extra={"role": self.role, "problem": str(problem).splitlines()[:1]})
        except Exception:
            log.exception("a sender of codes failed; its mails come back when their lease ends")
        finally:
            connection.close()
            self.bell.set()

    def _deliver(self, mails: list[OutgoingMail]) -> None:
        try:
            with correlated():
                delivery.send_all(mails, self.stop.is_set)
        except (DatabaseError, InterfaceError) as problem:
            log.warning("database trouble", extra={"role": self.role, "problem": str(problem).splitlines()[:1]})
        except Exception:
            log.exception("a sender failed; its mails come back when their lease ends")
        finally:
            connection.close()
            self.bell.set()

    def _end_term(self) -> None:
        for sender in self.senders.values():
            sender.join(timeout=60)
        self.senders = {}


class MailboxesRole(Role):
    """Keeps one watcher thread for each active mailbox, and takes on what crashes left pending."""

    def __init__(self, name: str, stop: threading.Event) -> None:
        super().__init__(name, stop)
        self.watchers: dict[int, Watcher] = {}
        self.reread_at = 0.0

    def turn(self) -> bool:
        """Starts and stops watchers as mailboxes come and go; looks for mail left behind.

        The bell rings when somebody wants mail now or has changed a mailbox: then all watchers make their pass at once.
        """
        if monotonic() < self.reread_at and not self.rung:
            return False
        if self.rung:
            for watcher in self.watchers.values():
                watcher.nudge()
        self.reread_at = monotonic() + 5
        wanted = set(Mailbox.objects.filter(is_active=True).exclude(imap_host="").values_list("pk", flat=True))
        for key in wanted - set(self.watchers):
            self.watchers[key] = Watcher(key)
            self.watchers[key].start()
        for key in set(self.watchers) - wanted:
            self.watchers.pop(key).end()
        if is_left_behind():
            with closing(Pipeline()) as pipeline:
                pipeline.run_pending(mailbox_id=None)
        return False

    def _end_term(self) -> None:
        for watcher in self.watchers.values():
            watcher.end()
        for watcher in self.watchers.values():
            watcher.join(timeout=10)
        self.watchers = {}


class Turning(Protocol):
    """What does the work of a role for one term."""

    def turn(self) -> bool:
        """As Role.turn."""


class RouteRole(Role):
    """Offers contacts to agents. The floor above does it (flow.ROUTER); each term begins with a fresh copy of the rows."""

    def __init__(self, name: str, stop: threading.Event) -> None:
        super().__init__(name, stop)
        self.router: Turning | None = None

    def turn(self) -> bool:
        """One turn of the router."""
        router = self.router = self.router or cast("Turning", import_string(ROUTER)())
        return router.turn()

    def _end_term(self) -> None:
        self.router = None


class Watcher(threading.Thread):
    """Polls one mailbox at its interval, or waits on IDLE. Its slowness or failure is its own."""

    def __init__(self, mailbox_id: int) -> None:
        super().__init__(name=f"mailbox-{mailbox_id}", daemon=True)
        self.mailbox_id = mailbox_id
        self.over = threading.Event()
        self.nudged = threading.Event()

    def nudge(self) -> None:
        """Ends the pause before the next pass."""
        self.nudged.set()

    def end(self) -> None:
        """Asks the thread to finish its pass and go."""
        self.over.set()
        self.nudged.set()

    def run(self) -> None:
        """Until ended: a pass, then the interval (or IDLE, with a pass at least each minute)."""
        poller = Poller(self.mailbox_id)
        try:
            while not self.over.is_set():
                seconds = 5.0
                self.nudged.clear()
                try:
                    with correlated():
                        poller.poll()
                    seconds = self._pause(poller)
                except Mailbox.DoesNotExist:
                    return
                except (DatabaseError, InterfaceError) as problem:
                    log.warning("database trouble", extra={"problem": str(problem).splitlines()[0][:300]})
                except Exception:
                    log.exception("a pass failed", extra={"mailbox": self.mailbox_id})
                finally:
                    connection.close()
                if not self.over.is_set():
                    self.nudged.wait(seconds)
        finally:
            poller.close()
            connection.close()

    def _pause(self, poller: Poller) -> float:
        """Seconds until the next pass; with IDLE the wait happens here, and mail that arrives ends it."""
        mailbox = Mailbox.objects.get(pk=self.mailbox_id)
        connection.close()  # nothing is held while waiting
        if mailbox.failure_count:
            return float(min(mailbox.poll_seconds * 2 ** (mailbox.failure_count - 1), 900))
        if mailbox.watch == Mailbox.Watch.IDLE and poller.connection is not None and poller.connection.can_idle():
            poller.wait(60.0, lambda: self.over.is_set() or self.nudged.is_set())
            return 0.0
        return float(mailbox.poll_seconds)


class Bell(threading.Thread):
    """Listens for NOTIFY on a connection of its own and wakes the role named."""

    def __init__(self, roles: Sequence[Role], stop: threading.Event) -> None:
        super().__init__(name="dispatcher-bell", daemon=True)
        self.roles = {role.role: role for role in roles}
        self.stop = stop

    def run(self) -> None:
        """Reconnects for ever; while it is deaf the roles sweep."""
        while not self.stop.is_set():
            try:
                connection.ensure_connection()
                raw = connection.connection
                raw.autocommit = True
                raw.execute("LISTEN helpdesk_dispatcher")
                while not self.stop.is_set():
                    for notice in raw.notifies(timeout=1.0):
                        if notice.payload in self.roles:
                            self.roles[notice.payload].bell.set()
                        if self.stop.is_set():
                            break
            except (DatabaseError, InterfaceError, psycopg.Error):
                self.stop.wait(1.0)
            finally:
                connection.close()


_KINDS: dict[str, type[Role]] = {
    "route": RouteRole,
    "clocks": PeriodicRole,
    "feed": PeriodicRole,
    "outbox": OutboxRole,
    "mailboxes": MailboxesRole,
}


def serve(only: Sequence[str], stop: threading.Event) -> None:
    """Runs the roles (all when `only` is empty) until `stop`; then waits for each to finish what it is at, at most 30 s."""
    roles = [_KINDS[name](name, stop) for name in (only or ROLES)]
    bell = Bell(roles, stop)
    for thread in [*roles, bell]:
        thread.start()
    while not stop.is_set():
        # Not stop.wait(): a signal that the system hands to another thread would not wake it, and the handler that sets
        # `stop` could find this very thread holding its lock.
        sleep(_STOP_LOOK_SECONDS)
    for role in roles:
        role.bell.set()
    for role in roles:
        role.join(timeout=30)
