"""The addresses of routing on the customers' own pages. Included by helpdesk.urls under portal/."""

from __future__ import annotations

from django.urls import path

from routing.views import callback_links, portal_wait

urlpatterns = [
    path("tickets/<uuid:public_id>/wait/", portal_wait.wait, name="portal_wait"),
    path("tickets/<uuid:public_id>/callback/", portal_wait.callback, name="portal_callback"),
    path("callback/<str:token>/", callback_links.by_link, name="portal_callback_link"),
]
