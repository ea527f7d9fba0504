"""The word index on subjects goes: search reads the words of every message now (SearchRow), subjects among them."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: a live table goes on while its index is dropped

    dependencies = [("helpdesk", "0012_checklist_removal")]

    operations = [
        migrations.RunSQL(
            "DROP INDEX CONCURRENTLY IF EXISTS helpdesk_ticket_subject_words",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS helpdesk_ticket_subject_words "
            "ON helpdesk_ticket USING gin (to_tsvector('simple', subject))",
        ),
    ]
