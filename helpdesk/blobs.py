"""Large bytes by content: every attachment and raw mail over 1 MB, named by sha256 under the default storage.

Written, flushed to disk and renamed before the row that names it commits: a row never points at nothing, and a crash leaves
at most a file nobody names.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage


class BlobMissing(Exception):
    """The file a row names is not there (disk restored without its blobs); the page says so instead of failing."""


class StorageFull(Exception):
    """The bytes could not be written; nothing was kept."""


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest}"


def put(content: bytes) -> str:
    """Keeps `content` and returns its sha256 in hex. Raises StorageFull when the disk refuses.

    What is here already is not written again: under its final name stands only what was flushed to disk.
    """
    digest = hashlib.sha256(content).hexdigest()
    if default_storage.exists(_name(digest)):
        return digest
    return put_chunks([content])[0]


def put_chunks(chunks: Iterable[bytes], *, limit: int | None = None) -> tuple[str, int]:
    """Keeps a stream; returns (sha256, size in bytes). Raises ValueError above `limit` bytes, StorageFull when refused."""
    if not isinstance(
        default_storage._wrapped if hasattr(default_storage, "_wrapped") else default_storage, FileSystemStorage
    ):
        return _put_remote(chunks, limit)
    root = Path(settings.BLOB_DIR)
    try:
        root.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".part-", dir=root)
        try:
            digest, size = hashlib.sha256(), 0
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if limit is not None and size > limit:
                        raise ValueError("too large")
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            target = root / _name(digest.hexdigest())
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                Path(temporary).replace(target)
                _flush_folder(target.parent)
            return digest.hexdigest(), size
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as problem:
        raise StorageFull(str(problem)) from problem


def _flush_folder(folder: Path) -> None:
    """A new name survives a power failure only when its folder is flushed as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_remote(chunks: Iterable[bytes], limit: int | None) -> tuple[str, int]:
    content = b"".join(chunks)
    if limit is not None and len(content) > limit:
        raise ValueError("too large")
    digest = hashlib.sha256(content).hexdigest()
    if not default_storage.exists(_name(digest)):
        default_storage.save(_name(digest), ContentFile(content))
    return digest, len(content)


def open_blob(digest: str) -> File[bytes] | BinaryIO:
    """Opens for reading. Raises BlobMissing."""
    try:
        return default_storage.open(_name(digest), "rb")
    except FileNotFoundError as problem:
        raise BlobMissing(digest) from problem


def read(digest: str) -> bytes:
    """The whole content. Raises BlobMissing."""
    with open_blob(digest) as file:
        content: bytes = file.read()
    return content


def writable() -> bool:
    """Whether the store takes bytes now (readiness)."""
    try:
        put_chunks([b"helpdesk readiness probe"])
    except StorageFull:
        return False
    return True
