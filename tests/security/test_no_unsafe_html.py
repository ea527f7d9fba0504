"""House rule: text becomes HTML by escaping, and nowhere is that switched off.

A13 of the attack cases: most stored XSS of helpdesks sat outside the mail body, in a subject, a name, a file name.
Django escapes all of them unless somebody says `mark_safe`; a script writes text unless somebody says `innerHTML`. So
both, and their relatives, are errors everywhere but in ALLOWED, where each place is counted and says why.
"""

from __future__ import annotations

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_OURS = {".venv", ".git", "var", "vendor", "node_modules", "tests", "__pycache__", "staticfiles"}

# (file, what was found) -> how often at most, and why it is right there. A line more is a decision for a reviewer.
ALLOWED: dict[tuple[str, str], tuple[int, str]] = {
    ("helpdesk/templatetags/timeline.py", "mark_safe"): (
        2,
        "one import, one call, on html_from_text, which escapes every piece of the mail's text that it writes",
    ),
    ("helpdesk/views/answers.py", "SafeString"): (1, "around render_to_string, whose template has escaped already"),
    ("helpdesk/views/frames.py", "mark_safe"): (
        2,
        "one import, one call, on html_from_text, which escapes every piece of the mail's text that it writes",
    ),
    ("demo/static/demo.js", "innerHTML"): (
        2,
        "the demo mail page, never part of the product, swaps in fragments that its own server rendered with escaping",
    ),
}

SAFE_MAKERS = {"mark_safe", "html_safe"}
SAFE_TYPES = {"SafeString", "SafeText"}  # fine as the type of what format_html returns, not as a call
CODE_RUNNERS = {"eval", "exec"}
FORMATTERS = {"format_html": 0, "format_html_join": 1}

IN_TEMPLATES = {
    "|safe": re.compile(r"\|\s*safe(?:seq)?\b|\{%\s*filter\s[^%]*\bsafe"),
    "autoescape off": re.compile(r"\{%\s*autoescape\s+off"),
    "event attribute": re.compile(r"""[\s"'/]on[a-z]{3,}\s*=""", re.IGNORECASE),
    "hx-on": re.compile(r"""\bhx-on\b|\bhx-(?:vals|headers)\s*=\s*["']\s*(?:js|javascript):""", re.IGNORECASE),
    "javascript: link": re.compile(r"""=\s*["']?\s*javascript:""", re.IGNORECASE),
    "srcdoc": re.compile(r"\bsrcdoc\s*=", re.IGNORECASE),
}
IN_SCRIPTS = {
    "innerHTML": re.compile(r"\binnerHTML\b"),
    "outerHTML": re.compile(r"\bouterHTML\s*[+]?=(?!=)"),
    "insertAdjacentHTML": re.compile(r"\binsertAdjacentHTML\b"),
    "document.write": re.compile(r"\bdocument\s*\.\s*write(?:ln)?\b"),
    "createContextualFragment": re.compile(r"\bcreateContextualFragment\b"),
    "unsafe HTML setter": re.compile(r"\b(?:setHTMLUnsafe|parseHTMLUnsafe)\b"),
    "srcdoc": re.compile(r"\bsrcdoc\b"),
    "eval": re.compile(r"(?<![\w.])eval\s*\("),
    "new Function": re.compile(r"\bnew\s+Function\b"),
    "timer with text": re.compile(r"""\bset(?:Timeout|Interval)\s*\(\s*["'`]"""),
}
SCRIPT_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}|\{%\s*comment\b.*?endcomment\s*%\}", re.DOTALL)


