"""Addresses of the API, each with its methods; there is no DELETE."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from helpdesk.api.viewsets.attachments import AttachmentViewSet, UploadViewSet
from helpdesk.api.viewsets.customers import CustomerViewSet
from helpdesk.api.viewsets.events import EventViewSet, TicketEventViewSet
from helpdesk.api.viewsets.joining import JoiningViewSet
from helpdesk.api.viewsets.messages import MessageViewSet
from helpdesk.api.viewsets.nothing import NothingHere
from helpdesk.api.viewsets.organisation import IssueTypeViewSet, QueueViewSet, TagViewSet, UserViewSet
from helpdesk.api.viewsets.tickets import TicketViewSet
from routing.api import TicketRoutingViewSet

app_name = "api"

_LIST: dict[str, Any] = {"get": "list"}
_TICKET = "tickets/<uuid:id>/"

_v1: list[URLPattern | URLResolver] = [
    path("tickets/", TicketViewSet.as_view({**_LIST, "post": "create"}), name="tickets"),
    path(_TICKET, TicketViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="ticket"),
    path(f"{_TICKET}status/", TicketViewSet.as_view({"post": "status"}), name="ticket-status"),
    path(f"{_TICKET}assign/", TicketViewSet.as_view({"post": "assign"}), name="ticket-assign"),
    path(f"{_TICKET}unassign/", TicketViewSet.as_view({"post": "unassign"}), name="ticket-unassign"),
    path(f"{_TICKET}move/", TicketViewSet.as_view({"post": "move"}), name="ticket-move"),
    path(f"{_TICKET}merge/", JoiningViewSet.as_view({"post": "merge"}), name="ticket-merge"),
    path(f"{_TICKET}unmerge/", JoiningViewSet.as_view({"post": "unmerge"}), name="ticket-unmerge"),
    path(f"{_TICKET}split/", JoiningViewSet.as_view({"post": "split"}), name="ticket-split"),
    path(f"{_TICKET}move-messages/", JoiningViewSet.as_view({"post": "move_messages"}), name="ticket-move-messages"),
    path(f"{_TICKET}links/", JoiningViewSet.as_view({"get": "links", "post": "link"}), name="ticket-links"),
    path(f"{_TICKET}unlink/", JoiningViewSet.as_view({"post": "unlink"}), name="ticket-unlink"),
    path(f"{_TICKET}reply/", MessageViewSet.as_view({"post": "reply"}), name="ticket-reply"),
    path(f"{_TICKET}note/", MessageViewSet.as_view({"post": "note"}), name="ticket-note"),
    path(f"{_TICKET}messages/", MessageViewSet.as_view(_LIST), name="messages"),
    path(f"{_TICKET}messages/<uuid:message>/", MessageViewSet.as_view({"get": "retrieve"}), name="message"),
    path(f"{_TICKET}attachments/", UploadViewSet.as_view({"post": "create"}), name="uploads"),
    path(f"{_TICKET}routing/", TicketRoutingViewSet.as_view({"get": "retrieve"}), name="ticket-routing"),
    path(f"{_TICKET}events/", TicketEventViewSet.as_view(_LIST), name="ticket-events"),
    path("attachments/<uuid:id>/", AttachmentViewSet.as_view({"get": "retrieve"}), name="attachment"),
    path("attachments/<uuid:id>/content/", AttachmentViewSet.as_view({"get": "content"}), name="attachment-content"),
    path("customers/", CustomerViewSet.as_view(_LIST), name="customers"),
    path(
        "customers/<uuid:id>/", CustomerViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="customer"
    ),
    path("customers/<uuid:id>/merge/", CustomerViewSet.as_view({"post": "merge"}), name="customer-merge"),
    path("customers/<uuid:id>/unmerge/", CustomerViewSet.as_view({"post": "unmerge"}), name="customer-unmerge"),
    path("events/", EventViewSet.as_view(_LIST), name="events"),
    path("queues/", QueueViewSet.as_view(_LIST), name="queues"),
    path("tags/", TagViewSet.as_view(_LIST), name="tags"),
    path("issue-types/", IssueTypeViewSet.as_view(_LIST), name="issue-types"),
    path("users/", UserViewSet.as_view(_LIST), name="users"),
    path("users/me/", UserViewSet.as_view({"get": "me"}), name="me"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(_v1)),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    re_path("^", NothingHere.as_view({"get": "nowhere"}), name="nothing"),
]
