"""`encoders/motion_average` and `decoders/motion_average`, which belong together."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.decoders.motion_average import MotionAverage as Average
from semcom.blocks.encoders.motion_average import MotionAverage
from semcom.blocks.envelope import Header, Identity, Out, State
from semcom.errors import SignalError
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.mirror import mirrored
from semcom.sim.side_information.motion_map import LEVELS, MotionMap
from semcom.sim.video import read_frames

Array = np.ndarray
SIGMA = 8.0


def encoder(tile: int = 16) -> MotionAverage:
    made = MotionAverage(MotionAverage.Params(tile=tile))
    made.start()
    return made


def average() -> Average:
    made = Average()
    made.start()
    return made


def told(out: Out[Array]) -> MotionMap:
    return Header().with_fields(*out.header).read(MotionMap)


def received(block: Average, out: Out[Array], seq: int, state: State | None = None) -> Array:
    return block.work(out.value, Header().with_fields(*out.header), state or State(), Identity(seq))


def noisy(out: Out[Array], seq: int, sigma: float = SIGMA) -> Out[Array]:
    """Errors of a codec that are independent from frame to frame: rounded Gaussian ones."""
    noise = np.random.default_rng([seq, 3]).normal(0, sigma, out.value.shape)
    return Out(np.clip(np.rint(out.value + noise), 0, 255).astype(np.uint8), header=tuple(out.header))


def still() -> Array:
    return np.random.default_rng(1).integers(60, 196, (64, 96, 3), dtype=np.uint8)


def test_of_a_still_picture_the_error_falls_with_the_number_of_frames() -> None:
    """The mean of m independent errors has 1/m of the variance: up to the 16 frames that an average counts."""
    sender, receiver, picture = encoder(), average(), still()
    errors = []
    for seq in range(12):
        got = received(receiver, noisy(sender.work(picture), seq), seq)
        errors.append(float(np.mean((got.astype(float) - picture) ** 2)))
    for count in (1, 2, 4, 8):
        assert errors[count - 1] == pytest.approx(SIGMA**2 / count, rel=0.15, abs=0.5)


def test_along_a_motion_too() -> None:
    rng = np.random.default_rng(4)
    large = np.kron(rng.integers(60, 196, (30, 40, 3)), np.ones((4, 4, 1))).astype(np.uint8)
    sender, receiver = encoder(), average()
    for seq in range(8):
        picture = np.ascontiguousarray(large[2 * seq : 2 * seq + 64, 3 * seq : 3 * seq + 96])
        out = noisy(sender.work(picture), seq)
        got = received(receiver, out, seq)
    inside = np.s_[16:-32, 16:-32]
    alone = psnr_db(picture[inside], mirrored(out.value, told(out).frame)[inside])
    assert psnr_db(picture[inside], got[inside]) > alone + 6  # 8 frames: 9 dB


def test_a_cut_is_taken_as_it_comes() -> None:
    sender, receiver = encoder(), average()
    for seq in range(4):
        received(receiver, noisy(sender.work(still()), seq), seq)
    other = np.full((64, 96, 3), 20, np.uint8)
    out = sender.work(other)
    assert set(told(out).levels) == {LEVELS - 1}
    assert set(told(out).vectors) == {0}
    np.testing.assert_array_equal(received(receiver, out, 4), other)


@pytest.mark.parametrize("how", ["never came", "check sum", "erased"])
def test_a_loss_does_not_spoil_what_comes_after_it(how: str) -> None:
    """The picture before stays; from the next frame on it is as if the video began there."""
    frames = list(read_frames("builtin:overlay", size=(64, 96), max_frames=9))
    sender, whole, begun = encoder(), average(), average()
    outs = [noisy(sender.work(frame), seq) for seq, frame in enumerate(frames)]
    for seq, out in enumerate(outs):
        if seq < 5:
            before = received(whole, out, seq)
        elif seq == 5:
            if how != "never came":
                state = State(crc_ok=False) if how == "check sum" else State(n0=1e9)
                np.testing.assert_array_equal(received(whole, out, seq, state), before)
        else:
            got = received(whole, out, seq)
            np.testing.assert_array_equal(got, received(begun, out, seq))
            if seq == 6:
                np.testing.assert_array_equal(got, mirrored(out.value, told(out).frame))
    assert whole.counted == ({"missing_frames": 1} if how == "never came" else {"failed_frames": 1})


def test_without_errors_pictures_come_as_they_are() -> None:
    sender, receiver = encoder(48), average()
    for seq, frame in enumerate(read_frames("builtin:overlay", size=(75, 90), max_frames=6)):
        got = received(receiver, sender.work(frame), seq)
        assert seq > 0 or np.array_equal(got, frame)
        assert psnr_db(frame, got) > 30


def test_another_size_begins_anew() -> None:
    sender, receiver = encoder(), average()
    received(receiver, sender.work(still()), 0)
    out = sender.work(still()[:32])
    assert (told(out).frame, told(out).height, told(out).width) == (0, 32, 96)
    np.testing.assert_array_equal(received(receiver, out, 1), still()[:32])


def test_a_still_picture_costs_hardly_more_than_nothing() -> None:
    sender, picture = encoder(32), np.tile(still(), (4, 4, 1))
    sender.work(picture)
    out = sender.work(picture)
    assert set(told(out).levels) == {0}
    assert told(out).bits() < 43 + 96 / 2  # 96 tiles


def test_what_is_refused() -> None:
    with pytest.raises(SignalError, match="encoders/motion_average: expected sides of 1 to 65535 pixels, got 0 x 5"):
        encoder().work(np.zeros((0, 5, 3), np.uint8))
    out = encoder().work(still())
    with pytest.raises(SignalError) as caught:
        average().work(out.value[:32], Header().with_fields(*out.header), State(), Identity(0))
    assert str(caught.value) == (
        "decoders/motion_average: expected a picture of 64 x 96, as MotionMap says, got 32 x 96; put it right behind "
        "the decoder of the pictures"
    )
