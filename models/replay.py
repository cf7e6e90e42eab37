"""CUDA graphs: a function is recorded once for each set of shapes and replayed, without the cost of launching."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

__all__ = ["Graphs", "Replay"]

Graphs = Literal["off", "on"]
KEPT = 8  # recordings; each holds its activations
WARM_UP = 3  # calls before recording: compilers, matrix libraries and their workspaces settle


class Replay:
    """A function of tensors to one tensor, recorded where tensors lie on a GPU; elsewhere it is just called.

    The function must do the same whatever the tensors hold: no look at their values, no copy to the host.

    Args:
        function: Called without gradients. An argument may be None.
        graphs: ``off``: just call it.
    """

    def __init__(self, function: Callable[..., Tensor], graphs: Graphs = "on") -> None:
        self._function, self._graphs = function, graphs
        self._recorded: dict[Any, tuple[torch.cuda.CUDAGraph, list[Tensor | None], Tensor]] = {}

    @torch.no_grad()
    def __call__(self, *tensors: Tensor | None) -> Tensor:
        """Call or replay; what is returned is overwritten by the next call with the same shapes."""
        if self._graphs == "off" or not all(tensor is None or tensor.is_cuda for tensor in tensors):
            return self._function(*tensors)
        key = tuple(None if one is None else (one.shape, one.dtype, one.device) for one in tensors)
        # tensors made in inference mode could not be written to outside of it
        with torch.inference_mode(mode=False):
            if key not in self._recorded:
                if len(self._recorded) >= KEPT:
                    del self._recorded[next(iter(self._recorded))]
                self._recorded[key] = self._record(tensors)
            graph, places, out = self._recorded[key]
            for place, tensor in zip(places, tensors, strict=True):
                if place is not None and tensor is not None:
                    place.copy_(tensor)
            graph.replay()
        return out

    def _record(self, tensors: tuple[Tensor | None, ...]) -> tuple[torch.cuda.CUDAGraph, list[Tensor | None], Tensor]:
        places = [None if one is None else torch.empty_like(one).copy_(one) for one in tensors]
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                self._function(*places)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            out = self._function(*places)
        return graph, places, out
