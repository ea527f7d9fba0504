"""A child process of `make run` that brings the database up to date: migrations, then the demo's week into an empty
one.

One process for both, because setting Django up costs more than either when there is nothing to do. Its output is the
log; exit 0 means ready. `--refresh-demo` has seed_demo look again (it is idempotent), for mail servers on other ports.
"""

from __future__ import annotations

import gc
import os
import sys

SEED_COMMAND = "seed_demo"


def main(arguments: list[str]) -> int:
    """Migrates and seeds the database of DATABASE_URL."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")
    gc.disable()  # a sixth faster: migrations make and drop tens of thousands of states
    import django
    from django.core.management import call_command, get_commands

    django.setup()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO off")  # hundreds of commits; a crash has it all done again
    call_command("migrate", interactive=False, verbosity=1)
    wanted = SEED_COMMAND in get_commands() and "--no-demo" not in arguments
    if wanted and (_nobody_is_there() or ("--refresh-demo" in arguments and _the_demo_is_there())):
        sys.stdout.write("Writing the demo's week\n")
        sys.stdout.flush()
        call_command(SEED_COMMAND)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")
        cursor.execute(
            "CREATE TEMPORARY TABLE flushed ON COMMIT DROP AS SELECT 1"
        )  # its commit waits for all before it
    return 0


def _nobody_is_there() -> bool:
    """Whether nobody can sign in yet: demo data goes into no database that somebody uses."""
    from django.contrib.auth import get_user_model

    return not get_user_model()._default_manager.exists()


def _the_demo_is_there() -> bool:
    """Whether the database is a demo's: its first account can sign in."""
    from django.contrib.auth import get_user_model

    from demo.accounts import ACCOUNTS

    return get_user_model()._default_manager.filter(email=ACCOUNTS[0].email).exists()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
