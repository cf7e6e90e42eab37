"""The samples that a receiver keeps, by their numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Line"]

_LARGEST = np.float32(1e12)  # squares of sums of it are still numbers in single precision


class Line:
    """A window on an endless stream.

    Samples that are not finite, or so large that their energy is not, are taken for zeros and counted.

    Attributes:
        end: Number of the sample that comes next.
        bad: How many were no samples.
    """

    def __init__(self, start: int = 0) -> None:
        self.end = self._start = start
        self.bad = 0
        self._parts: list[NDArray[np.complex64]] = []

    def push(self, samples: NDArray[np.complex64]) -> None:
        """Append samples."""
        parts = samples.view(np.float32)
        fine = np.abs(parts) < _LARGEST  # false for NaN, too
        if not fine.all():
            wrong = ~fine.reshape(-1, 2).all(axis=1)
            samples = np.where(wrong, np.complex64(0), samples)
            self.bad += int(np.count_nonzero(wrong))
        self._parts.append(samples)
        self.end += samples.size

    def cut(self, start: int, stop: int, size: int) -> NDArray[np.complex64]:
        """Return samples ``start`` to ``stop - 1`` and zeros up to ``size``; what is not there is zeros, too."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        out = np.zeros(size, np.complex64)
        first, last = max(start, self._start), min(stop, self.end, start + size)
        if first < last:
            out[first - start : last - start] = self._parts[0][first - self._start : last - self._start]
        return out

    def forget(self, before: int) -> None:
        """Drop samples of lower numbers, whole parts at a time."""
        while self._parts and self._start + self._parts[0].size <= before:
            self._start += self._parts.pop(0).size
        if len(self._parts) == 1 and before > self._start:
            self._parts[0] = self._parts[0][before - self._start :]
            self._start = before
