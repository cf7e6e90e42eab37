"""The transport block of a link scheme, as both ends plan it."""

from __future__ import annotations

from ...errors import SignalError
from ...sim.links.frame import plan_frame
from ...sim.links.shaped_block import ShapedBlockPlan
from ...sim.links.transport_block import TransportBlockPlan
from .._coded_link.told_scheme import ToldScheme

__all__ = ["plan_of_scheme"]


def plan_of_scheme(who: str, link: ToldScheme, uses: int) -> TransportBlockPlan | ShapedBlockPlan:
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
    plan = plan_frame(scheme, uses)
    if plan is None:
        raise SignalError(f"{who}: expected uses enough for a byte at {scheme.name}, got {uses}")
    return plan
