"""The third judge of the cleaner: Chromium loads what it let through, with scripts on and no policy to help, and
nothing runs and nothing is fetched. Then the policy and the sandbox of the frame are tried alone, with markup that
was not cleaned.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread

import pytest
from playwright.sync_api import BrowserContext, Page, Route

from helpdesk.mail.clean import clean_html
from helpdesk.mail.frame import FRAME_CSP, FRAME_CSP_REMOTE, SANDBOX, frame_document, frame_html
from tests.corpora import needs_corpora
from tests.hostile_html import payloads

pytestmark = pytest.mark.needs("chromium")

ORIGIN = "http://frame.test"
BATCH = 2500
HOOK = """
window.hits = [];
for (const name of ['alert', 'prompt', 'confirm', 'print', 'open'])
  window[name] = (...given) => { window.hits.push([name, String(given)]); };
"""
POKE = """
() => {
  document.addEventListener('click', event => event.preventDefault());
  const kinds = ['mouseover', 'mouseenter', 'focus', 'focusin', 'load', 'error', 'toggle', 'animationstart', 'click'];
  for (const element of document.querySelectorAll('body *'))
    for (const kind of kinds) element.dispatchEvent(new Event(kind, {bubbles: false, cancelable: true}));
  return [window.hits, document.querySelectorAll('body *').length];
}
"""


@dataclass
class Sightings:
    """What a page did: calls of the hooked functions, and requests other than for the page itself."""

    calls: list[object] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    element_count: int = 0


def watch(page: Page, bodies: list[str]) -> Sightings:
    """Loads each body as a frame document without any policy and says what happened."""
    seen = Sightings()
    documents = {f"{ORIGIN}/{number}": body for number, body in enumerate(bodies)}

    def answer(route: Route) -> None:
        body = documents.get(route.request.url)
        if body is None or not route.request.is_navigation_request():
            seen.requests.append(route.request.url)
            route.abort()
        else:
            document = frame_document(body, stylesheet_href="data:text/css,", title="mail")
            route.fulfill(body=document, content_type="text/html; charset=utf-8")

    page.context.route("**/*", answer)
    page.add_init_script(HOOK)
    page.on("dialog", lambda dialog: dialog.dismiss())
    for url in documents:
        page.goto(url, wait_until="load")
        calls, element_count = page.evaluate(POKE)
        page.wait_for_timeout(50)
        seen.calls += calls + page.evaluate("window.hits")
        seen.element_count += element_count
        assert page.url == url
    page.context.unroute("**/*")
    return seen


def batches(parts: Iterable[str]) -> Iterator[str]:
    """The different ones of the parts, many to a page."""
    parts = iter(dict.fromkeys(parts))
    while batch := list(islice(parts, BATCH)):
        yield "\n".join(f"<div>{part}</div>" for part in batch)


@needs_corpora
def test_chromium_runs_nothing_and_fetches_nothing_of_any_cleaned_payload(browser_page: Page) -> None:
    cleaned = (html for payload in payloads() if "<" in (html := clean_html(payload).html))

    seen = watch(browser_page, list(batches(cleaned)))

    assert seen.calls == []
    assert seen.requests == []
    assert seen.element_count > 1_000


@needs_corpora
def test_chromium_fetches_nothing_of_a_shown_payload_until_remote_images_are_asked_for(browser_page: Page) -> None:
    shown = (
        html
        for number, payload in enumerate(payloads())
        if number % 4 == 0 and "<" in (html := frame_html(clean_html(payload).html, cid_urls={}, allow_remote=False))
    )

    seen = watch(browser_page, list(batches(shown)))

    assert (seen.calls, seen.requests) == ([], [])


def test_the_watch_does_see_calls_and_requests(browser_page: Page) -> None:
    seen = watch(
        browser_page,
        [
            "<img src=x onerror=alert(1)>",
            "<p onmouseover=confirm(2)>x",
            "<img src=https://t.test/pixel.png><script>prompt(3)</script>",
        ],
    )

    assert {call[0] for call in seen.calls if isinstance(call, list)} == {"alert", "confirm", "prompt"}
    assert set(seen.requests) == {f"{ORIGIN}/x", "https://t.test/pixel.png"}


PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Server(ThreadingHTTPServer):
    """A desk page with the frame, the frame itself, its stylesheet and one picture; it counts what was asked of it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.frame = ""
        self.policy = ""
        self.requested: list[str] = []
        self.cookies: dict[str, str] = {}


