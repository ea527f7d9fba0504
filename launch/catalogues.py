"""Compiled translations: makes each .mo that is older than its .po, where gettext's msgfmt is installed."""

from __future__ import annotations

import shutil
import subprocess

from launch.places import CHECKOUT, shown
from launch.say import say


def compile_stale() -> int:
    """Compiles what is out of date; how many catalogues that was. Without msgfmt the house speaks English, and we say
    so.
    """
    stale = [
        source
        for source in [*CHECKOUT.glob("locale/*/LC_MESSAGES/*.po"), *CHECKOUT.glob("*/locale/*/LC_MESSAGES/*.po")]
        if not (made := source.with_suffix(".mo")).exists() or made.stat().st_mtime < source.stat().st_mtime
    ]
    if not stale:
        return 0
    msgfmt = shutil.which("msgfmt")
    if msgfmt is None:
        say("  Translations are not compiled, as msgfmt is absent (Debian package gettext): English is shown.")
        return 0
    for source in stale:
        new = source.with_suffix(".mo.new")
        done = subprocess.run([msgfmt, "-o", str(new), str(source)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            say(f"  {shown(source)} cannot be compiled and is left out: {done.stderr.strip()[:300]}")
            continue
        new.replace(source.with_suffix(".mo"))
    return len(stale)
