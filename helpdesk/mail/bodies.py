"""Which parts of a mail are its body and which are files: called by parse.py with the tree of mime.py.

The body is a row of sections, because mailers put texts one after the other (a list's footer, Apple's text between
two pictures); a section has plain text, HTML or both. Everything that is not body is an attachment: nothing
disappears.
"""

from __future__ import annotations

import html as html_module
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from helpdesk.mail import charset, filenames, headers, mime, tnef, transfer
from helpdesk.mail.calendar_invite import invitation_text
from helpdesk.mail.message import ParsedAttachment
from helpdesk.mail.mime import Part, Tree


@dataclass(slots=True)
class Section:
    """A piece of the body in the forms its sender gave; "" is a form that is not there."""

    text: str = ""
    html: str = ""


@dataclass(slots=True)
class Content:
    """What was found in a tree. `embedded` is the first attached mail."""

    sections: list[Section] = field(default_factory=list)
    attachments: list[ParsedAttachment] = field(default_factory=list)
    embedded: bytes = b""
    fallback_texts: list[Section] = field(default_factory=list)  # shown when the mail has no body of its own


_FLOWED_QUOTE = re.compile(r"^>+")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_HTML_START = re.compile(r"\s*(?:<!doctype html|<html\b|<head\b|<body\b)", re.IGNORECASE)
_CID = re.compile(r"cid:([^\"'\s<>)]{1,300})", re.IGNORECASE)
_ENRICHED_TAG = re.compile(r"<(?!<)/?[A-Za-z][^>]{0,60}>")
_PARAM_TAG = re.compile(r"<param>.{0,200}?</param>", re.IGNORECASE | re.DOTALL)
_SKIPPED = frozenset({"text/x-amp-html", "text/watch-html", "application/applefile"})
_TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_MAX_CONTENT_ID = 255


