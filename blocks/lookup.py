"""Finds blocks: the path is the name. `channels/awgn` is `blocks/channels/awgn.py`; nothing is registered by hand.

Three places: this package (but for files and folders that begin with ``_``: what blocks share); folders that other
distributions add through the entry-point group ``semcom.blocks``
(an entry ``mylab = "mylab.blocks"`` makes ``mylab/blocks/channels/x.py`` known as ``mylab/channels/x``); and single
files, ``./my_block.py``. Listing reads files and imports none of them (of a plug-in ``mylab.blocks`` Python imports
``mylab``, to find its folder), and a plug-in that is broken breaks nothing else.
"""

from __future__ import annotations

import ast
import importlib
import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from ..errors import UnknownBlock, suggestion
from ..models.plugins import import_file, package_folder
from .block import Block

__all__ = ["BlockFile", "find_block", "list_blocks", "load_block"]

ENTRY_POINTS = "semcom.blocks"
RENAMED = {"channels/trace": "channels/recording"}
"""Names of before, which files may still have."""
HERE = Path(__file__).parent
_OWN = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9][A-Za-z0-9_]*)+")


@dataclass(frozen=True)
class BlockFile:
    """One block's file, not imported.

    Attributes:
        use: The name users write: ``channels/awgn``.
        path: The file.
        module: Its import name; empty for a single-file plug-in.
        summary: First line of the class's docstring; empty when the file is broken.
        broken: Why it cannot be read; empty when it can.
    """

    use: str
    path: Path
    module: str
    summary: str = ""
    broken: str = ""


def list_blocks() -> list[BlockFile]:
    """List every block of this package and of the installed plug-ins, sorted by name, broken ones included."""
    read = (block if block.broken else _read(block.use, block.path, block.module) for block in _known())
    return sorted(read, key=lambda block: block.use)


def _known() -> list[BlockFile]:
    """Every block of this package and of the installed plug-ins; no file is read."""
    found = _list_folder(HERE, __package__, prefix="")
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            folder = package_folder(entry.value)
        except (Exception, SystemExit) as error:  # to find the folder of `mylab.blocks`, `mylab` is imported
            found.append(
                BlockFile(f"{entry.name}/*", Path(entry.value), entry.value, broken=f"{type(error).__name__}: {error}")
            )
            continue
        found += _list_folder(folder, entry.value, prefix=f"{entry.name}/")
    return found


def find_block(use: str, base: Path | None = None) -> BlockFile:
    """Find a block by its name, without importing it.

    Args:
        use: ``channels/awgn``, ``mylab/channels/x``, or the path of a file, ``./my_block.py``.
        base: The folder that relative paths start from: the flowgraph file's. Default: the working directory.

    Raises:
        UnknownBlock: nothing has this name; the message suggests the nearest.
    """
    found = _locate(use, base)
    return found if found.summary or found.broken else _read(found.use, found.path, found.module)


def load_block(use: str, base: Path | None = None) -> type[Block]:
    """Import a block and return its class: the one subclass of `Block` that its file defines.

    Raises:
        UnknownBlock: no such block, the file raises on import, or it defines no block or several.
    """
    block = _locate(use, base)
    try:
        module = import_file(block.path) if not block.module else importlib.import_module(block.module)
    except (Exception, SystemExit) as error:  # a plug-in may raise anything; it is reported, not passed on
        raise UnknownBlock(f"block {use!r} does not load: {type(error).__name__}: {error} ({block.path})") from error
    named = dict.fromkeys(value for value in vars(module).values() if isinstance(value, type))  # each once
    classes = [cls for cls in named if issubclass(cls, Block) and cls.__module__ == module.__name__]
    if len(classes) != 1:
        names = ", ".join(found.__name__ for found in classes) or "none"
        raise UnknownBlock(f"block {use!r}: expected one subclass of Block in {block.path}, got {names}")
    return classes[0]


def _locate(use: str, base: Path | None) -> BlockFile:
    """Find a block's file, without reading it."""
    use = RENAMED.get(use, use)
    if use.endswith(".py"):
        path = ((base or Path()) / Path(use).expanduser()).resolve()
        if not path.is_file():
            raise UnknownBlock(f"no file {use} (looked at {path})")
        return BlockFile(use, path, module="")
    if _OWN.fullmatch(use) and (HERE / f"{use}.py").is_file():  # the usual case, without looking at every file
        return BlockFile(use, HERE / f"{use}.py", f"{__package__}.{use.replace('/', '.')}")
    blocks = {block.use: block for block in _known()}
    if use in blocks:
        return blocks[use]
    raise UnknownBlock(f"no block {use!r}{suggestion(use, sorted(blocks))}; `semcom blocks` lists them")


def _list_folder(folder: Path, package: str, prefix: str) -> list[BlockFile]:
    blocks = []
    for path in folder.rglob("*.py"):
        inside = path.relative_to(folder)
        if path.parent == folder or any(part.startswith("_") for part in inside.parts):
            continue  # what blocks share: in the folder itself, and in rooms and files that begin with _
        name = inside.with_suffix("").as_posix()
        blocks.append(BlockFile(f"{prefix}{name}", path, f"{package}.{name.replace('/', '.')}"))
    return blocks


def _read(use: str, path: Path, module: str) -> BlockFile:
    """Read what a listing shows, from the source text alone."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"), path.name)
    except (OSError, SyntaxError, ValueError) as error:
        return BlockFile(use, path, module, broken=f"{type(error).__name__}: {error}")
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(_last_name(base) == "Block" for base in node.bases):
            lines = (ast.get_docstring(node) or "").splitlines()
            return BlockFile(use, path, module, summary=lines[0] if lines else "")
    return BlockFile(use, path, module, broken="no subclass of Block in this file")


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
