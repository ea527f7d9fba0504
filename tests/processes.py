"""Child processes of tests: `manage.py` on the test database, with faults and settings of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

CHECKOUT = Path(__file__).resolve().parents[1]


def database_url() -> str:
    """The URL of the database this test uses; children see only what is committed there."""
    given = connection.settings_dict
    host = str(given["HOST"])
    login = quote(str(given["USER"] or ""), safe="") + (
        f":{quote(str(given['PASSWORD']), safe='')}" if given["PASSWORD"] else ""
    )
    place = f"{quote(host, safe='')}:{given['PORT']}" if given["PORT"] else quote(host, safe="")
    return f"postgresql://{login}@{place}/{quote(str(given['NAME']), safe='')}"


def environment(**more: str) -> dict[str, str]:
    """The environment of a child: the test's database, files and key."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "HELPDESK_ENV": "test",
        "HELPDESK_DATA_DIR": str(Path(settings.BLOB_DIR).parent),
        "HELPDESK_MAIL_TIMEOUT_SECONDS": "5",
        "HELPDESK_LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
        **more,
    }


def start(*arguments: str, **settings_: str) -> subprocess.Popen[str]:
    """`manage.py` with these arguments, going on by itself; settings by their variable names."""
    return subprocess.Popen(
        [sys.executable, str(CHECKOUT / "manage.py"), *arguments],
        cwd=CHECKOUT,
        env=environment(**settings_),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def manage(*arguments: str, **settings_: str) -> subprocess.CompletedProcess[str]:
    """`manage.py` to its end."""
    process = start(*arguments, **settings_)
    out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(list(arguments), process.returncode, out, err)


@contextmanager
def running(*arguments: str, **settings_: str) -> Iterator[subprocess.Popen[str]]:
    """As `start`, and whatever happens the process is over at the end of the block."""
    process = start(*arguments, **settings_)
    try:
        yield process
    except subprocess.TimeoutExpired as late:
        process.send_signal(signal.SIGABRT)  # its faulthandler says where each thread stands
        late.add_note(process.communicate()[1][-8000:])
        raise
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
