"""The addresses of the leads' board. Included by helpdesk.urls under /board/."""

from __future__ import annotations

from django.urls import path

from routing.views import board

urlpatterns = [
    path("", board.board, name="board"),
    path("parts/", board.parts, name="board_parts"),
    path("items/<int:pk>/", board.give, name="board_give"),
    path("agents/<int:pk>/", board.agent_state, name="board_agent"),
    path("breaks/<int:pk>/", board.decide, name="board_break"),
]
