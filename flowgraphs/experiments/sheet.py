"""Pictures of several runs and systems side by side: one sheet a photograph."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...blocks._measuring.files import make_folder, write_atomic
from ...errors import InputError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["draw_sheets"]

_GAP, _LINE, _TEXT = 6, 26, 18  # pixels: between pictures, of a line of text, of its letters


class _Cell(NamedTuple):
    """One picture, and what its sink measured of it: empty where it measures nothing."""

    path: Path
    measured: dict[str, str]


class _Run(NamedTuple):
    """A run as its record tells it: picture → block → cell."""

    label: str
    pictures: dict[str, dict[str, _Cell]]


def draw_sheets(folders: Sequence[Path], out: Path) -> list[Path]:
    """Lay the pictures of runs side by side: a row a run, a column for each of its sinks that wrote pictures.

    Below each picture stand PSNR and CBR, where its sink measured them; a picture that a link lost is called so. The
    columns are named by their blocks, the rows by the folders.

    Args:
        folders: Of runs, with ``run.json``; the first says which pictures there are.
        out: Folder that receives ``sheet-<picture>.png``.

    Returns:
        The files written, in the order of the pictures.

    Raises:
        InputError: a folder holds no run, its pictures are gone, or the first has none.
        RunError: a file cannot be written.
    """
    runs = [_read_run(folder) for folder in folders]
    columns = list(dict.fromkeys(block for run in runs for cells in run.pictures.values() for block in cells))
    if not columns:
        raise InputError(f"{folders[0]}: no picture was written there; give the folder of a run with sinks/report")
    target = make_folder(str(out))
    written = []
    for name in runs[0].pictures:
        path = target / f"sheet-{name}.png"
        write_atomic(path, _png(_sheet(name, runs, columns)))
        written.append(path)
    return written


def _read_run(folder: Path) -> _Run:
    record = folder / "run.json"
    try:
        blocks = json.loads(record.read_text(encoding="utf-8"))["blocks"]
        files = {str(block): [Path(file) for file in entry["files"]] for block, entry in blocks.items()}
    except OSError as error:
        raise InputError(f"{record}: expected the record of a run: {error.strerror}; `semcom run --out`") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{record}: expected the record of a run, got another file; `semcom run --out`") from None
    pictures: dict[str, dict[str, _Cell]] = {}
    for block, paths in files.items():
        rows = dict(_rows(folder, block, paths))
        for path in paths:
            if path.suffix == ".png":
                cell = _Cell(_found(folder, block, path), rows.get(_number(path.stem), {}))
                pictures.setdefault(path.stem, {})[block] = cell
    return _Run(folder.resolve().name, pictures)


def _rows(folder: Path, block: str, paths: list[Path]) -> Iterator[tuple[str, dict[str, str]]]:
    for path in paths:
        if path.name == "metrics.csv":
            with _found(folder, block, path).open(encoding="utf-8", newline="") as stream:
                yield from ((row["seq"], row) for row in csv.DictReader(stream) if row.get("seq"))


def _number(stem: str) -> str:
    """The item's number in the name of its picture, as a table has it."""
    number = stem.rpartition("-")[2]
    return str(int(number)) if number.isdecimal() else ""


def _found(folder: Path, block: str, path: Path) -> Path:
    """The file where `semcom run --out` puts it (the folder may have moved since), or where the record says."""
    for place in (folder / block / path.name, folder / path.name, path):
        if place.is_file():
            return place
    raise InputError(f"{path}: named by {folder / 'run.json'} and not there; let the run write it again")


def _sheet(name: str, runs: Sequence[_Run], columns: Sequence[str]) -> Image.Image:
    from PIL import Image, ImageDraw, ImageFont

    rows = []
    for run in runs:
        cells = run.pictures.get(name, {})
        opened = {}
        for block, cell in cells.items():
            with Image.open(cell.path) as picture:
                opened[block] = picture.convert("RGB")
        rows.append((run.label, cells, opened))
    sizes = [picture.size for _, _, opened in rows for picture in opened.values()]
    width, height = (max(size[axis] for size in sizes) for axis in (0, 1))
    font = ImageFont.load_default(_TEXT)
    side = _GAP * 2 + round(max(font.getlength(label) for label, _, _ in rows))
    sheet = Image.new(
        "RGB", (side + (width + _GAP) * len(columns), _LINE + (height + _LINE + _GAP) * len(rows)), "white"
    )
    pen = ImageDraw.Draw(sheet)
    for column, block in enumerate(columns):
        left = side + column * (width + _GAP)
        pen.text((left, 2), block, fill="black", font=font)
        for row, (_, cells, opened) in enumerate(rows):
            top = _LINE + row * (height + _LINE + _GAP)
            if block in opened:
                sheet.paste(opened[block], (left, top))
                pen.text((left, top + height + 2), _caption(cells[block].measured), fill="black", font=font)
    for row, (label, _, _) in enumerate(rows):
        pen.text((_GAP, _LINE + row * (height + _LINE + _GAP) + 2), label, fill="black", font=font)
    return sheet


def _caption(measured: dict[str, str]) -> str:
    parts = ["lost:"] if measured.get("failed") == "1" else []
    if measured.get("psnr_db"):
        parts.append(f"PSNR {float(measured['psnr_db']):.2f} dB{',' if measured.get('cbr') else ''}")
    if measured.get("cbr"):
        parts.append(f"CBR {float(measured['cbr']):.4f}")
    return " ".join(parts)


def _png(sheet: Image.Image) -> bytes:
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
