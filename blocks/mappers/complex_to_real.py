"""`mappers/complex_to_real`."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from ...sim.side_information.power_scale import PowerScale
from ..block import Block
from ..envelope import Header
from ..params import BlockParams
from ..ports import Features, Symbols
from ._scale import Scale

__all__ = ["ComplexToReal"]


class ComplexToReal(Block):
    r"""Takes complex symbols apart into real features and undoes the frame's normalisation.

    .. math:: x[2n] = a\, \mathrm{Re}\, s[n], \quad x[2n+1] = a\, \mathrm{Im}\, s[n]

    The inverse of ``mappers/real_to_complex``: a is what its header says, and the zero that it appended is left out.
    Noise of variance N0 per symbol becomes a^2 N0 / 2 per feature; the receiver state stays per symbol.

    With ``scale`` a number, that is a, and the zero stays: what a receiver needs that hears no PowerScale, since both
    ends have agreed on one. Decoders let a value more at the end pass.

    Input:   symbols: complex64 ``[n]``; header: PowerScale, if it is sent.
    Output:  float32 ``[2 n]``, or ``[2 n - 1]`` where a zero was appended.
    Raises:  SignalError: no PowerScale came, or one that no transmitter sends.
    State:   none.
    Example: ``unmap: {use: mappers/complex_to_real}``
    """

    class Params(BlockParams):
        """Parameters."""

        scale: Scale = Field("sent", description="The scale a: of the frame's header; or the number agreed on.")

    params: Params
    reads_header = (PowerScale,)

    def work(self, symbols: Symbols, header: Header) -> Features:
        """Unpair one frame."""
        agreed = self.params.scale
        power = header.read(PowerScale) if agreed == "sent" else PowerScale(float(np.float16(agreed)))
        values = np.ascontiguousarray(symbols).view(np.float32) * np.float32(power.scale)
        return values[:-1] if power.padded else values
