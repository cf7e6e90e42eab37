"""The path is the name, of systems as of blocks."""

from __future__ import annotations

from pathlib import Path

__all__ = ["system_name"]


def system_name(folder: Path) -> str:
    """Return what users call the system in a folder: the folder's name, with hyphens.

    Example:
        >>> system_name(Path("models/cdm_jscc"))
        'cdm-jscc'
    """
    return folder.name.replace("_", "-")
