from pathlib import Path

import numpy as np
import pytest
import torch
from semcom.errors import SignalError, WeightsError
from semcom.models.deepjscc.adaptive import AdaptiveJscc
from semcom.models.deepjscc.codec import DeepJsccCodec
from semcom.models.deepjscc.config import AdaptiveConfig
from semcom.models.deepjscc.rates import RATES, Rate
from semcom.models.model_card import ModelCard, Training, card_path
from semcom.models.training.checkpoint import save_text, save_weights
from semcom.models.weights.file import sha256_of


def write(folder: Path, config: dict[str, object], weights: dict[str, torch.Tensor]) -> Path:
    path = folder / "tiny.safetensors"
    save_weights(path, weights)
    card = ModelCard(
        name="tiny",
        cls="semcom.models.deepjscc.adaptive:AdaptiveJscc",
        config=config,
        file=path.name,
        sha256=sha256_of(path),
        licence="Apache-2.0",
        paper="none",
        training=Training(data="", command="", seed=0, steps=0, minutes=0, machine="", curve="", recipe={}),
        metrics={},
    )
    save_text(card_path(path), card.model_dump_json())
    return path


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> DeepJsccCodec:
    torch.manual_seed(0)
    config = AdaptiveConfig(patch=8, width=8, encoder_blocks=1, decoder_blocks=1, condition_width=4)
    network = AdaptiveJscc(config)
    network.fit(torch.rand(500, 3, 8, 8).cumsum(3).cumsum(2) / 32)
    folder = tmp_path_factory.mktemp("weights")
    return DeepJsccCodec(write(folder, config.model_dump(mode="json"), network.state_dict()))


def photo(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height)
    smooth = rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4
    return (smooth + 120).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (13, 30), (1, 100)])
def test_any_size_comes_back_in_its_size(codec: DeepJsccCodec, size: tuple[int, int], rate: Rate) -> None:
    image = photo(*size)
    features = codec.encode(image, rate=rate, esn0_db=10)
    assert features.dtype == np.float32
    assert features.size % 2 == 0
    out = codec.decode(features, 0.1, rate=rate, esn0_db=10, height=size[0], width=size[1])
    assert out.dtype == np.uint8
    assert out.shape == image.shape


def test_the_network_is_told_0_to_20_db_and_nothing_else(codec: DeepJsccCodec) -> None:
    image = photo(16, 16)
    at = {db: codec.encode(image, rate="1/12", esn0_db=db) for db in (-30, 0, 20, 60)}
    np.testing.assert_array_equal(at[-30], at[0])
    np.testing.assert_array_equal(at[20], at[60])
    assert not np.array_equal(at[0], at[20])


def test_one_n0_for_all_is_the_same_as_each_its_own(codec: DeepJsccCodec) -> None:
    features = codec.encode(photo(16, 16), rate="1/12", esn0_db=10)
    each = np.full(features.shape, 0.1, np.float32)
    same = [
        codec.decode(features, n0, rate="1/12", esn0_db=10, height=16, width=16) for n0 in (0.1, np.float32(0.1), each)
    ]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[0], same[2])


def test_a_padded_zero_is_let_pass(codec: DeepJsccCodec) -> None:
    features = codec.encode(photo(8, 8), rate="1/12", esn0_db=10)
    padded = np.append(features, np.float32(0))
    out = codec.decode(padded, 0.1, rate="1/12", esn0_db=10, height=8, width=8)
    np.testing.assert_array_equal(out, codec.decode(features, 0.1, rate="1/12", esn0_db=10, height=8, width=8))


def test_without_noise_the_picture_comes_back_better_than_with(codec: DeepJsccCodec) -> None:
    image = photo(32, 32)
    features = codec.encode(image, rate="1/6", esn0_db=20)
    noise = np.random.default_rng(0).normal(0, 0.7, features.shape).astype(np.float32)
    errors = []
    for received, n0 in ((features, 0.0), (features + noise, 0.5)):
        out = codec.decode(received, n0, rate="1/6", esn0_db=20, height=32, width=32)
        errors.append(np.mean((out.astype(float) - image) ** 2))
    assert errors[0] < errors[1]


def test_what_does_not_fit_is_one_sentence(codec: DeepJsccCodec) -> None:
    features = codec.encode(photo(8, 8), rate="1/12", esn0_db=10)
    with pytest.raises(SignalError, match=r"expected a picture, uint8 \[H, W, 3\], got float32 \[4, 4, 3\]"):
        codec.encode(np.zeros((4, 4, 3), np.float32), rate="1/12", esn0_db=10)  # type: ignore[arg-type]
    with pytest.raises(SignalError, match=r"got uint8 \[0, 4, 3\]"):
        codec.encode(np.zeros((0, 4, 3), np.uint8), rate="1/12", esn0_db=10)
    with pytest.raises(SignalError, match="expected a rate of 1/48, 1/24, 1/12, 1/6, got '1/5'"):
        codec.encode(photo(8, 8), rate="1/5", esn0_db=10)  # type: ignore[arg-type]
    with pytest.raises(SignalError, match=r"expected 64 features for 9 x 8 pixels at rate 1/12, got \[32\]"):
        codec.decode(features, 0.1, rate="1/12", esn0_db=10, height=9, width=8)
    with pytest.raises(SignalError, match=r"expected n0 as one number or \[32\], got \[3\]"):
        codec.decode(features, np.ones(3, np.float32), rate="1/12", esn0_db=10, height=8, width=8)
    with pytest.raises(SignalError, match="expected finite features and n0 of at least 0"):
        codec.decode(features * np.float32("nan"), 0.1, rate="1/12", esn0_db=10, height=8, width=8)
    with pytest.raises(SignalError, match="expected a picture of at least 1 x 1, got 0 x 8"):
        codec.decode(features, 0.1, rate="1/12", esn0_db=10, height=0, width=8)


def test_weights_of_something_else(tmp_path: Path) -> None:
    tiny = AdaptiveConfig(patch=8, width=8, encoder_blocks=1, decoder_blocks=1).model_dump(mode="json")
    with pytest.raises(WeightsError, match="its tensors do not fit the sizes that its card gives"):
        DeepJsccCodec(write(tmp_path, tiny, {"a": torch.ones(1)}))
    with pytest.raises(WeightsError, match="its card describes no DeepJSCC network"):
        DeepJsccCodec(write(tmp_path, {"network": "other"}, {"a": torch.ones(1)}))
