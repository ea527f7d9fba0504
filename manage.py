#!/usr/bin/env python
"""Django's command line, with bad settings told as one sentence."""

import os
import sys


def main() -> int:
    """Runs the command of sys.argv; returns 2 when a setting cannot be used."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "helpdesk.settings")
    from django.core.management import execute_from_command_line

    from helpdesk.env import BadSetting

    try:
        execute_from_command_line(sys.argv)
    except BadSetting as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
