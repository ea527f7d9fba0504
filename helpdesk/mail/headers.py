"""Header fields of a mail: encoded words, parameters, identifiers, dates, file names.

Called by parse.py and bodies.py with raw bytes as they stood in the mail. Every function returns something for
every input: a header that cannot be read is no reason to lose a mail. Sources: RFC 5322 (fields), RFC 2047 (encoded
words), RFC 2231 (parameters), RFC 2392 and 5322 3.6.4 (identifiers).
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from helpdesk.mail import addresses, charset
from helpdesk.mail.message import Address

_FOLD = re.compile(r"[ \t]*\r*\n[ \t]*|\r+")
_SPACES = re.compile(r"\s+")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u0085\u2028\u2029]")
# An encoded word; blanks and question marks inside the text are mistakes that are read all the same. The bound on the
# question marks keeps a flood of openings linear.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*){0,20})\?=")
_UNENDED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?\s]{1,2000})\??$")
_NOT_ASCII = re.compile(r"([^\x00-\x7f]+)")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_MAX_VALUE = 65536
_MAX_ID = 998
_MAX_IDS = 200


def raw_text(raw: bytes, hint: str = "") -> str:
    """A raw header value as text, still folded and encoded; bytes over 127 as UTF-8, else in the charset of the body
    (`hint`), else by the best guess."""
    raw = raw[:_MAX_VALUE]
    if raw.isascii():
        return raw.decode("ascii")
    try:
        return charset.clean(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return charset.decode(raw, hint)[0]


def unfold(value: str) -> str:
    """The value on one line, without NUL and control characters."""
    if "\n" in value or "\r" in value:
        value = _FOLD.sub(" ", value)
    if not value.isprintable():
        value = _CONTROL.sub(" ", value).replace("\t", " ")
    return value.strip()


def _word_bytes(encoding: str, text: str) -> bytes:
    """The bytes of one encoded word's text, forgiving lost padding, blanks and stray characters."""
    data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data.replace(b"_", b" "))
    return decode_base64(data)


def _mixed_word(label: str, text: str) -> str:
    """A Q-encoded word with raw 8-bit characters in it: those are text already, the rest is in the word's charset."""
    pieces = []
    for number, piece in enumerate(_NOT_ASCII.split(text)):
        pieces.append(piece if number % 2 else charset.decode(_word_bytes("q", piece), label)[0])
    return "".join(pieces)


def decode_base64(data: bytes) -> bytes:
    """Base64 with whatever else stands in it taken out; what cannot be completed is dropped. Padding in the middle is
    where a sender joined pieces encoded one by one: each piece is decoded for itself."""
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        pass
    pieces = []
    for chunk in data.split(b"="):
        piece = _NOT_BASE64.sub(b"", chunk)
        if len(piece) % 4 == 1:
            piece = piece[:-1]
        if piece:
            pieces.append(binascii.a2b_base64(piece + b"=" * (-len(piece) % 4)))
    return b"".join(pieces)


def decode_words(value: str) -> str:
    """Text with every encoded word of RFC 2047 decoded, one line.

    Neighbours of one charset are joined as bytes first, because senders split characters between words. A word
    without its end at the end of the value is decoded too.
    """
    if "=?" not in value:
        return charset.clean(value)
    out: list[str] = []
    pending: tuple[str, bytes] | None = None
    at = 0
    for match in _ENCODED_WORD.finditer(value) if "?=" in value else ():
        between = value[at : match.start()]
        label = match[1]
        if match[2] in "qQ" and not match[3].isascii():
            if pending is not None:
                out.append(charset.decode(pending[1], pending[0])[0])
                pending = None
            out.append((between if between.strip() or not out else "") + _mixed_word(label, match[3]))
            at = match.end()
            continue
        data = _word_bytes(match[2], match[3])
        if pending is not None and not between.strip() and pending[0].lower() == label.lower():
            pending = (label, pending[1] + data)
        else:
            if pending is not None:
                out.append(charset.decode(pending[1], pending[0])[0])
            if between.strip() or pending is None:
                out.append(between)
            pending = (label, data)
        at = match.end()
    if pending is not None:
        out.append(charset.decode(pending[1], pending[0])[0])
    rest = value[at:]
    if unended := _UNENDED_WORD.search(rest[-2100:]):
        offset = max(0, len(rest) - 2100)
        out.append(rest[: offset + unended.start()])
        rest = charset.decode(_word_bytes(unended[2], unended[3]), unended[1])[0]
    out.append(rest)
    return charset.clean("".join(out))