class _Collector:
    """One walk over one tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.content = Content()
        self.sections = self.content.sections
        self.locations: dict[str, str] = {}
        self.text_left = self.html_left = tree.limits.max_text_characters

    # --- the walk ---

    def walk(self, part: Part, *, is_root: bool = False) -> None:
        if part.main != "multipart":
            self.leaf(part, is_root=is_root)
        elif part.sub == "alternative":
            self.alternative(part)
        elif part.sub == "related":
            self.related(part)
        elif part.sub == "signed" and part.children:
            self.walk(part.children[0])
            for child in part.children[1:]:
                self.attach(child)
        else:
            for child in part.children:
                self.walk(child)

    @contextmanager
    def _aside(self) -> Iterator[list[Section]]:
        """Collect the sections found inside the block apart from the mail's own."""
        kept, self.sections = self.sections, []
        try:
            yield self.sections
        finally:
            self.sections = kept

    def alternative(self, part: Part) -> None:
        """The same content in several forms: one section with the plain and the HTML one."""
        chosen = Section()
        for child in part.children:
            with self._aside() as found:
                self.walk(child)
            text = "\n".join(section.text for section in found if section.text and not section.html)
            html = ""
            if any(section.html for section in found):
                html = "\n".join(section.html or _text_as_html(section.text) for section in found)
            paired = "\n".join(section.text for section in found if section.html and section.text)
            if html:
                chosen.html = f"{chosen.html}\n{html}" if chosen.html else html
                text = paired
            if text.strip():
                chosen.text = chosen.text if chosen.text.strip() else text
        if chosen.text or chosen.html:
            self.sections.append(chosen)

    def related(self, part: Part) -> None:
        """A root with its resources: the one named by `start`, else the first text or multipart."""
        start = part.parameters.get("start", "").strip("<> ")
        root = next((c for c in part.children if start and _content_id(c) == start), None)
        if root is None:
            root = next((c for c in part.children if c.main in ("multipart", "text")), None)
        for child in part.children:
            if child is root or child.main == "multipart":
                self.walk(child)
            elif child.main == "text" and not child.first("content-id") and not child.first("content-location"):
                self.leaf(child)
            else:
                self.attach(child)

    # --- leaves ---

    def leaf(self, part: Part, *, is_root: bool = False) -> None:
        if part.type in _SKIPPED:
            return
        if part.main == "text" and part.disposition != "attachment" and self.is_body(part, is_root):
            self.body(part)
        else:
            self.attach(part)

    def is_body(self, part: Part, is_root: bool) -> bool:
        """A text without a file name is body; the mail's only part is body whatever it is called."""
        if part.sub in ("calendar", "rfc822-headers", "vcard", "x-vcard", "directory", "csv", "css", "x-patch", "rtf"):
            return False
        return is_root or not _raw_name(part)

    def body(self, part: Part) -> None:
        data = transfer.decoded(self.tree, part)
        is_html = part.sub in ("html", "xhtml", "xhtml+xml")
        if not is_html and b"begin" in data:
            data = self._take_uuencoded(data)
        text = self._decode(part, data, is_html)
        if part.sub in ("enriched", "richtext"):
            text = _ENRICHED_TAG.sub("", _PARAM_TAG.sub("", text)).replace("<<", "<")
        elif not is_html and _HTML_START.match(text):
            is_html = True
        if not is_html and part.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, part.parameters.get("delsp", "").lower() == "yes")
        if not text.strip():
            return
        room = self.html_left if is_html else self.text_left
        if len(text) > room:
            self.tree.note("The body is too long to show whole; the whole of it is an attachment.")
            name = "message.html" if is_html else "message.txt"
            self._add(ParsedAttachment(name=name, content_type=part.type, content=data))
            text = text[:room]
        if is_html:
            self.html_left -= len(text)
            self.sections.append(Section(html=text))
        else:
            self.text_left -= len(text)
            self.sections.append(Section(text=text))

    def _decode(self, part: Part, data: bytes, is_html: bool) -> str:
        declared = part.parameters.get("charset", "")
        if is_html and not (declared and charset.python_codec(declared)):
            match = _META_CHARSET.search(data[:4096])
            declared = match[1].decode("ascii") if match else declared
        text, defect = charset.decode(data, declared)
        if defect:
            self.tree.note(defect)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text.removeprefix("\ufeff")

    def _take_uuencoded(self, data: bytes) -> bytes:
        """Files written into the text are attached and taken out of it."""
        found = transfer.uuencoded(data)
        if not found:
            return data
        kept, at = [], 0
        for name, content, start, end in found:
            kept.append(data[at:start])
            at = end
            safe = filenames.safe_name(name) or filenames.default_name("application/octet-stream", self._number())
            self._add(ParsedAttachment(name=safe, content_type="application/octet-stream", content=content))
        kept.append(data[at:])
        return b"".join(kept)

    def attach(self, part: Part) -> None:
        """Keep a part as a file; winmail.dat is unpacked, a calendar and a mail also give a text to fall back on."""
        if part.main == "multipart":
            for child in part.children:
                self.attach(child)
            return
        if part.type in _SKIPPED:
            return
        content = transfer.decoded(self.tree, part)
        raw_name = _raw_name(part, self.tree.hint)
        if (part.type in _TNEF_TYPES or raw_name.lower() == "winmail.dat") and self._unpack_tnef(content):
            return
        if not content and not raw_name:
            return
        kind = part.type
        hint = ""
        if kind in ("message/rfc822", "message/global"):
            hint = _subject_of(content)
            if not self.content.embedded:
                self.content.embedded = content
        elif kind == "text/calendar":
            invitation = invitation_text(self._decode(part, content, is_html=False))
            self.content.fallback_texts.append(Section(text=invitation))
        elif kind == "message/partial" or (part.main == "text" and kind in ("text/plain", "text/html")):
            self._keep_as_fallback(part, content)
        name = filenames.safe_name(raw_name) or filenames.default_name(kind, self._number(), hint)
        content_id = _content_id(part)[:_MAX_CONTENT_ID]
        if not content_id and part.first("content-location"):
            location = headers.decode_text(part.first("content-location"))
            content_id = f"location-{self._number()}"
            self.locations[location] = content_id
        self._add(ParsedAttachment(name=name, content_type=kind[:127], content=content, content_id=content_id))

    def _keep_as_fallback(self, part: Part, content: bytes) -> None:
        """A text file that is all there is may be shown as the text of the mail."""
        if part.disposition == "attachment" and _raw_name(part):
            return
        text = self._decode(part, content[: 4 * self.tree.limits.max_text_characters], is_html=part.sub == "html")
        if part.sub == "partial" and "\n\n" in text:
            text = text.partition("\n\n")[2] or text
        if part.sub == "html":
            self.content.fallback_texts.append(Section(html=text[: self.html_left]))
        else:
            self.content.fallback_texts.append(Section(text=text[: self.text_left].strip()))

    def _unpack_tnef(self, content: bytes) -> bool:
        """Files and body of a winmail.dat, embedded messages down to three levels; False when it is none."""
        unpacked = tnef.read_tnef(content)
        if unpacked is None:
            self.tree.note("A winmail.dat that cannot be read, kept as a file.")
            return False
        queue = [(unpacked, 0)]
        while queue:
            container, depth = queue.pop(0)
            if container.is_cut:
                self.tree.note("A winmail.dat is damaged, read as far as it goes.")
            self._tnef_body(container)
            for file in container.files:
                inner = tnef.read_tnef(file.content) if file.is_message and depth < 3 else None
                if inner is not None:
                    queue.append((inner, depth + 1))
                    continue
                if not file.content and not (file.long_name or file.name):
                    continue
                main, sub, _parameters = headers.content_type(file.content_type.encode("utf-8", "replace"))
                kind = f"{main}/{sub}" if main else "application/octet-stream"
                name = filenames.safe_name(file.long_name or file.name) or filenames.default_name(kind, self._number())
                content_id = file.content_id.strip("<> ")[:_MAX_CONTENT_ID]
                if len(self.content.attachments) >= self.tree.limits.max_parts:
                    self.tree.note(f"More than {self.tree.limits.max_parts} files, the rest was not unpacked.")
                    return True
                self._add(ParsedAttachment(name=name, content_type=kind, content=file.content, content_id=content_id))
        return True

    def _tnef_body(self, container: tnef.Tnef) -> None:
        """The container's body, for a mail that has none outside of it."""
        if container.html.strip():
            self.content.fallback_texts.append(Section(html=container.html[: self.html_left]))
        elif container.text.strip():
            text = container.text[: self.text_left].replace("\r\n", "\n").strip()
            self.content.fallback_texts.append(Section(text=text))
        elif container.rtf:
            from helpdesk.mail.rtf import text_from_rtf

            self.content.fallback_texts.append(Section(text=text_from_rtf(container.rtf)[: self.text_left]))

    def _number(self) -> int:
        return len(self.content.attachments) + 1

    def _add(self, attachment: ParsedAttachment) -> None:
        self.content.attachments.append(attachment)


