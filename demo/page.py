"""The web server of the customers' page: standard library only, one thread per request, loopback only.

What it defends against, since any web site open in the same browser can reach a loopback port: foreign Host names (DNS
rebinding), foreign origins and missing tokens on POST (CSRF), scripts in what people wrote (everything is escaped, and
the Content-Security-Policy allows no inline script), header injection (`demo.letters` refuses). Used by
`demo.mailserver`.
"""

import hmac
import ipaddress
import json
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from demo.accounts import MAILBOXES
from demo.cast import CAST
from demo.letter_view import LetterView, ThreadView, leaves, part_content, view_of
from demo.letters import (
    RefusedLetter,
    Writer,
    bounce_letter,
    new_letter,
    out_of_office_letter,
    reply_letter,
)
from demo.page_assets import demo_css, demo_js, icon_sprite
from demo.page_backend import PageBackend, writer_of
from demo.page_form import BadForm, Form, read_form
from demo.page_html import Draft, Page, people_list, render, thread_rows

MAX_BODY_BYTES = 30 * 1024 * 1024
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAID = {
    "sent": "Sent to the helpdesk's mailbox. It becomes a ticket at the next poll.",
    "replied": "The reply is on its way, threaded to the mail it answers.",
    "out-of-office": "An automatic answer was sent. The helpdesk should note it and answer nothing.",
    "bounced": "A bounce went to the return path. The helpdesk should show it on the message that bounced.",
}


