"""The largest file that fits a budget of bytes: a search over one setting of a coder, with few encodes."""

from __future__ import annotations

import hashlib
import math
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError

__all__ = ["FileMemo", "Filled", "Knob", "fill_budget", "picture_digest"]

_DIGEST_BYTES = 16


@dataclass(frozen=True)
class Knob:
    """The setting that a search turns: whole numbers, more for a larger file.

    Attributes:
        lowest: The setting of the smallest file.
        highest: The setting of the largest.
        coarse: Steps in which the search approaches, so that neighbouring budgets of a picture try the same settings.
        per_octave: Steps that double the file, roughly; only how fast the search is hangs on it.
        at_one_bpp: Setting at which a usual photograph takes 1 bit a pixel, roughly.
    """

    lowest: int
    highest: int
    coarse: int
    per_octave: float
    at_one_bpp: int


class Filled(NamedTuple):
    """What a search found.

    Attributes:
        data: The largest file tried that fits; ``None`` if not even the smallest does.
        setting: The knob's setting that made it; the lowest where none fits.
        smallest: Bytes of the smallest file tried.
        encodes: Files made or remembered.
    """

    data: bytes | None
    setting: int
    smallest: int
    encodes: int


class FileMemo:
    """Files by picture, coder and setting, the least recently used dropped beyond a bound of bytes.

    A search takes the same path with and without it: what is remembered saves time and changes no result. A file of a
    folder that is damaged is made anew.

    Args:
        max_bytes: Bound on the sum of the files.
        folder: Keeps them all, for other processes too, and for later.
        version: Of the coder; in a folder files of another are not found.

    Raises:  UsageError: the folder cannot be written; `get`, too.
    """

    def __init__(self, max_bytes: int = 64 << 20, folder: Path | None = None, version: str = "") -> None:
        self._folder, self._version = folder, version
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise _unfit(folder, error) from None
        self._files: OrderedDict[tuple[str, str, int], bytes] = OrderedDict()
        self._held = 0
        self._max_bytes = max_bytes
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Sum of the files held."""
        return self._held

    def get(self, picture: str, coder: str, setting: int, make: Callable[[], bytes]) -> bytes:
        """Return the file, made if it is not remembered.

        Args:
            picture: Digest of the picture.
            coder: The coder and its settings, as text.
            setting: The knob's setting.
            make: Makes the file.
        """
        key = (picture, coder, setting)
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        data = make() if self._folder is None else self._kept(self._folder, repr((*key, self._version)), make)
        with self._lock:
            if key not in self._files and len(data) <= self._max_bytes:
                self._files[key] = data
                self._held += len(data)
                while self._held > self._max_bytes:
                    self._held -= len(self._files.popitem(last=False)[1])
        return data

    @staticmethod
    def _kept(folder: Path, name: str, make: Callable[[], bytes]) -> bytes:
        path = folder / _digest(name.encode()).hex()
        try:
            kept = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise _unfit(folder, error) from None
        if kept[:_DIGEST_BYTES] == _digest(kept[_DIGEST_BYTES:]):
            return kept[_DIGEST_BYTES:]
        data, part = make(), folder / f"part-{uuid4().hex}"
        try:
            part.write_bytes(_digest(data) + data)
            part.replace(path)  # never half a file, whoever else writes it
        except OSError as error:
            part.unlink(missing_ok=True)
            raise _unfit(folder, error) from None
        return data


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _unfit(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{folder}: expected a folder where coded files can be written and read: {error.strerror}; empty it, free "
        "space there, or choose another"
    )


def picture_digest(picture: NDArray[np.uint8]) -> str:
    """Name a picture by its pixels.

    Args:
        picture: uint8 ``[H, W, 3]``.
    """
    digest = hashlib.blake2b(repr(picture.shape).encode(), digest_size=_DIGEST_BYTES)
    digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()


def fill_budget(
    encode: Callable[[int], bytes],
    knob: Knob,
    budget: int,
    pixels: int,
    *,
    enough: float = 0.985,
    max_encodes: int = 10,
) -> Filled:
    r"""Find the largest file that fits.

    .. math:: \max_k |f(k)| \quad \text{with} \quad |f(k)| \le B

    log(size) is interpolated between the settings tried: first on the coarse grid, then in single steps. The search
    ends when the budget is filled well enough, when no setting is left between one that fits and one that does not, or
    when its encodes are spent. A coder whose size is not monotone costs fill, never the budget: only files that fit
    are ever taken. The path depends on the arguments alone.

    Args:
        encode: Setting to file.
        knob: Range and steps of the setting.
        budget: Bytes that the file may have.
        pixels: Of the picture; for the first guess.
        enough: Share of the budget at which the search ends.
        max_encodes: Bound on the encodes; one more is spent to learn that nothing fits.
    """
    tried: dict[int, bytes] = {}
    best: int | None = None
    streak = 0  # how often in a row the same end of the bracket moved: positive the lower, negative the upper
    fits: int | None = None  # the bracket: the highest setting known to fit, the lowest known not to
    exceeds: int | None = None
    at = knob.at_one_bpp + knob.per_octave * math.log2(max(8 * budget, 1) / max(pixels, 1))
    setting = _bounded(round(at / knob.coarse) * knob.coarse, knob.lowest, knob.highest)
    while len(tried) < max_encodes:
        data = tried[setting] = encode(setting)
        if len(data) <= budget:
            stuck = fits is not None and setting - fits >= knob.coarse and len(data) == len(tried[fits])
            fits = setting if fits is None else max(fits, setting)
            streak = max(streak, 0) + 1
            if best is None or len(data) > len(tried[best]):
                best = setting
            if len(data) >= enough * budget or fits == knob.highest:
                break
            if stuck and exceeds is None:  # the coder has no more to say
                setting = knob.highest
                continue
        else:
            exceeds = setting if exceeds is None else min(exceeds, setting)
            streak = min(streak, 0) - 1
            if exceeds == knob.lowest:
                break
        if fits is not None and exceeds is not None and exceeds - fits <= 1:
            break
        setting = _next_setting(tried, knob, budget, fits, exceeds, streak)
    if best is None and knob.lowest not in tried:
        tried[knob.lowest] = encode(knob.lowest)
        best = knob.lowest if len(tried[knob.lowest]) <= budget else None
    smallest = min(map(len, tried.values()))
    if best is None:
        return Filled(None, knob.lowest, smallest, len(tried))
    return Filled(tried[best], best, smallest, len(tried))


def _next_setting(
    tried: dict[int, bytes], knob: Knob, budget: int, fits: int | None, exceeds: int | None, streak: int
) -> int:
    lower = knob.lowest if fits is None else fits + 1
    upper = knob.highest if exceeds is None else exceeds - 1
    if lower > upper:  # not monotone: one fits above one that does not
        free = sorted(set(range(knob.lowest, knob.highest + 1)) - set(tried), key=lambda k: (abs(k - lower), k))
        return free[0] if free else lower
    target = math.log2(max(budget, 1))
    if fits is not None and exceeds is not None:
        low, high = (math.log2(max(len(tried[k]), 1)) for k in (fits, exceeds))
        part = (target - low) / max(high - low, 1e-9)
        if streak >= 2:  # the line is bent: longer steps away from the end that moves
            part *= 2 ** (streak - 1)
        elif streak <= -2:
            part = 1 - (1 - part) * 2 ** (-streak - 1)
        predicted = fits + (exceeds - fits) * min(max(part, 0.05), 0.95)
        fine = exceeds - fits <= 2 * knob.coarse
    else:
        near = fits if fits is not None else exceeds if exceeds is not None else lower
        step = knob.per_octave * (target - math.log2(max(len(tried[near]), 1)))
        predicted = near + step * 2 ** (abs(streak) - 1)
        fine = abs(predicted - near) < knob.coarse
    on_grid = round(predicted / knob.coarse) * knob.coarse
    return _bounded(on_grid if not fine and lower <= on_grid <= upper else math.floor(predicted), lower, upper)


def _bounded(value: int, lowest: int, highest: int) -> int:
    return min(max(value, lowest), highest)
