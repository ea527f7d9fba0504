"""Free ports: the wanted one, the next one, none."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from launch import LaunchError, ports, programs


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        yield somebody.getsockname()[1]


def test_free_port_is_used_as_wanted(taken: int) -> None:
    free = ports.choose(taken)
    assert ports.choose(free) == free


def test_taken_port_leads_to_the_next_free_one(taken: int) -> None:
    assert not ports.is_free(taken)
    assert ports.choose(taken) > taken


def test_port_of_ours_is_not_given_twice(taken: int) -> None:
    first = ports.choose(taken)
    assert ports.choose(taken, [first]) > first


def test_port_that_only_localhost_would_reach_counts_as_taken() -> None:
    try:
        somebody = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with somebody:
        assert not ports.is_free(somebody.getsockname()[1])


def test_port_of_a_server_that_has_just_stopped_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first keeps the connection in TIME_WAIT
            assert client.recv(1) == b""
    assert ports.is_free(port)


def test_no_free_port_at_all_is_a_sentence(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "TRIES", 1)
    with pytest.raises(LaunchError, match="set HELPDESK_PORT"):
        ports.choose(taken)


def test_any_free_port_is_below_those_the_kernel_lends_and_not_a_taken_one(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ports.any_free() in range(18_000, 32_000)
    monkeypatch.setattr(ports, "QUIET", range(taken, taken + 1))
    monkeypatch.setattr(ports, "TRIES", 1)
    with pytest.raises(LaunchError, match="No free port"):
        ports.any_free()


def test_taken_port_of_the_desk_is_told_with_the_one_used_instead(
    taken: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HELPDESK_PORT", str(taken))
    addresses = programs.choose_ports()
    assert addresses.desk > taken
    assert f"Port {taken} (the desk) is taken: using {addresses.desk}." in capsys.readouterr().out
    assert len({addresses.desk, addresses.page, addresses.imap, addresses.smtp}) == 4


@pytest.mark.parametrize("wrong", ["http", "0", "70000", "-1"])
def test_port_that_is_none_is_a_sentence(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELPDESK_PORT", wrong)
    with pytest.raises(LaunchError, match=r"HELPDESK_PORT=.* is not a port"):
        programs.choose_ports()