def is_loopback_host(host_header: str) -> bool:
    """Whether a Host header (with or without port) names this machine and nothing else."""
    try:
        name = urlsplit(f"//{host_header}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


class _Handler(BaseHTTPRequestHandler):
    backend: PageBackend
    server_version = "HaldenDemo"
    sys_version = ""
    timeout = 30

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: the page polls every two seconds."""

    # answers

    def _answer(self, status: int, content_type: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        sent = {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cache-Control": "no-store",
            **headers,
        }
        for name, value in sent.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _say(self, status: int, words: str) -> None:
        self._answer(status, "text/plain; charset=utf-8", f"{words}\n".encode())

    def _page(self, page: Page, status: int = 200) -> None:
        self._answer(status, "text/html; charset=utf-8", render(page).encode("utf-8", "replace"))

    def _go_to_letter(self, writer: Writer, letter: int, said: str) -> None:
        where = {"as": writer.address, "name": writer.name, "id": letter, "said": said}
        self._answer(303, "text/plain; charset=utf-8", b"", Location=f"/thread?{urlencode(where)}#letter-{letter}")

    # GET

    def do_GET(self) -> None:
        """Answer a page, a fragment or a file."""
        if not is_loopback_host(self.headers.get("Host", "")):
            return self._say(421, "This server answers only to localhost and 127.0.0.1.")
        url = urlsplit(self.path)
        assets: dict[str, tuple[str, Callable[[], str]]] = {
            "/demo.css": ("text/css; charset=utf-8", demo_css),
            "/demo.js": ("text/javascript; charset=utf-8", demo_js),
            "/icons.svg": ("image/svg+xml", icon_sprite),
        }
        if url.path in assets:
            content_type, read = assets[url.path]
            return self._answer(200, content_type, read().encode(), Cache_Control="no-cache")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        first = next(member for member in CAST if member.on_page)
        try:
            writer = writer_of(query.get("as") or first.email, query.get("name", ""))
        except RefusedLetter as error:
            return self._say(400, str(error))
        number = query.get("id", "")
        id_ = int(number) if number.isdecimal() and len(number) < 16 else 0
        if url.path in ("/", "/write", "/thread"):
            return self._show(url.path, writer, id_, query)
        if url.path == "/list":
            html = thread_rows(writer, self.backend.threads(writer), id_)
            return self._answer(200, "text/html; charset=utf-8", html.encode("utf-8", "replace"))
        if url.path == "/version":
            return self._version(writer, id_)
        if url.path in ("/raw", "/part"):
            return self._file(url.path, writer, id_, query.get("n", ""))
        return self._say(404, "There is no such page.")

    do_HEAD = do_GET

    def _show(self, path: str, writer: Writer, id_: int, query: dict[str, str]) -> None:
        page = self._page_of(writer)
        if path == "/write":
            boxes = [box.address for box in MAILBOXES]
            to = query.get("to", boxes[0])
            page = replace(page, writing=True, draft=Draft(to=to if to in boxes else boxes[0]))
        elif path == "/thread":
            thread = _thread_with(page.threads, id_)
            if thread is None:
                return self._say(404, "This person has no such mail.")
            reply = query.get("reply", "")
            replying_to = int(reply) if reply.isdecimal() else 0
            page = replace(page, thread=thread, replying_to=replying_to)
            seen = [view.id for view in thread.letters if not view.read]
            if seen:
                self.backend.store.mark_read(writer.address, seen)
                page = replace(
                    page,
                    people=self.backend.people(writer),
                    version=self.backend.store.version(writer.address),
                )
        said = SAID.get(query.get("said", ""), "")
        return self._page(replace(page, said=said))

    def _page_of(self, writer: Writer) -> Page:
        backend = self.backend
        version = backend.store.version(writer.address)  # before the letters: one that comes between shows at next poll
        return Page(
            writer=writer,
            people=backend.people(writer),
            threads=backend.threads(writer),
            thread=None,
            token=backend.token(writer.address),
            version=version,
            desk_url=backend.desk_url,
        )

    def _version(self, writer: Writer, id_: int) -> None:
        backend = self.backend
        thread = _thread_with(backend.threads(writer), id_) if id_ else None
        answer = {
            "version": backend.store.version(writer.address),
            "letters": len(thread.letters) if thread else 0,
            "people": people_list(backend.people(writer), writer.address),
        }
        self._answer(200, "application/json", json.dumps(answer).encode())

    def _file(self, path: str, writer: Writer, id_: int, number: str) -> None:
        letter = self.backend.store.letter(writer.address, id_)
        if letter is None:
            return self._say(404, "This person has no such mail.")
        if path == "/raw":
            return self._answer(200, "text/plain; charset=utf-8", letter.raw)
        parts = leaves(letter.raw)
        if not number.isdecimal() or len(number) > 4 or int(number) >= len(parts):
            return self._say(404, "This mail has no such part.")
        name, content = part_content(parts[int(number)])
        safe = quote(re.sub(r"[\x00-\x1f\x7f/\\]", "_", name) or "part", safe="")
        return self._answer(
            200, "application/octet-stream", content, Content_Disposition=f"attachment; filename*=UTF-8''{safe}"
        )

    # POST

    def do_POST(self) -> None:
        """Send something, then redirect; a refusal shows the form again as it was typed."""
        actions = {"/send": self._send, "/reply": self._reply, "/out-of-office": self._away, "/bounce": self._bounce}
        try:
            form = self._trusted_form()
            action = actions.get(urlsplit(self.path).path)
            if action is None:
                return self._say(404, "There is no such page.")
            writer = writer_of(form.text("as"), form.text("name"))
        except (PermissionError, RefusedLetter, BadForm) as error:
            self.close_connection = True
            return self._say(403 if isinstance(error, PermissionError) else 400, str(error))
        try:
            return action(writer, form)
        except (RefusedLetter, ValueError) as error:
            return self._refuse(writer, form, str(error))
        except TimeoutError:
            return self._refuse(writer, form, "The mail server did not answer in time.")
        except Exception:
            self._say(500, "The mail was not sent: the demo mail server failed. Its log says why.")
            raise

    def _trusted_form(self) -> Form:
        host = self.headers.get("Host", "")
        if not is_loopback_host(host):
            raise PermissionError("This server answers only to localhost and 127.0.0.1.")
        if self.headers.get("Origin", "") != f"http://{host}":
            raise PermissionError("Mail can only be sent from this server's own page.")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise BadForm("The request has no length.")
        if int(length) > MAX_BODY_BYTES:
            raise BadForm("The mail is too large: the page takes up to 25 MB.")
        form = read_form(self.headers.get("Content-Type", ""), self.rfile.read(int(length)))
        expected = self.backend.token(form.text("as").strip())
        if not hmac.compare_digest(form.text("token").encode(), expected.encode()):
            raise PermissionError("This form is out of date; open the page again.")
        return form

    def _send(self, writer: Writer, form: Form) -> None:
        message = new_letter(
            writer,
            to=form.text("to"),
            subject=form.fields.get("subject", ""),
            text=form.text("text"),
            uploads=form.uploads,
            with_html=form.text("html") == "1",
        )
        sent = self.backend.send(
            message, envelope_sender=writer.address, recipient=form.text("to").strip(), copy_for=writer.address
        )
        return self._go_to_letter(writer, sent, "sent")

    def _answered(self, writer: Writer, form: Form) -> tuple[LetterView, bytes]:
        number = form.text("id")
        letter = self.backend.store.letter(writer.address, int(number) if number.isdecimal() else 0)
        if letter is None:
            raise RefusedLetter("This person has no such mail.")
        return view_of(letter), letter.raw

    def _reply(self, writer: Writer, form: Form) -> None:
        view, _ = self._answered(writer, form)
        message = reply_letter(
            writer, view, text=form.text("text"), uploads=form.uploads, with_html=form.text("html") == "1"
        )
        sent = self.backend.send(
            message, envelope_sender=writer.address, recipient=view.reply_address, copy_for=writer.address
        )
        return self._go_to_letter(writer, sent, "replied")

    def _away(self, writer: Writer, form: Form) -> None:
        view, _ = self._answered(writer, form)
        message = out_of_office_letter(writer, view)
        self.backend.send(message, envelope_sender="", recipient=view.return_path, copy_for=writer.address)
        return self._go_to_letter(writer, view.id, "out-of-office")

    def _bounce(self, writer: Writer, form: Form) -> None:
        view, raw = self._answered(writer, form)
        self.backend.send(bounce_letter(writer, view, raw), envelope_sender="", recipient=view.return_path)
        return self._go_to_letter(writer, view.id, "bounced")

    def _refuse(self, writer: Writer, form: Form, why: str) -> None:
        page = self._page_of(writer)
        draft = Draft(form.text("to"), form.text("subject"), form.text("text"), form.text("html") == "1")
        number = form.text("id")
        thread = _thread_with(page.threads, int(number)) if number.isdecimal() else None
        if thread is None:
            page = replace(page, writing=True, draft=draft, refused=why)
        else:
            page = replace(page, thread=thread, draft=draft, refused=why, replying_to=int(number))
        return self._page(page, 422)


def _thread_with(threads: list[ThreadView], letter_id: int) -> ThreadView | None:
    return next((thread for thread in threads if any(view.id == letter_id for view in thread.letters)), None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that went away is no news; anything else is printed with its traceback."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class PageServer:
    """Owns the listening socket and its thread. Raises OSError when the port is taken."""

    def __init__(self, host: str, port: int, backend: PageBackend) -> None:
        handler = type("Handler", (_Handler,), {"backend": backend})
        self._http = _Server((host, port), handler)
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.1}, name="demo page", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Close the socket; open requests are cut."""
        if self._thread.is_alive():
            self._http.shutdown()
        self._http.server_close()
