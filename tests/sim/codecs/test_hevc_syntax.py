"""What is read of HEVC's headers, against FFmpeg's own reading of them."""

from __future__ import annotations

import io
import re

import av
import av.logging
import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.codecs.hevc import Hevc
from semcom.sim.codecs.hevc_syntax import nal_units, slice_qp
from skimage import data


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[:80, 100:220])


def qp_by_ffmpeg(stream: bytes) -> int:
    """The QP of a slice as FFmpeg's filter `trace_headers` finds it."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.DEBUG)
    try:
        with av.logging.Capture() as logs, av.open(io.BytesIO(stream), format="hevc") as container:
            trace = av.BitStreamFilterContext("trace_headers", container.streams.video[0])
            for packet in container.demux():
                trace.filter(packet)
    finally:
        av.logging.set_level(level)
    text = "\n".join(line[2] for line in logs)
    return 26 + sum(int(re.findall(rf"{name} .*= (-?\d+)", text)[-1]) for name in ("init_qp_minus26", "slice_qp_delta"))


@pytest.mark.parametrize("qp", [0, 7, 22.5, 26, 33, 40.25, 51])
def test_the_qp_of_a_slice_is_what_ffmpeg_reads(photo: np.ndarray, qp: float) -> None:
    codec = Hevc(preset="ultrafast")
    stream = codec.encode(photo, round((51 - qp) * 16))
    found = codec.qp(stream, *photo.shape[:2])
    assert found == qp_by_ffmpeg(stream)
    assert abs(found - qp) <= 0.5


def test_it_is_the_same_without_parameter_sets_and_with_padding(photo: np.ndarray) -> None:
    agreed = Hevc(parameter_sets="agreed")
    assert agreed.qp(agreed.encode(photo, (51 - 30) * 16) + bytes(9), *photo.shape[:2]) == 30


def test_a_head_that_ends_too_early_or_is_of_another_slice_is_told(photo: np.ndarray) -> None:
    units = nal_units(Hevc(preset="ultrafast").encode(photo, 400))
    pps, head = units[2].payload, units[3].payload
    with pytest.raises(SignalError, match="the picture parameter set is damaged"):
        slice_qp(pps[:3], head)
    with pytest.raises(SignalError, match="the slice header is damaged"):
        slice_qp(pps, head[:3])
    with pytest.raises(SignalError, match="expected a picture of one slice, got another slice"):
        slice_qp(pps, head[:2] + bytes([head[2] & 0x7F]) + head[3:])
    assert head[2] == 0b10101111  # first slice, no prior pictures, PPS 0, slice_type 2, twice SAO
    bits = "10101111" + "000000" + f"{121:b}" + "1" * 8  # slice_qp_delta of -60, whose ue(v) is 120
    with pytest.raises(SignalError, match="the slice header is damaged: it says a QP of"):
        slice_qp(pps, head[:2] + int(bits.ljust(32, "0"), 2).to_bytes(4, "big"))
    with pytest.raises(SignalError, match="expected an intra slice, got slice_type 1"):
        slice_qp(pps, head[:2] + bytes([0b10101011]) + head[3:])
