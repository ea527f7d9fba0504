"""Transfer encodings taken off: Base64, quoted-printable, uuencode, and what broken senders make of them.

Called by bodies.py. Decoding never raises: what is damaged is decoded as far as it goes and noted in the tree.
Sources: RFC 2045 6, POSIX uuencode.
"""

from __future__ import annotations

import binascii
import re

from helpdesk.mail import headers
from helpdesk.mail.mime import Part, Tree

_BASE64_NAMES = frozenset({"base64", "base-64", "x-base64", "b"})
_UU_NAMES = frozenset({"x-uuencode", "uuencode", "x-uue", "uue", "x-uu"})


def decoded(tree: Tree, part: Part) -> bytes:
    """The body of a part with its transfer encoding taken off. Unknown encodings count as none."""
    data = tree.raw[part.start : part.end]
    raw_encoding = part.first("content-transfer-encoding")
    if not raw_encoding:
        return data
    encoding = raw_encoding.decode("ascii", "replace").strip().strip("\"'").lower()
    if ";" in encoding or " " in encoding or "(" in encoding:
        encoding = re.split(r"[;\s(]", encoding, maxsplit=1)[0]
    if encoding in _BASE64_NAMES:
        return _base64(tree, data)
    if encoding.startswith("quoted"):
        return binascii.a2b_qp(data)
    if encoding in _UU_NAMES:
        for _name, content, _start, _end in uuencoded(data):
            return content
        tree.note("A uuencoded part without a begin line.")
    elif encoding not in ("7bit", "8bit", "binary", "7-bit", "8-bit", ""):
        tree.note(f"Unknown transfer encoding {encoding[:40]!r}.")
    return data


def _base64(tree: Tree, data: bytes) -> bytes:
    """Base64 of a body; text that a list or gateway wrote below it is not decoded with it."""
    pad = data.find(b"=")
    if not data.translate(None, _BASE64_BYTES) and (pad < 0 or not data[pad:].strip(b"= \t\r\n")):
        try:
            return binascii.a2b_base64(data)
        except binascii.Error:
            pass
    if not data.strip():
        return b""
    tree.note("Base64 with errors, decoded as far as it goes.")
    kept: list[bytes] = []
    for line in data.split(b"\n"):
        line = line.strip()
        prefix = _BASE64_LINE.match(line)
        if prefix is None:
            continue
        rest = line[prefix.end() :]
        if rest.count(b" ") > 1 or (b"=" in prefix[0] and rest.startswith(b" ")):  # words, not data
            if b"=" in prefix[0] or not kept:
                kept.append(prefix[0])
            break
        kept.append(line)
    return headers.decode_base64(b"".join(kept))


_BASE64_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n"
_BASE64_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_UU_BEGIN = re.compile(rb"(?:^|\n)begin[ -][^\n]{0,10}?([0-7]{3,4}) ([^\r\n]{1,300})\r*\n")


def uuencoded(data: bytes) -> list[tuple[str, bytes, int, int]]:
    """Files written as uuencode inside a text: name, content and the places where each block starts and ends.

    A block without its `end` line, or with a line that does not decode, is no file.
    """
    found: list[tuple[str, bytes, int, int]] = []
    at = 0
    while len(found) < 50 and (begin := _UU_BEGIN.search(data, at)):
        stop = data.find(b"\nend", begin.end() - 1)
        if stop < 0:
            break
        content = _uu_lines(data, begin.end(), stop + 1)
        at = begin.end()
        if content is not None:
            name = headers.decode_text(begin[2])
            start = begin.start() + (data[begin.start() : begin.start() + 1] == b"\n")
            at = min(stop + 4, len(data))
            found.append((name, content, start, at))
    return found


def _uu_lines(data: bytes, at: int, end: int) -> bytes | None:
    """The bytes of uuencoded lines between two places, or None at the first that is no such line.

    Encoders that pad wrongly are read by the length their first character tells.
    """
    out: list[bytes] = []
    while at < end:
        stop = data.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        line = data[at:stop].rstrip(b"\r")
        at = stop + 1
        if not line.strip(b" `"):
            continue
        size = (line[0] - 32) & 63
        if not out and len(line) < size * 4 // 3:
            return None  # the first line is shorter than it says: prose that begins like a file
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            try:
                out.append(binascii.a2b_uu(line[: (size * 4 + 5) // 3]))
            except binascii.Error:
                return None
    return b"".join(out)
