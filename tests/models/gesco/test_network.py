"""The U-Net: its layout is the public one, and its parts compute what the papers say."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers.models.embeddings import get_timestep_embedding
from semcom.models.gesco.network import Gesco, SpadeNorm, _Attention, _embedding
from semcom.models.gesco.sizes import PUBLIC, GescoConfig
from torch.nn import functional as F

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
RESIDUAL = ("in_layers.0", "in_layers.2", "emb_layers.1", "out_layers.0", "out_layers.3")
SPADE = (
    *(f"{end}_norm.{layer}" for end in ("in", "out") for layer in ("mlp_shared.0", "mlp_gamma", "mlp_beta")),
    *("in_layers.1", "emb_layers.1", "out_layers.2"),
)
ATTENTION = ("norm", "qkv", "proj_out")
LAYOUT = {  # of the public code's modules, with scale and shift from the level, and blocks that resample
    "time_embed": ("0", "2"),
    "input_blocks.0.0": ("",),
    "input_blocks.1.0": RESIDUAL,
    "input_blocks.2.0": RESIDUAL,  # down
    "input_blocks.3.0": (*RESIDUAL, "skip_connection"),
    "input_blocks.3.1": ATTENTION,
    "middle_block.0": SPADE,
    "middle_block.1": ATTENTION,
    "middle_block.2": SPADE,
    "output_blocks.0.0": (*SPADE, "skip_connection"),
    "output_blocks.0.1": ATTENTION,
    "output_blocks.1.0": (*SPADE, "skip_connection"),
    "output_blocks.1.1": ATTENTION,
    "output_blocks.1.2": SPADE,  # up
    "output_blocks.2.0": (*SPADE, "skip_connection"),
    "output_blocks.3.0": (*SPADE, "skip_connection"),
    "out": ("0", "2"),
}


def trained(config: GescoConfig = TINY) -> Gesco:
    """As if it had learnt: nothing is zero."""
    torch.manual_seed(1)
    network = Gesco(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network.eval().requires_grad_(requires_grad=False)


def test_tensors_have_the_names_of_the_public_code() -> None:
    modules = [f"{module}.{part}".rstrip(".") for module, parts in LAYOUT.items() for part in parts]
    expected = {f"{module}.{kind}" for module in modules for kind in ("weight", "bias")}
    assert set(Gesco(TINY).state_dict()) == expected


@pytest.mark.parametrize(
    ("variant", "maps", "blocks"),
    [
        ("cityscapes", 36, 18),
        ("coco", 184, 18),
        ("ade20k", 151, 18),
    ],
)
def test_the_public_sizes(variant: str, maps: int, blocks: int) -> None:
    """256 channels times 1, 1, 2, 2, 4, 4; two blocks a level and one that halves; attention at 32, 16 and 8 of 256."""
    config = PUBLIC[variant]  # type: ignore[index]
    with torch.device("meta"):
        network = Gesco(config)
    tensors = network.state_dict()
    assert len(network.input_blocks) == len(network.output_blocks) == blocks
    assert tensors["middle_block.0.in_norm.mlp_shared.0.weight"].shape == (128, maps, 3, 3)
    assert tensors["input_blocks.0.0.weight"].shape == (256, 3, 3, 3)
    assert tensors["middle_block.0.in_layers.1.weight"].shape == (1024, 1024, 3, 3)
    assert tensors["out.2.weight"].shape == (6, 256, 3, 3)
    attends = [number for number in range(blocks) if f"input_blocks.{number}.1.qkv.weight" in tensors]
    assert [(number - 1) // 3 for number in attends] == [3, 3, 4, 4, 5, 5]  # strides of 8, 16, 32
    assert config.stride == 32


def test_a_new_network_says_nothing() -> None:
    found = Gesco(TINY)(torch.randn(1, 3, 8, 8), torch.tensor([5]), torch.rand(1, 4, 8, 8))
    assert found.shape == (1, 6, 8, 8)
    assert not found.any()


def test_levels_are_embedded_as_elsewhere() -> None:
    levels = torch.tensor([0, 1, 500, 999])
    expected = get_timestep_embedding(levels, 32, flip_sin_to_cos=True, downscale_freq_shift=0)
    torch.testing.assert_close(_embedding(levels, 32), expected)


def test_a_spade_norm_is_a_norm_with_scale_and_shift_of_its_own_everywhere() -> None:
    norm = SpadeNorm(TINY, 8, stride=2)
    maps, x = torch.rand(1, 4, 8, 8), torch.randn(1, 8, 4, 4)
    grouped = x.reshape(1, 4, -1)
    unit = (grouped - grouped.mean(2, keepdim=True)) / (grouped.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
    inner = F.relu(F.conv2d(F.interpolate(maps, (4, 4)), *norm.mlp_shared[0].parameters(), padding=1))
    gamma, beta = (F.conv2d(inner, *layer.parameters(), padding=1) for layer in (norm.mlp_gamma, norm.mlp_beta))
    expected = unit.reshape(x.shape) * (1 + gamma) + beta
    torch.testing.assert_close(norm(x, norm.scale_and_shift(maps)), expected, atol=1e-5, rtol=1e-4)


def test_attention_takes_query_key_and_value_head_by_head() -> None:
    attention = _Attention(TINY, 8)
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(1, 8, 2, 3)
    flat = x.flatten(2)
    rows, heads = attention.qkv(attention.norm(flat))[0], []
    for head in (rows[:12], rows[12:]):
        query, key, value = head[:4], head[4:8], head[8:]
        heads.append(value @ torch.softmax(query.T @ key / math.sqrt(4), 1).T)
    expected = flat + attention.proj_out(torch.cat(heads)[None])
    torch.testing.assert_close(attention(x), expected.view_as(x), atol=1e-5, rtol=1e-4)


def test_a_network_on_patches_gives_pictures_of_the_same_size() -> None:
    config = TINY.model_copy(update={"patch": 2})
    network = trained(config)
    assert config.stride == 4
    assert network(torch.randn(2, 3, 8, 12), torch.tensor([5, 900]), torch.rand(2, 4, 8, 12)).shape == (2, 6, 8, 12)


def test_what_the_maps_say_counts() -> None:
    network, noisy, level = trained(), torch.randn(1, 3, 8, 8), torch.tensor([300])
    maps = torch.zeros(1, 4, 8, 8)
    maps[:, 0] = 1
    other = maps.roll(1, 1)
    assert (network(noisy, level, maps) - network(noisy, level, other)).abs().max() > 1e-3


def test_entries_are_one_a_level() -> None:
    with pytest.raises(ValueError, match="attention: expected 2 entries, one a level"):
        GescoConfig(classes=3, multipliers=(1, 2), attention=(True,))
