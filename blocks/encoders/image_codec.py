"""`encoders/image_codec`."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...errors import SignalError
from ...sim.bandwidth import robust_uses
from ...sim.codecs.codec import codec_named
from ...sim.codecs.rate_search import FileMemo
from ...sim.codecs.scaled import encode_at_budget
from ...sim.side_information.coded_image import CodedImage
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.link_agreement import LinkAgreement
from ...sim.side_information.link_scheme import LinkScheme
from ...sim.side_information.matched_scheme import MatchedScheme
from ...sim.side_information.shaped_scheme import ShapedScheme
from .._adaptation.link import read_link
from .._coded_link.coder_params import CoderParams
from .._coded_link.link_params import budget_of, link_fields, scheme_bits
from ..block import Block
from ..envelope import Out
from ..ports import Bytes, Image, Link

__all__ = ["ImageCodec"]

_FILES = FileMemo()  # of all blocks of this process: points of a sweep share pictures; no result depends on it


class ImageCodec(Block):
    r"""Codes a picture by JPEG 2000, HEVC, VVC, BPG, AVIF or WebP into exactly the bytes that its channel uses carry.

    .. math:: n = \lfloor \mathrm{CBR} \cdot 3 H W \rfloor - n_\mathrm{header}, \quad
        B = \lfloor \mathrm{payload}(n, \mathrm{scheme}) / 8 \rfloor

    The largest file of at most B bytes is searched for, and padded with zeros to B: padding and header are paid for,
    and the total never exceeds the CBR. The scheme is one of 5G NR by name; ``adapted``: the one of 31 that carries
    most over AWGN of this mean Es/N0 at the failure rate (the most robust one where none meets it); ``matched``: the
    same with the code rate in steps of 1 %; ``shaped``: likewise, with points that are sent unequally often, too;
    ``capacity``: an ideal code for ``channels/capacity``, at the ergodic capacity of fast fading, or at the rate that
    block fading lets through but for the failure rate. At low CBR a scaled-down picture may do better: of several
    ``scales`` the transmitter, which has the original, takes the best in PSNR.

    Input:   image: uint8 ``[H, W, 3]``, sides of at most 65535; link: float32 ``[2]``, optional: CBR and Es/N0 in dB
             for this picture, in place of cbr and esn0_db.
    Output:  uint8 ``[B]``; header: ImageShape, LinkScheme, CodedImage (45 bits in all; ``matched`` has
             MatchedScheme in its place, 49, ``shaped`` ShapedScheme, 50), and LinkAgreement, which both ends know;
             trace: file_bytes, container_bytes; where nothing fits also budget_bytes, least_bytes, least_cbr.
    Raises:  SignalError: a side is longer; the uses do not carry a byte; the smallest file exceeds the budget and
             on_too_small is fail; link is none. MissingExtra or UsageError: the coder is not installed.
    State:   none that shows: files of pictures seen are remembered, to save time; in ``files``, if that is given.
    Source:  Bourtsoulatze, Burth Kurka & Gunduz, IEEE TCCN 5(3), 2019, section IV (digital baselines at a CBR).
    Example: ``encoder: {use: encoders/image_codec, codec: hevc, cbr: 1/3, scheme: 16qam-1/2}``
    """

    class Params(CoderParams):
        """Parameters."""

    params: Params
    writes_header = (ImageShape, LinkScheme, LinkAgreement, CodedImage)
    may_write_header = (MatchedScheme, ShapedScheme)

    def start(self) -> None:
        """Find the source coder."""
        p = self.params
        self._codec = codec_named(p.codec, preset=p.preset, parameter_sets=p.parameter_sets, wavelet=p.wavelet)
        self._codec.check()
        self._files = _FILES
        if p.files is not None:
            self._files = FileMemo(folder=Path(p.files), version=self._codec.version())

    def work(self, image: Image, link: Link | None = None) -> Out[Bytes]:
        """Code one picture."""
        p = self._given = self.params
        if link is not None:
            p = self._given = p.model_copy(update=read_link("encoders/image_codec", link)._asdict())
        height, width = image.shape[:2]
        if not 0 < min(height, width) <= max(height, width) <= 65535:
            raise SignalError(f"encoders/image_codec: expected sides of 1 to 65535 pixels, got {height} x {width}")
        shape = ImageShape(height, width)
        unsent = CodedImage(p.codec, 8, p.parameter_sets, "nothing")
        header_uses = robust_uses(shape.bits() + unsent.bits() + scheme_bits(p))
        total_uses = math.floor(Fraction(p.cbr) * 3 * height * width)
        uses = max(total_uses - header_uses, 0)
        scheme, budget = budget_of(self._given, uses)
        agreed = link_fields(p, scheme, uses)
        if budget < 1 and not (p.scheme == "capacity" and p.on_too_small == "send_nothing"):
            raise SignalError(
                f"encoders/image_codec: expected uses that carry the header ({header_uses} of them) and a byte, got "
                f"{total_uses}, a CBR of {p.cbr} of a picture of {height} x {width}; raise cbr"
            )
        coded = encode_at_budget(
            self._codec, image, budget, scales_eighths=[round(8 * scale) for scale in p.scales], memo=self._files
        )
        frame = np.zeros(budget, np.uint8)
        if coded.data is None:
            least_cbr = self._least_cbr(coded.smallest, uses, header_uses, height * width)
            missed = self._missed(shape, budget, coded.smallest, least_cbr)
            return Out(frame, header=(shape, *agreed, unsent), trace=missed)
        frame[: len(coded.data)] = np.frombuffer(coded.data, np.uint8)
        return Out(
            frame,
            header=(shape, *agreed, CodedImage(p.codec, coded.scale_eighths, p.parameter_sets, "picture")),
            trace={
                "file_bytes": float(len(coded.data)),
                "container_bytes": float(self._codec.container_bytes(coded.data)),
            },
        )

    def _missed(self, shape: ImageShape, budget: int, least_bytes: int, least_cbr: float) -> dict[str, float]:
        """Say why nothing is sent. Raises SignalError where that is to fail."""
        p = self._given
        if p.on_too_small == "fail":
            raise SignalError(
                f"encoders/image_codec: a CBR of {p.cbr} leaves {budget} bytes for a picture of {shape.height} x "
                f"{shape.width}, and the smallest {p.codec} file has {least_bytes}: a CBR of some {least_cbr:g} would "
                "do; raise cbr, add smaller scales, or set on_too_small: send_nothing"
            )
        why = {"budget_bytes": float(budget), "least_bytes": float(least_bytes), "least_cbr": least_cbr}
        return {"file_bytes": 0.0, "container_bytes": 0.0, **why}

    def _least_cbr(self, least_bytes: int, uses: int, header_uses: int, pixels: int) -> float:
        """Return a CBR of two digits that carries so many bytes, which these uses do not; infinite if none does."""
        enough = uses
        while budget_of(self._given, enough)[1] < least_bytes:
            uses, enough = enough, 2 * enough + 1
            if enough > 1000 * 3 * pixels:
                return math.inf
        while enough - uses > max(1, uses // 50):
            middle = (uses + enough) // 2
            uses, enough = (uses, middle) if budget_of(self._given, middle)[1] >= least_bytes else (middle, enough)
        cbr = (enough + header_uses) / (3 * pixels)
        step = 10.0 ** (math.floor(math.log10(cbr)) - 1)
        return round(math.ceil(cbr / step - 1e-9) * step, 9)
