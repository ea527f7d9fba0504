"""Pieces that the tests of the parser build their mails of. Used by the test_mail_parse files."""

from __future__ import annotations

import base64

from helpdesk.mail.parse import parse_mail

HEAD = (
    b"From: Jane Doe <jane@customer.example>\r\nTo: support@shop.example\r\nSubject: Order 5\r\n"
    b"Message-ID: <m1@customer.example>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
)


def part(content_type: str, body: bytes | str, *more: str) -> bytes:
    """One body part with its headers."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"Content-Type: {content_type}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def multipart(kind: str, *parts: bytes, boundary: str = "b1") -> bytes:
    """A multipart body with its Content-Type field."""
    marked = b"".join(b"--" + boundary.encode() + b"\r\n" + one + b"\r\n" for one in parts)
    return (
        f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode() + marked + f"--{boundary}--".encode()
    )


def encoded(content_type: str, data: bytes, *more: str) -> bytes:
    """A part in Base64."""
    return part(content_type, base64.encodebytes(data), "Content-Transfer-Encoding: base64", *more)


def names(raw: bytes) -> list[str]:
    return [attachment.name for attachment in parse_mail(raw).attachments]
