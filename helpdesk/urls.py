"""Every address of the house. Roof: nobody imports this."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from helpdesk.views import operations, sign_in_pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    # An address is changed by a manager, who tells the old one; company accounts are connected by signing in with them.
    path("accounts/email/", sign_in_pages.shut),
    path("accounts/3rdparty/", sign_in_pages.shut),
    path("accounts/oidc/<str:provider_id>/login/", sign_in_pages.company_login),
    path("accounts/oidc/<str:provider_id>/login/callback/", sign_in_pages.company_callback),
    path("accounts/", include("allauth.urls")),
    path("api/", include("helpdesk.api.urls")),
    path("portal/", include("helpdesk.views.portal_urls")),
    path("portal/", include("routing.portal_urls")),
    path("routing/", include("routing.urls")),
    path("board/", include("routing.board_urls")),
    path("", include("helpdesk.views.urls")),
]

handler429 = "helpdesk.limits.too_many_requests"  # read by allauth's limits
handler500 = "helpdesk.middleware.server_error"
