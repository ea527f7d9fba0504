"""The style sheets as production serves them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from helpdesk.static_files import joined

STATIC = Path(settings.BASE_DIR) / "helpdesk" / "static"


@pytest.mark.parametrize("sheet", ["desk.css", "doors.css", "portal.css"])
def test_a_page_s_sheets_become_one_file_in_their_layers(sheet: str) -> None:
    name = f"helpdesk/css/{sheet}"
    source = (STATIC / name).read_text()
    whole = joined(source, name, STATIC)
    assert "@import" not in whole
    assert whole.count("@layer components {") == source.count("layer(components)") > 3
    assert (STATIC / "helpdesk/css/tokens.css").read_text() in whole
    assert len(re.findall(r"\{", whole)) == len(re.findall(r"\}", whole))


def test_a_part_with_addresses_of_its_own_is_refused(tmp_path: Path) -> None:
    (tmp_path / "part.css").write_text("a { background: url(x.png) }")
    with pytest.raises(ValueError, match=r"part\.css"):
        joined('@import url("part.css") layer(base);', "page.css", tmp_path)
