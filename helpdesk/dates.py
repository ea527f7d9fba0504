"""Dates in words, in the reader's calendar: who reads Persian reads the solar Hijri calendar, everybody else the Gregorian.

Pages format dates here and nowhere else. Digits stay those of the rest of the page: a ticket's number has to be typed as it
is shown. What is written by machines (ISO, mail headers, the API) is Gregorian and never comes here.
"""

from __future__ import annotations

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import get_language

#: The years of the solar Hijri calendar for which the leap years of a 33-year cycle hold without a break.
FIRST_YEAR, LAST_YEAR = 1210, 1633
_LEAP_PLACES = frozenset({1, 5, 9, 13, 17, 22, 26, 30})
_CYCLE_YEARS, _CYCLE_DAYS = 33, 33 * 365 + 8
#: 1 Farvardin of a year that begins a cycle (1386 = 42 x 33).
_BEGIN_YEAR, _BEGIN = 1386, date(2007, 3, 21).toordinal()
_MONTHS = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)


def solar_hijri(day: date) -> tuple[int, int, int]:
    """Year, month and day of the solar Hijri calendar. Raises ValueError outside of FIRST_YEAR to LAST_YEAR.

    The leap years are those of the 33-year cycle, which are the official ones in these years; months have 31 days six
    times, then 30, and the last 29 or 30.
    """
    cycles, rest = divmod(day.toordinal() - _BEGIN, _CYCLE_DAYS)
    year = _BEGIN_YEAR + cycles * _CYCLE_YEARS
    while rest >= (length := 366 if is_leap(year) else 365):
        rest -= length
        year += 1
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{day} is outside of the years that are known")
    if rest < 186:
        return year, rest // 31 + 1, rest % 31 + 1
    return year, (rest - 186) // 30 + 7, (rest - 186) % 30 + 1


def is_leap(year: int) -> bool:
    """Whether a year of the solar Hijri calendar has 366 days."""
    return year % _CYCLE_YEARS in _LEAP_PLACES


def date_in_words(at: date, form: str) -> str:
    """As Django's `date_format`, in the calendar of the language that is active."""
    if not reads_solar_hijri():
        return date_format(at, form)
    try:
        year, month, day = solar_hijri(at)
    except ValueError:
        return date_format(at, form)
    said = {
        "Y": str(year),
        "y": f"{year % 100:02}",
        "n": str(month),
        "m": f"{month:02}",
        "j": str(day),
        "d": f"{day:02}",
        "F": _MONTHS[month - 1],
        "M": _MONTHS[month - 1],
    }
    return date_format(at, _with_values(form, said))


def month_key(at: date) -> str:
    """The month a date belongs to, as a key that orders."""
    if reads_solar_hijri():
        year, month, _day = solar_hijri(at)
        return f"{year}-{month:02}"
    return f"{at:%Y-%m}"


def reads_solar_hijri() -> bool:
    """Whether the active language is one whose readers use the solar Hijri calendar."""
    return (get_language() or "").partition("-")[0] == "fa"


def _with_values(form: str, said: dict[str, str]) -> str:
    """The format with letters of the date replaced by what they stand for, each letter of it escaped."""
    parts: list[str] = []
    letters = iter(form)
    for letter in letters:
        if letter == "\\":
            parts.append(letter + next(letters, ""))
        elif letter in said:
            parts.extend(f"\\{char}" for char in said[letter])
        else:
            parts.append(letter)
    return "".join(parts)
