"""The addresses of routing. Included by helpdesk.urls under /routing/."""

from __future__ import annotations

from django.urls import path

from routing.views import colleagues, offers, pulling, state, transferring, whatif, why

urlpatterns = [
    path("bar/", state.bar, name="routing_bar"),
    path("state/", state.change, name="routing_state"),
    path("channels/", state.channels, name="routing_channels"),
    path("sound/", state.sound, name="routing_sound"),
    path("break/", state.ask_break, name="routing_break"),
    path("break/end/", state.end_break, name="routing_break_end"),
    path("wrapups/<int:pk>/done/", state.wrapup_done, name="routing_wrapup_done"),
    path("wrapups/<int:pk>/extend/", state.wrapup_extend, name="routing_wrapup_extend"),
    path("offers/<int:pk>/accept/", offers.accept, name="routing_offer_accept"),
    path("offers/<int:pk>/decline/", offers.decline, name="routing_offer_decline"),
    path("next/", pulling.take_next, name="routing_next"),
    path("tickets/<int:number>/transfer/", transferring.pass_on, name="routing_transfer"),
    path("why/<int:number>/", why.why, name="routing_why"),
    path("tickets/<int:number>/callback/", why.ask, name="routing_callback_ask"),
    path("tickets/<int:number>/callback/cancel/", why.cancel, name="routing_callback_cancel"),
    path("tickets/<int:number>/callback/result/", why.result, name="routing_callback_result"),
    path("what-if/", whatif.front, name="what_if"),
    path("what-if/simulate/", whatif.simulate, name="what_if_simulate"),
    path("what-if/staffing/", whatif.staffing, name="what_if_staffing"),
    path("what-if/dry-run/", whatif.dry_run, name="what_if_dry_run"),
    path("colleagues/", colleagues.colleagues, name="routing_colleagues"),
]
