"""What our own receiving mail server says of a sender (RFC 8601). Called by mail intake. Pure.

Anybody may write an Authentication-Results header; only those are believed that carry the name of a server of ours, and
of these only the topmost: the server puts its own above everything that came with the mail. A header of ours that
cannot be read says nothing, it never hands the word to one below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from authres import AuthenticationResultsHeader, AuthResError

MAX_HEADER_CHARACTERS = 4_000


class Verdict(StrEnum):
    """PASS: the From domain is proven. FAIL: it is disproven. NONE: nobody of ours said enough."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Authentication:
    """The verdict and the sentence that says why, for the timeline."""

    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Result:
    """One method's result; `domains` are those it speaks of."""

    method: str
    result: str
    domains: tuple[str, ...]


_FOLD = re.compile(r"[\r\n]+[ \t]*")
_IDENTIFIER = re.compile(r'\s*(?:"([^"]{1,255})"|([^\s;"]{1,255}))(?:\s+\d{1,4})?\s*(?:;|$)')
_PROPERTY = re.compile(r'(?:^|\s)([a-z0-9-]{1,30}\.[a-z0-9_-]{1,30})\s*=\s*("[^"]*"|[^\s;"]+)', re.IGNORECASE)
_RESULT = re.compile(r"\s*([a-z0-9-]{1,30})\s*(?:/\s*\d{1,4}\s*)?=\s*([a-z0-9-]{1,30})(?=[\s;]|$)", re.IGNORECASE)
_ABOUT = {
    "dmarc": ("header.from",),
    "dkim": ("header.d", "header.i"),
    "spf": ("smtp.mailfrom", "smtp.mail", "smtp.envelope-from"),
}


def evaluate(headers: Sequence[str], *, trusted_ids: frozenset[str], sender_domain: str) -> Authentication:
    """Whether the domain of From, `sender_domain`, is proven by the results of our own server.

    `headers`: values of Authentication-Results, topmost first, folded or not. `trusted_ids`: names (authserv-id) of our
    receiving servers; without any nothing is believed. DMARC decides where it passed or failed; else an aligned DKIM or
    SPF pass proves, and the failure of both aligned checks disproves (RFC 7489, 3.1: relaxed alignment). Never raises.
    """
    trusted = {name.strip().lower() for name in trusted_ids}
    domain = _domain(sender_domain)
    if not trusted:
        return Authentication(Verdict.NONE, "No receiving server is configured whose checks are believed.")
    if not domain:
        return Authentication(Verdict.NONE, "The mail names no sender domain.")
    for header in headers:
        plain = _without_comments(_FOLD.sub(" ", header))
        identifier = _identifier(plain)
        if identifier not in trusted:
            continue
        results = _read(plain, identifier)
        if results is None:
            return Authentication(Verdict.NONE, f"The results of {identifier} cannot be read.")
        return _judge(results, domain, identifier)
    return Authentication(Verdict.NONE, "No receiving server of ours said anything of the sender.")


def _judge(results: Sequence[_Result], domain: str, identifier: str) -> Authentication:
    dmarc = {one.result for one in results if one.method == "dmarc" and (not one.domains or domain in one.domains)}
    if "fail" in dmarc:  # of two contradicting results the worse one counts
        return Authentication(Verdict.FAIL, f"dmarc=fail for {domain}, says {identifier}.")
    if "pass" in dmarc:
        return Authentication(Verdict.PASS, f"dmarc=pass for {domain}, says {identifier}.")
    aligned = [
        one
        for one in results
        if one.method in ("dkim", "spf") and any(_is_aligned(name, domain) for name in one.domains)
    ]
    passed = sorted({one.method for one in aligned if one.result == "pass"})
    if passed:
        said = " and ".join(f"{method}=pass" for method in passed)
        return Authentication(Verdict.PASS, f"{said} aligned with {domain}, says {identifier}.")
    failed = {one.method for one in aligned if one.result in ("fail", "softfail", "hardfail")}
    if failed == {"dkim", "spf"}:
        return Authentication(Verdict.FAIL, f"dkim and spf failed for {domain}, says {identifier}.")
    return Authentication(Verdict.NONE, f"{identifier} found no proof for or against {domain}.")


# Reading the header.


def _identifier(plain: str | None) -> str:
    found = _IDENTIFIER.match(plain) if plain else None
    return (found[1] or found[2]).lower() if found else ""


def _read(plain: str | None, identifier: str) -> list[_Result] | None:
    """The results in a header without comments; None where its syntax is broken.

    Some servers add bare words that RFC 8601 does not know (`action=none`); only method, result and the properties with
    a dot are handed to the parser.
    """
    if plain is None or len(plain) > MAX_HEADER_CHARACTERS:
        return None
    sections = _sections(plain)
    if sections is None or len(sections) < 2:
        return None
    kept = [identifier]
    for section in sections[1:]:
        if not section.strip():
            continue
        if section.strip().lower() == "none":
            return []
        method = _RESULT.match(section)
        if method is None:
            return None
        properties = " ".join(f"{name}={value}" for name, value in _PROPERTY.findall(section[method.end() :]))
        kept.append(f"{method[1]}={method[2]} {properties}".strip())
    try:
        parsed = AuthenticationResultsHeader.parse("Authentication-Results: " + "; ".join(kept))
    except (AuthResError, RecursionError, ValueError, TypeError, AttributeError):
        return None
    return [_result(one) for one in parsed.results]


def _result(parsed: object) -> _Result:
    method = str(getattr(parsed, "method", "")).lower()
    wanted = _ABOUT.get(method, ())
    domains = []
    for one in getattr(parsed, "properties", ()):
        if f"{one.type}.{one.name}".lower() in wanted:
            domains.append(_domain(str(one.value).rpartition("@")[2]))
    return _Result(method, str(getattr(parsed, "result", "")).lower(), tuple(name for name in domains if name))


def _without_comments(value: str) -> str | None:
    """`value` without its comments (RFC 5322, 3.2.2: nested, escapes); None when one or a quoted string never ends."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in value[: MAX_HEADER_CHARACTERS + 1]:
        if escaped:
            escaped = False
        elif character == "\\" and (depth or quoted):
            escaped = True
        elif quoted:
            quoted = character != '"'
        elif character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
            kept.append(" ")
            continue
        elif character == '"' and not depth:
            quoted = True
        if not depth:
            kept.append(character)
    return None if depth or quoted else "".join(kept)


def _sections(plain: str) -> list[str] | None:
    """`plain` cut at semicolons outside quoted strings."""
    sections: list[str] = [""]
    quoted = escaped = False
    for character in plain:
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            sections.append("")
            continue
        sections[-1] += character
    return None if quoted else sections


# Domains.


def _domain(name: str) -> str:
    """`name` in lower case as it travels on the wire (IDNA), or an empty string."""
    name = name.strip().strip('"<>').rstrip(".").lower()
    try:
        return name.encode("idna").decode("ascii")
    except (UnicodeError, ValueError):
        return name if name.isascii() else ""


def _is_aligned(checked: str, domain: str) -> bool:
    """Relaxed alignment without a public suffix list: equal, or one above the other below a registrable name."""
    if checked == domain:
        return True
    short, long = sorted((checked, domain), key=len)
    return long.endswith("." + short) and _is_registrable(short.split("."))


def _is_registrable(labels: Iterable[str]) -> bool:
    """Whether a domain of these labels belongs to one owner: `shop.example` does, `example` and `co.uk` do not."""
    parts = list(labels)
    if len(parts) == 2 and len(parts[1]) == 2:
        return len(parts[0]) > 3
    return len(parts) >= 2
