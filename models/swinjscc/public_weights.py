"""Weights of the public code, state dicts of SwinJSCC and of WITT, into networks of the sizes that they have.

What the public code saves and this network computes is left out: masks, places of the position bias, and what counts
operations. Its ModNets are told dB and counts as they are, ours a tenth and a hundredth of them: the first weight of
each is larger here by as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from ...errors import WeightsError
from ..config import first_mistake
from ..weights.fit import require_fit
from ..weights.state_dict import read_state_dict
from .names import RATES, Rate, channels_of
from .network import SwinJscc
from .sizes import BASE, SwinConfig

__all__ = ["public_names", "read_public"]

_COMPUTED = re.compile(r"(^|\.)(attn_mask|relative_position_index|total_ops|total_params)$|^distortion_loss\.")
_BLOCK = {
    "before_attention": "norm1",
    "attention.bias": "attn.relative_position_bias_table",
    "attention.enter": "attn.qkv",
    "attention.leave": "attn.proj",
    "before_layers": "norm2",
    "layers.0": "mlp.fc1",
    "layers.2": "mlp.fc2",
}
_RULES = (
    (r"encoder\.embed\.(\w+)", r"encoder.patch_embed.proj.\1"),
    (r"decoder\.leave\.norm\.(\w+)", r"decoder.layers.{last}.upsample.norm.\1"),
    (r"decoder\.leave\.increase\.(\w+)", r"decoder.layers.{last}.upsample.increment.\1"),
    (r"decoder\.spreads\.(\d+)\.norm\.(\w+)", r"decoder.layers.\1.upsample.norm.\2"),
    (r"decoder\.spreads\.(\d+)\.increase\.(\w+)", r"decoder.layers.\1.upsample.increment.\2"),
    (r"(encoder|decoder)\.head\.(\w+)", r"\1.head_list.\2"),
    (r"encoder\.norm\.(\w+)", r"encoder.norm.\1"),
)


def public_names(config: SwinConfig) -> dict[str, str]:
    """Names of the public code by ours, for all that a file of it holds for such a network."""
    with torch.device("meta"):
        names = list(SwinJscc(config).state_dict())
    return {name: _public_name(name, config) for name in names if name != "mean"}


def _public_name(name: str, config: SwinConfig) -> str:
    if match := re.fullmatch(r"(encoder|decoder)\.stacks\.(\d+)\.blocks\.(\d+)\.(.+?)(\.weight|\.bias)?", name):
        end, level, block, part, kind = match.groups()
        inner = _BLOCK[f"{part}{kind}"] if f"{part}{kind}" in _BLOCK else _BLOCK[part] + (kind or "")
        return f"{end}.layers.{level}.blocks.{block}.{inner}"
    if match := re.fullmatch(r"encoder\.merges\.(\d+)\.(norm|reduce)\.(\w+)", name):
        part = {"norm": "norm", "reduce": "reduction"}[match[2]]
        return f"encoder.layers.{int(match[1]) + 1}.downsample.{part}.{match[3]}"
    if match := re.fullmatch(r"(encoder|decoder)\.(snr|rate)_modnet\.(layers|told)\.(\d+)\.(.+)", name):
        end, what, kind, number, rest = match.groups()
        which = "1" if end == "encoder" and what == "snr" and config.rate_modnet else ""
        return (
            f"{end}.sm_list{which}.{number}.{rest}" if kind == "layers" else f"{end}.bm_list{which}.{number}.fc.{rest}"
        )
    last = len(config.widths) - 1
    for pattern, public in _RULES:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, public, name).replace("{last}", str(last))
    raise AssertionError(name)


def read_public(path: Path) -> tuple[SwinConfig, dict[str, Tensor]]:
    """Read a file of the public layout, of whatever sizes: those of its tensors.

    Read are the networks with both ModNets (``SwinJSCC_w/_SAandRA``), which the base size at five rates is published
    as, and those with a Channel ModNet and one rate (WITT, ``SwinJSCC_w/_SA``).

    Args:
        path: A safetensors file; or the ``.model`` file itself, a pickle of which torch's reader of weights makes
            tensors and nothing else.

    Returns:
        The sizes, and float32 tensors by our names.

    Raises:
        WeightsError: it is missing, cannot be read, or is of another layout.
    """
    found = {
        name.removeprefix("module."): value
        for name, value in read_state_dict(path, "SwinJSCC", ".model").items()
        if not _COMPUTED.search(name)
    }
    config = _sizes(path, found)
    names = public_names(config)
    with torch.device("meta"):
        ours = SwinJscc(config).state_dict()
    expected = {public: ours[name] for name, public in names.items()}
    require_fit(path, f"a SwinJSCC network of widths {', '.join(map(str, config.widths))}", expected, found)
    tensors = {name: found[public].float() * _unit(name) for name, public in names.items()}
    return config, {**tensors, "mean": torch.zeros(3)}


def _unit(name: str) -> float:
    """By how much the first layer of what is told a number is larger here."""
    if not re.search(r"_modnet\.told\.\d+\.0\.weight$", name):
        return 1.0
    return 10.0 if "snr_modnet" in name else 100.0


def _sizes(path: Path, found: Mapping[str, Tensor]) -> SwinConfig:
    """The sizes that the shapes of a file have."""
    try:
        return SwinConfig.model_validate(dict(_read_sizes(found)))
    except (KeyError, IndexError, StopIteration, ValueError, ZeroDivisionError) as error:
        said = first_mistake(error) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
        raise WeightsError(
            f"{path}: expected the state dict of SwinJSCC_w/_SAandRA, SwinJSCC_w/_SA or WITT by the names of their "
            f"public code, found another ({said}); put the card of weights of your own beside them, or "
            "save net.state_dict() of the public network alone, or convert its file: "
            "safetensors.torch.save_file(torch.load(FILE, weights_only=True), 'swinjscc.safetensors')"
        ) from None


def _read_sizes(found: Mapping[str, Tensor]) -> Iterator[tuple[str, Any]]:
    patch = found["encoder.patch_embed.proj.weight"].shape[2]
    levels = _count(found, r"encoder\.layers\.(\d+)\.")
    tables = [found[f"encoder.layers.{level}.blocks.0.attn.relative_position_bias_table"] for level in range(levels)]
    widths = [found[f"encoder.layers.{level}.blocks.0.norm1.weight"].shape[0] for level in range(levels)]
    both = any(name.startswith("encoder.bm_list1.") for name in found)
    head = found.get("encoder.head_list.weight")
    stride = patch << (levels - 1)
    yield "patch", patch
    yield "widths", widths
    yield "head_width", widths[0] // tables[0].shape[1]
    yield "window", (round(tables[0].shape[0] ** 0.5) + 1) // 2
    yield "expansion", found["encoder.layers.0.blocks.0.mlp.fc1.weight"].shape[0] // widths[0]
    for end, order in (("encoder", 1), ("decoder", -1)):
        depths = [_count(found, rf"{end}\.layers\.{level}\.blocks\.(\d+)\.") for level in range(levels)]
        yield f"{end}_depths", depths[::order]
    yield "modnet_stages", _count(found, r"encoder\.bm_list\.(\d+)\.")
    yield "modnet_width", found["encoder.sm_list.0.weight"].shape[0]
    yield "rate_modnet", both
    yield "bypass", "none"
    yield "esn0_db", BASE.esn0_db
    if both:
        yield "channels", "chosen"
        yield "rates", BASE.rates
        return
    if head is None:
        raise ValueError("no encoder.head_list and no encoder.bm_list1: of SwinJSCC_w/_RA, whose SNR is fixed")
    yield "head", head.shape[0]
    yield "rates", [_rate_of(head.shape[0], stride)]


def _rate_of(features: int, stride: int) -> Rate:
    for rate in RATES:
        if channels_of(rate, stride) == features:
            return rate
    raise ValueError(f"{features} features of {stride} x {stride} pixels are none of the rates {', '.join(RATES)}")


def _count(found: Mapping[str, Tensor], pattern: str) -> int:
    return 1 + max(int(match[1]) for name in found if (match := re.match(pattern, name)))
