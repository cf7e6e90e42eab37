"""The flowgraphs that come with the package: ready to run by name."""

from __future__ import annotations

import difflib
from pathlib import Path

from ....errors import UsageError

__all__ = ["find_flowgraph", "shipped_flowgraphs"]

FOLDER = Path(__file__).parents[2]


def shipped_flowgraphs() -> dict[str, Path]:
    """Names of the shipped flowgraphs, and their files."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.yaml"))}


def find_flowgraph(file: str | Path) -> Path:
    """Return the file that a user means: a path, or the name of a shipped flowgraph.

    Raises:
        UsageError: there is neither; the message suggests the nearest name.
    """
    path = Path(file)
    try:
        if path.is_file():
            return path
        folder = path.is_dir()
    except (OSError, ValueError):
        raise UsageError(f"no flowgraph {str(file)!r:.200}: not a path that can be read") from None
    shipped = shipped_flowgraphs()
    if str(file) in shipped:
        return shipped[str(file)]
    if folder:
        raise UsageError(f"{file}: expected a flowgraph file, got a folder")
    near = difflib.get_close_matches(path.stem, list(shipped), n=1)
    meant = f" (did you mean {near[0]!r}?)" if near else ""
    raise UsageError(
        f"no flowgraph {str(file)!r}{meant}: expected a file or one of the shipped: {', '.join(shipped) or 'none'}"
    )
