"""Outlook's winmail.dat (TNEF) unpacked: the files and the body in it. Called by bodies.py.

Reads only what a helpdesk shows, in one bounded pass without recursion: an attribute whose length points outside
ends the reading, counts are capped, nothing is looked up by name. Source: Microsoft's [MS-OXTNEF] and, for the
compressed rich text, [MS-OXRTFCP].
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from helpdesk.mail import charset

SIGNATURE = b"\x78\x9f\x3e\x22"
_MAX_ATTRIBUTES = 5000
_MAX_PROPERTIES = 2000
_MAX_VALUES = 1000
_MAX_FILES = 100
_MAX_RTF_BYTES = 4 * 1024 * 1024

_ATT_BODY = 0x800C
_ATT_ATTACH_DATA = 0x800F
_ATT_ATTACH_TITLE = 0x8010
_ATT_ATTACH_RENDDATA = 0x9002
_ATT_MAPI_PROPS = 0x9003
_ATT_ATTACHMENT = 0x9005
_ATT_OEM_CODEPAGE = 0x9007

_BODY, _RTF, _HTML, _CODEPAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
_DATA, _NAME, _LONG_NAME, _MIME, _CONTENT_ID, _SHOWN_NAME = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712, 0x3001
_FIXED_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_VARIABLE = frozenset({13, 30, 31, 258})
_MESSAGE_INTERFACE = bytes.fromhex("0703020000000000c000000000000046")


@dataclass(slots=True)
class TnefFile:
    """One file of the container. `is_message` marks an embedded message, itself a TNEF stream."""

    name: str = ""
    long_name: str = ""
    content: bytes = b""
    content_type: str = ""
    content_id: str = ""
    is_message: bool = False


@dataclass(slots=True)
class Tnef:
    """What was found: files in order, and the body in the forms that were there."""

    files: list[TnefFile] = field(default_factory=list)
    text: str = ""
    html: str = ""
    rtf: bytes = b""
    is_cut: bool = False


def read_tnef(data: bytes) -> Tnef | None:
    """The content of a TNEF stream as far as it is sound; None when it is none."""
    if data[:4] != SIGNATURE:
        return None
    found = Tnef()
    view = memoryview(data)
    codepage = ""
    current: TnefFile | None = None
    at = 6
    for _ in range(_MAX_ATTRIBUTES):
        if at + 9 > len(data):
            break
        level, tag, _kind, length = struct.unpack_from("<BHHI", data, at)
        start = at + 9
        if level not in (1, 2) or start + length > len(data):
            found.is_cut = True
            break
        body = view[start : start + length]
        at = start + length + 2
        if tag == _ATT_OEM_CODEPAGE and length >= 4:
            codepage = f"cp{struct.unpack_from('<I', body)[0]}"
        elif tag == _ATT_ATTACH_RENDDATA:
            if len(found.files) >= _MAX_FILES:
                found.is_cut = True
                break
            current = TnefFile()
            found.files.append(current)
        elif tag == _ATT_BODY and not found.text:
            found.text = charset.decode(bytes(body).rstrip(b"\x00"), codepage)[0]
        elif tag == _ATT_MAPI_PROPS:
            _take_message(found, _properties(body), codepage)
        elif current is not None and tag == _ATT_ATTACH_TITLE:
            current.name = charset.decode(bytes(body).split(b"\x00", 1)[0], codepage)[0]
        elif current is not None and tag == _ATT_ATTACH_DATA:
            current.content = bytes(body)
        elif current is not None and tag == _ATT_ATTACHMENT:
            _take_file(current, _properties(body), codepage)
    return found


def _text(value: tuple[int, bytes], codepage: str) -> str:
    """A string property: UTF-16 by its type, else the container's code page."""
    kind, data = value
    if kind == 31:
        return charset.clean(data.decode("utf-16-le", "replace")).rstrip("\x00")
    return charset.decode(data.split(b"\x00", 1)[0], codepage)[0]


