"""The addresses of the desk. Included by helpdesk.urls at the root."""

from __future__ import annotations

from django.urls import path

from helpdesk.views import attachments, composer, frames, inbox, people, saved_views, ticket, ticket_changes

urlpatterns = [
    path("", inbox.home, name="home"),
    path("profile/", people.profile, name="profile"),
    path("inbox/<slug:slug>/", inbox.inbox, name="inbox"),
    path("inbox/<slug:slug>/rows/", inbox.rows, name="inbox_rows"),
    path("views/", saved_views.create, name="saved_view_create"),
    path("views/<int:pk>/", saved_views.change, name="saved_view_change"),
    path("bulk/", ticket_changes.bulk, name="bulk"),
    path("tickets/<int:number>/", ticket.ticket, name="ticket"),
    path("tickets/<int:number>/changes/", ticket.changes, name="ticket_changes"),
    path("tickets/<int:number>/earlier/", ticket.earlier, name="ticket_earlier"),
    path("tickets/<int:number>/status/", ticket_changes.status, name="ticket_status"),
    path("tickets/<int:number>/owner/", ticket_changes.owner, name="ticket_owner"),
    path("tickets/<int:number>/queue/", ticket_changes.queue, name="ticket_queue"),
    path("tickets/<int:number>/priority/", ticket_changes.priority, name="ticket_priority"),
    path("tickets/<int:number>/subject/", ticket_changes.subject, name="ticket_subject"),
    path("tickets/<int:number>/tags/", ticket_changes.tags, name="ticket_tags"),
    path("tickets/<int:number>/type/", ticket_changes.issue_type, name="ticket_type"),
    path("tickets/<int:number>/fields/", ticket_changes.fields, name="ticket_fields"),
    path("tickets/<int:number>/send/", composer.send, name="ticket_send"),
    path("tickets/<int:number>/draft/", composer.draft, name="ticket_draft"),
    path("tickets/<int:number>/draft/discard/", composer.discard, name="ticket_draft_discard"),
    path("tickets/<int:number>/recipients/", composer.recipients, name="ticket_recipients"),
    path("tickets/<int:number>/files/", attachments.upload, name="ticket_upload"),
    path("tickets/<int:number>/customer/<uuid:public_id>/", people.customer, name="customer_edit"),
    path("messages/<uuid:public_id>/frame/", frames.frame, name="message_frame"),
    path("messages/<uuid:public_id>/whole/", frames.whole, name="message_whole"),
    path("messages/<uuid:public_id>/source/", frames.source, name="message_source"),
    path("messages/<uuid:public_id>/undo/", composer.undo, name="message_undo"),
    path("messages/<uuid:public_id>/resend/", composer.resend, name="message_resend"),
    path("files/<uuid:public_id>/", attachments.download, name="attachment"),
    path("files/<uuid:public_id>/picture/", attachments.picture, name="attachment_picture"),
    path("files/<uuid:public_id>/discard/", attachments.discard, name="attachment_discard"),
    path("files/inline/<str:token>/", attachments.inline_picture, name="inline_picture"),
]
