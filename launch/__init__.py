"""Everything that starts, stops and checks the house from outside: `make run`, `make test`, `make check`, `make bench`.

Called by the Makefile through `python3 -m launch <verb>` and, for the embedded database, by tests and benches.
Nothing in the product imports it; it imports nothing of the product (only `launch.prepare`, a child process, sets
Django up).
"""


class LaunchError(Exception):
    """Something outside the program is not as it must be. Its message tells people what, and what to do."""
