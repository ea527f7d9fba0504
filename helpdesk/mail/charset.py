"""Bytes into text when the declared charset is missing, misspelt or untrue. Never raises.

Called by the header and body readers. The order is: what was declared (by our alias table), UTF-8, a statistical
guess, Windows-1252. Everything returned is fit for PostgreSQL: no NUL, no lone surrogate.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

# Labels seen in mail that Python does not know, or that Python reads more narrowly than their writers meant. The
# web's encoding standard gives the same readings for the Western, Turkish, Thai, Korean, Japanese and Chinese
# families.
_ALIASES = {
    "ascii": "us-ascii", "us-ascii": "us-ascii", "ansi_x3.4-1968": "us-ascii", "iso646-us": "us-ascii",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "l1": "cp1252", "8859-1": "cp1252", "x-ansi": "cp1252", "ansi": "cp1252", "windows-ansi": "cp1252",
    "cp-1252": "cp1252", "win-1252": "cp1252", "windows1252": "cp1252", "x-cp1252": "cp1252",
    "iso-8859-9": "cp1254", "iso8859-9": "cp1254", "latin5": "cp1254",
    "iso-8859-11": "cp874", "tis-620": "cp874", "windows-874": "cp874",
    "iso-8859-6-i": "iso8859-6", "iso-8859-6-e": "iso8859-6", "asmo-708": "iso8859-6",
    "iso-8859-8-i": "iso8859-8", "iso-8859-8-e": "iso8859-8", "visual": "iso8859-8",
    "x-cp1250": "cp1250", "x-cp1251": "cp1251", "win-1251": "cp1251", "windows1251": "cp1251",
    "x-windows-1251": "cp1251", "cp-1251": "cp1251",
    "x-koi8-r": "koi8-r", "koi8": "koi8-r", "koi8r": "koi8-r", "koi8-ru": "koi8-u",
    "x-cp1256": "cp1256", "windows1256": "cp1256", "cp-1256": "cp1256", "win-1256": "cp1256",
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "cp936": "gb18030",
    "ms936": "gb18030", "windows-936": "gb18030", "euc-cn": "gb18030", "gb18030-2000": "gb18030", "chinese": "gb18030",
    "hz-gb-2312": "hz", "big5": "big5hkscs", "big-5": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "ksc5601": "cp949", "ksc_5601": "cp949", "euc-kr": "cp949",
    "x-windows-949": "cp949", "korean": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ms_kanji": "cp932",
    "windows-31j": "cp932", "cp932": "cp932", "x-euc-jp": "euc_jp", "iso-2022-jp": "iso2022_jp_2004",
    "iso-2022-jp-ms": "iso2022_jp_ext", "csiso2022jp": "iso2022_jp_2004",
    "utf8": "utf-8", "utf-8": "utf-8", "utf8mb4": "utf-8", "utf-8mb4": "utf-8", "x-utf-8": "utf-8", "uft-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7", "x-unicode-2-0-utf-7": "utf-7", "utf-7": "utf-7", "unicode": "utf-16",
    "cp-850": "cp850", "ibm850": "cp850", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "x-mac-ce": "mac_latin2", "x-mac-arabic": "mac_arabic",
    "x-mac-farsi": "mac_farsi", "x-mac-turkish": "mac_turkish", "x-mac-greek": "mac_greek", "x-mac-japanese": "cp932",
    "x-mac-chinesesimp": "gb18030", "x-mac-chinesetrad": "big5hkscs", "x-mac-korean": "cp949",
}  # fmt: skip

# Codecs of Python that are no charsets of mail and cost time or change meaning.
_NEVER = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})

# What undeclared mail is in; rarer charsets would only win by chance.
_LIKELY = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "iso8859_5",
    "iso8859_6", "iso8859_7", "iso8859_9", "cp866", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp874",
]  # fmt: skip

_HIGH = re.compile(rb"[\x80-\xff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SNIFF_BYTES = 4096
_LOOKALIKE_LIMIT = 0.1


@lru_cache(maxsize=512)
def python_codec(label: str) -> str:
    """The Python codec for a charset label as written in mail, or "" when nothing fits.

    Quotes, blanks, a trailing language (`utf-8*en`), a doubled `charset=` and stray punctuation are forgiven.
    """
    label = label.strip().strip("\\\"'<>;,").strip().lower()
    if not label or len(label) > 60:
        return ""
    label = label.partition("*")[0].removeprefix("charset=").strip("\"' ")
    for candidate in (label, label.replace("_", "-"), re.split(r"[\s;,\"']", label, maxsplit=1)[0]):
        if candidate in _ALIASES:
            return _ALIASES[candidate]
        try:
            info = codecs.lookup(candidate)
        except (LookupError, ValueError, UnicodeError):
            continue
        if info._is_text_encoding and info.name.replace("-", "_") not in _NEVER:
            return _ALIASES.get(info.name, info.name)
    match = re.match(r"(?:windows|cp|win)[-_ ]?(\d{3,4})|(iso)[-_ ]?8859[-_ ]?(\d{1,2})|(utf)[-_ ]?8", label)
    if match is None:
        return ""
    guess = f"cp{match[1]}" if match[1] else f"iso-8859-{match[3]}" if match[2] else "utf-8"
    if guess in _ALIASES:
        return _ALIASES[guess]
    try:
        return codecs.lookup(guess).name
    except LookupError:
        return ""


def clean(text: str) -> str:
    """The text without NUL bytes and with lone surrogates made visible as U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    if not text.isascii():
        text = _SURROGATES.sub("\ufffd", text)
    return text


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """Decode with the declared charset if it holds, else the best guess.

    Returns the text and a defect sentence ("" when the declaration held). Plain ASCII without escape sequences is the
    common case and leaves early.
    """
    codec = python_codec(declared) if declared else ""
    if data.isascii() and codec in ("", "us-ascii", "utf-8", "cp1252"):
        if not codec and b"\x1b$" in data:
            return _or_replace(data, "iso2022_jp_2004"), ""
        defect = f"Unknown charset {declared[:40]!r}, read as ASCII." if declared and not codec else ""
        return clean(data.decode("ascii")), clean(defect)
    if codec:
        try:
            return clean(data.decode(codec)), ""
        except (UnicodeError, LookupError, ValueError):
            pass
    if codec == "iso2022_jp_2004":
        for sibling in ("iso2022_jp_ext", "iso2022_jp_2", "cp932", "euc_jp"):
            try:
                return clean(data.decode(sibling)), ""
            except UnicodeError:
                continue
    text, used = _guess(data, codec)
    label = clean(declared[:40]) or "none"
    return text, f"Charset {label!r} does not hold, read as {used}."


