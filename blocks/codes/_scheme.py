"""The transport block of a link scheme, as both ends plan it."""

from __future__ import annotations

from ...errors import SignalError
from ...sim.links.mcs import payload_bits_for
from ...sim.links.transport_block import TransportBlockPlan, plan_transport_block
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme

__all__ = ["plan_of_scheme"]


def plan_of_scheme(who: str, link: LinkScheme | MatchedScheme, uses: int) -> TransportBlockPlan:
    """Plan the frame of a scheme.

    Args:
        who: The block that asks, as its message begins.
        link: Of the header.
        uses: Channel uses of the frame.

    Raises:
        SignalError: it is an ideal code, or not one byte fits into its uses.
    """
    scheme = link.scheme
    if scheme is None:
        raise SignalError(
            f"{who}: expected a LinkScheme of 2, 4, 6, 8 or 10 bits per symbol, got an ideal code: channels/capacity"
        )
    payload_bits = payload_bits_for(scheme, uses)
    if not payload_bits:
        raise SignalError(f"{who}: expected uses enough for a byte at {scheme.name}, got {uses}")
    coded_bits = uses * scheme.bits_per_symbol
    return plan_transport_block(payload_bits, coded_bits, scheme.bits_per_symbol, code_rate=scheme.code_rate)
