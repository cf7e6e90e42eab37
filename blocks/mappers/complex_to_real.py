"""`mappers/complex_to_real`."""

from __future__ import annotations

import numpy as np

from ...sim.side_information.power_scale import PowerScale
from ..block import Block
from ..envelope import Header
from ..ports import Features, Symbols

__all__ = ["ComplexToReal"]


class ComplexToReal(Block):
    r"""Takes complex symbols apart into real features and undoes the frame's normalisation.

    .. math:: x[2n] = a\, \mathrm{Re}\, s[n], \quad x[2n+1] = a\, \mathrm{Im}\, s[n]

    The inverse of ``mappers/real_to_complex``: a is what its header says, and the zero that it appended is left out.
    Noise of variance N0 per symbol becomes a^2 N0 / 2 per feature; the receiver state stays per symbol.

    Input:   symbols: complex64 ``[n]``; header: PowerScale.
    Output:  float32 ``[2 n]``, or ``[2 n - 1]`` where a zero was appended.
    Raises:  SignalError: no PowerScale came, or one that no transmitter sends.
    State:   none.
    Example: ``unmap: {use: mappers/complex_to_real}``
    """

    reads_header = (PowerScale,)

    def work(self, symbols: Symbols, header: Header) -> Features:
        """Unpair one frame."""
        power = header.read(PowerScale)
        values = np.ascontiguousarray(symbols).view(np.float32) * np.float32(power.scale)
        return values[:-1] if power.padded else values
