"""What the agent's desk keeps: canned responses, macros, merges, checklists, side threads, reading marks, search rows."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("helpdesk", "0006_mailbox_old_mail_and_reasons"),
    ]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="helpdesk.customer",
                verbose_name="merged into",
            ),
        ),
        migrations.AddField(
            model_name="savedview",
            name="team",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="helpdesk.team",
                verbose_name="team",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="desk_settings",
            field=models.JSONField(blank=True, default=dict, editable=False),
        ),
        migrations.AlterField(
            model_name="draft",
            name="mode",
            field=models.CharField(
                choices=[("reply", "reply"), ("note", "note"), ("forward", "forward")], max_length=10
            ),
        ),
        migrations.AlterField(
            model_name="ticketevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("opened", "opened"),
                    ("contact_received", "customer wrote"),
                    ("machine_mail", "automatic mail received"),
                    ("bounced", "mail came back"),
                    ("replied", "replied"),
                    ("reply_scheduled", "reply scheduled"),
                    ("reply_withdrawn", "reply taken back"),
                    ("delivered", "reply sent"),
                    ("delivery_failed", "reply could not be sent"),
                    ("noted", "note written"),
                    ("assigned", "assigned"),
                    ("unassigned", "owner removed"),
                    ("moved", "moved to another queue"),
                    ("classified", "classified"),
                    ("participant_added", "participant added"),
                    ("participant_removed", "participant removed"),
                    ("linked", "linked"),
                    ("pending", "waiting for the customer"),
                    ("on_hold", "put on hold"),
                    ("snoozed", "snoozed"),
                    ("reopened", "reopened"),
                    ("resolved", "resolved"),
                    ("closed", "closed"),
                    ("spam_marked", "marked as spam"),
                    ("merged", "another ticket was merged into it"),
                    ("merged_away", "merged into another ticket"),
                    ("unmerged", "a merged ticket was parted again"),
                    ("parted", "parted from the ticket it was merged into"),
                    ("split", "messages split off"),
                    ("messages_moved", "messages moved to another ticket"),
                    ("messages_arrived", "messages came from another ticket"),
                    ("unlinked", "link removed"),
                    ("checklist_changed", "checklist changed"),
                    ("side_sent", "written to a third party"),
                    ("side_received", "a third party answered"),
                    ("customer_changed", "belongs to another customer"),
                ],
                max_length=30,
                verbose_name="kind",
            ),
        ),
        migrations.CreateModel(
            name="CannedResponse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "shortcut",
                    models.SlugField(
                        allow_unicode=True, help_text="Typed after “/”.", max_length=40, verbose_name="shortcut"
                    ),
                ),
                (
                    "folder",
                    models.CharField(
                        blank=True,
                        help_text="Folders inside folders are written with “/”.",
                        max_length=120,
                        verbose_name="folder",
                    ),
                ),
                ("text", models.TextField(verbose_name="text")),
                (
                    "language",
                    models.CharField(
                        blank=True, help_text="Empty: for every language.", max_length=10, verbose_name="language"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("use_count", models.PositiveIntegerField(default=0, editable=False, verbose_name="used")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="helpdesk.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "verbose_name": "canned response",
                "verbose_name_plural": "canned responses",
                "ordering": ["folder", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CannedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                ("content_type", models.CharField(max_length=150, verbose_name="type")),
                ("size", models.PositiveBigIntegerField(verbose_name="size in bytes")),
                ("sha256", models.CharField(max_length=64)),
                (
                    "response",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="helpdesk.cannedresponse",
                        verbose_name="response",
                    ),
                ),
            ],
            options={
                "verbose_name": "file of a canned response",
                "verbose_name_plural": "files of canned responses",
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="ChecklistItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=300, verbose_name="text")),
                ("position", models.PositiveSmallIntegerField(default=0, verbose_name="position")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done")),
                (
                    "done_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="checklist",
                        to="helpdesk.ticket",
                        verbose_name="ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "checklist item",
                "verbose_name_plural": "checklist items",
                "ordering": ["position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="CustomerMerge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source_public_id", models.UUIDField()),
                ("kept", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merges_away",
                        to="helpdesk.customer",
                        verbose_name="merged customer",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merges_here",
                        to="helpdesk.customer",
                        verbose_name="customer kept",
                    ),
                ),
            ],
            options={
                "verbose_name": "merge of customers",
                "verbose_name_plural": "merges of customers",
            },
        ),
        migrations.CreateModel(
            name="DeskTab",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=120, unique=True)),
                ("typing_at", models.DateTimeField(null=True)),
                ("active_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                (
                    "ticket",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="desk_tabs",
                        to="helpdesk.ticket",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="desk_tabs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "open tab",
                "verbose_name_plural": "open tabs",
            },
        ),
        migrations.CreateModel(
            name="Macro",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("folder", models.CharField(blank=True, max_length=120, verbose_name="folder")),
                ("steps", models.JSONField(default=list, verbose_name="steps")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("use_count", models.PositiveIntegerField(default=0, editable=False, verbose_name="used")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="helpdesk.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "verbose_name": "macro",
                "verbose_name_plural": "macros",
                "ordering": ["folder", "name", "pk"],
            },
        ),
        migrations.CreateModel(
            name="Mention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mentions", to="helpdesk.message"
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="mentions", to="helpdesk.ticket"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mentions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "mention",
                "verbose_name_plural": "mentions",
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="Notification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("mentioned", "you were mentioned"),
                            ("assigned", "a ticket was assigned to you"),
                            ("customer_wrote", "a customer wrote on your ticket"),
                            ("colleague_wrote", "a colleague wrote on a ticket you follow"),
                            ("not_delivered", "your reply could not be sent"),
                            ("woke_up", "a snoozed ticket is back"),
                        ],
                        max_length=20,
                        verbose_name="reason",
                    ),
                ),
                ("seq", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="helpdesk.ticket"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notifications",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
                "ordering": ["-at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="PortalCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.CharField(max_length=320)),
                ("digest", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="helpdesk.customer"
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in code of a customer",
                "verbose_name_plural": "sign-in codes of customers",
            },
        ),
        migrations.CreateModel(
            name="SearchRow",
            fields=[
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="search_row",
                        serialize=False,
                        to="helpdesk.message",
                    ),
                ),
                ("at", models.DateTimeField()),
                ("words", django.contrib.postgres.search.SearchVectorField()),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="helpdesk.ticket"
                    ),
                ),
            ],
            options={
                "verbose_name": "words of a message",
                "verbose_name_plural": "words of messages",
            },
        ),
        migrations.CreateModel(
            name="SideThread",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("subject", models.CharField(max_length=500, verbose_name="subject")),
                ("recipients", models.JSONField(default=list, verbose_name="recipients")),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="side_threads",
                        to="helpdesk.ticket",
                        verbose_name="ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "side thread",
                "verbose_name_plural": "side threads",
                "ordering": ["at", "pk"],
            },
        ),
        migrations.AddField(
            model_name="message",
            name="side_thread",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="helpdesk.sidethread",
                verbose_name="side thread",
            ),
        ),
        migrations.CreateModel(
            name="TicketCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("queue_id", models.BigIntegerField()),
                ("owner_id", models.BigIntegerField(null=True)),
                ("status", models.CharField(max_length=10)),
                ("n", models.IntegerField()),
            ],
            options={
                "verbose_name": "count of tickets",
                "verbose_name_plural": "counts of tickets",
                "indexes": [
                    models.Index(fields=["queue_id", "owner_id", "status"], include=("n",), name="ticket_count_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="TicketMerge",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kept", models.JSONField(default=dict)),
                ("at", models.DateTimeField()),
                ("undone_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merges_away",
                        to="helpdesk.ticket",
                        verbose_name="merged ticket",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merges_here",
                        to="helpdesk.ticket",
                        verbose_name="surviving ticket",
                    ),
                ),
            ],
            options={
                "verbose_name": "merge of tickets",
                "verbose_name_plural": "merges of tickets",
            },
        ),
        migrations.CreateModel(
            name="TicketRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.PositiveIntegerField(default=0)),
                ("at", models.DateTimeField()),
                (
                    "ticket",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reads", to="helpdesk.ticket"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reads", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "reading mark",
                "verbose_name_plural": "reading marks",
            },
        ),
        migrations.AddConstraint(
            model_name="cannedresponse",
            constraint=models.UniqueConstraint(
                fields=("shortcut", "language", "team", "owner"), name="canned_shortcut_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="customermerge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)),
                fields=("source",),
                name="customer_merged_once_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="customermerge",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", models.F("target")), _negated=True), name="customer_merge_not_into_itself"
            ),
        ),
        migrations.AddIndex(
            model_name="desktab",
            index=models.Index(fields=["seen_at"], name="desk_tab_by_beat"),
        ),
        migrations.AddIndex(
            model_name="mention",
            index=models.Index(fields=["user", "-at"], name="mention_by_user"),
        ),
        migrations.AddConstraint(
            model_name="mention",
            constraint=models.UniqueConstraint(fields=("user", "message"), name="mention_once"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(fields=["user", "-at"], name="notification_by_user"),
        ),
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("read_at__isnull", True)), fields=["user"], name="notification_unread"
            ),
        ),
        migrations.AddConstraint(
            model_name="notification",
            constraint=models.UniqueConstraint(fields=("user", "ticket", "seq", "reason"), name="notification_once"),
        ),
        migrations.AddIndex(
            model_name="portalcode",
            index=models.Index(fields=["email", "-made_at"], name="portal_code_by_email"),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=True, fields=["words"], name="search_by_word"),
        ),
        migrations.AddIndex(
            model_name="searchrow",
            index=models.Index(fields=["-at", "-message"], name="search_by_time"),
        ),
        migrations.AddConstraint(
            model_name="ticketmerge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("undone_at__isnull", True)), fields=("source",), name="merged_once_at_a_time"
            ),
        ),
        migrations.AddConstraint(
            model_name="ticketmerge",
            constraint=models.CheckConstraint(
                condition=models.Q(("source", models.F("target")), _negated=True), name="merge_not_into_itself"
            ),
        ),
        migrations.AddConstraint(
            model_name="ticketread",
            constraint=models.UniqueConstraint(fields=("user", "ticket"), name="reading_mark_once"),
        ),
    ]
