import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from semcom.errors import SignalError, UsageError, WeightsError
from semcom.models.codec import Frame
from semcom.models.model_card import ModelCard, Training
from semcom.models.sc_sic.assemble import assemble
from semcom.models.sc_sic.codec import Codec, Receiving, Sending
from semcom.models.sc_sic.config import ScSicConfig, SmallEncoderConfig, StageAConfig
from semcom.models.sc_sic.engine import TorchEngine, load
from semcom.models.sc_sic.network import ScSic
from semcom.models.sc_sic.sizes import SIZES
from semcom.models.weights.file import sha256_of

MINI = ScSicConfig(
    semantic=SmallEncoderConfig(channels=4, width=8, blocks=1),
    stage_a=StageAConfig(width=8, blocks=1, codebook=4, scale=1.0),
    stage_b=SIZES["tiny"].stage_b.model_copy(update={"prior": "linear", "told": "noise"}),
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def built(config: ScSicConfig = MINI, seed: int = 1) -> ScSic:
    torch.manual_seed(seed)
    return ScSic(config)


def coded(network: ScSic) -> Codec:
    engine = TorchEngine(network)
    return Codec(engine, engine.about("tiny"))


def tag(network: ScSic) -> int:
    return TorchEngine(network).about("tiny").tag


def decode(codec: Codec, frame: Frame, n0: float | np.ndarray = 0.1, seed: int = 1, **given: Any) -> np.ndarray:
    return codec.decode(frame.heard(n0, rng=np.random.default_rng(seed)), Receiving(**{"steps": 2, **given}))


def test_the_shapes_and_ratios_of_table_1() -> None:
    """Khalid et al., Table 1 and Fig. 8b: [16, 12, 12] and CR 341 at 512, [16, 24, 24] and [16, 32, 32] at 1024."""
    codec = coded(ScSic(SIZES["lite"], parts=()))
    assert (codec.about.channels, codec.about.patch) == (16, 64)
    assert codec.grid(512, 512) == (12, 12)
    assert codec.grid(1024, 1024) == (24, 24)
    assert codec.grid(1024, 1024, 1.0) == (32, 32)
    assert codec.grid(1024, 1024, 0.5) == (16, 16)
    assert round(3 * 512 * 512 / (16 * 12 * 12)) == 341
    assert 3 * 1024 * 1024 / (16 * 32 * 32) == 192


def test_there_and_back() -> None:
    codec = coded(built())
    frame = codec.encode(np.random.default_rng(1).integers(0, 256, (64, 32, 3), dtype=np.uint8), Sending())
    assert frame.features.shape == (4 * 4 * 2,)
    out = decode(codec, frame)
    assert out.shape == (64, 32, 3)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, decode(codec, frame))
    np.testing.assert_array_equal(out, decode(codec, frame, np.full(frame.features.shape, 0.1, np.float32)))
    assert not np.array_equal(out, decode(codec, frame, seed=2))


def test_the_tag_is_that_of_the_encoder_alone() -> None:
    one, other = built(seed=1), built(seed=1)
    with torch.no_grad():
        next(other.stage_b.parameters()).add_(1)
    assert tag(one) == tag(other)
    with torch.no_grad():
        next(other.encoder.parameters()).add_(1)
    assert tag(one) != tag(other)
    assert 0 <= tag(one) < 2**14


