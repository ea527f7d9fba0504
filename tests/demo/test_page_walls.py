"""What the customers' page refuses: foreign hosts and origins, forged forms, header injection, scripts in mail."""

import re
from collections.abc import Iterator

import pytest

from tests.demo.conftest import RunningServer, end, start_on

GRACE = "grace.mbeki@ubuntu-books.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all walls: what is refused leaves nothing behind."""
    running = start_on(tmp_path_factory.mktemp("walls"))
    yield running
    end(running)


def latest_id(server: RunningServer, address: str) -> str:
    """The id of the latest letter of this person."""
    found = re.search(r"#letter-(\d+)", server.get(f"/list?as={address}").text)
    assert found
    return found[1]


def test_form_with_token_and_origin_is_taken_and_without_either_is_not(server: RunningServer) -> None:
    fields = {"as": GRACE, "to": "support@halden.example", "subject": "Hello", "text": "text"}
    good = {**fields, "token": server.token(GRACE)}
    before = len(server.inbox())

    assert server.post("/send", fields).status == 403
    assert server.post("/send", {**good, "as": "daniel@okonkwo-films.example"}).status == 403
    assert server.post("/send", good, Origin="http://evil.example").status == 403
    assert server.post("/send", good, Origin="null").status == 403
    assert len(server.inbox()) == before
    assert server.post("/send", good).status == 303
    assert len(server.inbox()) == before + 1


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"])
def test_foreign_host_names_are_turned_away(server: RunningServer, host: str) -> None:
    assert server.get("/", Host=host).status == 421
    assert server.post("/send", {}, Host=host, Origin=f"http://{host}").status == 403


def test_own_host_names_are_welcome(server: RunningServer) -> None:
    for host in (f"localhost:{server.page_port}", f"127.0.0.1:{server.page_port}", "[::1]"):
        assert server.get("/", Host=host).status == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Hello\r\nBcc: victim@outside.example"},
        {"subject": "Hello\nX-Injected: yes"},
        {"name": "Eve\r\nX-Injected: yes", "as": "eve@outside.example"},
        {"name": "Eve", "as": "eve@outside.example\r\nX-Injected: yes"},
        {"name": "Eve", "as": "eve@outside.example, victim@outside.example"},
        {"to": "support@halden.example\r\nX-Injected: yes"},
        {"to": "victim@outside.example"},
    ],
)
def test_header_injection_and_foreign_recipients_are_refused(server: RunningServer, fields: dict[str, str]) -> None:
    form = {"as": GRACE, "to": "support@halden.example", "subject": "Hello", "text": "text", **fields}
    token = server.token(form["as"]) if form["as"].isprintable() and "," not in form["as"] else server.token(GRACE)
    before = len(server.inbox())

    assert server.post("/send", {**form, "token": token}).status in (400, 403, 422)
    assert len(server.inbox()) == before
    assert "Hello" not in server.get("/?as=victim@outside.example").text


def test_refused_mail_keeps_what_was_typed(server: RunningServer) -> None:
    answer = server.write(GRACE, subject="Hello\nX: y", text="Two of the same order")

    assert answer.status == 422
    assert "Two of the same order" in answer.text


def test_what_people_write_never_becomes_markup(server: RunningServer) -> None:
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    server.write("eve@outside.example", name="Eve <b>", subject=attack, text=attack)

    id_ = latest_id(server, "eve@outside.example")
    for path in ("/?", f"/thread?id={id_}&", "/list?"):
        page = server.get(f"{path}as=eve@outside.example").text
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert "<img" not in page


def test_every_page_carries_a_policy_without_inline_script_and_obeys_it(server: RunningServer) -> None:
    server.write(GRACE, subject="Hello", text="text")
    id_ = latest_id(server, GRACE)
    for path in ("/", f"/write?as={GRACE}", f"/thread?as={GRACE}&id={id_}&reply={id_}"):
        answer = server.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text
        assert "<style" not in answer.text


def test_letters_of_one_person_are_not_shown_to_another(server: RunningServer) -> None:
    server.write(GRACE, subject="Charged twice", text="text")
    id_ = latest_id(server, GRACE)

    for path in ("/thread", "/raw", "/part"):
        assert server.get(f"{path}?as={GRACE}&id={id_}&n=0").status == 200
        assert server.get(f"{path}?as=daniel@okonkwo-films.example&id={id_}&n=0").status == 404


def test_part_is_offered_as_a_download_whatever_its_type(server: RunningServer) -> None:
    server.write(GRACE, subject="Page", text="text", html="1")

    answer = server.get(f"/part?as={GRACE}&id={latest_id(server, GRACE)}&n=1")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_unknown_pages_and_numbers_are_not_found(server: RunningServer) -> None:
    for path in ("/nothing", f"/thread?as={GRACE}&id=9999", f"/thread?as={GRACE}&id=x", "/../etc/passwd"):
        assert server.get(path).status == 404
    assert server.post("/nothing", {"as": GRACE, "token": server.token(GRACE)}).status == 404
