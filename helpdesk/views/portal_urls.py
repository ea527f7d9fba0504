"""The addresses of the customers' own pages. Included by helpdesk.urls under portal/."""

from __future__ import annotations

from django.urls import path

from helpdesk.views import portal_entry, portal_files, portal_pages

urlpatterns = [
    path("", portal_pages.home, name="portal"),
    path("open/", portal_entry.opened, name="portal_open"),
    path("ended/", portal_entry.ended, name="portal_ended"),
    path("sign-in/", portal_entry.enter, name="portal_sign_in"),
    path("code/", portal_entry.code, name="portal_code"),
    path("sign-out/", portal_entry.leave, name="portal_sign_out"),
    path("new/", portal_pages.new, name="portal_new"),
    path("tickets/<uuid:public_id>/", portal_pages.ticket, name="portal_ticket"),
    path("tickets/<uuid:public_id>/said/", portal_pages.said, name="portal_said"),
    path("tickets/<uuid:public_id>/reply/", portal_pages.reply, name="portal_reply"),
    path("tickets/<uuid:public_id>/close/", portal_pages.close, name="portal_close"),
    path("tickets/<uuid:public_id>/reopen/", portal_pages.reopen, name="portal_reopen"),
    path("messages/<uuid:public_id>/frame/", portal_files.frame, name="portal_frame"),
    path("files/<uuid:public_id>/", portal_files.download, name="portal_file"),
    path("files/<uuid:public_id>/picture/", portal_files.picture, name="portal_picture"),
    path("files/inline/<str:token>/", portal_files.inline, name="portal_inline"),
]
