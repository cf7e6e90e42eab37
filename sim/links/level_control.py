"""Which of several levels a link works at, from estimates of its Es/N0 that are noisy, and now and then missing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ...errors import SignalError

__all__ = ["LevelControl"]


class LevelControl:
    r"""Climbs slowly, falls at once.

    Level k needs an Es/N0 of at least the threshold :math:`T_k`, level 0 none. From level l

    - an estimate below :math:`T_l` leads at once to the highest level whose threshold it reaches;
    - ``dwell`` estimates in a row that reach :math:`T_k + H`, k > l, lead to the highest such k;
    - ``silence`` items in a row without an estimate lead to level 0, fewer leave everything as it is.

    So a link whose estimates stay within H above a threshold never changes its level. Where they scatter around it with
    a standard deviation :math:`\sigma`, a climb begins at an item with a probability of at most
    :math:`Q(H / \sigma)^\mathrm{dwell}`.

    Args:
        thresholds_db: :math:`T_1, T_2, \dots`, rising.
        hysteresis_db: H, at least 0.
        dwell: At least 1.
        silence: At least 1.

    Attributes:
        level: Now.

    Raises:
        SignalError: thresholds do not rise.

    State:   the level, the estimates in a row that ask for more, the items in a row without one.

    Example:
        >>> control = LevelControl([5, 10], hysteresis_db=1, dwell=2, silence=2)
        >>> [control.after(esn0_db) for esn0_db in (6, 6, 5, 4.9, 11, 12, None, None)]
        [0, 1, 1, 0, 0, 2, 2, 0]
    """

    def __init__(self, thresholds_db: Sequence[float], *, hysteresis_db: float, dwell: int, silence: int) -> None:
        if any(low >= high for low, high in pairwise(thresholds_db)):
            raise SignalError(f"levels: expected thresholds that rise, got {list(thresholds_db)}")
        self._thresholds_db = tuple(thresholds_db)
        self._hysteresis_db, self._dwell, self._silence = hysteresis_db, dwell, silence
        self.level, self._silent = 0, 0
        self._higher: list[int] = []  # levels that the last estimates in a row would carry

    def after(self, esn0_db: float | None) -> int:
        """Return the level after one more item.

        Args:
            esn0_db: The estimate that came back; None where nothing did.
        """
        if esn0_db is None:
            self._silent += 1
            if self._silent >= self._silence:
                self.level = 0
                self._higher.clear()
            return self.level
        self._silent = 0
        carried = self._reached(esn0_db)
        higher = self._reached(esn0_db - self._hysteresis_db)
        self._higher = [*self._higher, higher] if higher > self.level else []
        if carried < self.level:
            self.level = carried
        elif len(self._higher) >= self._dwell:
            self.level = min(self._higher)
            self._higher.clear()
        return self.level

    def _reached(self, esn0_db: float) -> int:
        return sum(esn0_db >= threshold_db for threshold_db in self._thresholds_db)
