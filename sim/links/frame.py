"""How the uses of a frame carry a payload, by whatever scheme."""

from __future__ import annotations

from .mcs import Scheme, payload_bits_for
from .shaped_block import ShapedBlockPlan, plan_shaped_block
from .shaped_qam import ShapedQam
from .transport_block import TransportBlockPlan, plan_transport_block

__all__ = ["plan_frame"]


def plan_frame(scheme: Scheme | ShapedQam, uses: int) -> TransportBlockPlan | ShapedBlockPlan | None:
    """Plan a frame.

    Args:
        scheme: Modulation and code rate, or a shaped constellation.
        uses: Complex symbols of the frame.

    Returns:
        The plan; ``None`` where not a byte fits into so many uses.
    """
    if isinstance(scheme, ShapedQam):
        return plan_shaped_block(scheme, uses)
    bits_per_symbol = scheme.bits_per_symbol
    if not (payload_bits := payload_bits_for(scheme, uses)):
        return None
    return plan_transport_block(payload_bits, uses * bits_per_symbol, bits_per_symbol, code_rate=scheme.code_rate)
