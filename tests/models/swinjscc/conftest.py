"""Networks of random weights, small enough to be computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from semcom.models.swinjscc.network import SwinJscc
from semcom.models.swinjscc.public_weights import public_names
from semcom.models.swinjscc.sizes import SwinConfig

TINY = SwinConfig(
    patch=2,
    widths=(8, 12),
    encoder_depths=(1, 2),
    decoder_depths=(2, 1),
    head_width=4,
    window=4,
    modnet_stages=2,
    modnet_width=6,
    head=16,
    rates=("1/12", "1/6"),
)
PUBLIC = SwinConfig(  # as the public code has it, of both ModNets: the width of the last level is what there is to send
    patch=2,
    widths=(16, 200),
    encoder_depths=(2, 1),
    decoder_depths=(1, 2),
    head_width=8,
    window=2,
    expansion=1,
    modnet_stages=7,
    modnet_width=5,
    channels="chosen",
    bypass="none",
    rates=("1/12", "1/6"),
    esn0_db=(1, 13),
)


@pytest.fixture
def network() -> Callable[[SwinConfig], SwinJscc]:
    """A network whose numbers are all of about the same weight, so that nothing of it goes unseen."""

    def make(config: SwinConfig) -> SwinJscc:
        torch.manual_seed(1)
        made = SwinJscc(config).eval().requires_grad_(requires_grad=False)
        if made.klt is not None:
            made.fit(torch.rand(500, 3, config.stride, config.stride))
        for name, value in made.named_parameters():
            if not name.startswith("klt"):
                value.copy_(torch.randn_like(value) * (0.5 if value.ndim < 2 else value[0].numel() ** -0.5))
        return made

    return make


@pytest.fixture
def public_tensors(network: Callable[[SwinConfig], SwinJscc]) -> Callable[[SwinConfig], dict[str, torch.Tensor]]:
    """A state dict as the public code saves it, with what it computes."""

    def make(config: SwinConfig) -> dict[str, torch.Tensor]:
        ours = network(config).state_dict()
        found = {public: ours[name].clone() for name, public in public_names(config).items()}
        found["encoder.layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(4, 4, dtype=torch.int64)
        found["encoder.layers.0.blocks.1.attn_mask"] = torch.zeros(9, 4, 4)
        return found

    return make


@pytest.fixture
def public_file(public_tensors: Callable[[SwinConfig], dict[str, torch.Tensor]], tmp_path: Path) -> Path:
    """Converted to safetensors."""
    path = tmp_path / "public.safetensors"
    save_file(public_tensors(PUBLIC), path)
    return path
