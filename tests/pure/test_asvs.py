"""docs/asvs.csv names tests that exist: a requirement said to be met by a test that is gone would be a lie."""

from __future__ import annotations

import ast
import csv
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
with (ROOT / "docs" / "asvs.csv").open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))


@cache
def _tests_of(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(node.name for node in functions if node.name.startswith("test_"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["req_id"])
def test_a_requirement_names_living_tests_or_says_why_not(row: dict[str, str]) -> None:
    named = row["tests"].split()
    gone = [name for name in named if not _tests_of(name.partition("::")[0])]
    gone += [
        name for name in named if "::" in name and name.partition("::")[2] not in _tests_of(name.partition("::")[0])
    ]

    assert gone == []
    assert row["status"] in {"met", "partly", "open", "n/a"}
    assert bool(named) is (row["status"] in {"met", "partly"})
    assert row["note"] or row["status"] == "met", "say what is missing"
    assert row["level"] in {"1", "2", "3"}


def test_each_requirement_stands_there_once() -> None:
    ids = [row["req_id"] for row in ROWS]

    assert len(ids) == len(set(ids))
    assert ids == sorted(ids, key=lambda identifier: tuple(map(int, identifier.split("."))))