class Answers(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path
        self.server.requested.append(path)
        self.server.cookies[path] = self.headers.get("Cookie", "")
        headers, content_type, body = {}, "text/html; charset=utf-8", b""
        if path == "/desk":
            body = f'<title>desk</title><iframe sandbox="{SANDBOX}" src="/frame"></iframe>'.encode()
            headers = {"Set-Cookie": "session=secret; SameSite=Lax"}
        elif path == "/frame":
            body = self.server.frame.encode()
            headers = {"Content-Security-Policy": self.server.policy}
        elif path == "/mail.css":
            content_type, body = "text/css", b"p { color: rgb(1, 2, 3) }"
        elif path.startswith("/image"):
            content_type, body = "image/gif", PIXEL
        self.send_response(200)
        for name, value in {"Content-Type": content_type, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()
    thread = Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


def show(context: BrowserContext, server: Server, body: str, policy: str) -> Page:
    server.frame = frame_document(body, stylesheet_href="/mail.css", title="mail")
    server.policy = policy
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/desk", wait_until="load")
    page.wait_for_timeout(150)
    return page


def test_the_frame_shows_the_mail_in_its_stylesheet_and_colours_with_its_inline_image(
    browser_context: BrowserContext, server: Server
) -> None:
    mail = '<p>styled by the desk</p><b style="color:rgb(4,5,6)">styled by the mail</b><img src="cid:logo@shop">'
    body = frame_html(clean_html(mail).html, cid_urls={"logo@shop": "/image/1"}, allow_remote=False)

    page = show(browser_context, server, body, FRAME_CSP)

    frame = page.frames[1]
    assert frame.locator("p").evaluate("e => getComputedStyle(e).color") == "rgb(1, 2, 3)"
    assert frame.locator("b").evaluate("e => getComputedStyle(e).color") == "rgb(4, 5, 6)"
    assert frame.locator("img").evaluate("e => e.naturalWidth") == 1


def test_the_pictures_of_the_frame_are_asked_for_without_the_session(
    browser_context: BrowserContext, server: Server
) -> None:
    body = frame_html(
        clean_html('<img src="cid:logo@shop">').html, cid_urls={"logo@shop": "/image/1"}, allow_remote=False
    )

    show(browser_context, server, body, FRAME_CSP)

    assert server.cookies["/frame"] == "session=secret"
    assert server.cookies["/image/1"] == ""


def test_policy_and_sandbox_alone_hold_what_was_not_cleaned(browser_context: BrowserContext, server: Server) -> None:
    other = f"http://localhost:{server.server_port}/image/tracker"
    hostile = (
        f"<img src={other} onerror=fetch('/stolen')><script>fetch('/stolen');parent.document.title='owned'</script>"
        f"<style>p{{background:url({other})}}</style><p style='background:url({other})'>x</p>"
        "<iframe src=/stolen></iframe>"
        "<form action=/stolen><button id=send>x</button></form><link rel=stylesheet href=data:text/css,p{color:red}>"
        "<meta http-equiv=refresh content='0;url=/stolen'><object data=/stolen></object>"
        "<a id=up target=_top href=/stolen>x</a>"
    )

    page = show(browser_context, server, hostile, FRAME_CSP)
    page.frames[1].locator("#send").evaluate("e => e.click()")
    page.frames[1].locator("#up").evaluate("e => e.click()")
    page.wait_for_timeout(150)

    assert page.title() == "desk"
    assert page.url.endswith("/desk")
    assert "/image/tracker" not in server.requested
    assert "/stolen" not in server.requested


@pytest.mark.parametrize(("allow_remote", "policy", "fetched"), [(False, FRAME_CSP, 0), (True, FRAME_CSP_REMOTE, 1)])
def test_a_remote_image_is_fetched_only_after_it_was_asked_for(
    browser_context: BrowserContext, server: Server, allow_remote: bool, policy: str, fetched: int
) -> None:
    mail = f'<img src="http://localhost:{server.server_port}/image/remote">'
    body = frame_html(clean_html(mail).html, cid_urls={}, allow_remote=allow_remote)

    show(browser_context, server, body, policy)

    assert server.requested.count("/image/remote") == fetched


def test_a_link_opens_a_tab_that_cannot_reach_the_desk(browser_context: BrowserContext, server: Server) -> None:
    mail = f'<a href="http://localhost:{server.server_port}/elsewhere">link</a>'
    body = frame_html(clean_html(mail).html, cid_urls={}, allow_remote=False)
    page = show(browser_context, server, body, FRAME_CSP)

    with browser_context.expect_page() as opened:
        page.frames[1].locator("a").click()
    tab = opened.value
    tab.wait_for_load_state()

    assert tab.url.endswith("/elsewhere")
    assert tab.evaluate("() => [window.opener, document.referrer, window.origin]") == [
        None,
        "",
        f"http://localhost:{server.server_port}",
    ]
