"""What the product imports is in the runtime lock, so that `make run` works without the tools of development."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PRODUCT = ("helpdesk", "routing", "chat", "surveys", "escalation", "demo", "launch")
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", re.MULTILINE)


def normal(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_import_of_the_product_is_locked_for_run_time() -> None:
    locked = {normal(name) for name in PINNED.findall((CHECKOUT / "requirements.txt").read_text(encoding="utf-8"))}
    providers = packages_distributions()
    missing = {
        (file.relative_to(CHECKOUT).as_posix(), module)
        for folder in PRODUCT
        for file in (CHECKOUT / folder).rglob("*.py")
        for module in imported(file)
        if module not in {*PRODUCT, *sys.stdlib_module_names}
        and not locked & {normal(name) for name in providers.get(module, [module])}
    }
    # The picture maker drives a browser and is no part of the product.
    assert {pair for pair in missing if pair[0] not in {"demo/screenshots.py", "demo/browsing.py"}} == set()


def imported(file: Path) -> set[str]:
    """The top-level names of all absolute imports in a file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            found.add(node.module.partition(".")[0])
    return found


def test_locks_name_no_index_and_hash_everything() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (CHECKOUT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index-url" not in text
        assert "--find-links" not in text
        blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
        assert [
            block.split()[0] for block in blocks if "==" in block.split("\n")[0] and "--hash=sha256:" not in block
        ] == []
