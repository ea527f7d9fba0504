"""Penalties of agents by queue: windows of routing plans and the bands of strategies go by them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("routing", "0003_unscored_forecasts")]

    operations = [
        migrations.AddField(
            model_name="agentpresence",
            name="penalties",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text=(
                    'By the key of the queue, such as {"4": 2}: 0 comes first.'
                    " Steps of plans let penalties in as a contact waits."
                ),
                verbose_name="penalty by queue",
            ),
        )
    ]
