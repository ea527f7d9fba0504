"""Rules of the house about secrets, read off the syntax tree: constant-time comparison, no pickles, ids in jobs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from helpdesk import jobs

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path
    for package in ("helpdesk", "routing", "chat", "surveys", "escalation")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
)
_SECRET_NAME = re.compile(r"(?:^|_)(?:token|sig|signature|hmac|mac|digest|secret|password|otp)s?$", re.IGNORECASE)
#: Comparisons that let nobody in, counted.
_ALLOWED: dict[str, int] = {
    "helpdesk/actions/feed.py": 1,  # the audit book's chain, checked by who can read it all
    "helpdesk/api/idempotency.py": 1,  # whether a repeated request is the same one; its digest is no secret
}
_PICKLING = {"pickle", "cPickle", "dill", "shelve", "marshal", "jsonpickle"}


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return node.id if isinstance(node, ast.Name) else ""


def hasty_comparisons(source: str) -> list[int]:
    """Lines where something named like a secret meets `==` or `!=`, whose time tells how much of it was right."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) and not isinstance(side.value, bytes) for side in sides):
                continue  # against a word of the source: nothing secret
            if any(_name_of(side).isupper() for side in sides):
                continue  # against a constant of the source
            if any(_SECRET_NAME.search(_name_of(side)) for side in sides):
                found.append(node.lineno)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_secrets_are_compared_in_constant_time(path: Path) -> None:
    lines = hasty_comparisons(path.read_text(encoding="utf-8"))

    allowed = _ALLOWED.get(str(path.relative_to(ROOT)), 0)
    assert len(lines) <= allowed, f"lines {lines}: use hmac.compare_digest or django.utils.crypto.constant_time_compare"


@pytest.mark.parametrize(
    "source", ["a.token == b", "x != row.digest", "sig == hmac_of(x)", "form['secret'] == b", "signature() == b"]
)
def test_a_hasty_comparison_is_seen(source: str) -> None:
    assert hasty_comparisons(source) == [1]


@pytest.mark.parametrize("source", ["token == ''", "kind == other", "compare_digest(token, b)", "tokens_left > token"])
def test_other_comparisons_are_left_alone(source: str) -> None:
    assert hasty_comparisons(source) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_or_loaded_as_code(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [name for name in names if name.split(".")[0] in _PICKLING]
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"yaml.load", "eval", "exec"}:
            found.append(ast.unparse(node.func))
    assert found == []


@pytest.mark.parametrize(
    "argument", [{"a": 1}, [1], pytest.param(object(), id="an object"), None, 1.5, b"x", True], ids=repr
)
def test_a_job_takes_ids_and_words_only(argument: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "async_task", lambda *arguments, **named: None)

    with pytest.raises(TypeError, match="ids and short words"):
        jobs.enqueue("helpdesk.tasks.tell_owner", argument)  # type: ignore[arg-type]
    jobs.enqueue("helpdesk.tasks.tell_owner", 1, "word")
