"""As much of HEVC's syntax as it takes to know what a stream declares before it is decoded."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import SignalError

__all__ = ["NAL_PPS", "NAL_SPS", "NAL_VPS", "NalUnit", "luma_size", "nal_units"]

NAL_VPS, NAL_SPS, NAL_PPS = 32, 33, 34


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
    data = sps[2:].replace(b"\0\0\3", b"\0\0")  # emulation prevention
    if len(data) < 14 or data[0] >> 1 & 7:  # sps_max_sub_layers_minus1; then profile_tier_level of 12 bytes
        raise SignalError("codec hevc: expected a sequence parameter set of one layer")
    bits = "".join(f"{byte:08b}" for byte in data[13:64])
    at = 0

    def exp_golomb() -> int:
        nonlocal at
        one = bits.find("1", at)
        if one < 0 or 2 * one - at >= len(bits) or one - at > 31:
            raise SignalError("codec hevc: the sequence parameter set is damaged")
        value = int(bits[one : 2 * one - at + 1], 2) - 1
        at = 2 * one - at + 1
        return value

    exp_golomb()  # sps_seq_parameter_set_id
    if exp_golomb() == 3:  # chroma_format_idc
        at += 1  # separate_colour_plane_flag
    width, height = exp_golomb(), exp_golomb()
    return height, width
