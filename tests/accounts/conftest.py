"""The front door: a clean count of attempts, typing at the door, and running the jobs it left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django_q.models import OrmQ

from helpdesk import jobs
from helpdesk.models import User
from tests.factories import PASSWORD, make_user

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _no_attempts_yet() -> Iterator[None]:
    """Attempts are counted in the cache of this process, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def user(db: None) -> User:
    """An agent with a password."""
    return make_user(email="sara@halden.example", name="Sara Agent")


@pytest.fixture
def door() -> Client:
    """A browser nobody is signed in with."""
    return Client()


def type_at(door: Client, email: str = "sara@halden.example", password: str = PASSWORD, **extra: str) -> HttpResponse:
    """Sends the login form."""
    return door.post(LOGIN, {"login": email, "password": password, **extra})  # type: ignore[return-value]


@pytest.fixture
def run_jobs(db: None) -> Callable[[], list[str]]:
    """Runs every job that waits, as the worker would; returns their paths."""

    def run() -> list[str]:
        paths: list[str] = []
        for row in OrmQ.objects.order_by("pk"):
            task = row.task
            paths.append(task["args"][0])
            getattr(jobs, task["func"].rpartition(".")[2])(*task["args"])
            row.delete()
        return paths

    return run
