"""Link adaptation: the scheme of a frame from the Es/N0."""

from __future__ import annotations

from .capacity import capacity_of_gain
from .mcs import LINK_SCHEMES, MATCHED_SCHEMES, Scheme, payload_bits_for
from .thresholds import required_esn0_db

__all__ = ["choose_scheme", "match_scheme"]


def choose_scheme(esn0_db: float, uses: int, failure_rate: float = 0.01) -> Scheme | None:
    """Scheme with the most payload whose frames fail at most this often over AWGN; ``None`` where none does.

    Args:
        esn0_db: Es/N0 in dB.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails.

    Source: the measured thresholds of `sim.links.thresholds`.
    """
    fit = [
        (payload, -scheme.bits_per_symbol, scheme)
        for scheme in LINK_SCHEMES
        if (payload := payload_bits_for(scheme, uses)) and required_esn0_db(scheme, uses, failure_rate) <= esn0_db
    ]
    return max(fit)[2] if fit else None


def match_scheme(esn0_db: float, uses: int, failure_rate: float = 0.01) -> Scheme | None:
    """Scheme of the most bits per use, its code rate in steps of 1 %, whose frames fail at most this often over AWGN.

    Args:
        esn0_db: Es/N0 in dB.
        uses: Complex symbols of the frame.
        failure_rate: Largest probability that a code block of the frame fails.

    Returns:
        One of `MATCHED_SCHEMES`; ``None`` where none does.

    Source: the measured thresholds of `sim.links.thresholds`.
    """
    capacity = capacity_of_gain(esn0_db, 1.0)
    for scheme in reversed(MATCHED_SCHEMES):
        if scheme.bits_per_use < capacity and required_esn0_db(scheme, uses, failure_rate) <= esn0_db:
            return scheme
    return None
