"""Messages as the API shows them, replies and notes as it reads them."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from helpdesk.api.serializers.attachments import AttachmentSerializer
from helpdesk.api.serializers.fields import LineField, StrictSerializer
from helpdesk.models import Audience, Channel, Message, OutgoingMail, Status, Verification

_THEN = [s for s in Status.choices if s[0] not in {Status.NEW, Status.SNOOZED, Status.SPAM}]


class RecipientSerializer(StrictSerializer):
    """Somebody a message was addressed to."""

    kind = serializers.ChoiceField(choices=["to", "cc", "bcc", "reply_to"], read_only=True)
    email = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True, default="")


class DeliveredRecipientSerializer(RecipientSerializer):
    """How far the mail to one recipient has come, with the server's answer."""

    state = serializers.CharField(read_only=True, default="waiting")
    answer = serializers.CharField(read_only=True, default="")


class DeliverySerializer(StrictSerializer):
    """A reply's way out."""

    state = serializers.ChoiceField(choices=OutgoingMail.State.choices, read_only=True)
    due_at = serializers.DateTimeField(read_only=True)
    sent_at = serializers.DateTimeField(read_only=True, allow_null=True)
    may_be_doubled = serializers.BooleanField(read_only=True)
    recipients = DeliveredRecipientSerializer(many=True, read_only=True)


class AuthorSerializer(StrictSerializer):
    """Who wrote it: a colleague (`user`), a customer (`customer`), or nobody we know."""

    user = serializers.IntegerField(read_only=True, allow_null=True)
    customer = serializers.UUIDField(read_only=True, allow_null=True)
    name = serializers.CharField(read_only=True)


class MessageSerializer(StrictSerializer):
    """One mail, reply, note or chat line; `text` is what the writer added, without quoted history."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    ticket = serializers.UUIDField(source="ticket.public_id", read_only=True)
    audience = serializers.ChoiceField(choices=Audience.choices, read_only=True)
    side_thread = serializers.UUIDField(
        source="side_thread.public_id",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="The private exchange with a third party it stands in; the customer sees nothing of that.",
    )
    channel = serializers.ChoiceField(choices=Channel.choices, read_only=True)
    author = serializers.SerializerMethodField()
    sender_name = serializers.CharField(read_only=True)
    sender_email = serializers.CharField(read_only=True)
    recipients = RecipientSerializer(many=True, read_only=True)
    subject = serializers.CharField(read_only=True)
    text = serializers.CharField(source="reply_text", read_only=True)
    machine = serializers.CharField(
        read_only=True, help_text="What kind of automatic mail it is; empty for a person's."
    )
    verification = serializers.ChoiceField(choices=Verification.choices, read_only=True)
    attachments = AttachmentSerializer(many=True, read_only=True)
    delivery = serializers.SerializerMethodField()
    sent_at = serializers.DateTimeField(read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    withdrawn_at = serializers.DateTimeField(read_only=True, allow_null=True)

    @extend_schema_field(AuthorSerializer)
    def get_author(self, message: Message) -> dict[str, Any]:
        """The writer."""
        return AuthorSerializer(
            {
                "user": message.author_user_id,
                "customer": message.author_customer.public_id if message.author_customer else None,
                "name": str(message.author_user or message.author_customer or message.sender_name),
            }
        ).data

    @extend_schema_field(DeliverySerializer(allow_null=True))
    def get_delivery(self, message: Message) -> dict[str, Any] | None:
        """Null for what was never to leave."""
        try:
            return DeliverySerializer(message.outgoing).data
        except ObjectDoesNotExist:
            return None


class WholeMessageSerializer(MessageSerializer):
    """A message with its quoted history and its cleaned HTML."""

    whole_text = serializers.CharField(source="text", read_only=True)
    html = serializers.CharField(read_only=True, help_text="Cleaned, yet only to be shown in a sandboxed frame.")
    has_remote_content = serializers.BooleanField(read_only=True)


class NewRecipientSerializer(StrictSerializer):
    """Somebody to send a reply to."""

    kind = serializers.ChoiceField(choices=["to", "cc", "bcc"], default="to")
    email = serializers.EmailField(max_length=254)
    name = LineField(max_length=200, required=False, allow_blank=True)


class NoteSerializer(StrictSerializer):
    """An internal note; `attachments` are ids of one's own uploads to this ticket."""

    text = serializers.CharField(max_length=200_000)
    attachments = serializers.ListField(child=serializers.UUIDField(), max_length=50, required=False)


class ReplySerializer(NoteSerializer):
    """A reply; without `recipients` it goes to whom the customer's newest message came from."""

    recipients = serializers.ListField(child=NewRecipientSerializer(), max_length=50, required=False)
    send_at = serializers.DateTimeField(required=False)
    cancel_if_customer_writes = serializers.BooleanField(default=False)
    then_status = serializers.ChoiceField(choices=_THEN, required=False)
    seen_seq = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        required=False,
        help_text="The ticket's `seq` last read: 409 when somebody has written since.",
    )