def test_full_scale_receivers_know_the_tag_without_the_encoder() -> None:
    tags = {tag(ScSic(SIZES["lite"], parts=())), tag(ScSic(SIZES["large"], parts=()))}
    assert len(tags) == 1  # one encoder serves both
    assert tags != {tag(ScSic(SIZES["tiny"], parts=()))}


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.zeros((64, 64), np.uint8), "sc-sic: expected a picture, uint8 [H, W, 3], got uint8 [64, 64]"),
        (np.zeros((64, 64, 3), np.float32), "sc-sic: expected a picture, uint8 [H, W, 3], got float32 [64, 64, 3]"),
        (
            np.zeros((0, 64, 3), np.uint8),
            "sc-sic: expected sides of 1 to 65535 pixels, got 0 x 64",
        ),
    ],
)
def test_no_picture(image: np.ndarray, words: str) -> None:
    with pytest.raises(SignalError) as caught:
        coded(built()).encode(image, Sending())
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("features", "n0", "words"),
    [
        (np.zeros(31, np.float32), 0.1, "expected 32 features for 64 x 32 pixels, as the header says, got [31]"),
        (np.zeros((4, 4, 2), np.float32), np.zeros(16), "expected n0 as one number or [32], got [16]"),
        (np.full(32, np.nan, np.float32), 0.1, "got 32 features and 0 n0 of 32 that are not"),
        (np.zeros(32, np.float32), -0.1, "got 0 features and 32 n0 of 32 that are not"),
        (np.zeros(32, np.float32), np.inf, "expected finite features and n0 of at least 0"),
    ],
)
def test_no_embedding(features: np.ndarray, n0: float | np.ndarray, words: str) -> None:
    codec = coded(built())
    frame = codec.encode(np.zeros((64, 32, 3), np.uint8), Sending())
    with pytest.raises(SignalError) as caught:
        decode(codec, frame._replace(features=features), n0)
    assert words in str(caught.value)


def test_an_exported_file_knows_one_size() -> None:
    codec = coded(built())
    codec = Codec(codec.engine, codec.about.model_copy(update={"any_downscale": False}))
    with pytest.raises(SignalError, match=r"expected no downscale, .* got 0\.5; leave downscale out"):
        codec.encode(np.zeros((64, 32, 3), np.uint8), Sending(downscale=0.5))


def card_of(path: Path, config: ScSicConfig) -> ModelCard:
    return ModelCard(
        name=path.stem,
        cls="semcom.models.sc_sic.network:ScSic",
        config=config.model_dump(mode="json"),
        file=path.name,
        sha256=sha256_of(path),
        licence="test",
        paper="test",
        training=Training(data="", command="", seed=0, steps=0, minutes=0, machine="", curve="", recipe={}),
        metrics={},
    )


def saved(folder: Path, network: ScSic, keep: str = "") -> Path:
    path = folder / "mine.safetensors"
    tensors = {key: value.contiguous() for key, value in network.state_dict().items() if key.startswith(keep)}
    safetensors.torch.save_file(tensors, path)
    path.with_suffix(".json").write_text(card_of(path, network.config).model_dump_json())
    return path


def test_weights_of_ones_own_come_back(tmp_path: Path) -> None:
    network = built()
    loaded = assemble("mini-48", str(saved(tmp_path, network)))
    assert tag(loaded) == tag(network)
    for name, value in loaded.state_dict().items():
        torch.testing.assert_close(value, network.state_dict()[name], rtol=0, atol=0)


def test_ones_own_stage_b_takes_the_rest_from_the_published_files_beside_it(tiny_cascade: Path, tmp_path: Path) -> None:
    for file in tiny_cascade.iterdir():
        shutil.copy(file, tmp_path)
    network = built(SIZES["tiny"], seed=5)
    path = str(saved(tmp_path, network, "stage_b."))
    whole, published = assemble("tiny", path), assemble("tiny", str(tiny_cascade))
    assert tag(whole) == tag(published)
    for name, value in whole.state_dict().items():
        other = network if name.startswith("stage_b.") else published
        torch.testing.assert_close(value, other.state_dict()[name], rtol=0, atol=0)
    image = np.random.default_rng(1).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    own, theirs = (load("tiny", place, role="encoder").encode(image, Sending()) for place in (path, str(tiny_cascade)))
    np.testing.assert_array_equal(own.features, theirs.features)


def test_a_card_of_other_sizes_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, built())
    card = json.loads(path.with_suffix(".json").read_text())
    card["config"]["stage_a"]["width"] = 16
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="its tensors do not fit the sizes that its card gives"):
        assemble("mini-48", str(path))
    card["config"] = {"channels": 3}
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match="its card describes no network of sc-sic"):
        assemble("mini-48", str(path))


def test_no_such_variant() -> None:
    with pytest.raises(UsageError, match="no weights 'mini-7' are shipped"):
        assemble("mini-7")
