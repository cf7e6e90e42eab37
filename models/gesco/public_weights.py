"""Weights of the public code, ``.pt`` files of a state dict, into networks of the same sizes.

The names are those of OpenAI's guided-diffusion, with the norms of semantic diffusion models (SDM) in the middle and on
the way up: ``input_blocks.1.0.in_layers.2.weight``, ``output_blocks.0.0.in_norm.mlp_shared.0.weight``. What the public
code makes and never uses, a ``spade_norm`` in each block on the way down, is left out.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ...errors import WeightsError
from ..weights.state_dict import read_state_dict
from .network import Gesco
from .sizes import GescoConfig

__all__ = ["read_public"]

_UNUSED = ".spade_norm."


def read_public(path: Path, config: GescoConfig) -> dict[str, Tensor]:
    """Read a file of the public layout: float32 tensors by name.

    A ``.pt`` file is a pickle; torch's reader of weights makes tensors of it and runs nothing. Safetensors files with
    the same names are read too.

    Args:
        path: The file.
        config: Sizes of the network that it should hold.

    Raises:
        WeightsError: it is missing, cannot be read, or is of another layout or other sizes.
    """
    found = read_state_dict(path, "GESCO", ".pt")
    tensors = {name: value for name, value in found.items() if _UNUSED not in name}
    with torch.device("meta"):
        expected = {name: value.shape for name, value in Gesco(config).state_dict().items()}
    for what, names in (
        ("lacks", expected.keys() - tensors.keys()),
        ("has also", tensors.keys() - expected.keys()),
    ):
        if names:
            raise WeightsError(
                f"{path}: expected the names of GESCO's public code, {len(expected)} tensors; it {what} "
                f"{len(names)}, first {min(names)}; give a file of that layout"
            )
    for name, shape in expected.items():
        if tensors[name].shape != shape:
            raise WeightsError(
                f"{path}: expected {name} of {list(shape)} for {config.classes} classes and width {config.width}, got "
                f"{list(tensors[name].shape)}; give the variant that the file is of"
            )
    return {name: value.float() for name, value in tensors.items()}