def _raw_name(part: Part, hint: str = "") -> str:
    """The file name a part gives itself: Content-Disposition before Content-Type. Raw 8-bit names that are no UTF-8
    are read in the charset of the mail (`hint`)."""
    parameters, own = part.disposition_parameters, part.parameters
    if hint:
        for name in ("content-disposition", "content-type"):
            raw = part.first(name)
            if raw and not raw.isascii():
                if name == "content-type":
                    own = headers.content_type(raw, hint)[2]
                else:
                    parameters = headers.disposition(raw, hint)[1]
    return parameters.get("filename") or own.get("name") or parameters.get("name") or own.get("filename") or ""


def _content_id(part: Part) -> str:
    raw = part.first("content-id")
    return headers.decode_text(raw).strip().strip("<>").strip() if raw else ""


def _subject_of(content: bytes) -> str:
    """Subject of an attached mail, for its file name."""
    prepared, _sender = mime.prepare(content[:65536])
    fields, _body, _defect = mime.read_fields(prepared, 0, len(prepared), mime.Limits(), top=True)
    return headers.decode_text(fields.get("subject", [b""])[0])[:150]


def _text_as_html(text: str) -> str:
    return (
        "<p>" + html_module.escape(text.strip("\n"), quote=False).replace("\n", "<br>\n") + "</p>"
        if text.strip()
        else ""
    )


def unflow(text: str, delete_space: bool) -> str:
    """Flowed text (RFC 3676) with its soft breaks taken out: a line that ends with a blank goes on in the next one of
    the same quote depth. The signature mark `-- ` ends a paragraph."""
    out: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        quote = _FLOWED_QUOTE.match(line)
        depth = quote.end() if quote else 0
        rest = line[depth:]
        if rest.startswith(" "):
            rest = rest[1:]
        goes_on = rest.endswith(" ") and rest != "-- "
        if open_depth != depth or rest == "-- ":
            if out:
                out.append("\n")
            out.append(">" * depth + (" " if depth and rest else ""))
        out.append(rest[:-1] if delete_space and goes_on else rest)
        open_depth = depth if goes_on else -1
    return "".join(out)


@dataclass(slots=True)
class Bodies:
    """What the cleaners get: the sections in order, their HTML joined ("" when there is none), and the files."""

    sections: list[Section]
    html: str
    attachments: tuple[ParsedAttachment, ...]
    embedded: bytes
    embedded_is_main: bool


def read_bodies(tree: Tree) -> Bodies:
    """Body and attachments of a mail; inline files are marked by what the HTML refers to."""
    collector = _Collector(tree)
    collector.walk(tree.root, is_root=True)
    content = collector.content
    sections = content.sections
    embedded_is_main = bool(content.embedded) and not sections
    if not sections and not content.embedded:
        for fallback in content.fallback_texts:
            if fallback.text.strip() or fallback.html.strip():
                sections.append(fallback)
                break
    html = ""
    if any(section.html for section in sections):
        html = "\n".join(section.html or _text_as_html(section.text) for section in sections)
        for location, content_id in collector.locations.items():
            if location:
                html = html.replace(f'"{location}"', f'"cid:{content_id}"')
    attachments = content.attachments
    if attachments and html:
        referred = {unquote(cid) for cid in _CID.findall(html)}
        attachments = [replace(a, inline=True) if a.content_id in referred else a for a in attachments]
    return Bodies(sections, html, tuple(attachments), content.embedded, embedded_is_main)
