"""The managers' pages, one file per family. Django's autodiscover imports this package, which imports every file in it."""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
