"""Parameters and operations, beside sums by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from semcom.errors import SignalError
from semcom.models.cdm_jscc.config import CdmConfig, DeepJsccBackbone
from semcom.models.cdm_jscc.cost import Cost, cost
from semcom.models.cdm_jscc.network import CdmJscc
from semcom.models.deepjscc.config import AdaptiveConfig
from semcom.models.model_card import ModelCard, Training, card_path
from semcom.models.pixel_diffusion.config import UnetConfig
from semcom.models.training.checkpoint import save_text, save_weights
from semcom.models.weights.file import sha256_of

WIDTH = 8  # of the U-Net's only level


@pytest.fixture(scope="module")
def network() -> CdmJscc:
    torch.manual_seed(0)
    network = AdaptiveConfig(width=8, encoder_blocks=1, decoder_blocks=1, condition_width=8)
    backbone = DeepJsccBackbone(network=network, hyper_width=4, width=8, blocks=1, heads=2)
    unet = UnetConfig(unshuffle=4, widths=(WIDTH,), blocks=1, norm=False, attention=False, side=3, time_width=8)
    return CdmJscc(CdmConfig(backbone=backbone, unet=unet))


@pytest.fixture(scope="module")
def weights(network: CdmJscc, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, network.state_dict())
    training = Training(data="", command="", seed=0, steps=0, minutes=0, machine="", curve="", recipe={})
    card = ModelCard(
        name="tiny",
        cls="semcom.models.cdm_jscc.network.CdmJscc",
        config=network.config.model_dump(),
        file=path.name,
        sha256=sha256_of(path),
        licence="",
        paper="",
        training=training,
        metrics={},
    )
    save_text(card_path(path), card.model_dump_json())
    return path


@pytest.fixture(scope="module")
def found(weights: Path) -> Cost:
    return cost(weights, height=64, width=48)


def test_a_step_of_a_unet_of_one_level_by_hand(found: Cost) -> None:
    cells = (64 // 4) * (48 // 4)
    folded, beside = 3 * 16, 3 * 16 + 1  # the noisy picture; the estimate and its spread
    ends = 2 * cells * 9 * folded * WIDTH + 2 * cells * 9 * WIDTH * folded
    body = 2 * (2 * cells * 9 * WIDTH * WIDTH)
    told = 2 * (3 * 8 + 8 * WIDTH + WIDTH * 2 * WIDTH)  # time, channel and rate, then the scale and shift
    assert found.step_flops == ends + body + told
    assert found.shared_flops == 2 * cells * 9 * beside * WIDTH


def test_each_step_costs_the_same_and_the_estimate_costs_none(found: Cost) -> None:
    assert found.decode_flops(0) == found.estimate_flops
    assert found.decode_flops(1) == found.estimate_flops + found.shared_flops + found.step_flops
    assert found.decode_flops(17) - found.decode_flops(4) == 13 * found.step_flops


def test_parameters_are_those_of_the_network(found: Cost, network: CdmJscc) -> None:
    assert found.parameters == sum(value.numel() for value in network.parameters())
    klt = 2 * 256 * 768  # analysis and synthesis
    assert found.parameters > klt


def test_operations_grow_with_the_padded_picture(weights: Path, found: Cost) -> None:
    assert cost(weights, height=63, width=33) == found
    assert cost(weights, height=128, width=48).step_flops == pytest.approx(2 * found.step_flops, rel=0.01)


def test_no_pixel(weights: Path) -> None:
    with pytest.raises(SignalError, match="expected"):
        cost(weights, height=0, width=16)
