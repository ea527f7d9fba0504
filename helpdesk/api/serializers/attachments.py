"""Files, without their bytes."""

from __future__ import annotations

from django.urls import reverse
from rest_framework import serializers

from helpdesk.api.serializers.fields import StrictSerializer
from helpdesk.models import Attachment


class AttachmentSerializer(StrictSerializer):
    """A file of a message, or an upload that waits for its reply or note (`message` is null)."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    message = serializers.UUIDField(source="message.public_id", read_only=True, allow_null=True, default=None)
    name = serializers.CharField(read_only=True)
    content_type = serializers.CharField(read_only=True)
    size = serializers.IntegerField(read_only=True)
    is_inline = serializers.BooleanField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    content_url = serializers.SerializerMethodField()

    def get_content_url(self, attachment: Attachment) -> str:
        """Where the bytes are."""
        return reverse("api:attachment-content", args=[attachment.public_id])


class UploadSerializer(StrictSerializer):
    """One file, as a form sends it."""

    file = serializers.FileField(max_length=1000, allow_empty_file=True)
