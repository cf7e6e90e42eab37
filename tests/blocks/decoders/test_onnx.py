from pathlib import Path

import numpy as np
import pytest
from semcom.blocks.decoders.deepjscc import Deepjscc
from semcom.blocks.decoders.onnx import Onnx
from semcom.blocks.envelope import Header, Identity, State
from semcom.errors import SignalError
from semcom.models.deepjscc.names import RATES, SHIPPED, Rate
from semcom.models.model_card import ModelCard, card_path
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.jscc_mode import JsccMode
from semcom.sim.side_information.model_id import ModelId

USE = "decoders/onnx"


@pytest.fixture(scope="module")
def decoder(deepjscc_onnx: dict[str, Path]) -> Onnx:
    made = Onnx(Onnx.Params(path=str(deepjscc_onnx["decoder"])), name="decoder", seed=7)
    made.start()
    return made


ADAPTIVE = int(ModelCard.read(card_path(SHIPPED.path("adaptive"))).sha256[:4], 16)


def header(height: int, width: int, rate: Rate = "1/24", number: int = 1, weights: int = ADAPTIVE) -> Header:
    mode = JsccMode(RATES.index(rate), esn0_db=8)
    return Header().with_fields(ImageShape(height, width), ModelId(number, weights), mode)


def values(count: int) -> np.ndarray:
    return np.random.default_rng(count).standard_normal(count).astype(np.float32)


@pytest.mark.parametrize("rate", ["1/48", "1/6"])
def test_it_gives_the_torch_blocks_picture(decoder: Onnx, rate: str) -> None:
    torch_block = Deepjscc(name="decoder", seed=7)
    torch_block.start()
    features = values(4 * 6 * 1536 // int(rate[2:]))
    fading = np.random.default_rng(2).exponential(0.2, features.size // 2).astype(np.float32)
    for n0 in (0.0, 0.3, fading):
        found = decoder.work(features, header(61, 90, rate), State(n0=n0), Identity())
        expected = torch_block.work(features, header(61, 90, rate), State(n0=n0))
        assert found.dtype == np.uint8
        assert found.shape == expected.shape == (61, 90, 3)
        assert np.abs(found.astype(int) - expected).max() <= 1
        assert np.mean(found != expected) < 1e-3


def test_a_zero_more_is_let_pass(decoder: Onnx) -> None:
    features = values(64)
    longer, n0 = np.append(features, np.float32(0)), np.full(33, 0.1, np.float32)
    np.testing.assert_array_equal(
        decoder.work(longer, header(9, 9), State(n0=n0), Identity()),
        decoder.work(features, header(9, 9), State(n0=n0[:32]), Identity()),
    )


@pytest.mark.parametrize(
    ("features", "head", "n0", "message"),
    [
        (values(64), header(16, 16), None, "decoders/onnx: expected n0 in the receiver's state, got none; connect a"),
        (values(63), header(16, 16), 0.1, r"expected 64 features for 16 x 16 pixels, as the header says, got \[63\]"),
        (values(0), header(16, 16), 0.1, r"expected 64 features for 16 x 16 pixels, as the header says, got \[0\]"),
        (values(64), header(16, 16), np.ones(5, np.float32), "expected n0 of 32 symbols for 64 features, got 5"),
        (values(64) * np.float32(np.nan), header(16, 16), 0.1, "expected finite features and n0 of at least 0"),
        (values(64), header(16, 16), np.full(32, np.inf, np.float32), "expected finite features and n0 of at least 0"),
        (values(64), header(16, 16), -0.1, "expected finite features and n0 of at least 0"),
        (values(64), header(16, 16, number=2, weights=5), 0.1, "for adaptive with weights .*, got one of linear with"),
        (values(64), header(16, 16, weights=ADAPTIVE ^ 1), 0.1, "got one of adaptive with weights .*; give encoder"),
        (values(64), header(16, 16, number=40), 0.1, r"models 1 \(adaptive\), 2 \(linear\), .* got model 40; connect"),
        (values(64), Header().with_fields(ImageShape(16, 16)), 0.1, "expected ModelId, got ImageShape"),
    ],
)
def test_what_does_not_fit(decoder: Onnx, features: np.ndarray, head: Header, n0: object, message: str) -> None:
    with pytest.raises(SignalError, match=message):
        decoder.work(features, head, State(n0=n0), Identity())
