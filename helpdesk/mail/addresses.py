"""Address lists of RFC 5322 as mailers really write them: one pass, no recursion, nothing that backtracks.

Called by headers.py. The standard library's reader recurses on nested comments and is quadratic on long lists.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

from helpdesk.mail.message import Address

MAX_ADDRESS_LENGTH = 320
_MAX_NAME_LENGTH = 300
_MAX_WORDS = 100
_SPACES = re.compile(r"\s+")
_FIND_EMAIL = re.compile(r"[^\s<>()\[\],;:\"'@]{1,64}@[^\s<>()\[\],;:\"'@]{1,253}")
_AROUND_SIGNS = re.compile(r"\s*([@.])\s*")
_QUOTED_LOCAL = re.compile(r'"[^"]{1,64}"@[^\s@]+')
_COMMENT = re.compile(r"\((?:[^()\\]|\\.){0,200}\)")
_BREAKS = frozenset('"(,:;<')
_NEXT_BREAK = re.compile(r'["(,:;<]')
_CONTROL = re.compile("[\x00-\x1f\x7f\u2028\u2029\u0085]")


def display_domain(domain: str) -> str:
    """The domain in lower case with its xn-- labels decoded for display; a label that does not decode stays."""
    domain = domain.rstrip(".").lower()
    if "xn--" not in domain:
        return domain
    labels = []
    for label in domain.split("."):
        if label.startswith("xn--") and len(label) <= 63:
            with contextlib.suppress(UnicodeError, ValueError):
                label = label.encode("ascii").decode("idna")
        labels.append(label)
    return ".".join(labels)


def normal_email(text: str) -> str:
    """One bare address, its domain lower-cased and decoded, or "" when this is no address.

    A bare word (`root`, `MAILER-DAEMON`) counts: local daemons write so.
    """
    text = text.strip().strip("<>").strip()
    if text[:7].lower() == "mailto:":
        text = text[7:]
    if not text or len(text) > MAX_ADDRESS_LENGTH or _CONTROL.search(text):
        return ""
    local, at, domain = text.rpartition("@")
    if not at:
        return text if not _SPACES.search(text) and any(c.isalnum() for c in text) else ""
    quoted = len(local) > 1 and local[0] == '"' == local[-1]
    if not quoted:
        if _SPACES.search(local):
            local = _SPACES.sub("", local)
        if local.startswith("'") and domain.endswith("'"):
            local, domain = local[1:], domain[:-1]
    domain = _SPACES.sub("", domain).strip("'\"")
    if not local or not domain:
        return ""
    return f"{local}@{display_domain(domain)}"


class _Reader:
    """State of one pass over one header value."""

    def __init__(self, value: str, decode: Callable[[str], str], limit: int) -> None:
        self.value = value
        self.decode = decode
        self.limit = limit
        self.found: list[Address] = []
        self.cut = False
        # Once a quote or comment did not end, none after it is looked for again: else a flood of them costs the
        # square.
        self.quotes_end = True
        self.comments_end = True
        self._reset()

    def _reset(self) -> None:
        self.words: list[str] = []
        self.comments: list[str] = []
        self.angle: str | None = None

    def _finish(self) -> None:
        """One address is complete: keep it if it has a mail address, however odd its name."""
        words, comments, angle = self.words, self.comments, self.angle
        if not words and not comments and angle is None:
            return
        self._reset()
        if len(self.found) >= self.limit:
            self.cut = True
            return
        name = _SPACES.sub(" ", "".join(words)).strip()
        email = ""
        if angle is not None:
            email = normal_email(_last_of_route(angle))
            if not email and name and "@" in name:
                match = _FIND_EMAIL.search(name)
                email = normal_email(match[0]) if match else ""
        elif name:
            email, name = self._bare(name)
        if not email and angle is not None and (match := _FIND_EMAIL.search(angle)):
            email = normal_email(match[0])
        if not email:
            return
        if not name and comments:
            name = " ".join(comments)
        shown = self.decode(name) if name else ""
        shown = _SPACES.sub(" ", _CONTROL.sub(" ", shown)).strip().strip("<>").strip()
        if len(shown) > 1 and shown[0] == shown[-1] and shown[0] in "\"'":
            shown = shown[1:-1].strip()
        self.found.append(Address(email=email, name=shown[:_MAX_NAME_LENGTH]))

    def _bare(self, words: str) -> tuple[str, str]:
        """Address and name of words without angle brackets: one address, blanks around its signs allowed, or the
        first that stands among the words."""
        joined = _AROUND_SIGNS.sub(r"\1", words)
        if _QUOTED_LOCAL.fullmatch(joined) or (" " not in joined and "=?" not in joined and joined.count("@") <= 1):
            return normal_email(joined), ""
        decoded = self.decode(words) if "=?" in words else words
        match = _FIND_EMAIL.search(decoded) or _FIND_EMAIL.search(joined)
        if match is None:
            return "", decoded
        name = decoded.replace(match[0], " ")
        return normal_email(match[0].strip("'\"")), "" if "@" in name else name

    def run(self) -> None:
        value, end, at = self.value, len(self.value), 0
        while at < end and not self.cut:
            char = value[at]
            if char not in _BREAKS:
                match = _NEXT_BREAK.search(value, at)
                stop = match.start() if match else end
                self.words.append(value[at:stop])
                at = stop
            elif char == '"':
                at = self._take_quoted(value, at)
            elif char == "(":
                at = self._take_comment(value, at)
            elif char == "<":
                at = self._take_angle(value, at)
            elif char == ":":
                at = self._take_colon(value, at)
            else:  # a comma, or the semicolon that ends a group or is written for a comma
                if char == "," and self._comma_in_name(value, at):
                    self.words.append(",")
                else:
                    self._finish()
                at += 1
            if len(self.words) > _MAX_WORDS:
                self.words = ["".join(self.words)[: 4 * MAX_ADDRESS_LENGTH]]
        self._finish()

    def _take_comment(self, value: str, at: int) -> int:
        """A comment may be the name (`jane@x.org (Jane)`); an open bracket inside a name is a letter."""
        text, after = _comment(value, at) if self.comments_end else ("", at + 1)
        if after == at + 1:
            self.comments_end = False
            self.words.append("(")
        elif text.strip():
            self.comments.append(text.strip())
        self.words.append(" ")
        return after

    def _take_quoted(self, value: str, at: int) -> int:
        """A quoted string is a local part when an @ follows at once, else a piece of the name."""
        text, after = _quoted(value, at) if self.quotes_end else ("", at + 1)
        if after == at + 1:
            self.quotes_end = False
            return after
        at = after
        if at < len(value) and value[at] == "@":
            plain = text if text and not re.search(r'[\s"(),:;<>@\[\]\\]', text) else f'"{text}"'
            self.words.append(plain)
        else:
            self.words.append(f" {text} " if self.words else text)
            if at < len(value) and value[at] not in ',;:<(" \t':
                self.words.append(" ")
        return at

    def _take_angle(self, value: str, at: int) -> int:
        """Read `<...>`; without its end it runs to the next comma."""
        stop = value.find(">", at + 1)
        if stop < 0 or stop - at > 4 * MAX_ADDRESS_LENGTH:
            comma = value.find(",", at + 1)
            stop = comma if comma >= 0 else len(value)
            inner, after = value[at + 1 : stop], stop
        else:
            inner, after = value[at + 1 : stop], stop + 1
            if "<" in inner:  # `<<a@b>>` and `<Name <a@b>>`
                inner = inner.rpartition("<")[2]
                while after < len(value) and value[after] == ">":
                    after += 1
        if self.angle is not None and "@" in self.angle:
            self._finish()
        self.angle = inner
        return after

    def _take_colon(self, value: str, at: int) -> int:
        """A colon ends a group's name, unless it belongs to `mailto:` or to a name without quotes."""
        word = "".join(self.words).strip().lower()
        if word == "mailto":
            self.words = []
        elif self.angle is None and "@" not in word:
            self._reset()  # the name of a group
        else:
            self.words.append(":")
        return at + 1

    def _comma_in_name(self, value: str, at: int) -> bool:
        """`Doe, Jane <jane@x.org>` without quotes: no address before the comma, and an angle comes before the next
        one."""
        if self.angle is not None or not self.words:
            return False
        word = "".join(self.words).strip()
        if not word or "@" in word or len(word) > 60 or ("=?" in word and "?=" not in word):
            return False
        comma = value.find(",", at + 1)
        angle = value.find("<", at + 1)
        if angle < 0 or 0 <= comma < angle:
            return False
        between = value[at + 1 : angle]
        return "@" not in between and " " in between


