"""Link adaptation: the scheme of a frame from the Es/N0."""

from __future__ import annotations

from .mcs import LINK_SCHEMES, Scheme, payload_bits_for
from .thresholds import required_esn0_db

__all__ = ["choose_scheme"]


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
