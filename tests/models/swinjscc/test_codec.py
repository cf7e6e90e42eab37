"""Frames: their counts, their header, and what a receiver refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from semcom.errors import SignalError
from semcom.models.codec import Frame
from semcom.models.effective_esn0 import effective_esn0_db
from semcom.models.swinjscc import codec as module
from semcom.models.swinjscc.codec import Codec, Receiving, Sending, strongest
from semcom.models.swinjscc.engine import TorchEngine, about_of
from semcom.models.swinjscc.names import RATES, channels_of
from semcom.models.swinjscc.network import SwinJscc
from semcom.models.swinjscc.sizes import SwinConfig
from semcom.models.training.frames import unit_power
from semcom.sim.side_information.field import KnownFields
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.swin_mode import SwinMode

from .conftest import PUBLIC, TINY

Make = Callable[[SwinConfig], SwinJscc]


@pytest.fixture
def codecs(network: Make) -> dict[str, Codec]:
    torch.set_num_threads(1)
    sizes = {"first": TINY, "chosen": PUBLIC}
    return {name: Codec(TorchEngine(network(size)), about_of("base", size, None)) for name, size in sizes.items()}


def photo(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height)
    return (rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4 + 120).clip(0, 255).astype(np.uint8)


def mode_of(frame: Frame) -> SwinMode:
    return frame.heard(0.1).header.read(SwinMode)


def test_channels_of_the_published_rates() -> None:
    counts = {"1/96": 16, "1/48": 32, "1/24": 64, "1/16": 96, "1/12": 128, "1/8": 192, "1/6": 256}
    assert {rate: channels_of(rate, 16) for rate in RATES} == counts


@pytest.mark.parametrize("kind", ["first", "chosen"])
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (13, 30), (1, 100)])
def test_any_size_comes_back_in_its_size_and_what_fills_it_is_sent(
    codecs: dict[str, Codec], kind: str, size: tuple[int, int]
) -> None:
    frame = codecs[kind].encode(photo(*size), Sending(rate="1/12"))
    rows, columns = (-(-side // 4) for side in size)
    assert frame.features.shape == (rows * columns * 8,)  # of 4 x 4 pixels 2 * 48 / 12
    assert frame.features.dtype == np.float32
    out = codecs[kind].decode(frame.heard(0.1), Receiving())
    assert (out.dtype, out.shape) == (np.uint8, (*size, 3))


def test_the_header_tells_what_does_not_follow_from_the_rate(codecs: dict[str, Codec]) -> None:
    image = photo(16, 16)
    first, chosen = (codecs[kind].encode(image, Sending(rate="1/6", esn0_db=7.4)) for kind in ("first", "chosen"))
    assert mode_of(first) == SwinMode(RATES.index("1/6"), 7, None)
    told = mode_of(chosen).channels
    assert told is not None
    assert (told[0], len(told[1])) == (200, 16)
    assert sum(field.bits() for field in first.header) == 32 + 24 + 9
    assert sum(field.bits() for field in chosen.header) == 32 + 24 + 9 + 18 + 78  # log2 of 200 choose 16: 77.2


def test_the_channels_that_are_told_are_those_that_are_sent(codecs: dict[str, Codec], network: Make) -> None:
    image = photo(8, 12)
    frame = codecs["chosen"].encode(image, Sending(rate="1/12", esn0_db=5))
    told = mode_of(frame).channels
    pixels = torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255
    encoded = network(PUBLIC).encode(pixels, torch.tensor([8.0]), torch.tensor([5.0]))
    assert told == (200, tuple(encoded.strength[0].topk(8).indices.sort().values.tolist()))
    expected = encoded.features[0][..., list(told[1])].reshape(-1)
    np.testing.assert_allclose(frame.features, expected.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_of_equal_gates_the_first_are_sent() -> None:
    assert strongest(np.array([1, 2, 2, 0, 2], np.float32), 2) == (1, 2)


def test_a_frame_is_of_unit_energy_by_itself(codecs: dict[str, Codec]) -> None:
    """However many frames there are: the public code has the mean over its batch."""
    images = torch.rand(2, 3, 16, 16)
    images[1] *= 0.05
    assert isinstance(codecs["chosen"].engine, TorchEngine)
    net = codecs["chosen"].engine.network
    encoded = net.encode(images, torch.tensor([8.0, 8.0]), torch.tensor([5.0, 5.0]))
    symbols, _ = unit_power(net.sent(encoded.features, net.chosen(encoded, 8)))
    torch.testing.assert_close(symbols.abs().square().mean(1), torch.ones(2))


def test_the_network_is_told_0_to_20_db_and_nothing_else(codecs: dict[str, Codec]) -> None:
    image = photo(16, 16)
    at = {db: codecs["first"].encode(image, Sending(esn0_db=db)).features for db in (-30, 0, 20, 60)}
    np.testing.assert_array_equal(at[-30], at[0])
    np.testing.assert_array_equal(at[20], at[60])
    assert not np.array_equal(at[0], at[20])
    blind = codecs["first"].encode(image, Sending(csit="none", esn0_db=3)).features
    np.testing.assert_array_equal(blind, codecs["first"].encode(image, Sending(esn0_db=10)).features)


def test_one_n0_for_all_is_the_same_as_each_its_own_and_another_is_not(codecs: dict[str, Codec]) -> None:
    codec = codecs["first"]
    frame = codec.encode(photo(16, 16), Sending())
    one, each, other = (
        codec.decode(frame.heard(n0), Receiving())
        for n0 in (
            0.2,
            np.full(frame.features.size, 0.2, np.float32),
            np.linspace(0, 2, frame.features.size, dtype="f"),
        )
    )
    np.testing.assert_array_equal(one, each)
    assert not np.array_equal(one, other)


def test_a_receiver_reckons_with_the_mean_capacity_as_in_training() -> None:
    n0 = np.random.default_rng(1).exponential(0.3, 500).astype(np.float32)
    expected = float(effective_esn0_db(torch.from_numpy(n0)[None]))
    assert module._met_db(n0) == pytest.approx(expected, abs=1e-3)


@dataclass
class Changed:
    """A frame with another mode."""

    frame: Frame
    mode: SwinMode

    def heard_by(self, codec: Codec) -> str:
        shape, model, _ = self.frame.header
        reception = self.frame.heard(0.1)._replace(header=KnownFields(shape, model, self.mode))  # type: ignore[arg-type]
        with pytest.raises(SignalError) as caught:
            codec.decode(reception, Receiving())
        return str(caught.value)


def test_modes_that_are_refused(codecs: dict[str, Codec]) -> None:
    image = photo(8, 8)
    first, chosen = (codecs[kind].encode(image, Sending(rate="1/12")) for kind in ("first", "chosen"))
    index = RATES.index("1/12")
    said = [
        Changed(first, SwinMode(7, 5, None)).heard_by(codecs["first"]),
        Changed(first, SwinMode(0, 5, None)).heard_by(codecs["first"]),
        Changed(first, SwinMode(index, 5, (9, (1, 2)))).heard_by(codecs["first"]),
        Changed(chosen, SwinMode(index, 5, None)).heard_by(codecs["chosen"]),
        Changed(chosen, SwinMode(index, 5, (200, (1, 2)))).heard_by(codecs["chosen"]),
    ]
    assert said == [
        "swinjscc: expected one of the 7 rates, got number 7",
        "swinjscc: expected a rate of 1/12, 1/6, got '1/96'; other weights may have it",
        "swinjscc: expected a header that names no channels, got another; give encoder and decoder weights of one "
        "training",
        "swinjscc: expected a header that names the channels, got another; give encoder and decoder weights of one "
        "training",
        "swinjscc: expected 8 channels of 200, as the rate says, got 2 of 200; the header is of another frame",
    ]


def test_pictures_and_settings_that_are_refused(codecs: dict[str, Codec]) -> None:
    with pytest.raises(SignalError, match=r"swinjscc: expected a picture, uint8 \[H, W, 3\], got float64"):
        codecs["first"].encode(np.zeros((4, 4, 3)), Sending())  # type: ignore[arg-type]
    with pytest.raises(SignalError, match=r"swinjscc: expected a rate of 1/12, 1/6, got '1/8'; other weights may"):
        codecs["first"].encode(photo(4, 4), Sending(rate="1/8"))
    frame = codecs["first"].encode(photo(8, 8), Sending())
    with pytest.raises(SignalError, match="swinjscc: expected 32 features for 8 x 8 pixels, as the header says"):
        codecs["first"].decode(frame.heard(0.1, frame.features[:-2]), Receiving())
    assert frame.heard(0.1).header.read(ImageShape) == ImageShape(8, 8)
