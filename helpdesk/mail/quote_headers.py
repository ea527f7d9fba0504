"""Which lines do mail programs write themselves? Header labels, separators and attributions, in the languages of
`quote_words`.

Called by `quote_lines` (to find where history begins) and `forwards` (to read who wrote a forwarded mail). Every
function looks at one line or at a few joined ones of bounded length, so that the cost over a whole mail stays linear.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from helpdesk.mail import quote_words

MAX_LINE = 600
"""Longer lines are prose, never a header or an attribution."""

_INVISIBLE = dict.fromkeys(
    [
        0x00AD,
        0x061C,
        0x180E,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2065),
        *range(0x2066, 0x206A),
        0xFEFF,
    ]
)
_SPACE_LIKE = dict.fromkeys([0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_LOOK = str.maketrans(
    {**_INVISIBLE, **_SPACE_LIKE, 0xFF1A: ":", 0xFE55: ":", 0x2236: ":", 0xFF1E: ">", 0x2019: "'", 0x2018: "'"}
)
# Searching costs a tenth of translating, and most lines have none of these.
_ODD = re.compile("[" + "".join(map(chr, _LOOK)) + "]")
_ARABIC_MARKS = re.compile("[\u0640\u064b-\u0652\u0670]")


def visible(line: str) -> str:
    """The line without direction marks and other invisible characters, with plain spaces, colons and apostrophes."""
    if line.isascii() or not _ODD.search(line):
        return line
    return line.translate(_LOOK)


def normal(text: str) -> str:
    """The form words are compared in: visible, composed, case-folded, without Arabic vowel signs and the Turkish
    dotted i.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFC", visible(text)).casefold().replace("i\u0307", "i").replace("\u0131", "i")
    return _ARABIC_MARKS.sub("", folded).replace("\u064a", "\u06cc").replace("\u0643", "\u06a9")


class Label(Enum):
    """What a header line of a quoted mail tells."""

    FROM = auto()
    DATE = auto()
    TO = auto()
    SUBJECT = auto()
    CC = auto()
    OTHER = auto()


def _key(text: str) -> str:
    """Labels and phrases are compared without spaces: Persian and Korean write the same one with and without."""
    return normal(text).replace(" ", "")


def _words(table: str) -> list[str]:
    return [_key(word) for word in table.split("|")]


_LABELS: dict[str, Label] = {}
for _label, _table in (
    (Label.OTHER, quote_words.OTHER),
    (Label.CC, quote_words.CC),
    (Label.SUBJECT, quote_words.SUBJECT),
    (Label.DATE, quote_words.DATE),
    (Label.TO, quote_words.TO),
    (Label.FROM, quote_words.FROM),
):
    _LABELS.update(dict.fromkeys(_words(_table), _label))

_ORIGINAL = frozenset(_words(quote_words.ORIGINAL))
_FORWARDED = frozenset(_words(quote_words.FORWARDED))
_VERBS = tuple(sorted({normal(verb) for verb in quote_words.WROTE}, key=lambda verb: (-len(verb), verb)))
_VERBS_ANYWHERE = tuple(normal(verb) for verb in quote_words.WROTE_ANYWHERE)
_VERB_ENDINGS = tuple(verb.rstrip(")") for verb in (*_VERBS, *_VERBS_ANYWHERE))
_FIRST_PERSON = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, map(normal, quote_words.FIRST_PERSON))) + r")(?!\w)")
_OPENERS = sorted({normal(word) for word in quote_words.OPENERS.split("|")}, key=len, reverse=True)
_OPENER = re.compile(r"(?:" + "|".join(map(re.escape, _OPENERS)) + r")[\s\d,-]")
_CJK_OPENER = re.compile("[在於于]\\s?\\d")

