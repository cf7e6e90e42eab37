"""As much of HEVC's syntax as it takes to know what a stream declares before it is decoded."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import SignalError

__all__ = ["NAL_PPS", "NAL_SPS", "NAL_VPS", "NalUnit", "luma_size", "nal_units", "slice_qp"]

NAL_VPS, NAL_SPS, NAL_PPS = 32, 33, 34
_INTRA = 2  # slice_type
_LEAST_QP, _MOST_QP = -12, 51  # with 10 bits


class NalUnit(NamedTuple):
    """One unit of a byte stream.

    Attributes:
        kind: nal_unit_type.
        payload: Header of two bytes and what follows, without the start code.
    """

    kind: int
    payload: bytes


def nal_units(stream: bytes) -> list[NalUnit]:
    """Cut a byte stream into its units.

    Args:
        stream: Annex B: units between start codes.

    Source: ITU-T H.265, annex B.

    >>> [unit.kind for unit in nal_units(bytes.fromhex("00000001400100000001420101"))]
    [32, 33]
    """
    marks = [match.start() for match in re.finditer(b"\0\0\1", stream)]
    ends = [*marks[1:], len(stream)] if marks else []
    units = [stream[start + 3 : end].rstrip(b"\0") for start, end in zip(marks, ends, strict=True)]
    return [NalUnit(unit[0] >> 1 & 63, unit) for unit in units if unit]


def luma_size(sps: bytes) -> tuple[int, int]:
    """Height and width that a sequence parameter set declares, before cropping.

    Args:
        sps: The unit, with its header of two bytes.

    Raises:
        SignalError: it ends too early, or has layers.

    Source: ITU-T H.265, section 7.3.2.2.
    """
    data = _without_prevention(sps)
    if len(data) < 14 or data[0] >> 1 & 7:  # sps_max_sub_layers_minus1; then profile_tier_level of 12 bytes
        raise SignalError("codec hevc: expected a sequence parameter set of one layer")
    bits = _Bits(data[13:64], "sequence parameter set")
    bits.exp_golomb()  # sps_seq_parameter_set_id
    if bits.exp_golomb() == 3:  # chroma_format_idc
        bits.take(1)  # separate_colour_plane_flag
    width, height = bits.exp_golomb(), bits.exp_golomb()
    return height, width


def slice_qp(pps: bytes, intra_slice: bytes) -> int:
    """QP of the one slice of an IDR picture, whose coding units may differ a little from it.

    Args:
        pps: The picture parameter set, with its header of two bytes.
        intra_slice: The slice, likewise, of three colour planes in one and with sample adaptive offset enabled.

    Raises:
        SignalError: one of them ends too early, or is not of that kind.

    Source: ITU-T H.265, sections 7.3.2.3, 7.3.6.1 and 7.4.7.1.
    """
    bits = _Bits(_without_prevention(pps)[:64], "picture parameter set")
    bits.exp_golomb()  # pps_pic_parameter_set_id
    bits.exp_golomb()  # pps_seq_parameter_set_id
    bits.take(1)  # dependent_slice_segments_enabled_flag
    output_flags, extra_flags = bits.take(1), bits.take(3)
    bits.take(2)  # sign_data_hiding_enabled_flag, cabac_init_present_flag
    for _ in range(2):  # num_ref_idx_l0_default_active_minus1, and of l1
        bits.exp_golomb()
    qp = 26 + bits.signed_exp_golomb()  # init_qp_minus26

    bits = _Bits(_without_prevention(intra_slice)[:64], "slice header")
    if not bits.take(1):  # first_slice_segment_in_pic_flag
        raise SignalError("codec hevc: expected a picture of one slice, got another slice")
    bits.take(1)  # no_output_of_prior_pics_flag
    bits.exp_golomb()  # slice_pic_parameter_set_id
    bits.take(extra_flags)  # slice_reserved_flag
    if (kind := bits.exp_golomb()) != _INTRA:
        raise SignalError(f"codec hevc: expected an intra slice, got slice_type {kind}")
    bits.take(output_flags + 2)  # pic_output_flag, slice_sao_luma_flag, slice_sao_chroma_flag
    qp += bits.signed_exp_golomb()  # slice_qp_delta
    if not _LEAST_QP <= qp <= _MOST_QP:
        raise SignalError(f"codec hevc: the slice header is damaged: it says a QP of {qp}")
    return qp


def _without_prevention(unit: bytes) -> bytes:
    """What a unit holds behind its header, without the bytes that keep start codes from arising in it."""
    return unit[2:].replace(b"\0\0\3", b"\0\0")


class _Bits:
    """Reads the fields of a header one after another."""

    def __init__(self, data: bytes, where: str) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at, self._where = 0, where

    def take(self, count: int) -> int:
        """Unsigned, of so many bits."""
        end = self._at + count
        if end > len(self._bits):
            raise self._damaged()
        value = int(self._bits[self._at : end] or "0", 2)
        self._at = end
        return value

    def exp_golomb(self) -> int:
        """ue(v)."""
        zeros = self._bits.find("1", self._at) - self._at
        if not 0 <= zeros < 32:
            raise self._damaged()
        self.take(zeros)
        return self.take(zeros + 1) - 1

    def signed_exp_golomb(self) -> int:
        """se(v)."""
        value = self.exp_golomb()
        return (value + 1) // 2 if value % 2 else -value // 2

    def _damaged(self) -> SignalError:
        return SignalError(f"codec hevc: the {self._where} is damaged")
