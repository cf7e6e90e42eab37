"""Link adaptation: the scheme of a frame from the Es/N0, and from the law of the fading if there is any."""

from __future__ import annotations

import math
from functools import lru_cache, partial

import numpy as np

from .fading_outage import FadingLaw, information_but_for
from .frame import plan_frame
from .information import bit_information
from .mcs import LINK_SCHEMES, MATCHED_SCHEMES, Scheme, payload_bits_for
from .shaped_qam import SHAPED_SCHEMES, ShapedQam
from .thresholds import required_esn0_db

__all__ = ["choose_scheme", "is_met", "match_scheme", "shape_scheme"]

NO_FADING = FadingLaw()
FADING_MARGIN_DB = 0.2
"""A code needs a little more information where its bits have unlike noise than where they have like noise."""
_BY_USE = sorted(SHAPED_SCHEMES, key=lambda scheme: -scheme.bits_per_use)


def choose_scheme(
    esn0_db: float, uses: int, failure_rate: float = 0.01, fading: FadingLaw = NO_FADING
) -> Scheme | None:
    """Scheme with the most payload whose frames fail at most this often; ``None`` where none does.

    Args:
        esn0_db: Mean Es/N0 in dB.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails.
        fading: What is known of it.

    Source: `is_met`.
    """
    fit = [
        (payload, -scheme.bits_per_symbol, scheme)
        for scheme in LINK_SCHEMES
        if (payload := payload_bits_for(scheme, uses)) and is_met(scheme, esn0_db, uses, failure_rate, fading)
    ]
    return max(fit)[2] if fit else None


def match_scheme(esn0_db: float, uses: int, failure_rate: float = 0.01, fading: FadingLaw = NO_FADING) -> Scheme | None:
    """Scheme of the most bits per use, its code rate in steps of 1 %, whose frames fail at most this often.

    Args:
        esn0_db: Mean Es/N0 in dB.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails.
        fading: What is known of it.

    Returns:
        One of `MATCHED_SCHEMES`; ``None`` where none does.

    Source: `is_met`.
    """
    most = _capacity(esn0_db, failure_rate, fading, uses)
    for scheme in reversed(MATCHED_SCHEMES):
        if scheme.bits_per_use < most and is_met(scheme, esn0_db, uses, failure_rate, fading):
            return scheme
    return None


def shape_scheme(
    esn0_db: float, uses: int, failure_rate: float = 0.01, fading: FadingLaw = NO_FADING
) -> Scheme | ShapedQam | None:
    """Scheme with the most payload, shaped or not, whose frames fail at most this often.

    Args:
        esn0_db: Mean Es/N0 in dB.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails.
        fading: What is known of it.

    Returns:
        One of `SHAPED_SCHEMES`; ``None`` where none does.

    Source: `is_met`.
    """
    most = _capacity(esn0_db, failure_rate, fading, uses)
    best: Scheme | ShapedQam | None = None
    payload_bits = 0
    for scheme in _BY_USE:
        if scheme.bits_per_use * uses <= payload_bits:  # nor do those that follow carry more
            break
        plan = plan_frame(scheme, uses) if scheme.bits_per_use < most else None
        if plan and plan.payload_bits > payload_bits and is_met(scheme, esn0_db, uses, failure_rate, fading):
            best, payload_bits = scheme, plan.payload_bits
    return best


def is_met(
    scheme: Scheme | ShapedQam, esn0_db: float, uses: int, failure_rate: float, fading: FadingLaw = NO_FADING
) -> bool:
    r"""Whether frames of a scheme fail at most this often.

    Over AWGN where the measured threshold is met. Over fading where as much information comes through as there, but for
    half of the failures, with the other half left to the code:

    .. math:: P\left(\bar I(\gamma) < I(T)\right) \le \epsilon / 2, \quad T = T_\mathrm{AWGN}(\epsilon / 2)

    Args:
        scheme: Modulation and code rate, or a shaped constellation.
        esn0_db: Mean Es/N0 in dB.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails.
        fading: What is known of it.

    Source: `required_esn0_db`, `information_but_for`.
    """
    if fading.fading == "none":
        return required_esn0_db(scheme, uses, failure_rate) <= esn0_db
    needed_db = required_esn0_db(scheme, uses, failure_rate / 2) + FADING_MARGIN_DB
    law = scheme.law if isinstance(scheme, ShapedQam) else None
    let_through = _let_through(failure_rate / 2, scheme.bits_per_symbol, law, esn0_db, fading, uses)
    return needed_db < math.inf and let_through >= float(
        bit_information(scheme.bits_per_symbol, law, np.array(needed_db))
    )


@lru_cache(maxsize=4096)
def _let_through(
    outage: float, bits_per_symbol: int, law: tuple[float, ...] | None, esn0_db: float, fading: FadingLaw, uses: int
) -> float:
    return information_but_for(outage, partial(bit_information, bits_per_symbol, law), esn0_db, fading, uses)


def _capacity(esn0_db: float, failure_rate: float, fading: FadingLaw, uses: int) -> float:
    """Bits a use that no scheme exceeds."""
    return information_but_for(failure_rate / 2, lambda db: np.log2(1 + 10 ** (db / 10)), esn0_db, fading, uses)
