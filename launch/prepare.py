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
    call_command("migrate", interactive=False, verbosity=1)
    if (
        "--no-demo" not in arguments
        and SEED_COMMAND in get_commands()
        and ("--refresh-demo" in arguments or _is_empty())
    ):
        sys.stdout.write("Writing the demo's week\n")
        sys.stdout.flush()
        call_command(SEED_COMMAND)
    return 0


def _is_empty() -> bool:
    """Whether nobody can sign in yet: demo data goes into no database that somebody uses."""
    from django.contrib.auth import get_user_model

    return not get_user_model()._default_manager.exists()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
