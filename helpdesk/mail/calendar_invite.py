"""A readable line for mails whose only content is a calendar invitation. Called by bodies.py.

The file itself stays an attachment; this is only what a person should see without opening it. No label words, so
that it reads the same in every language. Source: RFC 5545.
"""

from __future__ import annotations

import re

_FOLD = re.compile(r"\r?\n[ \t]")
_PROPERTY = re.compile(
    r"^(SUMMARY|DTSTART|DTEND|LOCATION|DESCRIPTION|ORGANIZER)((?:;[^:\r\n]{0,300})?):(.*)$", re.M | re.I
)
_ESCAPED = re.compile(r"\\([nN,;\\])")
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(?:\d\d)?(Z)?)?")
_ZONE = re.compile(r"TZID=\"?([^;:\"]+)", re.I)


def _time(value: str, parameters: str) -> str:
    """`20260102T100000Z` as `2026-01-02 10:00 UTC`; whatever else as it stands."""
    match = _TIME.fullmatch(value.strip())
    if match is None:
        return value.strip()
    text = f"{match[1]}-{match[2]}-{match[3]}"
    if match[4]:
        text += f" {match[4]}:{match[5]}"
        zone = _ZONE.search(parameters)
        text += " UTC" if match[6] else f" {zone[1]}" if zone else ""
    return text


def invitation_text(calendar: str) -> str:
    """Summary, times, place, organiser and description of the first event, one a line; "" when there is none."""
    start = calendar.upper().find("BEGIN:VEVENT")
    if start < 0:
        return ""
    found: dict[str, str] = {}
    for name, parameters, value in _PROPERTY.findall(_FOLD.sub("", calendar[start : start + 100_000])):
        name = name.upper()
        if name in ("DTSTART", "DTEND"):
            text = _time(value, parameters)
        else:
            text = _ESCAPED.sub(lambda m: "\n" if m[1] in "nN" else m[1], value).strip()
        found.setdefault(name, text)
    times = " – ".join(found[name] for name in ("DTSTART", "DTEND") if found.get(name))
    organiser = re.sub(r"(?i)^mailto:", "", found.get("ORGANIZER", ""))
    lines = [found.get("SUMMARY", ""), times, found.get("LOCATION", ""), organiser, found.get("DESCRIPTION", "")]
    return "\n".join(line for line in lines if line)
