"""docs/operations.md names every variable that the house reads, and none that nothing reads."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "operations.md"
NAME = re.compile(r"\b(?:HELPDESK_[A-Z_]+|DATABASE_URL|REDIS_URL)\b")


def documented() -> set[str]:
    """The names in the first column of the table under "Environment"."""
    table = PAGE.read_text(encoding="utf-8").partition("## Environment")[2].partition("\n## ")[0]
    return {name for line in table.splitlines() if line.startswith("| `") for name in NAME.findall(line.split("|")[1])}


def test_every_setting_of_the_settings_module_is_documented() -> None:
    read = set(NAME.findall((CHECKOUT / "helpdesk" / "settings.py").read_text(encoding="utf-8")))
    assert read - documented() == set()


def test_every_documented_variable_is_read_somewhere() -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for folder in ("helpdesk", "launch", "demo", "tests")
        for file in (CHECKOUT / folder).rglob("*.py")
        if file != Path(__file__).resolve()
    )
    assert {name for name in documented() if name not in code} == set()
