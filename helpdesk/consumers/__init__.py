"""The staff socket: who may open one, the tab behind it, and what it tells. Called by helpdesk.asgi."""

from __future__ import annotations

from django.urls import path

from helpdesk.consumers.agent import AgentConsumer
from helpdesk.consumers.origin import OwnOriginOnly

__all__ = ["AgentConsumer", "OwnOriginOnly", "websocket_routes"]

websocket_routes = [path("ws/agent/", AgentConsumer.as_asgi())]
