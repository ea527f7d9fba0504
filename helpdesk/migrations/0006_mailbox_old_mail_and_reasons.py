"""Mailboxes: mail that was there before us, up to where mail is marked on the server. Inbound mail: reasons that translate."""

from django.db import migrations, models


def keep_what_runs(apps, schema_editor):
    """Mailboxes that are already read go on as they did: nothing is marked again, and a re-numbering lists everything."""
    boxes = apps.get_model("helpdesk", "Mailbox").objects.using(schema_editor.connection.alias)
    boxes.filter(uidvalidity__isnull=False).update(import_existing="all", tidied_uid=models.F("last_uid"))


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0005_tickets_of_a_tag")]

    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="import_existing",
            field=models.CharField(
                choices=[
                    ("new", "leave it: only mail that comes from now on"),
                    ("days", "import that of the last days"),
                    ("all", "import all of it"),
                ],
                default="all",
                max_length=4,
                verbose_name="mail that is already there",
            ),
        ),
        migrations.AddField(
            model_name="mailbox",
            name="import_days",
            field=models.PositiveIntegerField(default=30, verbose_name="days"),
        ),
        migrations.AddField(
            model_name="mailbox", name="tidied_uid", field=models.BigIntegerField(default=0, editable=False)
        ),
        migrations.AddField(
            model_name="mailbox", name="since_at", field=models.DateTimeField(editable=False, null=True)
        ),
        migrations.AddField(model_name="rawmail", name="why", field=models.JSONField(default=dict)),
        migrations.AddField(
            model_name="rawmail",
            name="answered_at",
            field=models.DateTimeField(null=True, verbose_name="sender told"),
        ),
        migrations.RunPython(keep_what_runs, migrations.RunPython.noop),
    ]
