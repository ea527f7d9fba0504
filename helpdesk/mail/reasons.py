"""Why a mail met its fate: one English sentence for rows, logs and commands that remembers how to be said in other languages.

Made by the mail pipeline and its sandbox, stored beside the sentence (`RawMail.why`), translated by `reason_words` where a
page shows it. No Django here: the sandbox knows none.
"""

from __future__ import annotations

from typing import Any


class Reason(str):
    """The sentence in English. `text` is its catalogue entry, with places such as `%(size)s` for `parts`."""

    text: str
    parts: dict[str, Any]

    def __new__(cls, text: str, **parts: Any) -> Reason:
        """Parts are words, whole numbers or reasons themselves."""
        made = super().__new__(cls, text % {k: f"{v:,}" if isinstance(v, int) else v for k, v in parts.items()})
        made.text, made.parts = text, parts
        return made


def why(reason: str) -> dict[str, Any]:
    """What to store so that a page can say it in another language; empty for words that are no Reason."""
    if not isinstance(reason, Reason):
        return {}
    parts = {k: why(v) if isinstance(v, Reason) else v for k, v in reason.parts.items()}
    return {"text": reason.text, "with": parts}


def again(reason: str, stored: dict[str, Any]) -> str:
    """The Reason a row keeps; the plain sentence where none is stored, or it was written anew since."""
    known = _restored(stored) if stored else None
    return known if known is not None and known.startswith(reason) else reason  # columns may cut it short


def _restored(stored: dict[str, Any]) -> Reason:
    parts = {k: _restored(v) if isinstance(v, dict) else v for k, v in stored["with"].items()}
    return Reason(stored["text"], **parts)
