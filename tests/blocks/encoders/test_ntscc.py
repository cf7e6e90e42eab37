"""`encoders/ntscc` and `decoders/ntscc`, with the shipped weights."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.decoders.ntscc import Ntscc as Decoder
from semcom.blocks.encoders.ntscc import Ntscc as Encoder
from semcom.blocks.envelope import Header, State
from semcom.models.model_card import ModelCard, card_path
from semcom.models.ntscc.names import DEFAULT, NUMBERS, SHIPPED
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.cdm_mode import CdmMode
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.rate_map import RateMap
from skimage.data import astronaut

PICTURE = np.ascontiguousarray(astronaut()[:240, 160:400])


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
    for cbr in ("1/48", "1/24", "1/8"):
        for esn0_db in (1, 15):
            out = encoder(cbr=cbr, esn0_db=esn0_db).work(PICTURE)
            n0 = 10 ** (-esn0_db / 10)
            scale = np.sqrt(np.mean(out.value**2))
            noisy = out.value + scale * np.sqrt(n0) * rng.standard_normal(out.value.size)
            picture = decoder.work(noisy.astype(np.float32), Header().with_fields(*out.header), State(n0=n0))
            found[cbr, esn0_db] = psnr_db(PICTURE, picture)
    assert found["1/48", 15] < found["1/24", 15] < found["1/8", 15]
    assert all(found[cbr, 1] < found[cbr, 15] for cbr in ("1/48", "1/24", "1/8"))
    assert found["1/8", 15] > 28


def test_the_header_says_what_was_sent() -> None:
    out = encoder(cbr="1/16", esn0_db=7.4).work(PICTURE)
    header = Header().with_fields(*out.header)
    card = ModelCard.read(card_path(SHIPPED.path(DEFAULT)))
    assert header.read(ImageShape) == ImageShape(240, 240)
    assert header.read(ModelId) == ModelId(NUMBERS[DEFAULT], int(card.sha256[:4], 16))
    assert header.read(CdmMode).esn0_db == 7
    assert out.value.size == (16 * (header.read(RateMap).array().astype(int) + 1)).sum()


def test_a_link_rules_cbr_and_snr() -> None:
    made = encoder(cbr="1/12", esn0_db=3)
    linked = made.work(PICTURE, np.array([1 / 24, 12], np.float32))
    assert np.array_equal(linked.value, encoder(cbr=float(np.float32(1 / 24)), esn0_db=12).work(PICTURE).value)
