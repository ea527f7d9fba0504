"""Jobs: work after the commit, enqueued as a row of the same transaction (django-q2 over its ORM broker).

Arguments are whole numbers and short words only (ids): a job re-reads its state and returns when there is nothing to do.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from django.db import connection
from django_q.tasks import async_task

from helpdesk.logs import correlated, correlation_id


def enqueue(path: str, *arguments: int | str) -> None:
    """Writes the job row for the function at `path`; it vanishes with a rolled-back transaction.

    TypeError for any argument but whole numbers and words: a row is no place for objects, which would be pickled.
    """
    if not all(type(argument) in {int, str} for argument in arguments):
        raise TypeError(f"{path}: a job takes ids and short words, not {arguments!r}")
    async_task("helpdesk.jobs.run", path, list(arguments), correlation_id(), task_name=path.rpartition(".")[2])


def run(path: str, arguments: list[int | str], identifier: str) -> None:
    """Called by the worker: runs the job under the id of the request or mail that caused it."""
    with correlated(identifier):
        resolve(path)(*arguments)


def resolve(path: str) -> Callable[..., object]:
    """The function behind a dotted path. ImportError or AttributeError when it is not there."""
    module, _, name = path.rpartition(".")
    function: Callable[..., object] = getattr(importlib.import_module(module), name)
    return function


def wake_dispatcher(role: str) -> None:
    """Rings the dispatcher's bell at commit; a lost bell costs at most a second, since it sweeps anyway."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify('helpdesk_dispatcher', %s)", [role])
