"""`encoders/hevc_stream` and `decoders/hevc_stream`, which belong together."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
import pytest
from pydantic import ValidationError
from semcom.blocks.decoders.hevc_stream import HevcStream as Decoder
from semcom.blocks.encoders.hevc_stream import HevcStream
from semcom.blocks.envelope import Header, Out, State
from semcom.errors import MissingExtra, SignalError
from semcom.sim.codecs.hevc_stream import HevcStreamDecoder, HevcStreamEncoder
from semcom.sim.links.choose_scheme import match_scheme, shape_scheme
from semcom.sim.links.frame import plan_frame
from semcom.sim.links.mcs import parse_scheme, payload_bits_for
from semcom.sim.links.shaped_qam import ShapedQam
from semcom.sim.mean_colour import MEAN_COLOUR
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.matched_scheme import MatchedScheme
from semcom.sim.side_information.shaped_scheme import ShapedScheme
from semcom.sim.side_information.stream_part import StreamPart
from semcom.sim.video import read_frames

SIZE = (64, 96)
Array = np.ndarray


def video(frames: int, size: tuple[int, int] = SIZE) -> list[Array]:
    return list(read_frames("builtin:overlay", size=size, max_frames=frames))


def encoder(**params: object) -> HevcStream:
    made = HevcStream(
        HevcStream.Params.model_validate({"cbr": "1/6", "scheme": "16qam-1/2", "key_pictures": 6, **params})
    )
    made.start()
    return made


def decoder() -> Decoder:
    made = Decoder()
    made.start()
    return made


def part(out: Out[Array]) -> StreamPart:
    return Header().with_fields(*out.header).read(StreamPart)


def received(block: Decoder, out: Out[Array], *, lost: bool = False) -> Out[Array]:
    data = np.full_like(out.value, 90) if lost else out.value
    return block.work(data, Header().with_fields(*out.header), State(crc_ok=not lost))


@pytest.mark.parametrize("cbr", ["1/6", "1/12", 0.05])
def test_every_frame_has_the_bytes_that_its_channel_uses_carry(cbr: float | str) -> None:
    """48 bits of header are charged at half a bit a use: 96 uses."""
    sender = encoder(cbr=cbr)
    uses = math.floor(Fraction(cbr) * 3 * 64 * 96) - 96
    expected = payload_bits_for(parse_scheme("16qam-1/2"), uses) // 8
    outs = [sender.work(picture) for picture in video(8)]
    assert {out.value.size for out in outs} == {expected}
    assert {Header().with_fields(*out.header).bits for out in outs} == {48}
    assert all(0 < out.trace["file_bytes"] <= expected for out in outs)


def test_a_free_rate_is_told_in_nine_bits() -> None:
    out = encoder(scheme="matched", esn0_db=7).work(video(1)[0])
    header = Header().with_fields(*out.header)
    assert header.bits == 48 - 5 + 9
    scheme = header.read(MatchedScheme).scheme
    assert scheme == match_scheme(7, 64 * 96 * 3 // 6 - 2 * 52)
    assert 8 * out.value.size == payload_bits_for(scheme, 64 * 96 * 3 // 6 - 2 * 52)


def test_a_shaped_frame_is_told_in_ten_bits_and_comes_back() -> None:
    picture = video(1)[0]
    out = encoder(scheme="shaped", esn0_db=15).work(picture)
    header = Header().with_fields(*out.header)
    assert header.bits == 48 - 5 + 10
    scheme = header.read(ShapedScheme).scheme
    assert isinstance(scheme, ShapedQam)
    assert scheme == shape_scheme(15, 64 * 96 * 3 // 6 - 2 * 53)
    assert 8 * out.value.size == plan_frame(scheme, 64 * 96 * 3 // 6 - 2 * 53).payload_bits
    assert psnr_db(picture, received(decoder(), out).value) > 20


def test_each_picture_comes_with_its_frame_and_better_than_coded_by_itself() -> None:
    sender, receiver, pictures = encoder(), decoder(), video(6)
    levels = []
    for picture in pictures:
        out = sender.work(picture)
        got = received(receiver, out)
        assert got.trace == {"failed": 0.0}
        levels.append(psnr_db(picture, got.value))
    assert levels[0] > 20
    assert min(levels[3:]) > levels[0] + 2


def test_one_picture_in_so_many_is_coded_by_itself() -> None:
    sender = encoder(cbr=1)
    told = [part(sender.work(picture)) for picture in video(13)]
    assert [field.key for field in told] == [index % 6 == 0 for index in range(13)]
    assert all(field.begins and field.ends for field in told)
    assert [field.number for field in told] == list(range(13))


@pytest.mark.parametrize("how", ["never came", "check sum"])
def test_after_a_loss_the_last_picture_stays_until_the_next_key_picture(how: str) -> None:
    sender, whole, holed = encoder(cbr=1), decoder(), decoder()
    shown = None
    for index, picture in enumerate(video(14)):
        out = sender.work(picture)
        expected = received(whole, out).value
        if index == 8 and how == "never came":
            continue
        got = received(holed, out, lost=index == 8)
        if index < 8 or index >= 12:
            np.testing.assert_array_equal(got.value, expected)
            shown = got.value
        else:
            np.testing.assert_array_equal(got.value, shown)
        assert got.trace == {"failed": float(8 <= index < 12)}


def test_a_coded_picture_above_the_budget_takes_the_next_frames_too() -> None:
    """Noise at few bytes: more than fits, so that pictures are left out, and what is shown is late but whole."""
    rng = np.random.default_rng(3)
    sender, receiver = encoder(cbr="1/12", scheme="qpsk-1/3"), decoder()
    outs = [sender.work(rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)) for _ in range(12)]
    told = [part(out) for out in outs]
    assert not told[0].ends
    assert any(out.trace["left_out"] for out in outs)
    shown = [received(receiver, out) for out in outs]
    assert {one.trace["failed"] for one in shown} == {0.0}
    last = next(index for index, field in enumerate(told) if field.ends)
    np.testing.assert_array_equal(shown[last - 1].value, np.broadcast_to(np.uint8(MEAN_COLOUR), (*SIZE, 3)))
    assert not np.array_equal(shown[last].value, shown[last - 1].value)


def test_numbers_go_on_behind_255_and_another_size_begins_anew() -> None:
    sender, receiver = encoder(), decoder()
    sender._number = receiver._last = 254
    for picture in video(3):
        out = sender.work(picture)
        received(receiver, out)
    assert part(out).number == 1
    out = sender.work(video(1, (48, 64))[0])
    assert part(out).key
    assert received(receiver, out).value.shape == (48, 64, 3)


def test_a_damaged_stream_is_no_picture() -> None:
    coder, heard = HevcStreamEncoder(64, 96, 2000, 4, "ultrafast"), HevcStreamDecoder(64, 96)
    first = coder.encode(video(1)[0])
    assert heard.decode(first.data[:80], key=True) is None  # parameter sets, and no picture
    assert heard.decode(b"\0\0\1\x40 no stream", key=True) is None
    assert heard.decode(first.data, key=False) is None
    assert HevcStreamDecoder(64, 64).decode(first.data, key=True) is None  # it says another size
    assert heard.decode(first.data, key=True) is not None


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SignalError) as caught:
        encoder(cbr=0.001).work(video(1)[0])
    assert str(caught.value) == (
        "encoders/hevc_stream: expected uses that carry the header (96 of them) and a byte, got 18, a CBR of 0.001 of "
        "a picture of 64 x 96; raise cbr"
    )
    with pytest.raises(SignalError, match="expected sides of 1 to 65535 pixels, got 0 x 5"):
        encoder().work(np.zeros((0, 5, 3), np.uint8))
    with pytest.raises(
        ValidationError, match="expected adapted, matched, shaped or a scheme such as 16qam-1/2, got capacity"
    ):
        encoder(scheme="capacity")
    monkeypatch.setitem(sys.modules, "av", None)
    for block in (HevcStream(), Decoder()):
        with pytest.raises(MissingExtra, match="codec hevc needs av"):
            block.start()


def test_the_size_is_that_of_the_frame() -> None:
    assert Header().with_fields(*encoder().work(video(1)[0]).header).read(ImageShape) == ImageShape(*SIZE)
