r"""The Es/N0 that a scheme needs over AWGN, from measured waterfalls.

`thresholds.csv` holds, for each scheme of an adaptive link, rates between them, and code blocks of several sizes, a
fitted waterfall

.. math:: \mathrm{BLER} = Q\left(\frac{\mathrm{esn0\_db} - \mu}{\sigma}\right)

and how well it is known; its head says how it was measured (``benchmarks/link_thresholds.py``). `shaped_thresholds.csv`
is the same for shaped constellations.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from ...errors import UsageError
from .frame import plan_frame
from .mcs import Scheme
from .shaped_qam import ShapedQam

__all__ = ["MARGIN_DB", "SHORT_MARGIN_DB", "Waterfall", "load_waterfalls", "required_esn0_db"]

CONFIDENCE = 1.645  # one-sided 95 %
MARGIN_DB = 0.1
"""On top of the fit: codes of other lifting sizes than the measured ones need up to 0.07 dB more than interpolated, and
far down its slope a waterfall is a little less steep than the fitted one."""
SHORT_MARGIN_DB = 0.4
"""The same below 512 bits, where one lifting size is up to a quarter larger than the next and base graphs change."""
SHORT_BITS = 512


class Waterfall(NamedTuple):
    """A fitted waterfall of one scheme and one size of code block.

    Attributes:
        block_bits: Bits K' of the code block.
        mu_db: Es/N0 in dB of a block error rate of 1/2.
        sigma_db: Width in dB.
        mu_sd_db: Standard deviation of `mu_db`.
        sigma_sd_db: Standard deviation of `sigma_db`.
        correlation: Of the two.
    """

    block_bits: int
    mu_db: float
    sigma_db: float
    mu_sd_db: float
    sigma_sd_db: float
    correlation: float

    def esn0_db(self, block_error_rate: float) -> float:
        """Es/N0 in dB that this error rate needs, on the safe side of the fit: its upper 95 % bound."""
        q = -float(ndtri(block_error_rate))
        a, b = self.mu_sd_db, q * self.sigma_sd_db
        return self.mu_db + q * self.sigma_db + CONFIDENCE * math.sqrt(a * a + b * b + 2 * self.correlation * a * b)


@lru_cache(maxsize=1)
def load_waterfalls() -> Mapping[Scheme | ShapedQam, tuple[Waterfall, ...]]:
    """Read the tables: the waterfalls of each scheme, by size."""
    table: dict[Scheme | ShapedQam, list[Waterfall]] = {}
    for name, told, kind in (
        ("thresholds.csv", "code_rate_x1024", Scheme),
        ("shaped_thresholds.csv", "bits_per_use", ShapedQam),
    ):
        with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(line for line in lines if not line.startswith("#")):
                scheme = kind(int(row["bits_per_symbol"]), float(row[told]))
                numbers = (float(row[field]) for field in Waterfall._fields[1:])
                table.setdefault(scheme, []).append(Waterfall(int(row["block_bits"]), *numbers))
    return {scheme: tuple(sorted(found)) for scheme, found in table.items()}


@lru_cache(maxsize=4096)
def required_esn0_db(scheme: Scheme | ShapedQam, uses: int, failure_rate: float = 0.01) -> float:
    r"""Es/N0 in dB at which frames of this scheme fail at most this often over AWGN.

    .. math:: 1 - (1 - \mathrm{BLER})^C \le \mathrm{failure\_rate}

    with the C code blocks of the frame. Between the measured sizes of code blocks it is interpolated linearly in
    :math:`1 / \sqrt{K'}`, as finite lengths cost; between measured bits a use of a constellation, what it needs beyond
    an ideal code of as many, linearly in them. It is on the safe side: the upper 95 % bound of the
    fit, and `MARGIN_DB` (short code blocks: `SHORT_MARGIN_DB`).

    Args:
        scheme: Modulation and code rate, or a shaped constellation.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails, above 0 and below 1.

    Returns:
        The threshold; infinite where not a byte fits into the frame, or shaped code blocks would be short.

    Raises:
        UsageError: the failure rate is no probability, or the code rate lies outside those measured with this
            constellation.

    Source: Polyanskiy, Poor & Verdu, Channel coding rate in the finite blocklength regime, IEEE Trans. Inf. Theory
    56(5), 2010, for the law of sizes.
    """
    if not 0 < failure_rate < 1:
        raise UsageError(f"thresholds: expected a failure rate above 0 and below 1, got {failure_rate}")
    plan = plan_frame(scheme, uses)
    if plan is None or (isinstance(scheme, ShapedQam) and plan.block_bits < SHORT_BITS):
        return math.inf
    bits = scheme.bits_per_symbol
    block_error_rate = -math.expm1(math.log1p(-failure_rate) / plan.blocks)
    kind = type(scheme)
    measured = {s.bits_per_use: s for s in load_waterfalls() if isinstance(s, kind) and s.bits_per_symbol == bits}
    known = sorted(measured)
    if not known or not known[0] <= scheme.bits_per_use <= known[-1]:
        rates = f"{known[0] / bits:.3f} to {known[-1] / bits:.3f}" if known else "none"
        raise UsageError(
            f"thresholds: expected a code rate measured with {bits} bits per symbol ({rates}), got {scheme.name}"
        )
    above = bisect_left(known, scheme.bits_per_use)
    near = known[max(above - 1, 0) : above + 1]
    needed = [_at_size(measured[bits_per_use], plan.block_bits, block_error_rate) for bits_per_use in near]
    ideal = [_ideal_esn0_db(bits_per_use) for bits_per_use in near]
    margin_db = MARGIN_DB if plan.block_bits >= SHORT_BITS else SHORT_MARGIN_DB
    bend_db = _ideal_esn0_db(scheme.bits_per_use) - float(np.interp(scheme.bits_per_use, near, ideal))  # 0 if measured
    return float(np.interp(scheme.bits_per_use, near, needed)) + bend_db + margin_db


def _ideal_esn0_db(bits_per_use: float) -> float:
    return 10 * math.log10(2**bits_per_use - 1)


def _at_size(scheme: Scheme | ShapedQam, block_bits: int, block_error_rate: float) -> float:
    falls = load_waterfalls()[scheme]
    sizes = np.array([fall.block_bits for fall in falls], float) ** -0.5
    needed = [fall.esn0_db(block_error_rate) for fall in falls]
    at = block_bits**-0.5
    first = int(np.clip(np.searchsorted(-sizes, -at) - 1, 0, len(falls) - 2))  # outside: the nearest two, extended
    slope = (needed[first + 1] - needed[first]) / (sizes[first + 1] - sizes[first])
    return float(needed[first] + slope * (at - sizes[first]))
