"""Addresses are looked up by their beginning while somebody types: byte order answers that, the language's order does not."""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: a live table goes on while its index is made

    dependencies = [("helpdesk", "0010_orders_of_lists")]

    operations = [
        migrations.RunSQL(
            'CREATE INDEX CONCURRENTLY IF NOT EXISTS helpdesk_address_beginnings ON helpdesk_customeraddress (value COLLATE "C")',
            "DROP INDEX IF EXISTS helpdesk_address_beginnings",
        ),
    ]