_ADDRESS = re.compile(r"[\w.+-]@[\w-]")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.hH時时시点點]\s?\d{2}(?!\d)|(?<!\d)\d{1,2}\s?(?:am|pm)(?!\w)")
_DATE = re.compile(r"(?<!\d)\d{4}(?!\d)|(?<!\d)\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}(?!\d)|\d{1,2}\s?[月월]\s?\d{1,2}")
_GMT_OPENING = re.compile(r"\d{4}-\d{2}-\d{2} \d{1,2}:\d{2}(?::\d{2})? (?:gmt|utc)[+-]\d{1,2}")
_EDGE = " \t*_|-–—=~#•·<>[](){}"


def header_label(line: str) -> tuple[Label, str] | None:
    """The label and value of a line such as `*Von:* Anna <anna@…>`, or None. A table cell or a tab may stand for the
    colon.
    """
    if len(line) > MAX_LINE * 4:
        return None
    text = visible(line[:120]).lstrip(" \t*_|>•-#")
    marks = (text.find(":", 0, 40), text.find("\t", 0, 40), text.find(" | ", 0, 40))
    end = min((at for at in marks if at > 0), default=-1)
    if end <= 0:
        return None
    label = _LABELS.get(_key(text[:end].strip(" \t*_.|")))
    if label is None and "(" in text[:end]:  # "Enviada(o) em", "Vastaanottaja(t)"
        label = _LABELS.get(_key(re.sub(r"\([^)]{0,4}\)", "", text[:end]).strip(" *_")))
    if label is None:
        return None
    value = visible(line[: MAX_LINE * 2]).lstrip(" \t*_|>•-#")[end + 1 :]
    return label, value.strip(" \t*_|:")


@dataclass(frozen=True, slots=True)
class Header:
    """A block of header lines: the labels met, with their values, and the line behind it."""

    fields: dict[Label, str]
    end: int


def header_block(lines: Sequence[str], start: int, *, after_separator: bool = False) -> Header | None:
    """The header block that begins at `start`, or None.

    A block has three different labels, one of them a sender or recipient and one a date or subject, and shows
    either a subject or an address ("From: Berlin / To: Paris / Date: …" is a journey). Behind a separator two
    labels are enough. Values may run over two lines, and one empty line may stand between two headers.
    """
    if header_label(lines[start]) is None:
        return None
    fields: dict[Label, str] = {}
    end = at = start
    last: Label | None = None
    gap = 0
    while at < len(lines) and at < start + 40:
        line = lines[at]
        found = header_label(line)
        if found is not None:
            if found[0] in fields and found[0] in (Label.FROM, Label.TO, Label.SUBJECT):
                break  # another mail's block
            last, value = found
            fields.setdefault(last, value)
            at += 1
            end, gap = at, 0
            continue
        gap += 1
        blank = not visible(line).strip()
        if gap > 2 or (blank and gap > 1):
            break
        if not blank and last in (Label.TO, Label.CC, Label.SUBJECT, Label.FROM) and gap == 1 and at + 1 < len(lines):
            following = header_label(lines[at + 1])
            if following is not None or (last is Label.FROM and "@" in line) or (not fields.get(last)):
                fields[last] = f"{fields.get(last, '')} {visible(line).strip()}".strip()[: MAX_LINE * 2]
        at += 1
    # A first value may stand on the line under its label; the block ends at its last label all the same.
    if end < len(lines) and last is not None and not fields.get(last) and visible(lines[end]).strip():
        fields[last] = visible(lines[end]).strip()[:MAX_LINE]
        end += 1
    labels = set(fields) - {Label.OTHER}
    party = labels & {Label.FROM, Label.TO}
    matter = labels & {Label.DATE, Label.SUBJECT}
    if not party or not matter:
        return None
    if after_separator:
        return Header(fields, end)
    address = any("@" in fields.get(label, "") for label in (Label.FROM, Label.TO))
    if len(labels) >= 3 and (Label.SUBJECT in labels or address):
        return Header(fields, end)
    return None


class Separator(Enum):
    """Lines such as `-----Original Message-----`; FORWARD says that the writer passed the mail on."""

    ORIGINAL = auto()
    FORWARD = auto()
    DELIMITER = auto()  # "reply above this line"


def reply_delimiter(sentence: str) -> str:
    """The line our mails carry so that replies are cut there in any language: `sentence` asks to write above it."""
    return f"=-= {sentence.strip()} =-="


