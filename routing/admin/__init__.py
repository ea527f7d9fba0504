"""The managers' pages of routing, one file per family, in the style of helpdesk.admin. Imported by Django's autodiscover."""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
