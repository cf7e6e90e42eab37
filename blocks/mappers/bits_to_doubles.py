"""`mappers/bits_to_doubles`."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.bits import check_bits
from ...sim.side_information.feature_shape import FeatureShape
from ..block import Block
from ..envelope import Header, Identity, Out, State
from ..params import BlockParams, Live
from ..ports import Bits, Features

__all__ = ["BitsToDoubles"]


class BitsToDoubles(Block):
    r"""Reads features from the bits of doubles, and draws those anew that wrong bits have made absurd.

    .. math:: \hat x = \begin{cases} x & \mathrm{least} \le |x| \le \mathrm{most} \\ w & \text{otherwise, and of NaN}
        \end{cases}, \quad w \sim \mathcal{N}(0, 1)

    The inverse of ``mappers/doubles_to_bits``, and Img2Img-SC's repair: what is not finite, above 10 or below 0.01 in
    magnitude becomes noise, though small values may be right. The values carry no noise of the channel any more: n0
    becomes 0.

    Input:   bits: uint8 ``[64 values]`` of 0 and 1; header: FeatureShape.
    Output:  float32 of the shape that was sent; receiver state: n0 = 0.
    Raises:  SignalError: not bits, or their number does not fit the header.
    State:   none: what is drawn depends on the run's seed, the block's name and the item's number.
    Source:  Cicchetti et al., Language-oriented semantic latent representation for image transmission, MLSP 2024.
    Example: ``values: {use: mappers/bits_to_doubles}``
    """

    class Params(BlockParams):
        """Parameters."""

        least: Live[float] = Field(0.01, ge=0, description="Magnitude below which a value is drawn anew.")
        most: Live[float] = Field(10.0, gt=0, le=1e30, description="Magnitude above which a value is drawn anew.")

    params: Params
    reads_header = (FeatureShape,)

    def work(self, bits: Bits, header: Header, identity: Identity) -> Out[Features]:
        """Read one frame."""
        check_bits("mappers/bits_to_doubles", bits)
        shape = header.read(FeatureShape).shape
        if bits.size % 64 or (shape != (-1,) and math.prod(shape) * 64 != bits.size):
            raise SignalError(
                f"mappers/bits_to_doubles: expected 64 bits for each value of shape {list(shape)} (FeatureShape), got "
                f"{bits.size} bits"
            )
        values = np.packbits(bits).view(">f8").astype(np.float64)
        magnitude = np.abs(values)
        kept = (magnitude >= self.params.least) & (magnitude <= self.params.most)  # neither of NaN
        drawn = self.rng(identity).standard_normal(values.size)
        return Out(np.where(kept, values, drawn).astype(np.float32).reshape(shape), state=State(n0=0.0))
