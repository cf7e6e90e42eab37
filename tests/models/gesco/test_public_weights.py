"""Weights of the public layout: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from semcom.errors import WeightsError
from semcom.models.gesco import codec, engine
from semcom.models.gesco.codec import Receiving, sender
from semcom.models.gesco.network import Gesco
from semcom.models.gesco.public_weights import read_public
from semcom.models.gesco.sizes import GescoConfig

TINY = GescoConfig(
    classes=3,
    width=8,
    multipliers=(1, 2),
    attention=(False, True),
    blocks=1,
    head_width=4,
    norm_groups=4,
    spade_width=5,
)


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    """As the public code saves them: with norms of the way down that it never uses."""
    torch.manual_seed(1)
    found = {name: torch.randn_like(value) * 0.1 for name, value in Gesco(TINY).state_dict().items()}
    return {**found, "input_blocks.1.0.spade_norm.mlp_gamma.weight": torch.zeros(8, 128, 3, 3)}


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_a_file_of_the_public_layout_draws_pictures(
    ending: str, tensors: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"ema_0.9999{ending}"
    torch.save(tensors, path) if ending == ".pt" else save_file(tensors, path)
    monkeypatch.setitem(codec.PUBLIC, "cityscapes", TINY)
    torch.set_num_threads(1)
    receiver = engine.load("cityscapes", path)
    labels = np.random.default_rng(1).integers(0, [[[3, 2]]], (11, 14, 2)).astype(np.uint8)
    frame = sender("cityscapes").encode(labels, codec.Codec.sending())
    assert frame.features.size == 4 * 11 * 14
    picture = receiver.decode(frame.heard(0.1), Receiving(sampling_steps=2))
    assert picture.shape == (11, 14, 3)
    assert receiver.about.weights_sha256 is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {n: v for n, v in t.items() if n != "out.2.bias"}, "it lacks 1, first out.2.bias; give a file of"),
        (lambda t: {**t, "model.diffusion.x": torch.ones(1)}, "it has also 1, first model.diffusion.x; give a file of"),
        (
            lambda t: {**t, "out.2.bias": torch.ones(3)},
            r"expected out.2.bias of \[6\] for 3 classes and width 8, got \[3\]; give the variant that the file is of",
        ),
        (lambda t: {"state_dict": t, "epoch": 3}, "expected a state dict, names to tensors, got dict; save that"),
        (lambda t: {1: torch.ones(1)}, "expected a state dict, names to tensors, got dict; save that"),
        (lambda t: [1, 2], "expected a state dict, names to tensors, got list; save that"),
        (lambda t: {"a": Path("x")}, "truncated, or more than a state dict of tensors, and nothing else is read"),
    ],
)
def test_another_layout_is_refused(change: Any, words: str, tensors: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(change(tensors), path)
    with pytest.raises(WeightsError, match=rf"model\.pt: .*{words}"):
        read_public(path, TINY)


def test_a_file_that_is_damaged_or_not_there(tensors: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(tensors, path)
    for data in (path.read_bytes()[:1000], b"\x80\x02.", b"weights", b""):
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=r"model\.pt: truncated, or more than a state dict"):
            read_public(path, TINY)
    with pytest.raises(WeightsError, match=r"none\.pt: no such file of weights for GESCO; give the path of a .pt"):
        read_public(tmp_path / "none.pt", TINY)


def test_weights_of_other_classes_name_the_tensor(tensors: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save(tensors, path)
    words = r"expected middle_block.0.in_norm.mlp_shared.0.weight of \[5, 6, 3, 3\] for 5 classes and width 8, got"
    with pytest.raises(WeightsError, match=words):
        read_public(path, TINY.model_copy(update={"classes": 5}))
