"""Fills the search index: what is missing, or with --all every message anew."""

from __future__ import annotations

from argparse import ArgumentParser
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from helpdesk.management.search_fill import fill_missing


class Command(BaseCommand):
    """`manage.py reindex_search`: people may work meanwhile, and it may be interrupted and begun again."""

    help = "Writes the words of messages into the search index: those that are missing, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One option."""
        parser.add_argument("--all", action="store_true", help="empty it first, so that every message is written anew")

    def handle(self, *args: Any, **options: Any) -> None:
        """Tells how far it is."""
        begun = monotonic()
        if options["all"]:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE helpdesk_searchrow")
        written = 0
        for count in fill_missing():
            written += count
            self.stderr.write(f"\r{written:,} messages, {written / (monotonic() - begun):,.0f} a second", ending="")
        self.stderr.write("")
        self.stdout.write(f"{written:,} messages are in the search index, in {monotonic() - begun:,.0f} s.")
