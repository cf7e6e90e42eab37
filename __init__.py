"""Semantic image communication as a signal chain: streaming blocks joined into YAML flowgraphs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("gr-semcom")
except PackageNotFoundError:  # imported from a checkout that nobody installed
    __version__ = "0.0.0"

__all__ = ["__version__"]
