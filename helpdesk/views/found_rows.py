"""Rows of what the search box found, with their hits marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from helpdesk.now import now
from helpdesk.queries.found import FoundPage, Marks
from helpdesk.search.marks import Piece
from helpdesk.views.rows import RowWords


def today() -> date:
    """The reader's date."""
    return timezone.localtime(now()).date()


def with_marks(rows: Sequence[RowWords], page: FoundPage) -> list[RowWords]:
    """The rows of a page of hits with <mark> around what was found in subject and text."""
    marks = {row.number: page.marks[row.pk] for row in page.tickets if row.pk in page.marks}
    return [_with_marks(row, marks[row["number"]]) if row["number"] in marks else row for row in rows]


def _with_marks(row: RowWords, marks: Marks) -> RowWords:
    subject = in_html(marks.subject)
    return {**row, "subject": subject or row["subject"], "snippet": in_html(marks.snippet)}


def in_html(pieces: Sequence[Piece]) -> SafeString:
    """The pieces escaped, hits inside <mark>."""
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", piece.text) if piece.is_hit else piece.text,) for piece in pieces)
    )
