"""The orders of the ticket lists, each by an index of its own, so that no page is slower for being deep."""

from django.db import migrations, models

_INDEXES = (
    (
        "ticket_by_deadline",
        "(due_at, id) WHERE status IN ('new', 'open') AND due_at IS NOT NULL",
        models.Index(
            fields=["due_at", "id"],
            name="ticket_by_deadline",
            condition=models.Q(status__in=["new", "open"], due_at__isnull=False),
        ),
    ),
    (
        "ticket_by_wait",
        "(waiting_since_at, id) WHERE waiting_since_at IS NOT NULL",
        models.Index(
            fields=["waiting_since_at", "id"],
            name="ticket_by_wait",
            condition=models.Q(waiting_since_at__isnull=False),
        ),
    ),
    (
        "ticket_by_opening",
        "(opened_at DESC, id DESC)",
        models.Index(fields=["-opened_at", "-id"], name="ticket_by_opening"),
    ),
)


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY: a live table goes on while its index is made; begun again after a crash

    dependencies = [("helpdesk", "0009_ticket_counts")]

    operations = [
        operation
        for name, columns, index in _INDEXES
        for operation in (
            migrations.RunSQL(
                f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON helpdesk_ticket {columns}",
                f"DROP INDEX IF EXISTS {name}",
            ),
            migrations.SeparateDatabaseAndState(state_operations=[migrations.AddIndex("ticket", index)]),
        )
    ]
