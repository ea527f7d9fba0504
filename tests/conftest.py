"""Fixtures of the whole suite: the `needs` marker, small worlds of people and queues, signed-in clients."""

from __future__ import annotations

import gc
import os
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, TransactionTestCase

from helpdesk import now as clock
from helpdesk.models import Actor
from tests import factories
from tests.clean_tables import empty_filled_tables
from tests.factories import World

_TOOLS = {
    "dovecot": ("dovecot", "/usr/sbin/dovecot"),
    "redis": ("redis-server",),
    "chromium": ("chromium-headless-shell", "chromium", "/usr/bin/chromium"),
    "gettext": ("msgfmt",),
}
_REQUIRE_ALL = os.environ.get("HELPDESK_TEST_REQUIRE_ALL") == "1"


def missing_tool(name: str) -> bool:
    """Whether a program that some tests need is absent."""
    return not any(shutil.which(candidate) for candidate in _TOOLS[name])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips tests whose tool is absent, naming it; where all must be there, such a test fails instead."""
    for item in items:
        for mark in item.iter_markers("needs"):
            for name in mark.args:
                if missing_tool(name):
                    reason = f"{name} is not installed"
                    item.add_marker(
                        pytest.mark.usefixtures("fail_for_missing_tool") if _REQUIRE_ALL else pytest.mark.skip(reason)
                    )


def pytest_collection_finish() -> None:
    """What was imported stays to the end: the collector need not walk it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def fail_for_missing_tool() -> None:
    """Used where every tool was promised (HELPDESK_TEST_REQUIRE_ALL=1)."""
    pytest.fail("a program this test needs is not installed, and HELPDESK_TEST_REQUIRE_ALL=1 forbids skipping")


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    """After a test that committed only filled tables are emptied; Django's own way costs more than most tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: empty_filled_tables())
        yield


@pytest.fixture(autouse=True)
def _clock_was_just_read() -> None:
    """The minute's reading of the database's clock falls between tests: tests count statements."""
    if clock._anchor is not None:
        at = time.monotonic()
        clock._anchor = (clock._anchor[0] + timedelta(seconds=at - clock._anchor[1]), at)


def _keeps_files(request: pytest.FixtureRequest) -> bool:
    asked = {"db", "transactional_db", "blob_dir"}.intersection(request.fixturenames)
    return bool(asked) or request.node.get_closest_marker("django_db") is not None


@pytest.fixture
def blob_dir(tmp_path: Path) -> Path:
    """Where files of tickets go."""
    return tmp_path / "blobs"


@pytest.fixture(autouse=True)
def _own_blobs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test with a database keeps its files in a folder of its own; thousands have none and need no folder."""
    if not _keeps_files(request):
        yield
        return
    from django.core.files.storage import default_storage

    blob_dir: Path = request.getfixturevalue("blob_dir")
    request.getfixturevalue("settings").BLOB_DIR = blob_dir
    default_storage.exists("")  # builds what the lazy object stands for; its cached places are forgotten below
    storage: Any = vars(default_storage)["_wrapped"]
    storage._location = str(blob_dir)

    def forget() -> None:
        for name in ("base_location", "location"):
            storage.__dict__.pop(name, None)

    forget()
    yield
    forget()


@pytest.fixture
def world(db: None) -> World:
    """Two teams with a queue each, a person of every role, and a ticket in each queue."""
    return factories.make_world()


@pytest.fixture
def agent(world: World) -> Actor:
    """The agent of team A."""
    return Actor.of(world.agent)


@pytest.fixture
def agent_client(world: World) -> Client:
    """A browser in which the agent of team A is signed in."""
    client = Client()
    client.force_login(world.agent)
    return client


@pytest.fixture
def manager_client(world: World) -> Client:
    """A browser in which a manager is signed in."""
    client = Client()
    client.force_login(world.manager)
    return client
