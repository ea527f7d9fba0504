"""How static files leave the checkout in production: one style sheet a page, and names that carry a hash.

Used by STORAGES in settings; `collectstatic` calls it. In the demo and in tests the files are served as they stand.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage

_IMPORT = re.compile(r'^@import url\("([^"]+)"\) layer\((\w+)\);$', re.M)


def joined(sheet: str, name: str, folder: Path) -> str:
    """`sheet` (at `name` below `folder`) with each `@import url("x") layer(y);` replaced by the file in `@layer y { … }`.

    Raises FileNotFoundError for an import of nothing, and ValueError for a file with addresses of its own, which would
    point elsewhere after joining.
    """

    def inlined(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), found[1]))
        part = (folder / target).read_text(encoding="utf-8")
        if "url(" in part or "@import" in part:
            raise ValueError(f"{target} has addresses of its own and cannot be joined into {name}")
        return f"@layer {found[2]} {{\n{part}}}"

    return _IMPORT.sub(inlined, sheet)


#: A line that is only a comment, or nothing; and the indentation of the others.
_IDLE = re.compile(r"^[ \t]*(?://.*|/\*\*.*\*/)?\n|^[ \t]+", re.M)


def lighter(script: str) -> str:
    """A script of ours without its comments and indentation: a fifth less on the line. No string of ours spans lines."""
    return _IDLE.sub("", script)


class JoinedStaticFiles(ManifestStaticFilesStorage):
    """Joins the style sheets of each page, then names every file by its hash, modules and their imports included."""

    support_js_module_import_aggregation = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # only our own modules: libraries speak of imports in comments, too
        patterns: dict[str, Any] = vars(self)["_patterns"]
        patterns["helpdesk/js/*.js"] = patterns.pop("*.js")

    def post_process(self, paths: dict[str, Any], dry_run: bool = False, **options: Any) -> Iterator[Any]:
        """Called once by collectstatic with all files in place."""
        if not dry_run:
            folder = Path(self.location)
            for name in list(paths):
                if name.startswith("helpdesk/js/") and name.endswith(".js"):
                    script = folder / name
                    script.write_text(lighter(script.read_text(encoding="utf-8")), encoding="utf-8")
                    paths[name] = (self, name)
                if name.startswith("helpdesk/css/") and name.endswith(".css"):
                    file = folder / name
                    sheet = file.read_text(encoding="utf-8")
                    whole = joined(sheet, name, folder)
                    if whole != sheet:
                        file.write_text(whole, encoding="utf-8")
                        paths[name] = (self, name)  # what follows reads the collected file, not the checkout's
        yield from super().post_process(paths, dry_run, **options)
