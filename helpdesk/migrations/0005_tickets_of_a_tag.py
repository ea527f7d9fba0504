"""Tickets of a tag without reading the table: views that narrow by a tag are counted on every page."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: a live table goes on while its index is made

    dependencies = [("helpdesk", "0004_word_indexes")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS helpdesk_tickettag_by_tag ON helpdesk_tickettag (tag_id, ticket_id)",
            "DROP INDEX IF EXISTS helpdesk_tickettag_by_tag",
        ),
    ]
