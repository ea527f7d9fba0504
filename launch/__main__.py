"""`python3 -m launch <verb>`: checks the interpreter, then hands over to launch.verbs. Parses under Python 3.6."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  # other Pythons come this far, to be told
    sys.exit(
        f"The helpdesk needs Python 3.11 or newer; this is Python {sys.version_info[0]}.{sys.version_info[1]} "
        f"({sys.executable}). Install a newer one and name it: make run PYTHON=python3.11"
    )

from launch import LaunchError
from launch.verbs import main

if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except LaunchError as problem:
        sys.stderr.write(f"{problem}\n")
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
