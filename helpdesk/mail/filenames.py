"""Names of attachments: readable for people, harmless for file systems. Called by bodies.py."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

MAX_NAME_BYTES = 200

# By content type; the standard library's table depends on the machine it runs on.
_EXTENSIONS = {
    "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/csv": ".csv", "text/vcard": ".vcf",
    "text/x-vcard": ".vcf", "text/directory": ".vcf", "text/rtf": ".rtf", "text/xml": ".xml", "text/css": ".css",
    "text/enriched": ".txt", "text/markdown": ".md", "text/x-patch": ".patch", "text/x-diff": ".diff",
    "application/pdf": ".pdf", "application/zip": ".zip", "application/x-zip-compressed": ".zip",
    "application/gzip": ".gz", "application/x-gzip": ".gz", "application/x-tar": ".tar", "application/json": ".json",
    "application/xml": ".xml", "application/rtf": ".rtf", "application/msword": ".doc",
    "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt", "application/vnd.ms-outlook": ".msg",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt", "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/postscript": ".ps", "application/ics": ".ics", "application/pgp-signature": ".asc",
    "application/pgp-encrypted": ".asc", "application/pgp-keys": ".asc", "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m", "application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s",
    "application/ms-tnef": ".dat", "application/javascript": ".js",
    "image/jpeg": ".jpg", "image/jpg": ".jpg", "image/pjpeg": ".jpg", "image/png": ".png", "image/gif": ".gif",
    "image/webp": ".webp", "image/svg+xml": ".svg", "image/bmp": ".bmp", "image/tiff": ".tif", "image/heic": ".heic",
    "audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/ogg": ".ogg", "audio/mp4": ".m4a",
    "audio/basic": ".au", "audio/amr": ".amr", "video/mp4": ".mp4", "video/mpeg": ".mpg", "video/quicktime": ".mov",
    "video/webm": ".webm", "video/3gpp": ".3gp", "message/rfc822": ".eml", "message/global": ".eml",
    "message/delivery-status": ".txt", "message/disposition-notification": ".txt", "message/feedback-report": ".txt",
    "text/rfc822-headers": ".txt", "message/partial": ".txt", "message/external-body": ".txt",
}  # fmt: skip

_FIXED = {
    "text/calendar": "invite.ics",
    "application/ics": "invite.ics",
    "application/pgp-signature": "signature.asc",
    "application/pgp-encrypted": "encrypted.asc",
    "application/pkcs7-signature": "smime.p7s",
    "application/x-pkcs7-signature": "smime.p7s",
    "application/pkcs7-mime": "smime.p7m",
    "application/x-pkcs7-mime": "smime.p7m",
    "application/ms-tnef": "winmail.dat",
    "message/delivery-status": "delivery-status.txt",
    "message/disposition-notification": "disposition-notification.txt",
    "message/feedback-report": "feedback-report.txt",
    "text/rfc822-headers": "headers.txt",
}

# Control characters, direction marks that turn `gpj.exe` into `exe.jpg`, line separators, invisible fillers.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]"
)
_SPACES = re.compile(r"\s+")
_PATH_HEAD = re.compile(r"(?:[A-Za-z]:)?[\\/]|\.{1,2}[\\/]|~[\\/]|(?:[^\\/]*[\\/]){2}|[A-Za-z]:")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2}){2}")


def extension_for(content_type: str) -> str:
    """The usual extension of a content type with its dot; ".bin" when there is none."""
    return _EXTENSIONS.get(content_type, ".txt" if content_type.startswith("text/") else ".bin")


def default_name(content_type: str, number: int, hint: str = "") -> str:
    """A sensible name for a part without one: by its type, by `hint` (a subject) for mails, else counted."""
    if hint and (name := safe_name(hint)):
        return _shorten(name, extension_for(content_type))
    if content_type in _FIXED:
        return _FIXED[content_type]
    main = content_type.partition("/")[0]
    stem = {"image": "image", "audio": "audio", "video": "video", "message": "message", "text": "text"}.get(
        main, "attachment"
    )
    return f"{stem}-{number}{extension_for(content_type)}"


def safe_name(name: str) -> str:
    """The name without path, control characters and direction marks, at most 200 bytes in UTF-8, its extension kept.

    "" when nothing readable is left. A single slash inside a name (`Invoice 10/2024.pdf`) becomes an underscore; what
    looks like a path loses its folders.
    """
    if "%" in name and _PERCENT.search(name):
        try:
            unquoted = unquote_to_bytes(name).decode("utf-8")
            name = name if unquoted.isascii() else unquoted
        except UnicodeDecodeError:
            pass
    name = unicodedata.normalize("NFC", _SPACES.sub(" ", name))
    name = _HIDDEN.sub("", name).strip()
    if "/" in name or "\\" in name or name[1:2] == ":":
        if _PATH_HEAD.match(name):
            name = re.split(r"[\\/]", name.rstrip("\\/"))[-1]
            name = name[2:] if name[1:2] == ":" else name
        name = name.replace("/", "_").replace("\\", "_")
    name = name.strip(" \t\"'").rstrip(". ")
    while name.startswith(".."):
        name = name[1:]
    if not name.strip("._ "):
        return ""
    if len(name) * 4 <= MAX_NAME_BYTES or len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if dot and len(extension.encode()) <= 20:
        return _shorten(stem, f".{extension}")
    return _shorten(name, "")


def _shorten(stem: str, extension: str) -> str:
    """Stem and extension in at most 200 bytes, cut between characters."""
    room = MAX_NAME_BYTES - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + extension
