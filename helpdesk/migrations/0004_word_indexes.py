"""Word indexes on subjects (0013 drops it) and customers' names (helpdesk/queries/words.py). GIN is part of PostgreSQL itself."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: a live table goes on while its index is made

    dependencies = [("helpdesk", "0003_mail_correlation")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS helpdesk_ticket_subject_words "
            "ON helpdesk_ticket USING gin (to_tsvector('simple', subject))",
            "DROP INDEX IF EXISTS helpdesk_ticket_subject_words",
        ),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS helpdesk_customer_name_words "
            "ON helpdesk_customer USING gin (to_tsvector('simple', name))",
            "DROP INDEX IF EXISTS helpdesk_customer_name_words",
        ),
    ]
