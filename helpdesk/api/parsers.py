"""What bodies the API reads: JSON of a bounded size, and forms with one file for uploads."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from helpdesk.api.problems import BodyTooLarge

#: The longest reply (200,000 characters) fits however it is escaped; nothing else comes near.
JSON_AT_MOST_BYTES = 2_500_000


class BoundedJSONParser(JSONParser):
    """JSON that can neither fill the memory nor, by nesting, the stack."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The decoded body. Raises BodyTooLarge or ParseError."""
        content = stream.read(JSON_AT_MOST_BYTES + 1)
        if len(content) > JSON_AT_MOST_BYTES:
            raise BodyTooLarge(_("The body is larger than %(n)s bytes.") % {"n": JSON_AT_MOST_BYTES})
        try:
            return super().parse(io.BytesIO(content), media_type, parser_context)
        except RecursionError:
            raise ParseError(_("The JSON is nested too deeply.")) from None