def separator(line: str) -> tuple[Separator, bool] | None:
    """What a separator line says, and whether it is sure by itself; when not, a header block must follow."""
    if len(line) > 200:
        return None
    text = visible(line).strip()
    if len(text) < 3:
        return None
    if (text.startswith("=-=") and text.endswith("=-=") and len(text) > 8) or (
        text.startswith("##-") and text.endswith("-##")
    ):
        return Separator.DELIMITER, True
    core = _key(text.strip(_EDGE + " .")).rstrip(":")
    kind = None
    if core in _FORWARDED:
        kind = Separator.FORWARD
    elif core in _ORIGINAL or core.startswith("originalmessageprocessedby"):
        kind = Separator.ORIGINAL
    if kind is None:
        return None
    dashes = len(text) - len(text.lstrip(_EDGE))
    sure = dashes >= 2 or text.endswith(":") or core.startswith("originalmessageprocessedby")
    return kind, sure


class Attribution(Enum):
    """How sure a line is of the form "On <date>, <name> wrote:"."""

    STRONG = auto()
    WEAK = auto()  # holds only when a quote follows


def _verb_end(folded: str) -> int:
    """Where the last verb of attribution in the text ends, or -1. Plain searches: far cheaper than one pattern of
    all verbs.
    """
    end = -1
    for verb in _VERBS:
        at = folded.rfind(verb)
        if (
            at >= 0
            and (at == 0 or not folded[at - 1].isalnum())
            and not folded[at + len(verb) : at + len(verb) + 1].isalnum()
        ):
            end = max(end, at + len(verb))
    for verb in _VERBS_ANYWHERE:
        at = folded.rfind(verb)
        if at >= 0:
            end = max(end, at + len(verb))
    return end


def has_date(text: str) -> bool:
    """Does the text hold a year, a numeric date or a time of day?"""
    folded = normal(text)
    return _DATE.search(folded) is not None or _TIME.search(folded) is not None


def opens_attribution(line: str) -> bool:
    """May an attribution begin with this line: "On", "Am", "Le" … or a digit, with a number in the line?"""
    text = normal(line[:MAX_LINE]).lstrip(' \t-*_"')
    if not any(character.isdigit() for character in text):
        return False
    return text[:1].isdigit() or _OPENER.match(text) is not None or _CJK_OPENER.match(text) is not None


def closes_attribution(line: str) -> bool:
    """May an attribution end with this line? A colon, a verb, dashes after the verb, or Gmail's old `GMT+01:00`
    form.
    """
    text = visible(line[-MAX_LINE:]).rstrip(" \t*_")
    if not text:
        return False
    if text.endswith(":"):
        return True
    tail = text.rstrip("- ")
    if tail.endswith(":"):
        return True
    if _GMT_OPENING.match(normal(text[:40]).lstrip()):
        return True
    return normal(tail[-32:]).rstrip(")").endswith(_VERB_ENDINGS)


def attribution(text: str) -> Attribution | None:
    """Is `text` (one to a few joined lines) an attribution? STRONG by date and writer, WEAK by verb and colon alone."""
    if len(text) > MAX_LINE:
        return None
    folded = normal(text).strip(" \t-*_")
    colon = folded.endswith(":")
    verb_end = _verb_end(folded)
    date = _DATE.search(folded) is not None
    time = _TIME.search(folded) is not None
    if _GMT_OPENING.match(folded) and len(folded) < 200:
        return Attribution.STRONG
    if verb_end >= 0 and (colon or verb_end >= len(folded) - 1):
        if _FIRST_PERSON.search(folded):
            return None
        address = _ADDRESS.search(folded) is not None
        opened = folded[:1].isdigit() or _OPENER.match(folded) is not None or _CJK_OPENER.match(folded) is not None
        if (date or time) and (address or opened) and (colon or address):
            return Attribution.STRONG
        return Attribution.WEAK if colon and len(folded) <= 200 else None
    if colon and date and time and _ADDRESS.search(folded[-120:]):
        return Attribution.STRONG
    return None
