"""`encoders/changed_tiles` and `decoders/changed_tiles`, which belong together."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from pydantic import ValidationError
from semcom.blocks.decoders.changed_tiles import ChangedTiles as Paste
from semcom.blocks.encoders.changed_tiles import ChangedTiles
from semcom.blocks.envelope import Header, Identity, Out, State
from semcom.errors import SignalError
from semcom.sim.mean_colour import MEAN_COLOUR
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.tile_map import TileMap
from semcom.sim.video import read_frames

Frame = np.ndarray


def encoder(**params: object) -> ChangedTiles:
    made = ChangedTiles(ChangedTiles.Params.model_validate({"tile": 16, **params}))
    made.start()
    return made


def paste() -> Paste:
    made = Paste()
    made.start()
    return made


def told(out: Out[Frame]) -> TileMap:
    (field,) = out.header
    assert isinstance(field, TileMap)
    return field


def received(
    block: Paste, out: Out[Frame], seq: int = 0, picture: Frame | None = None, state: State | None = None
) -> Frame:
    header = Header().with_fields(*out.header)
    return block.work(out.value if picture is None else picture, header, state or State(), Identity(seq))


def video(frames: int, size: tuple[int, int] = (80, 96)) -> list[Frame]:
    return list(read_frames("builtin:overlay", size=size, max_frames=frames))


def test_the_tile_that_changed_is_sent_and_pasted() -> None:
    """Of 2 x 3 tiles two a frame: one by age, in their order, and the one that changed."""
    sender, receiver = encoder(share="1/3", refresh_frames=6), paste()
    still = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    for frame, sent in enumerate([[0, 1], [2, 3], [4, 5]]):
        out = sender.work(still)
        assert [index for index, one in enumerate(told(out).sent) if one] == sent
        assert out.value.shape == (16, 32, 3)
        got = received(receiver, out, frame)
    np.testing.assert_array_equal(got, still)
    moved = still.copy()
    moved[20, 40] ^= 1  # in the last tile
    out = sender.work(moved)
    assert told(out).sent == bytes([1, 0, 0, 0, 0, 1])  # 0: the oldest
    np.testing.assert_array_equal(out.value, np.concatenate([moved[:16, :16], moved[16:, 32:]], axis=1))
    np.testing.assert_array_equal(received(receiver, out, 3), moved)


def test_tiles_that_never_came_have_the_mean_colour() -> None:
    got = received(paste(), encoder(share="1/3").work(video(1, (32, 48))[0]))
    np.testing.assert_array_equal(got[16:], np.broadcast_to(np.uint8(MEAN_COLOUR), (16, 48, 3)))


@pytest.mark.parametrize(("height", "width"), [(80, 96), (75, 90)])
@pytest.mark.parametrize("share", ["1/2", 0.21, 1])
def test_the_budget_is_kept_by_every_frame(height: int, width: int, share: float | str) -> None:
    sender = encoder(share=share)
    sizes = {sender.work(frame).value.shape for frame in video(8, (height, width))}
    (shape,) = sizes
    assert shape[0] * shape[1] <= float(Fraction(share)) * height * width
    assert shape[0] % 16 == shape[1] % 16 == 0


@pytest.mark.parametrize("refresh_frames", [4, 7, 16])
def test_each_tile_is_sent_in_every_so_many_frames(refresh_frames: int) -> None:
    sender = encoder(share="1/3", refresh_frames=refresh_frames)
    maps = np.array([list(told(sender.work(frame)).sent) for frame in video(50)])
    for first in range(50 - refresh_frames + 1):
        assert maps[first : first + refresh_frames].any(axis=0).all()


@pytest.mark.parametrize("how", ["never came", "check sum", "erased"])
def test_a_loss_lasts_no_longer_than_the_refresh(how: str) -> None:
    """From refresh_frames after it on, pictures are those of a run without loss."""
    lost, refresh_frames = 9, 8
    sender = encoder(share="1/3", refresh_frames=refresh_frames)
    sent = [sender.work(frame) for frame in video(30)]
    whole, holed = paste(), paste()
    same = []
    for seq, out in enumerate(sent):
        expected = received(whole, out, seq)
        if seq == lost and how == "never came":
            continue
        state = State() if seq != lost else State(crc_ok=False) if how == "check sum" else State(n0=1e9)
        noise = np.full_like(out.value, 77) if seq == lost else None
        same.append((seq, np.array_equal(received(holed, out, seq, noise, state), expected)))
    assert all(equal for seq, equal in same if seq < lost or seq >= lost + refresh_frames)
    assert not all(equal for _, equal in same)
    counted = {"missing_frames": 1} if how == "never came" else {"failed_frames": 1}
    assert holed.counted == counted
    assert whole.counted == {}


def test_a_lost_frame_touches_no_tile_of_others() -> None:
    """What the lost frame did not send is as in the run without loss, in every frame."""
    sender, whole, holed = encoder(share="1/3"), paste(), paste()
    frames = video(12)
    outs = [sender.work(frame) for frame in frames]
    lost = np.array(list(told(outs[5]).sent)).reshape(5, 6) == 1
    elsewhere = ~np.kron(lost, np.ones((16, 16), bool))
    for seq, out in enumerate(outs):
        expected = received(whole, out, seq)
        if seq != 5:
            np.testing.assert_array_equal(received(holed, out, seq)[elsewhere], expected[elsewhere])


def test_frames_are_numbered_and_missing_ones_counted() -> None:
    sender, receiver = encoder(share=1), paste()
    picture = np.zeros((16, 16, 3), np.uint8)
    numbers = []
    for seq in range(260):
        out = sender.work(picture)
        numbers.append(told(out).frame)
        if seq not in (100, 101, 256):
            received(receiver, out, seq)
    assert numbers == [0, *range(1, 256), 1, 2, 3, 4]
    assert receiver.counted == {"missing_frames": 3}


def test_a_frame_of_another_size_begins_anew() -> None:
    sender, receiver = encoder(share="1/2"), paste()
    for frame in video(3, (32, 64)):
        received(receiver, sender.work(frame))
    out = sender.work(video(1, (64, 32))[0])
    assert (told(out).height, told(out).width, told(out).frame) == (64, 32, 0)
    assert received(receiver, out).shape == (64, 32, 3)


def test_the_size_of_the_frame_and_that_of_the_packed_picture_are_two_fields() -> None:
    out = encoder(share="1/2").work(video(1, (32, 64))[0])
    header = Header().with_fields(*out.header, ImageShape(*out.value.shape[:2]))
    assert header.read(ImageShape) == ImageShape(32, 32)
    assert (header.read(TileMap).height, header.read(TileMap).width) == (32, 64)
    assert header.bits == 32 + 44 + 8


def test_a_map_in_one_piece_costs_less_than_a_bit_a_tile() -> None:
    sent = np.zeros((18, 22), np.uint8)
    sent[4:12, 5:14] = 1
    field = TileMap(288, 352, 16, 1, sent.tobytes())
    assert 44 + 40 < field.bits() < 44 + 18 * 22 / 2
    assert TileMap.unpack(field.pack()) == field


def test_what_is_refused() -> None:
    picture = video(1)[0]  # 5 x 6 tiles
    with pytest.raises(SignalError) as caught:
        encoder(share="1/10", refresh_frames=9).work(picture)
    assert str(caught.value) == (
        "encoders/changed_tiles: a share of 1/10 of 80 x 96 pixels is 3 of 30 tiles a frame, and 9 frames do not hold "
        "them all: expected refresh_frames of at least 10; raise it or share"
    )
    with pytest.raises(SignalError, match="expected sides of 1 to 65535 pixels, got 0 x 5"):
        encoder().work(np.zeros((0, 5, 3), np.uint8))
    with pytest.raises(ValidationError, match="expected a share of at most 1, got '3/2'"):
        encoder(share="3/2")
    with pytest.raises(SignalError) as caught:
        received(paste(), encoder(share="1/2").work(picture), picture=picture)
    assert str(caught.value) == (
        "decoders/changed_tiles: expected a picture of 15 tiles of 16 x 16, as TileMap says, got 80 x 96; put it right "
        "behind the decoder of the pictures"
    )
