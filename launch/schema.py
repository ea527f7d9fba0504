"""A digest of the database schema that this checkout wants, to know without asking Django whether a database has it."""

from __future__ import annotations

import hashlib

from launch.places import CHECKOUT


def schema_digest() -> str:
    """Changes whenever a migration or a locked package does, so that a kept test database is made anew."""
    digest = hashlib.sha256()
    for file in sorted([*CHECKOUT.glob("*/migrations/*.py"), *CHECKOUT.glob("requirements*.txt")]):
        digest.update(file.relative_to(CHECKOUT).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