def decode_text(raw: bytes, hint: str = "") -> str:
    """An unstructured header (Subject, Comments) for people: unfolded, decoded, blanks collapsed."""
    text = decode_words(unfold(raw_text(raw, hint)))
    if not text.isprintable():
        text = _CONTROL.sub(" ", text)
    return _SPACES.sub(" ", text).strip()


def address_list(raws: Sequence[bytes], limit: int, hint: str = "") -> tuple[tuple[Address, ...], bool]:
    """Addresses of all fields of one name, at most `limit`, and whether more were there."""
    found: list[Address] = []
    cut = False
    for raw in raws:
        value = unfold(raw_text(raw, hint))
        if not value:
            continue
        more, over = addresses.parse_addresses(value, decode_words, max(limit - len(found), 0))
        found += more
        cut = cut or over or len(raw) > _MAX_VALUE
    return tuple(found), cut


_ID = re.compile(r"<([^<>]{1,2000})>")


def identifiers(raws: Sequence[bytes]) -> tuple[str, ...]:
    """Message identifiers of In-Reply-To or References, without brackets, in header order, each once.

    Blanks inside an identifier come from folding and are taken out. Without any bracket every word with an @
    counts. More than 200 keep the newest, since threading looks at the newest first.
    """
    found: dict[str, None] = {}
    for raw in raws:
        value = unfold(raw_text(raw))
        ids = _ID.findall(value)
        if not ids and "@" in value:
            ids = [word for word in re.split(r"[\s,;]+", value) if "@" in word]
        for one in ids:
            one = "".join(one.split()).strip("<>")
            if one and len(one) <= _MAX_ID:
                found[charset.clean(one)] = None
    return tuple(found)[-_MAX_IDS:]


def message_id(raw: bytes) -> str:
    """The Message-ID without brackets; "" when there is none. One without brackets or @ is kept as written."""
    ids = identifiers([raw])
    if ids:
        return ids[0]
    value = "".join(unfold(raw_text(raw)).split()).strip("<>")
    return charset.clean(value[:_MAX_ID])


_DATE_COMMENT = re.compile(r"\([^()]{0,200}\)")


def parse_date(raw: bytes) -> datetime | None:
    """The Date field with its zone, or None when it is absent, absurd (before 1980, after 2100) or over 200 bytes
    long.

    Only for display: order and deadlines follow our own time of receipt.
    """
    value = unfold(raw_text(raw[:1000]))
    if "(" in value:
        value = _DATE_COMMENT.sub(" ", value)
    value = value.strip()
    if not value or len(value) > 200:
        return None
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        try:
            date = datetime.fromisoformat(value)
        except ValueError:
            return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    try:
        year = date.astimezone(UTC).year
    except (ValueError, OverflowError):
        return None
    return date if 1980 <= year <= 2100 else None


# A parameter: name, optional section number and star of RFC 2231, value quoted or bare. Bare values may hold blanks
# when a sender forgot the quotes around a file name; they end at the next semicolon.
_PARAMETER = re.compile(
    r"""[;\s]*([A-Za-z][\w.-]{0,60}?)(?:\*(\d{1,4}))?(\*)?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))""",
    re.DOTALL,
)
_TYPE = re.compile(r"\s*[\"']?([A-Za-z0-9!#$&^_.+-]{1,100})\s*/\s*([A-Za-z0-9!#$&^_.+-]{1,100})[\"']?")
_TOKEN = re.compile(r"\s*[\"']?([A-Za-z0-9!#$&^_.+-]{1,100})")
_NEXT_PARAMETER = re.compile(r"\s+[A-Za-z][\w-]*\*?\s*=")
_MAX_PARAMETERS = 200
_MAX_PARAMETER_TEXT = 16384