def _take_message(found: Tnef, properties: dict[int, tuple[int, bytes]], codepage: str) -> None:
    """The body in whatever forms the message properties hold."""
    if _CODEPAGE in properties and len(properties[_CODEPAGE][1]) >= 4:
        number = struct.unpack_from("<I", properties[_CODEPAGE][1])[0]
        codepage = "utf-8" if number == 65001 else f"cp{number}"
    if _BODY in properties:
        found.text = _text(properties[_BODY], codepage)
    if _HTML in properties:
        kind, data = properties[_HTML]
        found.html = _text((kind, data), codepage) if kind == 31 else charset.decode(data.rstrip(b"\x00"), codepage)[0]
    if _RTF in properties:
        found.rtf = decompress_rtf(properties[_RTF][1])


def _take_file(current: TnefFile, properties: dict[int, tuple[int, bytes]], codepage: str) -> None:
    """Name, type and content of a file from its properties."""
    for tag, attribute in ((_LONG_NAME, "long_name"), (_MIME, "content_type"), (_CONTENT_ID, "content_id")):
        if tag in properties:
            setattr(current, attribute, _text(properties[tag], codepage))
    if not current.name:
        for tag in (_NAME, _SHOWN_NAME):
            if tag in properties and not current.name:
                current.name = _text(properties[tag], codepage)
    if _DATA in properties and not current.content:
        content = properties[_DATA][1]
        if content.startswith(_MESSAGE_INTERFACE):
            current.is_message = True
            content = content[16:]
        elif properties[_DATA][0] == 13:
            content = content[16:]
        current.content = content


def _properties(view: memoryview) -> dict[int, tuple[int, bytes]]:
    """Type and raw value of each property by its tag; the first value of multi-valued ones. Stops where it is
    unsound."""
    found: dict[int, tuple[int, bytes]] = {}
    try:
        (count,) = struct.unpack_from("<I", view, 0)
        at = 4
        for _ in range(min(count, _MAX_PROPERTIES)):
            kind, tag = struct.unpack_from("<HH", view, at)
            at += 4
            if tag >= 0x8000:  # a named property: GUID, then a number or a name
                (named,) = struct.unpack_from("<I", view, at + 16)
                at += 20
                if named:
                    (length,) = struct.unpack_from("<I", view, at)
                    at += 4 + _padded(length)
                else:
                    at += 4
            multi, kind = bool(kind & 0x1000), kind & 0x0FFF
            values = 1
            if multi or kind in _VARIABLE:
                (values,) = struct.unpack_from("<I", view, at)
                at += 4
            for _value in range(min(values, _MAX_VALUES)):
                if kind in _FIXED_SIZES:
                    length, stored = _FIXED_SIZES[kind], _FIXED_SIZES[kind]
                elif kind in _VARIABLE:
                    (length,) = struct.unpack_from("<I", view, at)
                    at += 4
                    stored = _padded(length)
                else:
                    return found
                if at + length > len(view):
                    return found
                found.setdefault(tag, (kind, bytes(view[at : at + length])))
                at += stored
            if values > _MAX_VALUES:
                return found
    except struct.error:
        pass
    return found


def _padded(length: int) -> int:
    """Values are stored in multiples of four bytes."""
    return (length + 3) & ~3


# The words every compressed text may refer back to; part of the format.
_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def decompress_rtf(data: bytes) -> bytes:
    """Rich text out of its compressed property, at most 4 MB; b"" when it is unsound."""
    if len(data) < 16:
        return b""
    _size, raw_size, magic = struct.unpack_from("<III", data, 0)
    if magic == 0x414C454D:  # stored as it is
        return data[16 : 16 + min(raw_size, _MAX_RTF_BYTES)]
    if magic != 0x75465A4C:
        return b""
    window = bytearray(_RTF_START.ljust(4096, b"\x00"))
    write = len(_RTF_START)
    out = bytearray()
    limit = min(raw_size, _MAX_RTF_BYTES)
    at, end = 16, len(data)
    while at < end and len(out) < limit:
        flags = data[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                if at + 2 > end:
                    return bytes(out)
                word = data[at] << 8 | data[at + 1]
                at += 2
                offset, length = word >> 4, (word & 15) + 2
                if offset == write:
                    return bytes(out)
                for step in range(length):
                    byte = window[(offset + step) & 4095]
                    out.append(byte)
                    window[write] = byte
                    write = (write + 1) & 4095
            else:
                if at >= end:
                    return bytes(out)
                out.append(data[at])
                window[write] = data[at]
                write = (write + 1) & 4095
                at += 1
    return bytes(out)