def _or_replace(data: bytes, codec: str) -> str:
    """Decode with the codec, undecodable bytes shown as U+FFFD."""
    return clean(data.decode(codec, "replace"))


def _guess(data: bytes, codec: str) -> tuple[str, str]:
    """Text and codec name when the declaration failed: UTF-8, a mostly right declaration, statistics, cp1252."""
    try:
        return clean(data.decode("utf-8")), "utf-8"
    except UnicodeError:
        pass
    if codec in ("", "us-ascii", "cp1252", "utf-8"):
        if _holds_with_gaps(data, "utf-8", 0.5):
            return _or_replace(data, "utf-8"), "utf-8 with gaps"
    elif _holds_with_gaps(data, codec, _LOOKALIKE_LIMIT):
        return _or_replace(data, codec), f"{codec} with gaps"
    sniffed = _sniff(data)
    if sniffed:
        return _or_replace(data, sniffed), sniffed
    return _or_replace(data, "cp1252"), "cp1252"


def _holds_with_gaps(data: bytes, codec: str, share: float) -> bool:
    """Whether the undecodable places are at most this share of the characters over 127 that decode."""
    foreign = _NOT_ASCII.findall(data[:65536].decode(codec, "replace"))
    bad = foreign.count("\ufffd")
    return bad <= (len(foreign) - bad) * share


def _sniff(data: bytes) -> str:
    """Codec by statistics over the first bytes around the first non-ASCII one; "" when there is too little to judge.

    charset-normalizer is imported here because it costs more to import than a hundred mails cost to read.
    """
    first = _HIGH.search(data)
    if first is None:
        return ""
    start = max(0, first.start() - 512)
    sample = data[start : start + _SNIFF_BYTES]
    if len(_HIGH.findall(sample)) < 6:
        return ""
    from charset_normalizer import from_bytes

    try:
        best = from_bytes(sample, 3, 1024, cp_isolation=_LIKELY, preemptive_behaviour=False).best()
    except Exception:  # noqa: BLE001 - a guess that fails is no reason to lose the mail
        return ""
    if best is None:
        return ""
    name = best.encoding.replace("_", "-")
    return python_codec(name) or python_codec(best.encoding)
