"""What a sweep measures beside quality and bandwidth: a distance, fine detail, how alike repeated receptions are."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...sim.metrics.esn0 import mean_esn0_db
from ...sim.metrics.high_frequency import SMALLEST_SIDE, high_frequency_error_db
from .distances import DistanceName, open_distance, squared_error

__all__ = ["DETAIL", "Witness", "merged_row", "witness"]

DETAIL = "high_frequency_error_db"
SUMMED = ("blocks", "block_errors")
_LEFT = ("seq", "label")

Pixels = NDArray[np.uint8]


class Witness(msgspec.Struct, frozen=True):
    """What is measured beside quality and bandwidth; plain values, so that it travels with a task.

    Attributes:
        distance: Of the received picture to the sent one; empty for none.
        weights: File of its network; empty where it has none.
        digest: SHA-256 of that file.
        transmissions: Times that each picture is sent for one row; with 2 and more, pairs of receptions are compared.
    """

    distance: DistanceName | None = None
    weights: str = ""
    digest: str = ""
    transmissions: int = 1

    @property
    def name(self) -> str:
        """Column of the distance: ``ms_ssim_distance``, ``lpips_vgg``."""
        column = (self.distance or "").replace("-", "_")
        return column if not column or column.startswith("lpips") else f"{column}_distance"

    @property
    def quality(self) -> tuple[str, ...]:
        """Columns with an interval over the pictures."""
        if self.distance is None:
            return ()
        return (self.name, DETAIL, *((f"pair_{self.name}", "pair_psnr_db") if self.transmissions > 1 else ()))

    @property
    def means(self) -> tuple[str, ...]:
        """Columns of which the mean over the pictures is enough."""
        if self.distance is None or self.transmissions == 1:
            return ()
        return (f"pair_{self.name}_deviation", "pair_rmse", "pair_rmse_deviation", "pairs")

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.quality, *self.means)

    def mark(self, graph_hash: str) -> str:
        """The hash of a graph as measured by this witness: rows of another are no rows of this one."""
        if self.distance is None:
            return graph_hash
        told = f"{graph_hash} {self.distance} {self.digest} {self.transmissions}"
        return hashlib.sha256(told.encode()).hexdigest()[: len(graph_hash)]

    def of_one(self, sent: Pixels | None, received: Pixels) -> dict[str, float]:
        """What is measured of one received picture; nothing where the sent one is not known.

        Raises:
            SignalError: they differ in shape, or are too small for the distance.
        """
        if self.distance is None or sent is None:
            return {}
        found = {self.name: open_distance(self.distance, self.weights).of(sent, received)}
        if min(sent.shape[:2]) >= SMALLEST_SIDE:
            found[DETAIL] = high_frequency_error_db(sent, received)
        return found

    def of_pairs(self, received: Sequence[Pixels]) -> dict[str, float]:
        r"""What is measured of one picture's repeated receptions, over all pairs i < j of them.

        ``pair_<distance>`` is the mean of the n (n - 1) / 2 distances, ``..._deviation`` their standard deviation (of
        these distances themselves: the root of the mean squared deviation from that mean). ``pair_rmse`` the same of
        the root mean squared error of the pairs, in steps of 255; ``pair_psnr_db`` the PSNR of the mean squared error
        over the pairs, infinite where all are equal.

        Raises:
            SignalError: they differ in shape, or are too small for the distance.
        """
        if self.distance is None:
            return {}
        distances = open_distance(self.distance, self.weights).of_pairs(received)
        squared = np.array([squared_error(a, b) for a, b in itertools.combinations(received, 2)])
        rmse = np.sqrt(squared)
        mean = float(squared.mean())
        return {
            f"pair_{self.name}": float(distances.mean()),
            f"pair_{self.name}_deviation": float(distances.std()),
            "pair_rmse": float(rmse.mean()),
            "pair_rmse_deviation": float(rmse.std()),
            "pair_psnr_db": math.inf if mean == 0 else 10 * math.log10(255**2 / mean),
            "pairs": float(distances.size),
        }


def witness(distance: DistanceName, weights: Path | None = None, *, transmissions: int = 1) -> Witness:
    """Make a witness.

    Raises:
        InputError: the file of weights cannot be read.
    """
    if weights is None:
        return Witness(distance, transmissions=transmissions)
    try:
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(f"{weights}: {error.strerror}") from None
    return Witness(distance, str(weights.resolve()), digest, transmissions)


def merged_row(rows: Sequence[Mapping[str, Any]], received: Sequence[Pixels], witness: Witness) -> dict[str, Any]:
    """One row of a picture's repeated transmissions: means, counts of blocks summed, and what the pairs say.

    Args:
        rows: Of `Collect`, one a transmission.
        received: The pictures.
        witness: What is measured.

    Raises:
        SignalError: see `Witness.of_pairs`.
    """
    merged: dict[str, Any] = {name: rows[0][name] for name in _LEFT}
    for name in rows[0]:
        values = [row[name] for row in rows if row[name] is not None] if name not in _LEFT else []
        if not values:
            continue
        if name == "esn0_db":  # a mean of decibels would be too low over fades
            merged[name] = mean_esn0_db(np.array(values))
        else:
            merged[name] = sum(values) if name in SUMMED else float(np.mean(values))
    return {**merged, **witness.of_pairs(received)}
