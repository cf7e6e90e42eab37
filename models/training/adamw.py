"""AdamW as a training needs it: few calls for many groups, no waiting for a GPU, and states that change devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["AdamW"]

_HOW = ("foreach", "fused", "capturable")  # settings of a group that say how, and not what, is computed


class AdamW(torch.optim.AdamW):
    """AdamW; a step is the same as torch's.

    Args:
        groups: As torch's AdamW takes them. Those of equal settings go through a step together.
        lr: Learning rate.
        weight_decay: Of the weights.
        fused: One kernel for many parameters, which lets them be on its own where a step is to be left out.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], lr: float, *, weight_decay: float = 0.0, fused: bool = False
    ) -> None:
        self.fused = fused
        how: dict[str, Any] = {"fused": True} if fused else {"foreach": True}
        super().__init__(groups, lr=lr, weight_decay=weight_decay, **how)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step; a closure is of no use here."""
        groups = self.param_groups
        self.param_groups = _together(groups)
        try:
            super().step()
        finally:
            self.param_groups = groups

    def step_unless(self, bad: Tensor) -> None:
        """Take a step, or leave it out where the flag is true, which a fused step looks at on the device.

        Args:
            bad: bool ``[]``.
        """
        if self.fused:
            self.found_inf = bad.float()  # torch's name for it
            self.step()
            del self.found_inf
        elif not bool(bad):
            self.step()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state that may have been saved on another device, with other strides."""
        groups = [
            {**saved, **{name: own[name] for name in _HOW}}
            for saved, own in zip(state_dict["param_groups"], self.param_groups, strict=True)
        ]
        super().load_state_dict({**state_dict, "param_groups": groups})
        for parameter, state in self.state.items():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.shape == parameter.shape:
                    state[name] = torch.empty_like(parameter).copy_(value)


def _together(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One group for all that differ in nothing but their parameters and names."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for group in groups:
        settings = {name: value for name, value in group.items() if name not in ("params", "name")}
        same = found.setdefault(tuple(settings.items()), {**settings, "params": []})
        same["params"] += group["params"]
    return list(found.values())
