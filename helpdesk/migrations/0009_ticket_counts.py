"""Counts of tickets that are kept instead of counted: triggers add what changed, the first rows are counted once.

Statement by statement for what is added and deleted, so that COPY and bulk work cost one group-by; row by row for changes,
because PostgreSQL allows no transition table beside a list of columns, and without that list each event of a ticket would
run the function. The triggers are ALWAYS ones: bulk loading with `session_replication_role = replica` is counted too.
Making a trigger locks the table against writers until the transaction ends, so nothing is missed by the first count.
"""

from django.db import migrations

_TRIGGERS = """
CREATE OR REPLACE FUNCTION helpdesk_count_tickets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM helpdesk_ticketcount;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO helpdesk_ticketcount (queue_id, owner_id, status, n)
        SELECT queue_id, owner_id, status, count(*) FROM added GROUP BY queue_id, owner_id, status;
    ELSE
        INSERT INTO helpdesk_ticketcount (queue_id, owner_id, status, n)
        SELECT queue_id, owner_id, status, -count(*) FROM gone GROUP BY queue_id, owner_id, status;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION helpdesk_count_changed_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO helpdesk_ticketcount (queue_id, owner_id, status, n)
    VALUES (OLD.queue_id, OLD.owner_id, OLD.status, -1), (NEW.queue_id, NEW.owner_id, NEW.status, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER helpdesk_tickets_added AFTER INSERT ON helpdesk_ticket
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION helpdesk_count_tickets();
CREATE TRIGGER helpdesk_tickets_gone AFTER DELETE ON helpdesk_ticket
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION helpdesk_count_tickets();
CREATE TRIGGER helpdesk_tickets_emptied AFTER TRUNCATE ON helpdesk_ticket
    FOR EACH STATEMENT EXECUTE FUNCTION helpdesk_count_tickets();
CREATE TRIGGER helpdesk_ticket_changed AFTER UPDATE OF status, queue_id, owner_id ON helpdesk_ticket FOR EACH ROW
    WHEN ((OLD.status, OLD.queue_id, OLD.owner_id) IS DISTINCT FROM (NEW.status, NEW.queue_id, NEW.owner_id))
    EXECUTE FUNCTION helpdesk_count_changed_ticket();
ALTER TABLE helpdesk_ticket ENABLE ALWAYS TRIGGER helpdesk_tickets_added;
ALTER TABLE helpdesk_ticket ENABLE ALWAYS TRIGGER helpdesk_tickets_gone;
ALTER TABLE helpdesk_ticket ENABLE ALWAYS TRIGGER helpdesk_tickets_emptied;
ALTER TABLE helpdesk_ticket ENABLE ALWAYS TRIGGER helpdesk_ticket_changed;
DELETE FROM helpdesk_ticketcount;
INSERT INTO helpdesk_ticketcount (queue_id, owner_id, status, n)
SELECT queue_id, owner_id, status, count(*) FROM helpdesk_ticket GROUP BY queue_id, owner_id, status;
"""
_NO_TRIGGERS = """
DROP TRIGGER IF EXISTS helpdesk_tickets_added ON helpdesk_ticket;
DROP TRIGGER IF EXISTS helpdesk_tickets_gone ON helpdesk_ticket;
DROP TRIGGER IF EXISTS helpdesk_tickets_emptied ON helpdesk_ticket;
DROP TRIGGER IF EXISTS helpdesk_ticket_changed ON helpdesk_ticket;
DROP FUNCTION IF EXISTS helpdesk_count_tickets();
DROP FUNCTION IF EXISTS helpdesk_count_changed_ticket();
"""


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0008_customer_portal")]

    operations = [migrations.RunSQL(_TRIGGERS, _NO_TRIGGERS)]
