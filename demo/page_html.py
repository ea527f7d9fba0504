"""The HTML of the customers' page. Pure: from views to one string; every value goes through `html.escape`.

Written as small functions, one per piece of the page, in the components of the house's stylesheets. No inline script
or style: the page is served under a strict Content-Security-Policy. Used by `demo.page`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode

from demo.accounts import MAILBOXES
from demo.cast import CAST
from demo.letter_view import LetterView, ThreadView
from demo.letters import Writer

LANGUAGE_NAMES = {"en": "English", "ar": "Arabic", "fa": "Persian", "zh": "Chinese", "de": "German"}


@dataclass(frozen=True)
class PersonRow:
    """One line of the list of people."""

    writer: Writer
    unread: int
    detail: str


@dataclass(frozen=True)
class Draft:
    """What stands in the form: empty at first, kept as typed after a refusal."""

    to: str = ""
    subject: str = ""
    text: str = ""
    with_html: bool = True


@dataclass(frozen=True)
class Page:
    """Everything the page shows. `thread` is the open one; with neither `thread` nor `writing` the list is alone."""

    writer: Writer
    people: list[PersonRow]
    threads: list[ThreadView]
    thread: ThreadView | None
    token: str
    version: str
    draft: Draft = Draft()
    writing: bool = False
    replying_to: int = 0
    said: str = ""
    refused: str = ""
    desk_url: str = ""


def link(path: str, writer: Writer, **more: object) -> str:
    """A link of this page, escaped for an attribute; it always carries who is writing."""
    query: dict[str, object] = {"as": writer.address}
    if writer.address not in {member.email for member in CAST}:
        query["name"] = writer.name
    return escape(f"{path}?{urlencode({**query, **more})}")


def _icon(name: str, extra: str = "") -> str:
    return f'<svg class="icon {extra}" aria-hidden="true"><use href="/icons.svg#{name}"/></svg>'


def _initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalpha()] or [name or "?"]
    if not words[0].isascii() and words[0][0] > "\u0590":  # no capitals to shorten to: one letter, as the design says
        return words[0][0]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def _avatar(name: str, *, agent: bool = False) -> str:
    tone = sum(name.encode()) % 6 + 1
    kind = " avatar--agent" if agent else ""
    return f'<span class="avatar avatar--{tone}{kind}" aria-hidden="true">{escape(_initials(name))}</span>'


def _when(moment: datetime) -> str:
    local = moment.astimezone()
    today = datetime.now(UTC).astimezone().date()
    shown = local.strftime("%H:%M") if local.date() == today else local.strftime("%d %b, %H:%M")
    return f'<time datetime="{escape(moment.isoformat())}">{escape(shown)}</time>'


def _display_name(sender: str) -> str:
    name, bracket, _ = sender.partition("<")
    return name.strip().strip('"') if bracket and name.strip() else sender.strip("<> ")


def _person(row: PersonRow, current: str) -> str:
    here = ' aria-current="page"' if row.writer.address.lower() == current.lower() else ""
    count = f'<span class="badge" title="not read yet">{row.unread}</span>' if row.unread else ""
    return (
        f'<li><a class="person-row" href="{link("/", row.writer)}"{here}>{_avatar(row.writer.name)}'
        f'<span class="person-row__text"><bdi class="person-row__name">{escape(row.writer.name)}</bdi>'
        f'<span class="person-row__detail">{escape(row.detail)}</span></span>{count}</a></li>'
    )


def people_list(people: Iterable[PersonRow], current: str) -> str:
    """The customers one may be; swapped in by the script when counts change."""
    return "".join(_person(row, current) for row in people)


def thread_rows(writer: Writer, threads: list[ThreadView], open_id: int) -> str:
    """The inbox; swapped in by the script when mail arrives."""
    if not threads:
        return (
            f'<div class="empty">{_icon("inbox", "icon--xl")}<p>No mail yet. What this person writes, and what the '
            f'helpdesk answers, will stand here.</p><a class="btn" href="{link("/write", writer)}">Write a mail</a>'
            "</div>"
        )
    rows = []
    for thread in threads:
        latest = thread.latest
        unread = " data-unread" if thread.unread else ""
        current = ' data-current aria-current="true"' if thread.id == open_id else ""
        who = "You" if latest.outgoing else _display_name(latest.sender)
        snippet = " ".join(line for line in latest.text.splitlines() if line.strip() and not line.startswith(">"))[:140]
        mark = _icon("send" if latest.outgoing else "mail", "icon--sm")
        count = f'<span class="muted num">{len(thread.letters)}</span>' if len(thread.letters) > 1 else ""
        rows.append(
            f'<div class="row"{unread}{current}><div class="row__mark">{mark}</div><div class="row__body">'
            f'<div class="row__line"><bdi class="row__who truncate grow">{escape(who)}</bdi>{count}'
            f'<span class="row__meta text-xs">{_when(latest.date)}</span></div>'
            f'<a class="row__link" dir="auto" href="{link("/thread", writer, id=thread.id)}#letter-{latest.id}">'
            f"{escape(thread.subject) or 'No subject'}</a>"
            f'<div class="row__line"><span class="row__snip" dir="auto">{escape(snippet)}</span></div></div></div>'
        )
    return "".join(rows)


def _facts(view: LetterView) -> str:
    facts = [
        ("From", view.sender),
        ("To", view.to),
        ("Subject", view.subject),
        ("Message-ID", view.message_id),
        ("In-Reply-To", view.in_reply_to),
        ("References", " ".join(view.references)),
        ("Return-Path", f"<{view.return_path}>"),
        ("Auto-Submitted", view.auto_submitted),
        ("Parts", ", ".join(f"{part.content_type} ({part.size:,} B)" for part in view.parts)),
    ]
    rows = "".join(
        f'<dt>{name}</dt><dd class="code" dir="auto">{escape(value) or "<span class=muted>none</span>"}</dd>'
        for name, value in facts
        if value or name not in ("Auto-Submitted",)
    )
    return f'<dl class="facts headers">{rows}</dl>'


def _body(text: str) -> str:
    """The words with their quoted end folded, each paragraph in its own direction."""
    lines = text.strip().splitlines()
    cut = next(
        (
            n
            for n, line in enumerate(lines)
            if line.startswith(">") and n and all(not x or x[0] == ">" for x in lines[n:])
        ),
        len(lines),
    )
    if cut < len(lines) and cut >= 1 and lines[cut - 1].rstrip().endswith((":", "：")):
        cut -= 1
    fresh = "\n".join(lines[:cut]).strip()
    paragraphs = "".join(
        f'<p dir="auto">{escape(block).replace(chr(10), "<br>")}</p>' for block in fresh.split("\n\n") if block.strip()
    )
    quoted = "\n".join(lines[cut:]).strip()
    fold = (
        f'<details class="fold"><summary>Quoted text</summary><pre class="quoted" dir="auto">{escape(quoted)}</pre>'
        "</details>"
        if quoted
        else ""
    )
    return (paragraphs or '<p class="muted">No text.</p>') + fold


def _files(page: Page, view: LetterView) -> str:
    files = [
        f'<a class="file" href="{link("/part", page.writer, id=view.id, n=number)}">{_icon("file")}'
        f'<bdi>{escape(part.name)}</bdi> <span class="muted">{part.size:,} B</span></a>'
        for number, part in enumerate(view.parts)
        if part.name
    ]
    return f'<div class="cluster">{"".join(files)}</div>' if files else ""


def _hidden(page: Page, **fields: object) -> str:
    values = {"token": page.token, "as": page.writer.address, "name": page.writer.name, **fields}
    return "".join(f'<input type="hidden" name="{name}" value="{escape(str(v))}">' for name, v in values.items())


def _post_button(page: Page, action: str, view: LetterView, icon: str, words: str, hint: str) -> str:
    return (
        f'<form method="post" action="{action}">{_hidden(page, id=view.id)}'
        f'<button class="btn btn--sm" type="submit" title="{escape(hint)}">{_icon(icon, "icon--sm")}{words}</button>'
        "</form>"
    )


def _letter(page: Page, view: LetterView, *, show_headers: bool) -> str:
    name = page.writer.name if view.outgoing else _display_name(view.sender)
    new = "" if view.read else " data-unread"
    side = "" if view.outgoing else " msg--agent"
    how = "you wrote" if view.outgoing else "arrived over SMTP"
    actions = ""
    if not view.outgoing:
        reply = (
            f'<a class="btn btn--sm btn--primary" '
            f'href="{link("/thread", page.writer, id=view.id, reply=view.id)}#reply">'
            f"{_icon('reply', 'icon--sm icon--dir')}Reply</a>"
        )
        actions = reply + _post_button(
            page, "/out-of-office", view, "calendar", "Out of office", "Answer as a vacation responder would (RFC 3834)"
        )
        actions += _post_button(
            page, "/bounce", view, "undo", "Bounce it", "Return it as undeliverable, from mailer-daemon (RFC 3464)"
        )
    return (
        f'<article class="msg{side}"{new} id="letter-{view.id}">{_avatar(name, agent=not view.outgoing)}'
        f'<div class="msg__box"><header class="msg__head"><bdi class="msg__who">{escape(name)}</bdi>'
        f'<span class="msg__how">{how}</span><span class="msg__when">{_when(view.date)}</span></header>'
        f'<div class="msg__body">{_body(view.text)}</div>{_files(page, view)}'
        f'<details class="fold headers-fold"{" open" if show_headers else ""}><summary>Headers</summary>'
        f"{_facts(view)}</details>"
        f'<footer class="msg__foot">{actions}<a class="push" href="{link("/raw", page.writer, id=view.id)}">Source</a>'
        f"</footer></div></article>"
    )


def _words_field(draft: Draft, label: str, rows: int) -> str:
    return (
        f'<div class="field"><label class="field__label" for="text">{label}</label>'
        f'<textarea class="input" id="text" name="text" rows="{rows}" dir="auto" required>'
        f"{escape(draft.text)}</textarea></div>"
    )


def _extras(draft: Draft, submit: str) -> str:
    checked = " checked" if draft.with_html else ""
    return (
        '<div class="field"><label class="field__label" for="file">Attachment '
        '<span class="field__opt">optional, up to 25 MB</span></label>'
        '<input class="input input--file" id="file" name="file" type="file" multiple></div>'
        f'<div class="cluster"><label class="check"><input type="checkbox" name="html" value="1"{checked}>'
        "<span>Send an HTML part as well</span></label>"
        f'<button class="btn btn--primary push" type="submit">{_icon("send", "icon--dir")}{submit}</button></div>'
    )


def _refusal(page: Page) -> str:
    if not page.refused:
        return ""
    return (
        f'<div class="banner banner--breach banner--boxed" role="alert">{_icon("warn")}'
        f'<span class="banner__text"><strong>Not sent.</strong> {escape(page.refused)} '
        "What you typed is kept.</span></div>"
    )


def _write_form(page: Page) -> str:
    boxes = "".join(
        f'<option value="{escape(box.address)}"{" selected" if page.draft.to == box.address else ""}>'
        f"{escape(box.address)} ({escape(box.queue)})</option>"
        for box in MAILBOXES
    )
    return (
        '<section class="zone-open" aria-labelledby="write-t"><header class="zone-head">'
        f'<h2 class="text-xl" id="write-t">Write as <bdi>{escape(page.writer.name)}</bdi></h2></header>'
        f'<form class="stack stack--4 letter-form" method="post" action="/send" enctype="multipart/form-data">'
        f"{_refusal(page)}{_hidden(page)}"
        f'<p class="muted text-xs">From <bdi>{escape(page.writer.name)}</bdi> '
        f'<span class="ltr">&lt;{escape(page.writer.address)}&gt;</span></p>'
        f'<div class="field"><label class="field__label" for="to">To</label>'
        f'<select class="input" id="to" name="to">{boxes}</select></div>'
        '<div class="field"><label class="field__label" for="subject">Subject</label>'
        f'<input class="input" id="subject" name="subject" dir="auto" maxlength="300" '
        f'value="{escape(page.draft.subject)}"></div>'
        f"{_words_field(page.draft, 'Text', 9)}{_extras(page.draft, 'Send')}</form></section>"
    )


def _reply_form(page: Page, thread: ThreadView) -> str:
    answered = next((view for view in thread.letters if view.id == page.replying_to), None)
    if answered is None:
        return ""
    return (
        f'<form class="stack stack--4 letter-form reply" id="reply" method="post" action="/reply" '
        f'enctype="multipart/form-data" aria-label="Reply">{_refusal(page)}{_hidden(page, id=answered.id)}'
        f'<p class="muted text-xs">To <span class="ltr">{escape(answered.reply_address)}</span>, with the mail above '
        "quoted and its Message-ID in In-Reply-To and References.</p>"
        f"{_words_field(page.draft, 'Your answer', 5)}{_extras(page.draft, 'Send the reply')}</form>"
    )


def _thread(page: Page, thread: ThreadView) -> str:
    latest_received = next((view for view in reversed(thread.letters) if not view.outgoing), None)
    letters = "".join(_letter(page, view, show_headers=view is latest_received) for view in thread.letters)
    reply = _reply_form(page, thread)
    waiting = (
        f'<p class="event">{_icon("hourglass")}<span>Sent. The answer will show here by itself; the helpdesk fetches '
        "its mail at the poll interval of the mailbox.</span></p>"
    )
    if latest_received or reply:
        waiting = ""
    return (
        '<section class="zone-open" aria-labelledby="thread-t"><header class="zone-head">'
        f'<h2 class="text-xl" id="thread-t" dir="auto">{escape(thread.subject) or "No subject"}</h2></header>'
        f'<div class="banner banner--info" id="arrived" hidden>{_icon("mail")}<span class="banner__text">'
        f"A new mail arrived in this thread.</span>"
        f'<a class="btn btn--sm" href="{link("/thread", page.writer, id=thread.id, new=1)}#letters-end">'
        "Show it</a></div>"
        f'<div class="timeline">{letters}{waiting}<span id="letters-end"></span></div>{reply}</section>'
    )


def _somebody_else() -> str:
    return (
        '<details class="somebody"><summary class="btn btn--quiet btn--sm">'
        + _icon("plus", "icon--sm")
        + "Somebody else"
        '</summary><form class="stack stack--2" method="get" action="/write">'
        '<div class="field"><label class="field__label" for="own-name">Name</label>'
        '<input class="input" id="own-name" name="name" dir="auto" required maxlength="120"></div>'
        '<div class="field"><label class="field__label" for="own-as">Address</label>'
        '<input class="input" id="own-as" name="as" type="email" dir="ltr" required maxlength="254"></div>'
        '<button class="btn btn--block" type="submit">Write as this person</button></form></details>'
    )


def render(page: Page) -> str:
    """The whole document."""
    if page.thread is not None:
        zone, opened = "open", _thread(page, page.thread)
    elif page.writing:
        zone, opened = "open", _write_form(page)
    else:
        zone = "list"
        opened = (
            f'<section class="zone-open"><div class="empty">{_icon("mail", "icon--xl")}'
            "<p>Open a thread, or write to the helpdesk as this person.</p></div></section>"
        )
    desk = f'<a class="btn btn--sm push" href="{escape(page.desk_url)}">Open the desk</a>' if page.desk_url else ""
    said = (
        f'<div class="banner banner--done" role="status">{_icon("check")}<span class="banner__text">{escape(page.said)}'
        "</span></div>"
        if page.said
        else ""
    )
    open_id = page.thread.id if page.thread else 0
    return (
        '<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(page.thread.subject if page.thread else page.writer.name)} · Halden, outside</title>"
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/demo.css">'
        '<script type="module" src="/demo.js"></script></head>'
        f'<body class="outside" data-zone="{zone}">'
        '<a class="skip" href="#main">Skip to the mail</a>'
        f'<header class="outside__top">{_icon("mark", "icon--lg")}<h1 class="text-lg">Halden, seen from outside</h1>'
        '<p class="muted text-xs">Write to the helpdesk as a customer, and read what comes back.</p>'
        f"{desk}</header>{said}"
        '<div class="outside__zones"><nav class="zone-people" aria-label="Who writes">'
        '<details class="people-fold" open><summary class="people-fold__head">Who writes</summary>'
        f'<ul class="people" id="people">{people_list(page.people, page.writer.address)}</ul>{_somebody_else()}'
        "</details></nav>"
        '<main class="zone-mail" id="main"><section class="zone-list" aria-label="Mail of this person">'
        f'<header class="zone-head"><h2 class="text-lg"><bdi>{escape(page.writer.name)}</bdi>'
        f'<span class="muted text-xs ltr address">{escape(page.writer.address)}</span></h2>'
        f'<a class="btn btn--sm btn--primary" href="{link("/write", page.writer)}">{_icon("edit", "icon--sm")}Write</a>'
        f'</header><div class="rows" id="rows" data-as="{escape(page.writer.address)}" '
        f'data-name="{escape(page.writer.name)}" data-version="{escape(page.version)}" data-open="{open_id}">'
        f"{thread_rows(page.writer, page.threads, open_id)}</div>"
        '<p class="visually-hidden" role="status" id="news"></p></section>'
        f'<p class="back"><a href="{link("/", page.writer)}">{_icon("arrow-start", "icon--sm icon--dir")}All mail of '
        f"<bdi>{escape(page.writer.name)}</bdi></a></p>{opened}</main></div></body></html>"
    )
