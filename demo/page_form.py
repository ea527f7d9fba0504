"""Reads what a browser posts to the demo page: urlencoded and multipart forms (RFC 7578). Pure; used by `demo.page`."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from demo.letters import Upload

_PARAMETER = re.compile(r';\s*(name|filename)="([^"]*)"')
_BOUNDARY = re.compile(r'boundary="?([^";]{1,70})"?')


class BadForm(ValueError):
    """The body is not a form this page sends."""


@dataclass
class Form:
    """Fields by name (the first value of each) and the files that have a name and content."""

    fields: dict[str, str] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)

    def text(self, name: str) -> str:
        """The value of a field with line breaks as \\n; empty when the field is absent."""
        return self.fields.get(name, "").replace("\r\n", "\n").replace("\r", "\n")


def read_form(content_type: str, body: bytes) -> Form:
    """Decode a posted body. Raises BadForm for any other content type or a broken multipart body."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            values = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
        except ValueError as error:
            raise BadForm(str(error)) from error
        return Form({name: items[0] for name, items in values.items()})
    boundary = _BOUNDARY.search(content_type)
    if kind != "multipart/form-data" or boundary is None:
        raise BadForm(f"unexpected content type {kind!r}")
    form = Form()
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode("ascii", "replace"))
    if len(parts) > 60 or not parts[-1].startswith(b"--"):
        raise BadForm("the multipart body is cut off or has too many parts")
    for part in parts[1:-1]:
        head, separator, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not separator:
            raise BadForm("a part has no headers")
        _take_part(form, head.decode("utf-8", "replace"), content)
    return form


def _take_part(form: Form, head: str, content: bytes) -> None:
    disposition, content_type = "", "application/octet-stream"
    for line in head.split("\r\n"):
        name, _, value = line.partition(":")
        if name.lower() == "content-disposition":
            disposition = value
        elif name.lower() == "content-type":
            content_type = value.strip().lower()
    parameters = dict(_PARAMETER.findall(disposition))
    if "name" not in parameters:
        raise BadForm("a part has no name")
    if "filename" not in parameters:
        form.fields.setdefault(parameters["name"], content.decode("utf-8", "replace"))
    elif parameters["filename"] and content:
        file_name = unquote(parameters["filename"]).replace("\\", "/").rsplit("/", 1)[-1]
        form.uploads.append(Upload(file_name, content_type.partition(";")[0], content))
