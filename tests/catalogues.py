"""Compiled catalogues for tests that read Arabic, Persian or Chinese words. Mark such a test `needs("gettext")`."""

from __future__ import annotations

from django.utils.translation import trans_real

from launch.catalogues import compile_stale


def compile_catalogues() -> None:
    """Compiles what is older than its source, and lets Django read it anew."""
    if compile_stale():
        trans_real._translations = {}  # type: ignore[attr-defined]
