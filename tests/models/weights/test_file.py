import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from semcom.errors import WeightsError
from semcom.models.model_card import ModelCard, card_path
from semcom.models.weights.file import load_weights, sha256_of


@pytest.fixture
def weights(write: Callable[..., Path], tmp_path: Path) -> Path:
    return write(tmp_path / "small.safetensors", {"w": torch.ones(2, 3).half(), "n": torch.tensor([4])})


def test_weights_come_in_float32_with_their_card(weights: Path) -> None:
    card, tensors = load_weights(weights)
    assert card.name == "small"
    assert tensors["w"].dtype == torch.float32
    assert tensors["n"].dtype == torch.int64


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors: no such file of weights; give the path of a \.safet"):
        load_weights(tmp_path / "none.safetensors")


def test_missing_card(weights: Path) -> None:
    card_path(weights).unlink()
    with pytest.raises(WeightsError, match=r"small\.json: no model card; expected one beside the weights"):
        load_weights(weights)


def test_not_a_card(weights: Path) -> None:
    card_path(weights).write_text("{}")
    with pytest.raises(WeightsError, match=r"small\.json: not a model card \(.*; take the one that came with"):
        load_weights(weights)


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_truncated_weights(weights: Path, keep: int) -> None:
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(
        WeightsError, match=r"small\.safetensors: truncated or not a safetensors file .* install it again"
    ):
        load_weights(weights)


def test_other_weights_than_the_card_says(weights: Path) -> None:
    save_file({"w": torch.zeros(2, 3).half()}, weights)
    with pytest.raises(
        WeightsError, match=r"expected SHA-256 \w{16}\.\.\., got \w{16}\.\.\.: not the file that small\.js"
    ):
        load_weights(weights)


def test_a_card_is_closed(weights: Path) -> None:
    record = json.loads(card_path(weights).read_text())
    assert ModelCard.model_validate(record).sha256 == sha256_of(weights)
    card_path(weights).write_text(json.dumps({**record, "extra": 1}))
    with pytest.raises(WeightsError, match="not a model card"):
        ModelCard.read(card_path(weights))
