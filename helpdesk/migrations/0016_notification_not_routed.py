"""A reason to be told: a contact waits and nobody can take it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0015_calendar_holidays")]

    operations = [
        migrations.AlterField(
            model_name="notification",
            name="reason",
            field=models.CharField(
                choices=[
                    ("mentioned", "you were mentioned"),
                    ("assigned", "a ticket was assigned to you"),
                    ("customer_wrote", "a customer wrote on your ticket"),
                    ("colleague_wrote", "a colleague wrote on a ticket you follow"),
                    ("not_delivered", "your reply could not be sent"),
                    ("woke_up", "a snoozed ticket is back"),
                    ("third_party_wrote", "a third party answered on your ticket"),
                    ("not_routed", "a contact waits and nobody can take it"),
                ],
                max_length=20,
                verbose_name="reason",
            ),
        )
    ]
