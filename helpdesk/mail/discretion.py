"""What a mail or token server answered, in clean words and without our own secrets: careless servers repeat what they refuse.

Called where an answer becomes a sentence for a row, a log or a page.
"""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Iterator

from helpdesk.logs import redacted
from helpdesk.models import Mailbox

_BYTES = re.compile(r"""(?<!\w)b(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_LIST_OF_BYTES = re.compile(rf"\[({_BYTES.pattern}(?:, {_BYTES.pattern})*)\]")
_SHORTEST = 4  # shorter ones would blank half the sentence, and protect nothing


def without_secrets(words: str, mailbox: Mailbox) -> str:
    """`words` with the mailbox's passwords and tokens blanked, in the clear, quoted or in base64 as SASL sends them."""
    for form in sorted(_forms(mailbox), key=len, reverse=True):
        words = words.replace(form, "•••")
    return redacted(words)


def in_words(answer: object) -> str:
    """What a server said as one line of text. imaplib gives its words as the text of bytes objects (`b'NO'`), even in lists."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else str(answer)
    text = _LIST_OF_BYTES.sub(lambda found: found[1], text)
    return " ".join(_BYTES.sub(_unwrapped, text).replace("\x00", "").split())


def _unwrapped(found: re.Match[str]) -> str:
    try:
        content: bytes = ast.literal_eval(found[0])
    except (ValueError, SyntaxError):
        return found[0][2:-1]
    return content.decode("utf-8", "replace")


def _forms(mailbox: Mailbox) -> Iterator[str]:
    for secret in (
        mailbox.password,
        mailbox.smtp_password,
        mailbox.oauth_client_secret,
        mailbox.oauth_refresh_token,
        mailbox.oauth_access_token,
    ):
        if not secret or len(secret) < _SHORTEST:
            continue
        yield secret
        yield secret.replace("\\", "\\\\").replace('"', '\\"')
        yield _in_base64(secret)
        for user in {mailbox.username, mailbox.smtp_username}:
            yield _in_base64(f"\0{user}\0{secret}")
            yield _in_base64(f"user={user}\x01auth=Bearer {secret}\x01\x01")


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
