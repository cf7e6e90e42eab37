"""`encoders/coded_link`."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from pydantic import model_validator

from ...sim.bandwidth import robust_uses
from ...sim.side_information.coded_image import CodedImage
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.link_agreement import LinkAgreement
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme
from ...sim.side_information.power_scale import PowerScale
from ...sim.side_information.shaped_scheme import ShapedScheme
from .._adaptation.link import read_link
from .._coded_link.coder_params import CoderParams
from ..block import Block
from ..envelope import Header, Out
from ..lookup import load_block
from ..ports import Features, Image, Link

__all__ = ["CodedLink"]


class CodedLink(Block):
    r"""The classical link in one block: a picture coder, 5G LDPC and QAM; its symbols leave as features.

    .. math:: x[2 n] = \mathrm{Re}\, s[n], \quad x[2 n + 1] = \mathrm{Im}\, s[n]

    s are the symbols that ``encoders/image_codec``, ``codes/ldpc_encode`` and ``mappers/qam_map`` make, so that it
    stands in the place of any learned encoder before ``mappers/real_to_complex``, whose header is paid for too: the
    total never exceeds the CBR. ``decoders/coded_link`` stands at the other end.

    Input:   image: uint8 ``[H, W, 3]``, sides of at most 65535; link: float32 ``[2]``, optional: CBR and Es/N0 in dB
             for this picture, in place of cbr and esn0_db.
    Output:  float32 ``[2 n]``; header: ImageShape, LinkScheme (or MatchedScheme, ShapedScheme), CodedImage, and
             LinkAgreement, which both ends know; trace: file_bytes, container_bytes; where nothing fits also
             budget_bytes, least_bytes, least_cbr.
    Raises:  SignalError: see ``encoders/image_codec``. MissingExtra or UsageError: the coder or Sionna is missing.
    State:   none that shows.
    Source:  Bourtsoulatze, Burth Kurka & Gunduz, IEEE TCCN 5(3), 2019, section IV (digital baselines at a CBR).
    Example: ``encoder: {use: encoders/coded_link, cbr: 1/3, scheme: 16qam-1/2}``
    """

    class Params(CoderParams):
        """Parameters."""

        @model_validator(mode="after")
        def _has_a_code(self) -> CodedLink.Params:
            if self.scheme == "capacity":
                raise ValueError(
                    "expected adapted, matched, shaped or a scheme such as 16qam-1/2, got capacity: an ideal code has "
                    "none"
                )
            return self

    params: Params
    writes_header = (ImageShape, LinkScheme, LinkAgreement, CodedImage)
    may_write_header = (MatchedScheme, ShapedScheme)

    def start(self) -> None:
        """Find the source coder, and read the base graphs."""
        coder = load_block("encoders/image_codec")
        self._coder = coder(coder.Params.model_validate(self.params.model_dump()), name=self.name)
        self._code, self._map = load_block("codes/ldpc_encode")(), load_block("mappers/qam_map")()
        self._coder.start()
        self._code.start()

    def work(self, image: Image, link: Link | None = None) -> Out[Features]:
        """Send one picture."""
        p = self.params
        if link is not None:
            p = p.model_copy(update=read_link("encoders/coded_link", link)._asdict())
        beside = Fraction(robust_uses(PowerScale(1.0, padded=False).bits()), 3 * image[..., 0].size or 1)
        self._coder.params = p.model_copy(update={"cbr": str(Fraction(p.cbr) - beside)})
        coded = self._coder.work(image)
        header = Header().with_fields(*coded.header)
        bits = self._code.work(np.unpackbits(coded.value), header).value
        symbols = np.ascontiguousarray(self._map.work(bits, header).value)
        return Out(symbols.view(np.float32), header=coded.header, trace=coded.trace)
