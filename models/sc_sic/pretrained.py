"""Loading published weights into the networks, whatever layout they have."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...errors import MissingExtra
from ..weights.file import read_tensors
from ..weights.fit import require_fit, shapes_of
from .config import Part
from .diagnose import diagnose
from .published import PUBLICATION

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["load_part"]

_log = logging.getLogger("semcom")

_CONTEXT = "channel_context_mapper."
_INNER = {"stage_a": "vqgan", "stage_b": "unet"}  # where our modules keep diffusers' networks


def load_part(
    part: Part, path: Path, module: nn.Module, *, extra: Literal["refuse", "channel_context"] = "refuse"
) -> None:
    """Load a file of weights into a network, in the original layout or in that of diffusers, in any precision.

    Args:
        part: What the file should hold.
        path: A safetensors file.
        module: `EfficientNetEncoder`, `StageA` or `StageB`, or diffusers' network inside the latter two. Its tensors
            keep their type and device; those on the device meta are made on the CPU.
        extra: ``refuse`` keys that the network lacks; ``channel_context``: those are let go by which D-SIC tells its
            stage B the channel's gain and SNR.

    Raises:
        WeightsError: the file is missing, truncated, a pickle, or does not fit: then the message says key by key where,
            and what the file seems to be.
        MissingExtra: safetensors or diffusers is not installed.
    """
    read = read_tensors(path, PUBLICATION.parts[part], memory="mapped")
    target: nn.Module = getattr(module, _INNER.get(part, ""), module)
    tensors = _diffusers_layout(part, read)
    if extra == "channel_context" and any(key.startswith(_CONTEXT) for key in tensors):
        _log.warning("%s: D-SIC's stage B; the part that is told the channel's gain and SNR is left out", path)
        tensors = {key: value for key, value in tensors.items() if not key.startswith(_CONTEXT)}
    wanted = target.state_dict()
    seems = diagnose(shapes_of(wanted), shapes_of({**tensors, **read}))
    require_fit(path, PUBLICATION.parts[part], wanted, tensors, seems=seems)
    _fill(target, tensors)


def _fill(target: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Load what fits; counters of normalisations may be missing."""
    import torch

    from .efficientnet import EfficientNetEncoder

    wanted = target.state_dict()
    counters = {key: value for key, value in wanted.items() if key not in tensors}
    if not any(value.is_meta for value in wanted.values()):
        target.load_state_dict({**tensors, **counters})
        return
    # copies: what was read is mapped from the file
    made = {key: value.to(dtype=wanted[key].dtype, copy=True) for key, value in tensors.items()}
    zeros = {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in counters.items()}
    target.load_state_dict({**made, **zeros}, assign=True)
    if isinstance(target, EfficientNetEncoder):
        target.set_constants()


def _diffusers_layout(part: Part, tensors: dict[str, Tensor]) -> Mapping[str, Tensor]:
    """The names that diffusers' networks have, from the names in Stability AI's, D-SIC's and our own files."""
    own = f"{part}.{_INNER[part]}." if part in _INNER else f"{part}."
    if all(key.startswith(own) for key in tensors):
        return {key.removeprefix(own): value for key, value in tensors.items()}
    if part == "stage_a":
        return {key.replace("vquantizer.codebook.", "vquantizer.embedding."): value for key, value in tensors.items()}
    if part == "encoder" or not any(key.endswith("in_proj_weight") or key == "clip_mapper.weight" for key in tensors):
        return tensors
    try:
        from diffusers.loaders.single_file_utils import convert_stable_cascade_unet_single_file_to_diffusers
    except ImportError as error:
        raise MissingExtra("stage B", error.name or "diffusers", "models") from None
    converted: dict[str, Tensor] = convert_stable_cascade_unet_single_file_to_diffusers(tensors)  # type: ignore[no-untyped-call]
    return converted
