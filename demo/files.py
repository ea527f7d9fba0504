"""Bytes for the files that people of the demo week attach: small, made here, and what their names say they are.

Pure and the same on every run. Called by `demo.seed_case`. Sound and film are empty containers: nobody can hear a
fan that does not exist.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

_TYPES = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "log": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "mp4": "video/mp4",
    "m4a": "audio/mp4",
}


def file_of(name: str, about: str) -> tuple[str, bytes]:
    """(media type, bytes) of a file called `name` in a conversation about `about`. KeyError for an unknown ending."""
    ending = name.rpartition(".")[2].lower()
    return _TYPES[ending], _MAKERS[ending](name, about)


def _shade(name: str) -> int:
    return zlib.crc32(name.encode()) % 96


def _picture(name: str, column: int, row: int, columns: int, rows: int) -> tuple[int, int, int]:
    """A colour (Y, Cb, Cr) of a blurred photograph: a desk, a dark device on it, and a small amber light."""
    shade = _shade(name)
    inside = columns // 5 < column < columns * 4 // 5 and rows // 3 < row < rows * 3 // 4
    if inside and abs(column - columns * 3 // 4) < 2 and abs(row - rows // 2) < 2:
        return 190, 60, 170
    if inside:
        return 52 + shade // 6 + (row - rows // 3), 128, 126
    return 150 + shade // 2 + column * 30 // columns - row * 20 // rows, 118 - shade // 12, 134 + shade // 10


class _Bits:
    """Huffman bits of a JPEG scan, with the stuffing of T.81 section B.1.1.5."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.held, self.count = 0, 0

    def put(self, value: int, width: int) -> None:
        self.held, self.count = (self.held << width) | value, self.count + width
        while self.count >= 8:
            self.count -= 8
            byte = self.held >> self.count & 0xFF
            self.out += b"\xff\x00" if byte == 0xFF else bytes([byte])
        self.held &= (1 << self.count) - 1

    def end(self) -> bytes:
        if self.count:
            self.put((1 << 8 - self.count) - 1, 8 - self.count)
        return bytes(self.out)


def _segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _jpeg(name: str, _about: str) -> bytes:
    """A baseline JPEG (ITU T.81) in which every block of 8 by 8 has one colour: only DC coefficients are written."""
    columns, rows = 48, 36
    bits = _Bits()
    before = [0, 0, 0]
    for row in range(rows):
        for column in range(columns):
            for component, level in enumerate(_picture(name, column, row, columns, rows)):
                difference = level - 128 - before[component]
                before[component] = level - 128
                size = abs(difference).bit_length()
                bits.put(size, 4)  # all twelve size codes have four bits, in order
                bits.put(difference if difference > 0 else difference + (1 << size) - 1, size)
                bits.put(0, 1)  # end of block, the one code of the AC table
    frame = struct.pack(">BHHB", 8, rows * 8, columns * 8, 3) + b"".join(bytes([n, 0x11, 0]) for n in (1, 2, 3))
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
            _segment(0xDB, bytes([0]) + bytes([8]) * 64),
            _segment(0xC0, frame),
            _segment(0xC4, bytes([0x00, 0, 0, 0, 12, *[0] * 12]) + bytes(range(12))),
            _segment(0xC4, bytes([0x10, 1, *[0] * 15, 0])),
            _segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0])),
            bits.end(),
            b"\xff\xd9",
        )
    )


def _png(name: str, _about: str) -> bytes:
    """A picture of a short text message: a light bubble with dark bars for lines."""
    width, height = 240, 120

    def pixel(x: int, y: int) -> int:
        if not (10 < x < 230 and 10 < y < 110):
            return 225
        return 90 if y % 20 < 7 and 24 < x < 215 - _shade(name) - y // 2 else 250

    lines = b"".join(b"\x00" + bytes(pixel(x, y) for x in range(width)) for y in range(height))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def _pdf(name: str, _about: str) -> bytes:
    """One A4 page with two lines in Helvetica."""
    title = name.rpartition(".")[0].encode("ascii", "replace").decode().replace("?", " ").strip() or "Document"
    words = f"BT /F1 20 Tf 72 760 Td (Halden) Tj /F1 12 Tf 0 -32 Td ({title.replace('(', '').replace(')', '')}) Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(words)}>>\nstream\n{words}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode("ascii")
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")


def _text(name: str, about: str) -> bytes:
    head = f"{about}\n\n"
    if name.endswith(".log") or name.startswith("mesh"):
        lines = (
            f"02:{n // 60:02}:{n % 60:02} {'WARN power: contract 96 W, asked 100 W' if n % 47 == 0 else 'info link: up'}\n"
            for n in range(0, 900, 3)
        )
        return (head + "".join(lines)).encode()
    return (head + "913100005550127X\n").encode()


def _workbook(_name: str, about: str) -> bytes:
    """A workbook of one sheet with inline texts (ECMA-376, the least that spreadsheets open)."""
    rows = [("Office", "Order", "Docks"), ("Kochi", "7730-911", "12"), ("Pune", "7730-912", "18"), (about[:40], "", "")]
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in row) + "</row>" for row in rows
    )
    main, relations = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/"
    office = f"{relations}officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{relations}package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/sheet1.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{relations}package/2006/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="Offices" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}package/2006/relationships">'
        f'<Relationship Id="r1" Type="{office}/worksheet" Target="sheet1.xml"/></Relationships>',
        "xl/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in parts.items():
            archive.writestr(zipfile.ZipInfo(path), f'<?xml version="1.0" encoding="UTF-8"?>{content}')
    return out.getvalue()


def _film(name: str, _about: str) -> bytes:
    brand = b"M4A " if name.endswith("m4a") else b"isom"
    return struct.pack(">I4s4sI4s", 20, b"ftyp", brand, 512, brand) + struct.pack(">I4s", 8, b"mdat")


_MAKERS: dict[str, Callable[[str, str], bytes]] = {
    "jpg": _jpeg,
    "png": _png,
    "pdf": _pdf,
    "txt": _text,
    "log": _text,
    "xlsx": _workbook,
    "mp4": _film,
    "m4a": _film,
}
