"""`decoders/coded_link`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.side_information.coded_image import CodedImage
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.power_scale import PowerScale
from .._coded_link.received_image import OnFailure
from ..block import Block
from ..envelope import Header, Out, State
from ..lookup import load_block
from ..params import BlockParams
from ..ports import Features, Image

__all__ = ["CodedLink"]


class CodedLink(Block):
    r"""Decodes what ``encoders/coded_link`` sent: QAM, 5G LDPC and a picture coder in one block.

    .. math:: s[n] = x[2 n] + j\, x[2 n + 1], \quad N_0' = a^2 N_0

    a is the scale that ``mappers/complex_to_real`` has put back; the noise is scaled with it. A frame that failed gives
    a plain picture and is counted.

    Input:   features: float32 ``[2 n]``; header: ImageShape, LinkScheme (MatchedScheme, ShapedScheme), CodedImage,
             PowerScale; state: n0, one number or float32 ``[n]``.
    Output:  uint8 sRGB ``[H, W, 3]``; receiver state: crc_ok; trace: blocks, block_errors, failed, counts_as_zero.
    Raises:  SignalError: an odd count; see ``mappers/qam_demap`` and ``codes/ldpc_decode``. MissingExtra or UsageError:
             the decoder, numba or Sionna is missing.
    State:   none.
    Example: ``decoder: {use: decoders/coded_link}``
    """

    class Params(BlockParams):
        """Parameters."""

        method: Literal["exact", "maxlog"] = Field("exact", description="Of the demapper: the sums, or largest terms.")
        iterations: int | None = Field(
            None, ge=1, le=1000, description="The most that a code block takes; null: 20, and 50 if shaped."
        )
        threads: int = Field(1, ge=1, le=64, description="Of the processor; the output does not depend on it.")
        on_failure: OnFailure = "mean_colour"

    params: Params
    reads_header = (ImageShape, LinkScheme, CodedImage, PowerScale)

    def start(self) -> None:
        """Load the compiled decoder and the base graphs."""
        p = self.params
        demap, code, coder = (
            load_block(use) for use in ("mappers/qam_demap", "codes/ldpc_decode", "decoders/image_codec")
        )
        self._demap = demap(demap.Params.model_validate({"method": p.method}))
        self._code = code(code.Params.model_validate({"iterations": p.iterations, "threads": p.threads}))
        self._coder = coder(coder.Params.model_validate({"on_failure": p.on_failure}))
        self._code.start()

    def work(self, features: Features, header: Header, state: State) -> Out[Image]:
        """Decode one picture."""
        if features.size % 2:
            raise SignalError(f"decoders/coded_link: expected two features a symbol, got {features.size}")
        scale = header.read(PowerScale).scale
        n0 = None if state.n0 is None else np.asarray(state.n0, np.float32) * np.float32(scale) ** 2
        symbols = np.ascontiguousarray(features.reshape(-1)).view(np.complex64)
        llrs = self._demap.work(symbols, header, State(n0=n0))
        bits = self._code.work(llrs, header)
        picture = self._coder.work(np.packbits(bits.value), header, bits.state or State())
        return Out(picture.value, state=bits.state, trace={**bits.trace, **picture.trace})
