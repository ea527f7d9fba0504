"""Plain text out of rich text, for Outlook mails whose only body is RTF inside winmail.dat. Called by bodies.py.

Not a converter: it keeps words and line breaks. Rich text that Outlook made from HTML marks its own additions with
`htmlrtf`; they are left out.
"""

from __future__ import annotations

import re

from helpdesk.mail import charset

_TOKEN = re.compile(rb"\\([a-z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)")
_SILENT = frozenset(
    {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"themedata"}
)
_BREAKS = {b"par": "\n", b"line": "\n", b"tab": "\t", b"row": "\n", b"cell": "\t", b"emdash": "—", b"endash": "–",
           b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•"}  # fmt: skip


def text_from_rtf(data: bytes) -> str:
    """The words of a rich text, line breaks kept; "" for what is no rich text."""
    if not data.lstrip().startswith(b"{\\rtf"):
        return ""
    out: list[str] = []
    pending = bytearray()
    codepage = "cp1252"
    silent = False
    stack: list[tuple[bool, int]] = []
    skip_after_unicode, to_skip = 1, 0

    def flush() -> None:
        if pending:
            out.append(charset.decode(bytes(pending), codepage)[0])
            pending.clear()

    for match in _TOKEN.finditer(data):
        word, number, escaped, symbol, brace, plain = match.groups()
        if brace == b"{":
            if len(stack) > 500:
                break
            stack.append((silent, skip_after_unicode))
        elif brace == b"}":
            if stack:
                silent, skip_after_unicode = stack.pop()
        elif word is not None:
            to_skip = 0
            if word == b"ansicpg" and number:
                codepage = f"cp{int(number)}"
            elif word == b"uc" and number:
                skip_after_unicode = max(0, min(int(number), 10))
            elif word in _SILENT or (word == b"htmlrtf" and number != b"0"):
                silent = True
            elif word == b"htmlrtf":
                silent = False
            elif word == b"u" and number and not silent:
                flush()
                out.append(chr(int(number) & 0xFFFF))
                to_skip = skip_after_unicode
            elif word in _BREAKS and not silent:
                flush()
                out.append(_BREAKS[word])
        elif symbol == b"*":
            silent = True
        elif silent:
            continue
        elif escaped is not None:
            if to_skip:
                to_skip -= 1
            else:
                pending += bytes.fromhex(escaped.decode("ascii"))
        elif symbol is not None:
            pending += b" " if symbol == b"~" else symbol if symbol in b"\\{}" else b""
        elif plain is not None:
            pending += plain[to_skip:]
            to_skip = 0
    flush()
    joined = "".join(out).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return charset.clean(joined).strip()
