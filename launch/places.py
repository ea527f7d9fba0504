"""Where things lie on this machine: the checkout, its `var/`, its virtual environment. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"


def var() -> Path:
    """The folder of everything the running house writes: HELPDESK_DATA_DIR, or `var/` in the checkout."""
    return Path(os.environ.get("HELPDESK_DATA_DIR") or CHECKOUT / "var").absolute()


def make_var() -> Path:
    """Makes `var/` if absent, closed to other users (root's lets others pass through, as the database server must)."""
    folder = var()
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    return folder


def shown(path: Path) -> str:
    """The path as a reader in the checkout would type it."""
    try:
        return str(path.relative_to(CHECKOUT))
    except ValueError:
        return str(path)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read; never visible half-written or with wider rights."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
