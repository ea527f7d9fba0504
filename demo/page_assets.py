"""The stylesheet, script and icons of the customers' page.

The house's own stylesheets are read at run time from the helpdesk's static files, so that the page always looks like
the desk; HELPDESK_DEMO_STATIC names another folder that holds tokens.css, base.css, components/ and icons.svg.
Without them the page still works, in plain HTML. Used by `demo.page`.
"""

import os
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_COMPONENTS = ("button", "field", "chip", "avatar", "list", "banner", "timeline")


def _house_folders() -> list[Path]:
    named = os.environ.get("HELPDESK_DEMO_STATIC")
    static = _HERE.parent / "helpdesk" / "static" / "helpdesk"
    return [Path(named)] if named else [static / "css", static / "img", static]


def _first(name: str) -> str:
    for folder in _house_folders():
        file = folder / name
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return ""


def demo_css() -> str:
    """Tokens, base and the needed components in their layers, then what only this page has."""
    sheets = [("tokens", _first("tokens.css")), ("base", _first("base.css"))]
    sheets += [("components", _first(f"components/{name}.css")) for name in _COMPONENTS]
    sheets.append(("screens", (_HERE / "static" / "demo.css").read_text(encoding="utf-8")))
    layers = "".join(f"@layer {layer} {{\n{text}\n}}\n" for layer, text in sheets if text)
    return f"@layer tokens, base, components, screens;\n{layers}"


def demo_js() -> str:
    """The polling script."""
    return (_HERE / "static" / "demo.js").read_text(encoding="utf-8")


def icon_sprite() -> str:
    """The icon sprite of the house, or an empty one."""
    return _first("icons.svg") or '<svg xmlns="http://www.w3.org/2000/svg"></svg>'