def parse_parameters(rest: str) -> dict[str, str]:
    """Parameters after the first word of Content-Type or Content-Disposition, names in lower case, values decoded.

    Reads RFC 2231 continuations and charsets, encoded words inside values (wrong but common), values without quotes,
    missing semicolons and doubled parameters (the first holds).
    """
    rest = rest[:_MAX_PARAMETER_TEXT]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    at, count = 0, 0
    while at < len(rest) and count < _MAX_PARAMETERS:
        count += 1
        match = _PARAMETER.match(rest, at)
        if match is None:
            following = rest.find(";", at + 1)
            if following < 0:
                break
            at = following
            continue
        name, section, star, quoted, bare = match.groups()
        at = match.end()
        if quoted is not None:
            value = re.sub(r"\\(.)", r"\1", quoted) if "\\" in quoted and not _looks_like_path(quoted) else quoted
        else:
            value = bare
            if following_name := _NEXT_PARAMETER.search(bare):
                at = match.start(5) + following_name.start()
                value = bare[: following_name.start()]
            value = value.strip().strip("\"'") if name != "boundary" else value.strip().strip('"')
        name = name.lower()
        if section is not None or star:
            pieces.setdefault(name, {}).setdefault(int(section or 0), (value, bool(star)))
        else:
            plain.setdefault(name, value)
    for name, sections in pieces.items():
        value = _join_sections(sections)
        if value:
            plain[name] = value
    return {name: decode_words(value) if "=?" in value else charset.clean(value) for name, value in plain.items()}


def _looks_like_path(quoted: str) -> bool:
    r"""`C:\reports\may.pdf` was written without escaping its backslashes."""
    return bool(re.match(r"[A-Za-z]:\\|\\\\", quoted))


def _join_sections(sections: dict[int, tuple[str, bool]]) -> str:
    """The value of RFC 2231 sections: charset and language before the first two apostrophes, percent escapes
    after."""
    label, parts = "", []
    for place, (number, (value, encoded)) in enumerate(sorted(sections.items())):
        if place == 0 and encoded and value.count("'") >= 2:
            label, _, value = value.split("'", 2)
        elif place == 0 and encoded and number == 0 and value.count("'") == 1:
            label, _, value = value.partition("'")
        if encoded and "%" in value:
            parts.append(unquote_to_bytes(value.encode("utf-8", "surrogateescape")))
        else:
            parts.append(value.encode("utf-8", "surrogateescape"))
    data = b"".join(parts)
    if data.isascii() and not label.lower().startswith(("utf-16", "utf-7", "iso-2022", "hz")):
        return data.decode("ascii")
    return charset.decode(data, "utf-8" if label.lower() in ("", "us-ascii", "ascii") else label)[0]


def content_type(raw: bytes, hint: str = "") -> tuple[str, str, dict[str, str]]:
    """Main type, subtype and parameters of a Content-Type; ("", "", {}) when it cannot be one.

    `text` alone and a missing semicolon are read; the type is lower case.
    """
    value = unfold(raw_text(raw, hint))
    match = _TYPE.match(value)
    if match:
        return match[1].lower(), match[2].lower(), parse_parameters(value[match.end() :])
    token = _TOKEN.match(value)
    if token and token[1].lower() in ("text", "multipart", "image", "audio", "video", "application", "message"):
        kind = token[1].lower()
        subtype = {"text": "plain", "multipart": "mixed"}.get(kind, "octet-stream")
        return kind, subtype, parse_parameters(value[token.end() :])
    if token and token[1].lower() in ("html", "plain"):
        return "text", token[1].lower(), parse_parameters(value[token.end() :])
    parameters = parse_parameters(value)
    return "", "", parameters


def disposition(raw: bytes, hint: str = "") -> tuple[str, dict[str, str]]:
    """`attachment`, `inline` or another word of Content-Disposition, and its parameters; ("", {}) when it has
    neither."""
    value = unfold(raw_text(raw, hint))
    token = _TOKEN.match(value)
    if token is None or value[token.end() :].lstrip().startswith("="):
        return "", parse_parameters(value)
    return token[1].lower(), parse_parameters(value[token.end() :])