def unsafe_python(source: str) -> Iterator[str]:
    """The names of what switches escaping off, or runs text as code, in a Python source."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in SAFE_MAKERS:
                yield name
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.name for alias in node.names if alias.name.rpartition(".")[2] in SAFE_MAKERS)
        elif isinstance(node, ast.FunctionDef) and node.name == "__html__":
            yield "__html__"
        elif isinstance(node, ast.Call):
            yield from _unsafe_call(node)


def _unsafe_call(call: ast.Call) -> Iterator[str]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in SAFE_TYPES or (name in CODE_RUNNERS and isinstance(call.func, ast.Name)):
        yield name
    elif name in FORMATTERS:
        pattern = call.args[FORMATTERS[name]] if len(call.args) > FORMATTERS[name] else None
        if not (isinstance(pattern, ast.Constant) and isinstance(pattern.value, str)):
            yield f"{name} of no literal"
    if any(keyword.arg == "is_safe" for keyword in call.keywords):
        yield "is_safe"
    if name in ("Context", "Engine", "RequestContext") and any(
        keyword.arg == "autoescape" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is True)
        for keyword in call.keywords
    ):
        yield "autoescape off"


def unsafe_template(source: str) -> Iterator[str]:
    """The same in a Django template: filters, tags, and attributes that would run text as code."""
    bare = TEMPLATE_COMMENT.sub("", source)
    yield from (name for name, pattern in IN_TEMPLATES.items() for _ in pattern.findall(bare))


def unsafe_script(source: str) -> Iterator[str]:
    """The same in a script of ours."""
    bare = SCRIPT_COMMENT.sub("", source)
    yield from (name for name, pattern in IN_SCRIPTS.items() for _ in pattern.findall(bare))


READERS = {
    ".py": unsafe_python,
    ".html": unsafe_template,
    ".txt": unsafe_template,
    ".svg": unsafe_template,
    ".js": unsafe_script,
    ".mjs": unsafe_script,
}


def files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.startswith(".")]
        yield from (Path(folder, name) for name in names if Path(name).suffix in READERS)


def test_escaping_is_switched_off_nowhere_but_where_it_is_allowed() -> None:
    found: Counter[tuple[str, str]] = Counter()
    for path in files():
        for what in READERS[path.suffix](path.read_text(encoding="utf-8")):
            found[path.relative_to(ROOT).as_posix(), what] += 1

    allowed = Counter({place: count for place, (count, _) in ALLOWED.items()})
    assert not found - allowed, (
        "Let the template escape it, or use format_html with a literal pattern; in a script use textContent, or a "
        "<template> and cloneNode."
    )


def test_the_rule_reads_our_code_and_not_other_peoples() -> None:
    read = {path.relative_to(ROOT).as_posix() for path in files()}

    assert {"helpdesk/settings.py", "templates/base.html", "demo/static/demo.js"} <= read
    assert not any(path.startswith((".venv/", "var/", "tests/")) or "/vendor/" in path for path in read)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from django.utils.safestring import mark_safe\nx = mark_safe(y)", ["mark_safe", "mark_safe"]),
        ("import django.utils.safestring as s\ns.SafeString(y)", ["SafeString"]),
        ("format_html(f'<b>{x}</b>')", ["format_html of no literal"]),
        ("format_html('<b>%s</b>' % x)", ["format_html of no literal"]),
        ("format_html('<b>' + x)", ["format_html of no literal"]),
        ("html.format_html(pattern, x)", ["format_html of no literal"]),
        ("format_html_join('', pattern, rows)", ["format_html_join of no literal"]),
        ("register.filter('x', f, is_safe=True)", ["is_safe"]),
        ("Context(data, autoescape=False)", ["autoescape off"]),
        ("class A:\n    def __html__(self): ...", ["__html__"]),
        ("eval(x)", ["eval"]),
        ("format_html('<b>{}</b>', x)", []),
        ("format_html_join(', ', '<b>{}</b>', rows)", []),
        ("from django.utils.safestring import SafeString\ndef f() -> SafeString: ...", []),
        ("# mark_safe\nx = 'mark_safe'\nmodel.eval()", []),
    ],
)
def test_the_rule_knows_what_is_unsafe_in_python(source: str, found: list[str]) -> None:
    assert sorted(unsafe_python(source)) == sorted(found)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{{ ticket.subject|safe }}", ["|safe"]),
        ("{{ names | safeseq|join:', ' }}", ["|safe"]),
        ("{% filter safe %}x{% endfilter %}", ["|safe"]),
        ("{% autoescape off %}x{% endautoescape %}", ["autoescape off"]),
        ('<a onclick="x()">', ["event attribute"]),
        ('<a href="javascript:x()">', ["javascript: link"]),
        ('<div hx-on:click="x()">', ["hx-on"]),
        ("<div hx-vals='js:{x: 1}'>", ["hx-on"]),
        ("<iframe srcdoc='{{ html }}'>", ["srcdoc"]),
        ("{{ ticket.subject|unsafe_name|safer }} {# |safe #} data-on='1' <p class=on>", []),
    ],
)
def test_the_rule_knows_what_is_unsafe_in_a_template(source: str, found: list[str]) -> None:
    assert list(unsafe_template(source)) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("row.innerHTML = text", ["innerHTML"]),
        ("row.outerHTML += text", ["outerHTML"]),
        ("row.insertAdjacentHTML('beforeend', text)", ["insertAdjacentHTML"]),
        ("document . writeln(text)", ["document.write"]),
        ("range.createContextualFragment(text)", ["createContextualFragment"]),
        ("eval (text)", ["eval"]),
        ("new Function(text)", ["new Function"]),
        ("setTimeout('go()', 1)", ["timer with text"]),
        ("frame.srcdoc = text", ["srcdoc"]),
        (
            "// innerHTML\n/* eval(x) */\nrow.textContent = text; medieval(x); setTimeout(go, 1); x === row.outerHTML",
            [],
        ),
    ],
)
def test_the_rule_knows_what_is_unsafe_in_a_script(source: str, found: list[str]) -> None:
    assert list(unsafe_script(source)) == found
