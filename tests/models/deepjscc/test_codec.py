from pathlib import Path

import numpy as np
import pytest
import torch
from semcom.errors import SignalError, WeightsError
from semcom.models.codec import Frame
from semcom.models.deepjscc.adaptive import AdaptiveJscc
from semcom.models.deepjscc.codec import Codec, Receiving, Sending
from semcom.models.deepjscc.config import AdaptiveConfig
from semcom.models.deepjscc.engine import load
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
def codec(tmp_path_factory: pytest.TempPathFactory) -> Codec:
    torch.manual_seed(0)
    config = AdaptiveConfig(patch=8, width=8, encoder_blocks=1, decoder_blocks=1, condition_width=4)
    network = AdaptiveJscc(config)
    network.fit(torch.rand(500, 3, 8, 8).cumsum(3).cumsum(2) / 32)
    folder = tmp_path_factory.mktemp("weights")
    return load("adaptive", write(folder, config.model_dump(mode="json"), network.state_dict()))


def photo(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(height)
    smooth = rng.normal(0, 9, (height, width, 3)).cumsum(0).cumsum(1) / 4
    return (smooth + 120).clip(0, 255).astype(np.uint8)


def sent(codec: Codec, image: np.ndarray, rate: Rate = "1/12", esn0_db: float = 10) -> Frame:
    return codec.encode(image, Sending(rate=rate, esn0_db=esn0_db))


def heard(codec: Codec, frame: Frame, n0: float | np.ndarray, features: np.ndarray | None = None) -> np.ndarray:
    return codec.decode(frame.heard(n0, features), Receiving())


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", [(1, 1), (8, 8), (13, 30), (1, 100)])
def test_any_size_comes_back_in_its_size(codec: Codec, size: tuple[int, int], rate: Rate) -> None:
    frame = sent(codec, photo(*size), rate)
    assert frame.features.dtype == np.float32
    assert frame.features.size % 2 == 0
    out = heard(codec, frame, 0.1)
    assert out.dtype == np.uint8
    assert out.shape == (*size, 3)


def test_the_network_is_told_0_to_20_db_and_nothing_else(codec: Codec) -> None:
    image = photo(16, 16)
    at = {db: sent(codec, image, esn0_db=db).features for db in (-30, 0, 20, 60)}
    np.testing.assert_array_equal(at[-30], at[0])
    np.testing.assert_array_equal(at[20], at[60])
    assert not np.array_equal(at[0], at[20])


def test_one_n0_for_all_is_the_same_as_each_its_own(codec: Codec) -> None:
    frame = sent(codec, photo(16, 16))
    each = np.full(frame.features.shape, 0.1, np.float32)
    same = [heard(codec, frame, n0) for n0 in (0.1, np.float32(0.1), each)]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[0], same[2])


def test_a_padded_zero_is_let_pass(codec: Codec) -> None:
    frame = sent(codec, photo(8, 8))
    padded = np.append(frame.features, np.float32(0))
    np.testing.assert_array_equal(heard(codec, frame, 0.1, padded), heard(codec, frame, 0.1))


def test_without_noise_the_picture_comes_back_better_than_with(codec: Codec) -> None:
    image = photo(32, 32)
    frame = sent(codec, image, "1/6", 20)
    noise = np.random.default_rng(0).normal(0, 0.7, frame.features.shape).astype(np.float32)
    errors = []
    for received, n0 in ((frame.features, 0.0), (frame.features + noise, 0.5)):
        errors.append(np.mean((heard(codec, frame, n0, received).astype(float) - image) ** 2))
    assert errors[0] < errors[1]


def test_what_does_not_fit_is_one_sentence(codec: Codec) -> None:
    frame = sent(codec, photo(8, 8))
    with pytest.raises(SignalError, match=r"expected a picture, uint8 \[H, W, 3\], got float32 \[4, 4, 3\]"):
        sent(codec, np.zeros((4, 4, 3), np.float32))
    with pytest.raises(SignalError, match="expected sides of 1 to 65535 pixels, got 0 x 4"):
        sent(codec, np.zeros((0, 4, 3), np.uint8))
    with pytest.raises(SignalError, match="expected a rate of 1/48, 1/24, 1/12, 1/6, got '1/5'; other weights may"):
        codec.encode(photo(8, 8), Sending.model_construct(rate="1/5"))
    longer = frame._replace(features=np.zeros(64, np.float32))
    with pytest.raises(SignalError, match=r"expected 32 features for 8 x 8 pixels, as the header says, got \[64\]"):
        heard(codec, longer, 0.1)
    with pytest.raises(SignalError, match=r"expected n0 as one number or \[32\], got \[3\]"):
        heard(codec, frame, np.ones(3, np.float32))
    with pytest.raises(SignalError, match="at least 0, got 32 features and 0 n0 of 32 that are not; check the channel"):
        heard(codec, frame, 0.1, frame.features * np.float32("nan"))
    with pytest.raises(SignalError, match="at least 0, got 0 features and 32 n0 of 32 that are not; check the channel"):
        heard(codec, frame, -0.1)


def test_weights_of_something_else(tmp_path: Path) -> None:
    tiny = AdaptiveConfig(patch=8, width=8, encoder_blocks=1, decoder_blocks=1).model_dump(mode="json")
    with pytest.raises(WeightsError, match="its tensors do not fit the sizes that its card gives"):
        load("adaptive", write(tmp_path, tiny, {"a": torch.ones(1)}))
    with pytest.raises(WeightsError, match="its card describes no network of deepjscc"):
        load("adaptive", write(tmp_path, {"network": "other"}, {"a": torch.ones(1)}))
