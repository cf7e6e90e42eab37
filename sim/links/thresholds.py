r"""The Es/N0 that a scheme needs over AWGN, from measured waterfalls.

`thresholds.csv` holds, for each scheme of an adaptive link, rates between them, and code blocks of several sizes, a
fitted waterfall

.. math:: \mathrm{BLER} = Q\left(\frac{\mathrm{esn0\_db} - \mu}{\sigma}\right)

and how well it is known; its head says how it was measured (``benchmarks/link_thresholds.py``).
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
from .mcs import Scheme, payload_bits_for
from .transport_block import plan_transport_block

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
def load_waterfalls() -> Mapping[Scheme, tuple[Waterfall, ...]]:
    """Read the table: the waterfalls of each scheme, by size."""
    path = Path(__file__).with_name("thresholds.csv")
    table: dict[Scheme, list[Waterfall]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(line for line in lines if not line.startswith("#")):
            scheme = Scheme(int(row["bits_per_symbol"]), float(row["code_rate_x1024"]))
            numbers = (float(row[name]) for name in Waterfall._fields[1:])
            table.setdefault(scheme, []).append(Waterfall(int(row["block_bits"]), *numbers))
    return {scheme: tuple(sorted(found)) for scheme, found in table.items()}


@lru_cache(maxsize=4096)
def required_esn0_db(scheme: Scheme, uses: int, failure_rate: float = 0.01) -> float:
    r"""Es/N0 in dB at which frames of this scheme fail at most this often over AWGN.

    .. math:: 1 - (1 - \mathrm{BLER})^C \le \mathrm{failure\_rate}

    with the C code blocks of the frame. Between the measured sizes of code blocks it is interpolated linearly in
    :math:`1 / \sqrt{K'}`, as finite lengths cost; between measured code rates of a constellation, what it needs beyond
    an ideal code of :math:`m R` bits a use, linearly in the rate. It is on the safe side: the upper 95 % bound of the
    fit, and `MARGIN_DB` (short code blocks: `SHORT_MARGIN_DB`).

    Args:
        scheme: Modulation and code rate.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails, above 0 and below 1.

    Returns:
        The threshold; infinite where not a byte fits into the frame.

    Raises:
        UsageError: the failure rate is no probability, or the code rate lies outside those measured with this
            constellation.

    Source: Polyanskiy, Poor & Verdu, Channel coding rate in the finite blocklength regime, IEEE Trans. Inf. Theory
    56(5), 2010, for the law of sizes.
    """
    if not 0 < failure_rate < 1:
        raise UsageError(f"thresholds: expected a failure rate above 0 and below 1, got {failure_rate}")
    payload_bits = payload_bits_for(scheme, uses)
    if not payload_bits:
        return math.inf
    bits = scheme.bits_per_symbol
    plan = plan_transport_block(payload_bits, uses * bits, bits, code_rate=scheme.code_rate)
    block_error_rate = -math.expm1(math.log1p(-failure_rate) / plan.blocks)
    measured = {s.code_rate_x1024: s for s in load_waterfalls() if s.bits_per_symbol == bits}
    rates = sorted(measured)
    if not rates or not rates[0] <= scheme.code_rate_x1024 <= rates[-1]:
        known = f"{rates[0] / 1024:.3f} to {rates[-1] / 1024:.3f}" if rates else "none"
        raise UsageError(
            f"thresholds: expected a code rate measured with {bits} bits per symbol ({known}), got {scheme.name}"
        )
    above = bisect_left(rates, scheme.code_rate_x1024)
    near = rates[max(above - 1, 0) : above + 1]
    needed = [_at_size(measured[rate], plan.block_bits, block_error_rate) for rate in near]
    ideal = [_ideal_esn0_db(measured[rate]) for rate in near]
    margin_db = MARGIN_DB if plan.block_bits >= SHORT_BITS else SHORT_MARGIN_DB
    bend_db = _ideal_esn0_db(scheme) - float(np.interp(scheme.code_rate_x1024, near, ideal))  # 0 at measured rates
    return float(np.interp(scheme.code_rate_x1024, near, needed)) + bend_db + margin_db


def _ideal_esn0_db(scheme: Scheme) -> float:
    return 10 * math.log10(2**scheme.bits_per_use - 1)


def _at_size(scheme: Scheme, block_bits: int, block_error_rate: float) -> float:
    falls = load_waterfalls()[scheme]
    sizes = np.array([fall.block_bits for fall in falls], float) ** -0.5
    needed = [fall.esn0_db(block_error_rate) for fall in falls]
    at = block_bits**-0.5
    first = int(np.clip(np.searchsorted(-sizes, -at) - 1, 0, len(falls) - 2))  # outside: the nearest two, extended
    slope = (needed[first + 1] - needed[first]) / (sizes[first + 1] - sizes[first])
    return float(needed[first] + slope * (at - sizes[first]))
