"""Databases beside the one of DATABASE_URL, for benches that need an empty one or one of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import sql


def given() -> str:
    """DATABASE_URL, or the end of the bench with a sentence."""
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        raise SystemExit("This bench needs PostgreSQL: set DATABASE_URL, or run it by `make bench`.")
    return url


def beside(url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(name)))


def host_of(url: str) -> str:
    """Host or socket folder, decoded."""
    place = urlsplit(url).netloc.rpartition("@")[2]
    host, colon, port = place.rpartition(":")
    return unquote(host if colon and (port.isdigit() or not port) else place)  # never lower-cased: it may be a path


@contextmanager
def fresh(name: str) -> Iterator[str]:
    """An empty database of that name beside DATABASE_URL, dropped at the end; gives its URL."""
    url = given()
    _drop(url, name)
    _say(url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield beside(url, name)
    finally:
        _drop(url, name)


def commits(name: str) -> int:
    """Transactions committed in a database so far, as the server counts them; its clients should have ended."""
    with psycopg.connect(given(), autocommit=True) as connection:
        row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = %s", [name]).fetchone()
    return int(row[0]) if row else 0


def _drop(url: str, name: str) -> None:
    _say(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _say(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
