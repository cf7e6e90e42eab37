"""A file in pieces that are small enough to travel; replaced whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch

from ...errors import WeightsError

__all__ = ["LARGEST", "read_state", "replace", "write_state"]

LARGEST = 15 * 2**20
"""Bytes of the largest piece: some ways out of a rented machine end at 16 MB a file."""


def replace(part: Path, path: Path) -> None:
    """Put a file that is written in the place of another."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values; a kill in between leaves what was there.

    A state of more than `LARGEST` bytes goes into files beside, ``last.pt.3fa8c01d-000`` and on for ``last.pt``, which
    then says what they are: all files whose names begin so belong together.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getbuffer()
    digest = hashlib.sha256(data).hexdigest()
    names: list[str] = []
    if len(data) > LARGEST:
        for number, begin in enumerate(range(0, len(data), LARGEST)):
            names.append(f"{path.name}.{digest[:8]}-{number:03d}")
            _write(path.with_name(names[-1]), data[begin : begin + LARGEST])
        index = io.BytesIO()
        torch.save({"shards": names, "sha256": digest}, index)
        data = index.getbuffer()
    _write(path, data)
    for old in path.parent.glob(f"{path.name}.????????-???"):
        if old.name not in names:
            old.unlink()


def _write(path: Path, data: memoryview) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    replace(part, path)


def read_state(path: Path) -> dict[str, Any]:
    """What `write_state` wrote, on the CPU. Only tensors and plain values are let in.

    Raises:
        WeightsError: it is not whole.
    """
    state = _load(path, path)
    if "shards" not in state:
        return state
    pieces = []
    for name in state["shards"]:
        piece = path.with_name(Path(name).name)
        if not piece.is_file():
            raise WeightsError(
                f"{path}: is in {len(state['shards'])} pieces, and {piece.name} is missing; bring all files whose "
                f"names begin with {path.name}"
            )
        pieces.append(piece.read_bytes())
    whole = b"".join(pieces)
    if hashlib.sha256(whole).hexdigest() != state["sha256"]:
        raise WeightsError(f"{path}: its pieces are not those that were written; bring them again")
    return _load(io.BytesIO(whole), path)


def _load(file: Path | io.BytesIO, path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"{path}: not a whole checkpoint; remove it to start afresh: {error}") from error
    return state
