"""Several processes that train one network, each on its part of the batch; started by ``torchrun``, else alone.

Two processes of one thread each also outrun one process of two threads where other work disturbs them: they meet once a
step and not at every convolution.
"""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["Team"]


class Team:
    """Who trains beside this process."""

    def __init__(self, device: torch.device) -> None:
        self.rank, self.size = 0, int(os.environ.get("WORLD_SIZE", "1"))
        if self.size > 1:
            if not dist.is_initialized():
                dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
            self.rank = dist.get_rank()

    @property
    def leads(self) -> bool:
        """Whether this process validates and writes."""
        return self.rank == 0

    def average(self, tensors: list[Tensor]) -> None:
        """Replace tensors of one dtype by their mean over the processes."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def agreed(self, value: float, device: torch.device) -> float:
        """The leader's value."""
        if self.size == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=device)
        dist.broadcast(shared, 0)
        return float(shared)
