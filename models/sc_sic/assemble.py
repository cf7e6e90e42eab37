"""A network, put together from files of weights: this project's own, or the published ones of Stable Cascade."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ..model_card import card_path
from ..weights.find import find_parts
from ..weights.network import config_of, fill
from .config import Part, ScSicConfig
from .efficientnet import EfficientNetEncoder
from .names import SHIPPED, Size
from .network import PARTS, ScSic, part_of
from .pretrained import load_part
from .published import PUBLICATION
from .sizes import SIZES

__all__ = ["assemble"]


def assemble(variant: str, weights: str | Path | None = None, *, parts: Sequence[Part] = PARTS) -> ScSic:
    """Load what a variant and ``weights`` name.

    Args:
        variant: Shipped weights, or a `Size`.
        weights: A safetensors file with its card; of a `Size` also a folder of published files, or a repository of the
            hub that an earlier download left on this machine; None: the shipped, or the published ones.
        parts: Which are needed.

    Raises:
        UsageError: no such variant is shipped.
        WeightsError: see `ShippedWeights.load`; a published file is missing, or files do not fit.
    """
    if variant in SIZES:
        return _published(variant, weights, [part for part in PARTS if part in parts])
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    card, tensors = SHIPPED.load(path, part_of)
    network = ScSic(config_of(SHIPPED.system, path, card, ScSicConfig))
    fill(path, network, tensors, assign=True)
    return network


def _published(size: Size, source: Path | str | None, wanted: list[Part]) -> ScSic:
    """Load the stages of Stable Cascade from this machine; the network is never touched.

    A file of one's own training has its card beside it; what it leaves out is published, and lies beside it too or in
    the hub's cache.
    """
    config, own = SIZES[size], dict[Part, dict[str, Tensor]]()
    places: list[Path | str | None] = [source]
    if source is not None and Path(source).is_file() and card_path(Path(source)).is_file():
        card, tensors = SHIPPED.load(Path(source), part_of)
        config = config_of(SHIPPED.system, Path(source), card, ScSicConfig)
        own = {part: _under(part, tensors) for part in wanted if _under(part, tensors)}
        places = [Path(source).parent, None]
    rest = [part for part in wanted if part not in own]
    paths = find_parts(PUBLICATION, rest, *places, variant="large" if size == "large" else "lite") if rest else {}
    if "stage_a" in paths:
        config = _with_scale(config, paths["stage_a"])
    with torch.device("meta"):  # no random weights that are thrown away
        network = ScSic(config, wanted)
    for part, path in paths.items():
        load_part(part, path, network.get_submodule(part), extra="channel_context")
    for part, tensors in own.items():
        fill(Path(str(source)), network.get_submodule(part), tensors, assign=True)
    if "encoder" in wanted and isinstance(network.encoder, EfficientNetEncoder):
        network.encoder.set_constants()
    return network


def _with_scale(config: ScSicConfig, path: Path) -> ScSicConfig:
    """The scale of the latents as the file's own configuration has it, where diffusers' lies beside it."""
    try:
        scale = json.loads(path.with_name("config.json").read_text(encoding="utf-8"))["scale_factor"]
        stage_a = config.stage_a.model_validate({**config.stage_a.model_dump(), "scale": scale})
    except (OSError, ValueError, KeyError, TypeError):
        return config
    return config.model_copy(update={"stage_a": stage_a})


def _under(part: Part, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(f"{part}."): value for key, value in tensors.items() if key.startswith(f"{part}.")}
