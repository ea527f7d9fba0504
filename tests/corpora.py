"""Where the third-party mail, HTML and text corpora lie. None of it is part of this project; tests skip where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CORPORA = Path(os.environ.get("HELPDESK_CORPORA", Path(__file__).resolve().parents[2] / "shared" / "data"))

needs_corpora = pytest.mark.skipif(
    not CORPORA.is_dir(), reason="the third-party corpora are absent (set HELPDESK_CORPORA to their folder)"
)
