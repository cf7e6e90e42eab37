"""Reading label maps: a file's values, palette entries or colours become numbers of classes, by a legend."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ..images import MAX_PIXELS, input_file, readable_formats
from .edges import edges_between
from .legend import Legend

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["read_label_map"]

_NUMBERS = {"1", "L", "P", "I", "I;16"}  # Pillow's modes whose pixels are one number
_NONE = 255  # no number of a class


def read_label_map(
    path: Path, legend: Legend, *, instances: Path | None = None, size: tuple[int, int] | None = None
) -> NDArray[np.uint8]:
    """Read a label map.

    Args:
        path: A PNG, or another lossless picture: grey of 1, 8 or 16 bits, with a palette (its entries' numbers count),
            or coloured (transparency is left out).
        legend: What its values or colours stand for.
        instances: A picture of the same size with a number for each thing; if not said, things are told apart by class.
        size: Height and width wanted: the nearest pixels are taken, also of the instances.

    Returns:
        uint8 ``[H, W, 2]``: number of the class, and 1 on edges between instances.

    Raises:
        InputError: a file cannot be read, has a value or colour that stands for no class, or their sizes differ.
    """
    pixels = _pixels(path)
    classes = _of_colours(path, pixels, legend) if pixels.ndim == 3 else _of_values(path, pixels, legend)
    things: NDArray[Any] = classes
    if instances is not None:
        things = _numbers(_pixels(instances))
        if things.shape != classes.shape:
            raise InputError(
                f"{instances}: expected {classes.shape[0]} x {classes.shape[1]} pixels, as {path} has, got "
                f"{things.shape[0]} x {things.shape[1]}; give the map of the same picture"
            )
    if size is not None:
        rows, columns = ((np.arange(n) + 0.5) * old / n for n, old in zip(size, classes.shape, strict=True))
        nearest = np.ix_(rows.astype(int), columns.astype(int))
        classes, things = classes[nearest], things[nearest]
    return np.stack([classes, edges_between(things)], 2)


def _pixels(path: Path) -> NDArray[Any]:
    """Numbers ``[H, W]``, or colours uint8 ``[H, W, 3]``."""
    from PIL import Image, UnidentifiedImageError

    too_large = f"{path}: expected at most {MAX_PIXELS} pixels, got "
    try:
        with Image.open(input_file(path, "label map"), formats=readable_formats()) as picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise InputError(f"{too_large}{height} x {width}: scale it down")
            _check_kind(path, picture)
            if picture.mode in _NUMBERS:
                return np.asarray(picture).astype(np.int64)
            return np.asarray(picture.convert("RGB"))
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(f"{too_large}many times more: scale it down") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: expected a label map, got a file that no decoder knows") from None
    except Exception as error:  # decoders meet a damaged file with any exception there is
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: the label map is truncated or damaged: {reason}") from None


def _check_kind(path: Path, picture: Image.Image) -> None:
    if picture.mode not in (*_NUMBERS, "RGB", "RGBA"):
        raise InputError(f"{path}: expected grey, a palette or RGB, got {picture.mode}; convert it to one of them")
    tiles: Any = getattr(picture, "tile", None)
    stored = str(tiles[0][3]) if tiles else ""
    if "L;2" in stored or "L;4" in stored:  # of these Pillow makes shades of 8 bits: class 1 of 4 bits would be 17
        raise InputError(
            f"{path}: expected grey of 1, 8 or 16 bits, got fewer than 8, whose values are read as shades; save it "
            "with 8 bits, or with a palette"
        )


def _numbers(pixels: NDArray[Any]) -> NDArray[np.int64]:
    """One number a pixel; a colour's is its 24 bits."""
    pixels = pixels.astype(np.int64)
    return pixels if pixels.ndim == 2 else pixels[..., 0] * 65536 + pixels[..., 1] * 256 + pixels[..., 2]


def _of_values(path: Path, pixels: NDArray[Any], legend: Legend) -> NDArray[np.uint8]:
    table = np.full(65536, _NONE, np.uint8)
    for value, number in legend.of_value():
        table[value] = number
    known = (pixels >= 0) & (pixels < 65536)
    classes = np.where(known, table[np.where(known, pixels, 0)], _NONE).astype(np.uint8)
    if (classes == _NONE).any():
        values = sorted(value for value, _ in legend.of_value())
        _refuse(path, classes, lambda at: f"the value {pixels[at]}", f"values {_in_words(values)}")
    return classes


def _of_colours(path: Path, pixels: NDArray[Any], legend: Legend) -> NDArray[np.uint8]:
    found, where = np.unique(_numbers(pixels), return_inverse=True)
    by_colour = {int(colour): number for number, colour in enumerate(_numbers(legend.colours()[None])[0])}
    table = np.array([by_colour.get(int(colour), _NONE) for colour in found], np.uint8)
    classes: NDArray[np.uint8] = table[where.reshape(pixels.shape[:2])]
    if (classes == _NONE).any():
        names = ", ".join(f"{one.name} {list(one.colour)}" for one in legend.classes)
        _refuse(path, classes, lambda at: f"the colour {pixels[at].tolist()}", names)
    return classes


def _refuse(path: Path, classes: NDArray[np.uint8], what: Any, known: str) -> NoReturn:
    row, column = (int(axis) for axis in np.argwhere(classes == _NONE)[0])
    count = int((classes == _NONE).sum())
    raise InputError(
        f"{path}: expected classes of the legend ({known}), got {what((row, column))} at row {row}, column {column}, "
        f"one of {count} pixels of no class; mend the map, or give a legend that has it"
    )


def _in_words(values: list[int]) -> str:
    """Whole numbers as ranges: 0 to 33, 255."""
    starts = [value for value in values if value - 1 not in values]
    ends = [value for value in values if value + 1 not in values]
    return ", ".join(f"{a} to {b}" if a < b else f"{a}" for a, b in zip(starts, ends, strict=True))
