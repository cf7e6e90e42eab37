"""What the host has drawn, brought to a device without waiting for it."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["to_device"]


def to_device(values: Tensor | NDArray[Any], device: torch.device) -> Tensor:
    """Copy values of the host; on a GPU by way of pinned memory, since a copy out of any other waits for the device."""
    tensor = torch.as_tensor(values)
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
