"""How the demo mail server starts, refuses to start, and stops."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.demo.conftest import CHECKOUT, RunningServer, StartServer


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "demo.mailserver", *options]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("name", ["imap", "smtp", "page"])
def test_taken_port_gives_one_sentence_and_exit_code_two(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"imap": "0", "smtp": "0", "page": "0", name: str(port)}
        options = [word for key, value in ports.items() for word in (f"--{key}-port", value)]
        result = run("--data-dir", str(tmp_path), *options)

    assert result.returncode == 2
    assert result.stderr == (
        f"Port {port} on 127.0.0.1 ({name}) is taken by another program; "
        f"set HELPDESK_DEMO_{name.upper()}_PORT to a free one.\n"
    )


def test_second_server_on_the_same_folder_is_refused(server: RunningServer, tmp_path: Path) -> None:
    result = run("--data-dir", str(tmp_path), "--imap-port", "0", "--smtp-port", "0", "--page-port", "0")

    assert result.returncode == 2
    assert "Another demo mail server is using" in result.stderr
    assert server.process.poll() is None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "halden.example"])
def test_only_loopback_hosts_are_served(host: str, tmp_path: Path) -> None:
    result = run("--host", host, "--data-dir", str(tmp_path))

    assert result.returncode == 2
    assert "not a loopback address" in result.stderr


def test_help_explains_itself() -> None:
    result = run("--help")

    assert result.returncode == 0
    assert "--imap-port" in result.stdout


def test_terminated_server_ends_with_code_zero_though_clients_are_connected(server: RunningServer) -> None:
    client = server.imap()
    client.select_folder("INBOX")
    client.idle()

    assert server.stop() == 0
    client.shutdown()


def test_folder_that_cannot_be_used_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("--data-dir", str(tmp_path / "file"), "--imap-port", "0", "--smtp-port", "0", "--page-port", "0")

    assert result.returncode == 2
    assert "cannot be used" in result.stderr
    assert "Traceback" not in result.stderr


def test_web_server_needs_no_django(start_server: StartServer) -> None:
    command = [sys.executable, "-c", "import demo.mailserver, sys; print('django' in sys.modules)"]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert result.stdout == "False\n"
