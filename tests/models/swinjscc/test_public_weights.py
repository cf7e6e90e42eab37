"""Weights of the public layout: what is read, and what is refused.

The names and shapes expected here were read in the public code (semcomm/SwinJSCC net/encoder.py and net/decoder.py,
KeYang8/WITT net/modules.py), not taken from ours.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from semcom.errors import SignalError, WeightsError
from semcom.models.swinjscc.codec import Receiving, Sending
from semcom.models.swinjscc.engine import load
from semcom.models.swinjscc.network import SwinJscc
from semcom.models.swinjscc.public_weights import public_names, read_public
from semcom.models.swinjscc.sizes import BASE, SwinConfig

from .conftest import PUBLIC

Tensors = dict[str, torch.Tensor]

BASE_SHAPES = {  # of SwinJSCC_w/_SAandRA, base
    "encoder.patch_embed.proj.weight": (128, 3, 2, 2),
    "encoder.layers.0.blocks.1.attn.relative_position_bias_table": (225, 4),
    "encoder.layers.2.blocks.5.attn.qkv.weight": (768, 256),
    "encoder.layers.3.blocks.1.mlp.fc1.weight": (1280, 320),
    "encoder.layers.3.blocks.1.norm2.bias": (320,),
    "encoder.layers.1.downsample.reduction.weight": (192, 512),
    "encoder.layers.3.downsample.norm.weight": (1024,),
    "encoder.norm.weight": (320,),
    "encoder.sm_list.0.weight": (480, 320),
    "encoder.sm_list1.7.weight": (320, 480),
    "encoder.bm_list.6.fc.4.weight": (480, 480),
    "encoder.bm_list1.0.fc.0.weight": (480, 1),
    "decoder.layers.0.blocks.0.attn.proj.weight": (320, 320),
    "decoder.layers.1.blocks.5.mlp.fc2.weight": (256, 1024),
    "decoder.layers.0.upsample.increment.weight": (1024, 320),
    "decoder.layers.3.upsample.increment.weight": (12, 128),
    "decoder.layers.3.upsample.norm.weight": (128,),
    "decoder.sm_list.7.bias": (320,),
    "decoder.bm_list.3.fc.2.bias": (480,),
}


def test_the_base_size_has_the_public_names_and_shapes() -> None:
    names = public_names(BASE)
    with torch.device("meta"):
        shapes = {names[name]: value.shape for name, value in SwinJscc(BASE).state_dict().items() if name != "mean"}
    assert {name: tuple(shapes[name]) for name in BASE_SHAPES} == BASE_SHAPES
    blocks, levels, modnets = 2 * (2 + 2 + 6 + 2), 4, 3
    # of a block 13 tensors; of a level's change 3; first layer and last norm 2 each; of a ModNet 8 and 7 * 3 layers
    assert len(shapes) == 13 * blocks + 3 * (levels - 1 + levels) + 4 + modnets * 2 * (8 + 21)
    assert len(set(names.values())) == len(names)


def test_witt_has_a_head_and_gates_without_a_number() -> None:
    witt = BASE.model_copy(update={"rate_modnet": False, "head": 96, "channels": "first", "rates": ("1/16",)})
    found = set(public_names(witt).values())
    assert {"encoder.head_list.weight", "decoder.head_list.bias", "encoder.sm_list.0.weight"} <= found
    assert not any("list1" in name for name in found)


@pytest.mark.parametrize("ending", [".model", ".pth", ".safetensors"])
def test_a_file_of_the_public_layout_carries_a_picture(
    ending: str, public_tensors: Callable[[SwinConfig], Tensors], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, tensors = tmp_path / f"checkpoint{ending}", public_tensors(PUBLIC)
    torch.save(tensors, path) if ending != ".safetensors" else save_file(tensors, path)
    monkeypatch.setattr("semcom.models.swinjscc.public_weights.BASE", PUBLIC)  # so few channels have no rate of 1/48
    codec = load("base", path)
    assert (codec.about.stride, codec.about.features, codec.about.channels) == (4, 200, "chosen")
    frame = codec.encode(np.full((9, 14, 3), 99, np.uint8), Sending(rate="1/6"))
    assert frame.features.size == 3 * 4 * 16
    assert codec.decode(frame.heard(0.1), Receiving()).shape == (9, 14, 3)


def test_the_header_tells_files_of_other_numbers_apart(
    public_tensors: Callable[[SwinConfig], Tensors], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file and what it was converted to are of the same weights; those of another training are not."""
    monkeypatch.setattr("semcom.models.swinjscc.public_weights.BASE", PUBLIC)
    tensors = public_tensors(PUBLIC)
    torch.save(tensors, tmp_path / "one.model")
    save_file(tensors, tmp_path / "one.safetensors")
    save_file({**tensors, "decoder.sm_list.7.bias": torch.zeros(200)}, tmp_path / "other.safetensors")
    one, converted, other = (
        load("base", tmp_path / name) for name in ("one.model", "one.safetensors", "other.safetensors")
    )
    assert one.model == converted.model
    frame = one.encode(np.full((8, 8, 3), 99, np.uint8), Sending(rate="1/6"))
    assert converted.decode(frame.heard(0.1), Receiving()).shape == (8, 8, 3)
    with pytest.raises(SignalError, match=r"expected a frame for base with weights .*, and weights of one training"):
        other.decode(frame.heard(0.1), Receiving())


