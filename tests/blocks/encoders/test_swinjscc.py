"""`encoders/swinjscc` and `decoders/swinjscc`, with the shipped weights."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.decoders.swinjscc import Swinjscc as Decoder
from semcom.blocks.encoders.swinjscc import Swinjscc as Encoder
from semcom.blocks.envelope import Header, State
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.model_card import ModelCard, card_path
from semcom.models.swinjscc.names import NUMBERS, RATES, SHIPPED, Rate
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.swin_mode import SwinMode
from skimage.data import astronaut

PICTURE = np.ascontiguousarray(astronaut()[:120, 160:250])


def encoder(**params: object) -> Encoder:
    made = Encoder(Encoder.Params.model_validate(params), name="encoder")
    made.start()
    return made


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    made = Decoder(name="decoder")
    made.start()
    return made


def test_more_channel_uses_and_less_noise_make_a_better_picture(decoder: Decoder) -> None:
    rng, found = np.random.default_rng(1), {}
    rates: list[Rate] = ["1/96", "1/24", "1/6"]
    for rate in rates:
        for esn0_db in (1, 15):
            out = encoder(rate=rate, esn0_db=esn0_db).work(PICTURE)
            n0 = 10 ** (-esn0_db / 10)
            scale = np.sqrt(np.mean(out.value**2))
            noisy = out.value + scale * np.sqrt(n0) * rng.standard_normal(out.value.size)
            picture = decoder.work(noisy.astype(np.float32), Header().with_fields(*out.header), State(n0=n0))
            found[rate, esn0_db] = psnr_db(PICTURE, picture)
    assert found["1/96", 15] < found["1/24", 15] < found["1/6", 15]
    assert all(found[rate, 1] < found[rate, 15] for rate in rates)
    assert found["1/6", 15] > 28


def test_the_header_says_what_was_sent() -> None:
    out = encoder(rate="1/16", esn0_db=7.4).work(PICTURE)
    header = Header().with_fields(*out.header)
    card = ModelCard.read(card_path(SHIPPED.path("mini")))
    assert header.read(ImageShape) == ImageShape(120, 90)
    assert header.read(ModelId) == ModelId(NUMBERS["mini"], int(card.sha256[:4], 16))
    assert header.read(SwinMode) == SwinMode(RATES.index("1/16"), 7, None)
    assert out.value.size == 8 * 6 * 96  # 120 x 90 in positions of 16 x 16
    assert header.bits == 32 + 24 + 9


def test_weights_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="swinjscc: no weights are shipped for base; give `weights`: what `semcom tra"):
        encoder(variant="base")
    with pytest.raises(WeightsError, match=r"none\.safetensors: no such file of weights for SwinJSCC"):
        Decoder(Decoder.Params(weights="none.safetensors"), name="decoder").start()


def test_a_frame_of_another_variant_is_refused(decoder: Decoder) -> None:
    out = encoder().work(PICTURE)
    header = Header().with_fields(*out.header).with_fields(ModelId(NUMBERS["small"], 0))
    with pytest.raises(SignalError, match=r"expected a frame for mini with weights .*, got one of small with weights"):
        decoder.work(out.value, header, State(n0=0.1))