def _last_of_route(angle: str) -> str:
    """The mailbox without comments, behind an obsolete source route `@relay,@relay:user@host`."""
    if "(" in angle:
        angle = _COMMENT.sub("", angle)
    if angle.lstrip().startswith("@") and ":" in angle:
        return angle.rpartition(":")[2]
    return angle


def _quoted(value: str, at: int) -> tuple[str, int]:
    """Text of the quoted string that starts at `at`, and the place after it; without an end it is a stray quote."""
    out: list[str] = []
    place, end = at + 1, len(value)
    while place < end:
        stop = place
        while stop < end and value[stop] not in '"\\':
            stop += 1
        out.append(value[place:stop])
        if stop >= end:
            return "", at + 1
        if value[stop] == '"':
            return "".join(out), stop + 1
        out.append(value[stop + 1 : stop + 2])
        place = stop + 2
    return "", at + 1


def _comment(value: str, at: int) -> tuple[str, int]:
    """Text of the comment that starts at `at`, nested ones included as text, and the place after it."""
    depth, place, end = 1, at + 1, len(value)
    out: list[str] = []
    while place < end:
        char = value[place]
        if char == "\\":
            out.append(value[place + 1 : place + 2])
            place += 2
            continue
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return "".join(out), place + 1
        out.append(char)
        place += 1
    if depth == 1 and "<" in value[at:]:  # an open bracket inside a name: `Jane (sales <jane@x.org>`
        return "", at + 1
    return "".join(out), end


def parse_addresses(value: str, decode: Callable[[str], str], limit: int) -> tuple[list[Address], bool]:
    """Addresses of one unfolded header value in order, and whether the list was cut at `limit`.

    `decode` turns encoded words into text; it is applied to names only, after the structure is known, so that an
    encoded comma or angle bracket cannot make an address. Empty groups and names without an address give nothing.
    """
    reader = _Reader(value, decode, limit)
    reader.run()
    return reader.found, reader.cut