def test_sizes_come_from_the_shapes(
    public_file: Path, public_tensors: Callable[[SwinConfig], Tensors], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("semcom.models.swinjscc.public_weights.BASE", PUBLIC)
    assert read_public(public_file)[0] == PUBLIC
    witt = PUBLIC.model_copy(update={"rate_modnet": False, "head": 8, "channels": "first", "rates": ("1/12",)})
    witt = SwinConfig.model_validate(witt.model_dump())
    path = tmp_path / "witt.safetensors"
    save_file({f"module.{name}": value for name, value in public_tensors(witt).items()}, path)
    assert read_public(path)[0] == witt


def test_gates_are_told_dB_and_counts_as_the_public_code_has_them(
    public_file: Path, public_tensors: Callable[[SwinConfig], Tensors], monkeypatch: pytest.MonkeyPatch
) -> None:
    """sm_list and bm_list in turn, as the public forward pass has them, on features of our encoder without gates."""
    monkeypatch.setattr("semcom.models.swinjscc.public_weights.BASE", PUBLIC)
    config, tensors = read_public(public_file)
    net = SwinJscc(config)
    net.load_state_dict(tensors)
    public = public_tensors(PUBLIC)
    images, snr, rate = torch.rand(1, 3, 8, 8), 7.0, 16.0
    with torch.no_grad():
        found = net.encode(images, torch.tensor([rate]), torch.tensor([snr]))
        net.encoder.snr_modnet = net.encoder.rate_modnet = None
        x = net.encode(images, torch.tensor([rate]), torch.tensor([snr])).features

    def gates(x: torch.Tensor, number: float, suffix: str) -> torch.Tensor:
        value = x
        for stage in range(7):
            told = torch.tensor([number])
            for layer, act in ((0, torch.relu), (2, torch.relu), (4, torch.sigmoid)):
                key = f"encoder.bm_list{suffix}.{stage}.fc.{layer}"
                told = act(public[f"{key}.weight"] @ told + public[f"{key}.bias"])
            key = f"encoder.sm_list{suffix}.{stage}"
            value = (value @ public[f"{key}.weight"].T + public[f"{key}.bias"]) * told
        key = f"encoder.sm_list{suffix}.7"
        return torch.sigmoid(value @ public[f"{key}.weight"].T + public[f"{key}.bias"])

    x = x * gates(x, snr, "1")
    rated = gates(x, rate, "")
    torch.testing.assert_close(found.features, x * rated, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.strength, rated.sum((1, 2)), rtol=1e-4, atol=1e-4)


ANOTHER = "expected the state dict of SwinJSCC_w/_SAandRA, SwinJSCC_w/_SA or WITT by the names of their public code"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: {n: v for n, v in t.items() if n != "encoder.norm.bias"}, r"missing, 1 of \d+: encoder.norm.bias"),
        (lambda t: {**t, "encoder.ape": torch.ones(1)}, "extra, 1: encoder.ape"),
        (
            lambda t: {**t, "decoder.sm_list.7.bias": torch.ones(3)},
            r"of another shape, 1 of \d+: decoder.sm_list.7.bias \(expected \[200\], got \[3\]\)",
        ),
        (lambda t: {"weight": torch.ones(1)}, f"{ANOTHER}, found another .*save_file.torch.load.FILE, weights_only=Tr"),
        (lambda t: {n: v for n, v in t.items() if "list1" not in n}, f"{ANOTHER}.*no encoder.head_list and no encoder"),
        (
            lambda t: {
                **{n: v for n, v in t.items() if "list1" not in n},
                "encoder.head_list.weight": torch.ones(7, 200),
            },
            r"7 features of 4 x 4 pixels are none of the rates 1/96",
        ),
        (lambda t: {"net": t}, "expected a state dict, names to tensors, got dict; save that"),
        (lambda t: {"a": Path("x")}, "truncated, or more than a state dict of tensors, and nothing else is read"),
    ],
)
def test_another_layout_is_refused(
    change: Any,
    words: str,
    public_tensors: Callable[[SwinConfig], Tensors],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("semcom.models.swinjscc.public_weights.BASE", PUBLIC)
    path = tmp_path / "public.model"
    torch.save(change(public_tensors(PUBLIC)), path)
    with pytest.raises(WeightsError, match=rf"(?s)public\.model: .*{words}"):
        read_public(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.model: no such file of weights for SwinJSCC; give the path of a"):
        read_public(tmp_path / "none.model")
