"""How the API describes itself: one OpenAPI 3.1 document, with the examples of examples.py, which tests execute."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from helpdesk.api.examples import EXAMPLES

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "The case, for programs."},
        "detail": {"type": "string", "description": "The case, for people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "unseen": {"type": "array", "items": {"type": "string", "format": "uuid"}},
    },
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "description": "Sent again with the same key, the request changes nothing and gets the first answer. Kept for a day.",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": '^"[0-9]{1,9}"$'},
    "description": "The ETag last read; 412 when the ticket has changed since.",
}


class HelpdeskSchema(AutoSchema):
    """Names operations by noun and action, closes objects, adds problems, keys, preconditions and examples."""

    view: Any

    def get_operation_id(self) -> str:
        """`tickets_reply`."""
        return f"{self.view.noun}_{self.view.action}"

    def get_tags(self) -> list[str]:
        """The noun."""
        return [self.view.noun]

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The operation with what all have in common."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        if self.method == "POST":
            operation.setdefault("parameters", []).append(_KEY)
        if self.view.noun == "tickets" and self.method in {"PATCH", "POST"} and self.view.action != "create":
            operation.setdefault("parameters", []).append(_IF_MATCH)
        operation["responses"]["default"] = {
            "description": "A problem (RFC 9457).",
            "content": {"application/problem+json": {"schema": PROBLEM}},
        }
        self._add_examples(operation)
        return operation

    def _add_examples(self, operation: dict[str, Any]) -> None:
        example = EXAMPLES.get(operation["operationId"])
        if example is None:
            return
        for parameter in operation.get("parameters", []):
            if parameter["name"] in example.parameters:
                parameter["example"] = example.parameters[parameter["name"]]
        if example.request is not None:
            for content in operation.get("requestBody", {}).get("content", {}).values():
                content["example"] = example.request
        if example.response is not None:
            for content in operation["responses"][str(example.status)]["content"].values():
                content["example"] = example.response

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        return {**schema, "additionalProperties": False}


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names bearer tokens."""

    target_class = "helpdesk.api.authentication.BearerTokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """An HTTP bearer token."""
        return {"type": "http", "scheme": "bearer", "description": "A token that begins with `hd_`, made in the admin."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names the desk's session."""

    target_class = "helpdesk.api.authentication.StaffSessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """The session cookie of the desk; changes need the CSRF token in `X-CSRFToken`."""
        from django.conf import settings

        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}
