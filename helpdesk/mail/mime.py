"""The raw mail cut into its tree of parts, within fixed limits and without copying.

Called by parse.py only. The standard library's parser goes line by line and recurses; this one looks for the few
places that matter (the blank line after a header, boundary lines) with `bytes.find`, so that its cost follows the
number of parts and not the number of lines, and every limit is checked before the work it bounds. What is broken is
cut, noted and read on. Sources: RFC 5322 2.2, RFC 2045, RFC 2046 5.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from helpdesk.mail import headers
from helpdesk.mail.message import UnreadableMail


@dataclass(frozen=True, slots=True)
class Limits:
    """What one mail may cost. Over `max_bytes` it is refused; over the others it is cut and a defect noted."""

    max_bytes: int = 50 * 1024 * 1024
    max_parts: int = 200
    max_depth: int = 20
    max_header_bytes: int = 64 * 1024  # of each part
    max_header_count: int = 1000  # of each part
    max_addresses: int = 500  # of each kind (To, Cc, Reply-To)
    max_text_characters: int = 1_000_000  # of the whole plain text, and of the whole HTML


@dataclass(slots=True)
class Part:
    """A node of the tree. `start` and `end` are places of its body in the raw mail."""

    fields: dict[str, list[bytes]]  # name in lower case: raw values still folded, in order
    main: str
    sub: str
    parameters: dict[str, str]
    start: int
    end: int
    declared: bool = True  # False: the type is a default, nothing said so
    children: list[Part] = field(default_factory=list)
    _disposition: tuple[str, dict[str, str]] | None = None

    def first(self, name: str) -> bytes:
        """Raw value of the first field of that lower-case name, b"" without one."""
        values = self.fields.get(name)
        return values[0] if values else b""

    def all(self, name: str) -> list[bytes]:
        """Raw values of every field of that lower-case name, in order."""
        return self.fields.get(name, [])

    @property
    def type(self) -> str:
        """`main/sub` in lower case."""
        return f"{self.main}/{self.sub}"

    @property
    def disposition(self) -> str:
        """First word of Content-Disposition, lower case, "" without one."""
        return self._dispose()[0]

    @property
    def disposition_parameters(self) -> dict[str, str]:
        """Parameters of Content-Disposition."""
        return self._dispose()[1]

    def _dispose(self) -> tuple[str, dict[str, str]]:
        if self._disposition is None:
            raw = self.first("content-disposition")
            self._disposition = headers.disposition(raw) if raw else ("", {})
        return self._disposition


@dataclass(slots=True)
class Tree:
    """The whole mail: its bytes as read, the root part and what was broken."""

    raw: bytes
    root: Part
    defects: list[str]
    limits: Limits
    count: int = 0
    envelope_sender: str = ""  # from an mbox `From ` line
    is_cut: bool = False  # a limit was reached somewhere in the tree
    hint: str = ""  # charset of the first text that declares one: raw 8-bit headers are mostly in it

    def note(self, defect: str) -> None:
        """Keep a defect once; a mail with thousands of faults gets a list a person can read."""
        if len(self.defects) < 50 and defect not in self.defects:
            self.defects.append(defect)


_HEADER_LINE = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
# One field with its folded lines, or (last group) a line that is none.
_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)\n?|([^\n]+)\n?")
_BLANK_LINE = re.compile(rb"\n\r*\n")
_LEADING = re.compile(rb"(?:[ \t\r]*\n)+")
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MBOX = re.compile(rb">?From ([^\s:]{1,320}) [^\n]*\n")
_KNOWN = frozenset(
    {
        "from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "received", "return-path",
        "reply-to", "sender", "in-reply-to", "references", "delivered-to", "dkim-signature", "precedence",
        "auto-submitted", "status",
        "organization", "errors-to", "disposition-notification-to", "authentication-results", "comments", "keywords",
        "apparently-to", "newsgroups",
    }
)  # fmt: skip
# Read even where the header is over its limits: what a ticket cannot do without, each cut to a size that cannot hurt.
_ESSENTIAL_FIELD = re.compile(
    rb"^(from|to|subject|date|message-id|in-reply-to|references|content-type|content-transfer-encoding|return-path"
    rb"|auto-submitted|precedence|sender|reply-to)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)",
    re.IGNORECASE | re.MULTILINE,
)
_ESSENTIAL_BYTES = 16384
_DEFAULT_TYPE: tuple[str, str, dict[str, str]] = ("text", "plain", {})
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def _is_known(name: bytes) -> bool:
    """A field name that stands in mails and hardly in prose."""
    low = name.lower()
    return low.startswith((b"content-", b"x-", b"list-", b"resent-", b"arc-")) or low.decode("ascii") in _KNOWN


def prepare(raw: bytes) -> tuple[bytes, str]:
    """The mail with line ends that can be searched and without what stands before its first header.

    Returns it with the sender of an mbox `From ` line. CR-only mails get line feeds, a byte order mark and blank
    lines in front are taken off, UTF-16 files are recoded.
    """
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    if raw.startswith(b"\xef\xbb\xbf"):
        raw = raw[3:]
    head = raw[:8192]
    if b"\r" in head and head.count(b"\r") > 4 * head.count(b"\n"):
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if raw[:1] in b" \t\r\n" and (match := _LEADING.match(raw)):
        raw = raw[match.end() :]
    envelope = ""
    if raw[:6].startswith((b"From ", b">From ")) and (match := _MBOX.match(raw)):
        following = raw[match.end() : match.end() + 300]
        if _HEADER_LINE.match(following):
            raw = raw[match.end() :]
            envelope = match[1].decode("ascii", "replace")
    return raw, envelope


def read_fields(
    raw: bytes, start: int, end: int, limits: Limits, *, top: bool = False
) -> tuple[dict[str, list[bytes]], int, str]:
    """Header fields between `start` and `end`, where the body starts, and a defect sentence.

    A line that is no field is skipped when known fields follow, else the body starts there. A block without any known
    field name is no header at all: the text starts at once (for the top only).
    """
    if raw[start : start + 1] == b"\n":
        return {}, start + 1, ""
    if raw[start : start + 2] == b"\r\n":
        return {}, start + 2, ""
    blank = _BLANK_LINE.search(raw, start, end)
    stop, body = (blank.start() + 1, blank.end()) if blank else (end, end)
    defect = ""
    budget = limits.max_header_bytes
    if stop - start > budget:
        defect = f"Header of {stop - start} bytes, cut at {budget}."
    fields: dict[str, list[bytes]] = {}
    known = not top
    count = 0
    for match in _FIELD.finditer(raw, start, stop):
        name, value, junk = match.groups()
        if junk is None:
            count += 1
            if count > limits.max_header_count or len(value) > budget:
                _take_essential(fields, raw, match.start(), stop)
                known = known or bool(fields)
                defect = defect or f"More than {limits.max_header_count} header fields, the rest was not read."
                break
            budget -= len(value)
            fields.setdefault(name.decode("ascii").lower(), []).append(value.strip())
            known = known or _is_known(name)
        elif junk.strip():
            if junk[:1] in b" \t" and fields:
                continue  # a folded line without its field
            if not _fields_follow(raw, match.end(), stop):
                body = match.start()
                defect = defect or "No blank line between header and body."
                break
            defect = defect or "A line in the header is no field."
    if not known:
        return {}, start, "No header: the whole file was read as text."
    return fields, min(body, end), defect


def _take_essential(fields: dict[str, list[bytes]], raw: bytes, at: int, stop: int) -> None:
    """The first of each field that a ticket cannot do without, from a header that is over its limits."""
    for match in _ESSENTIAL_FIELD.finditer(raw, at, stop):
        name = match[1].decode("ascii").lower()
        if name not in fields:
            fields[name] = [match[2][:_ESSENTIAL_BYTES].strip()]


def _fields_follow(raw: bytes, at: int, end: int) -> bool:
    """Whether one of the next three lines is a known field, so that a stray line stands inside a header."""
    for line in raw[at : min(end, at + 3000)].split(b"\n", 3)[:3]:
        match = _HEADER_LINE.match(line)
        if match and _is_known(match[1]):
            return True
    return False


def split_mail(raw: bytes, limits: Limits) -> Tree:
    """The tree of a mail. Raises UnreadableMail when it is too big, empty or no mail at all."""
    if len(raw) > limits.max_bytes:
        raise UnreadableMail(f"The mail has {len(raw)} bytes, more than the {limits.max_bytes} that are read.")
    if raw.startswith(_OLE):
        raise UnreadableMail("This is an Outlook .msg file or an Office document, not an Internet mail.")
    raw, envelope = prepare(raw)
    if not raw.strip(b"\x00 \t\r\n"):
        raise UnreadableMail("The mail is empty.")
    defects: list[str] = []
    fields, body, defect = read_fields(raw, 0, len(raw), limits, top=True)
    tree = Tree(raw, _part(fields, body, len(raw), _DEFAULT_TYPE), defects, limits, count=1, envelope_sender=envelope)
    if defect:
        tree.note(defect)
    if not fields and len(_CONTROLS.findall(raw, 0, 4096)) > 16 + len(raw[:4096]) // 50:
        raise UnreadableMail("This is a binary file, not a mail.")
    tree.hint = tree.root.parameters.get("charset", "")
    _fill(tree, tree.root, 1)
    return tree


def _part(fields: dict[str, list[bytes]], start: int, end: int, default: tuple[str, str, dict[str, str]]) -> Part:
    """A part with its type read from its fields; one that cannot be read counts as the default."""
    raw_type = fields.get("content-type")
    main, sub, parameters = headers.content_type(raw_type[0]) if raw_type else default
    if not main and raw_type and len(raw_type) > 1:
        main, sub, parameters = headers.content_type(raw_type[1])
    if not main:
        main, sub = ("multipart", "mixed") if "boundary" in parameters else default[:2]
        return Part(fields, main, sub, parameters, start, end, declared=False)
    return Part(fields, main, sub, parameters, start, end, declared=bool(raw_type))


_SNIFF_BOUNDARY = re.compile(
    rb"(?:^|\n)--([^\s][^\r\n]{0,198}?)[ \t]*\r*\n(?:[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[A-Za-z-]+:)"
)


def _fill(tree: Tree, part: Part, depth: int) -> None:
    """Cut a multipart into its children, down to the limits."""
    if part.main != "multipart":
        return
    if depth >= tree.limits.max_depth:
        tree.is_cut = True
        tree.note(f"Nested deeper than {tree.limits.max_depth} levels, what is below was not unpacked.")
        return
    boundary = part.parameters.get("boundary", "").rstrip().encode("utf-8", "surrogateescape")
    slices, closed = _slices(tree, part, boundary) if boundary else ([], False)
    if not slices:
        guess = _SNIFF_BOUNDARY.search(tree.raw, max(part.start - 1, 0), part.end)
        if guess:
            tree.note("The boundary of a multipart is missing or wrong, guessed from the body.")
            slices, closed = _slices(tree, part, guess[1])
    if not slices:
        tree.note("A multipart without parts, read as text.")
        part.main, part.sub = "text", "plain"
        return
    if not closed:
        tree.note("A multipart does not end with its boundary.")
    default = ("message", "rfc822", {}) if part.sub == "digest" else _DEFAULT_TYPE
    for start, end in slices:
        if tree.count >= tree.limits.max_parts:
            tree.is_cut = True
            tree.note(f"More than {tree.limits.max_parts} parts, the rest was not unpacked.")
            return
        tree.count += 1
        fields, body, defect = read_fields(tree.raw, start, end, tree.limits)
        if defect:
            tree.note(defect)
        child = _part(fields, min(body, end), end, default)
        if not tree.hint and child.main == "text":
            tree.hint = child.parameters.get("charset", "")
        part.children.append(child)
        _fill(tree, child, depth + 1)


def _slices(tree: Tree, part: Part, boundary: bytes) -> tuple[list[tuple[int, int]], bool]:
    """Places of the bodies between the boundary lines, and whether the closing one was found.

    Stops looking when more are found than the tree may still take. Parts behind the closing line of a broken mail are
    read too.
    """
    raw, end = tree.raw, part.end
    mark = b"--" + boundary
    found: list[tuple[int, int]] = []
    opened = -1
    closed = False
    at = part.start
    room = tree.limits.max_parts - tree.count + 1
    misses = 0
    line: re.Pattern[bytes] | None = None
    while len(found) < room:
        if line is None:
            at = raw.find(mark, at, end)
        else:
            match = line.search(raw, at, end)
            at = match.start() if match else -1
        if at < 0:
            break
        after = at + len(mark)
        line_end = raw.find(b"\n", after, end)
        if line_end < 0:
            line_end = end
        tail = raw[after : min(line_end, after + 100)].strip()
        if (at != part.start and raw[at - 1] != 10) or tail not in (b"", b"--") or line_end - after > 100:
            at = after
            misses += 1
            if misses == _MAX_MISSES:  # text full of what looks like the boundary: worth compiling a pattern for
                line = re.compile(rb"^" + re.escape(mark) + rb"(?:--)?[ \t]*\r*$", re.MULTILINE)
            continue
        if opened >= 0:
            stop = at - 1
            if stop > opened and raw[stop - 1] == 13:
                stop -= 1
            found.append((opened, max(stop, opened)))
        closed = tail == b"--"
        opened = -1 if closed else min(line_end + 1, end)
        at = line_end
    if opened >= 0 and len(found) < room and opened < end:
        found.append((opened, end))
    return found, closed


_MAX_MISSES = 100
