"""Writes the blocks for GNU Radio Companion, and the module that they are made by; and examples of its flowgraphs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ...errors import UsageError
from .descriptions import MODULE, SHOWN, block_yml

__all__ = ["default_folder", "examples", "install"]

EXAMPLES = Path(__file__).parent / "examples"


def default_folder() -> Path:
    """Return the folder in which GNU Radio Companion looks for a user's own blocks."""
    return Path(os.environ.get("GRC_HIER_PATH") or Path.home() / ".grc_gnuradio").expanduser()


def install(folder: Path) -> list[Path]:
    """Write the blocks and their module, over those of before, and return the files.

    Raises:
        UsageError: the folder cannot be made or written to.
    """
    folder = folder.expanduser().resolve()
    texts = {f"{name}.block.yml": block_yml(name, (sys.executable, "-m", "semcom"), str(folder)) for name in SHOWN}
    texts[f"{MODULE}.py"] = (Path(__file__).parent / "_bridge.py").read_text(encoding="utf-8")
    return _write(folder, texts, "--install")


def examples(folder: Path) -> list[Path]:
    """Write flowgraphs of GNU Radio between those of semcom: a channel, and radios; return the files.

    Raises:
        UsageError: the folder cannot be made or written to.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.iterdir()) if path.is_file()}
    return _write(folder.expanduser().resolve(), texts, "--examples")


def _write(folder: Path, texts: dict[str, str], option: str) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{error.filename or folder}: cannot write: {error.strerror}; name a folder of your own with {option} DIR"
        ) from None
    return [folder / name for name in texts]
