"""Rows that are nobody's model: the cache table, the index that django-q2 lacks, positions of the feed, the audit book's wall."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("helpdesk", "0001_initial"),
        ("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more"),
    ]

    operations = [
        migrations.RunSQL(
            """
            CREATE TABLE IF NOT EXISTS helpdesk_cache (
                cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
            );
            CREATE INDEX IF NOT EXISTS helpdesk_cache_expires ON helpdesk_cache (expires);
            """,
            "DROP TABLE IF EXISTS helpdesk_cache",
        ),
        # dequeue() filters by (key, lock) and the table has a primary key only: each poll would read the whole queue.
        migrations.RunSQL(
            "CREATE INDEX IF NOT EXISTS helpdesk_ormq_by_key_lock ON django_q_ormq (key, lock)",
            "DROP INDEX IF EXISTS helpdesk_ormq_by_key_lock",
        ),
        # The audit book is written once. Only the dispatcher fills the two columns of the chain, and only while they are empty.
        migrations.RunSQL(
            """
            CREATE OR REPLACE FUNCTION helpdesk_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' AND OLD.position IS NULL AND NEW.position IS NOT NULL
                   AND (OLD.id, OLD.at, OLD.actor_kind, OLD.actor_name, OLD.action, OLD.object_type, OLD.object_id, OLD.data)
                     = (NEW.id, NEW.at, NEW.actor_kind, NEW.actor_name, NEW.action, NEW.object_type, NEW.object_id, NEW.data)
                THEN
                    RETURN NEW;
                END IF;
                RAISE EXCEPTION 'the audit book is append-only';
            END $$;
            CREATE TRIGGER helpdesk_audit_append_only BEFORE UPDATE OR DELETE ON helpdesk_auditentry
                FOR EACH ROW EXECUTE FUNCTION helpdesk_audit_is_append_only();
            """,
            """
            DROP TRIGGER IF EXISTS helpdesk_audit_append_only ON helpdesk_auditentry;
            DROP FUNCTION IF EXISTS helpdesk_audit_is_append_only();
            """,
        ),
    ]
