"""An optimiser for networks of convolutions: Muon for what is a matrix, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["Muon", "orthogonal"]

_NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)
"""Coefficients of an odd polynomial that, five times over, brings singular values near 1."""


class Muon(torch.optim.AdamW):
    r"""AdamW whose matrices, and convolutions taken as matrices, go along the orthogonal part of their momentum.

    .. math:: m \leftarrow \mu m + g, \quad W \leftarrow (1 - \eta \lambda)\, W
        - 0.2\, \eta \sqrt{\max(r, c)}\; U V^T, \quad g + \mu m = U S V^T

    The factor brings the update to the root mean square that AdamW's has, so that one learning rate :math:`\eta` serves
    both. Only parameters of at least ``least`` rows and columns are matrices: a first or last layer, a norm or a bias
    is AdamW's.

    Args:
        groups: As AdamW takes them, one parameter in each.
        lr: Learning rate.
        weight_decay: :math:`\lambda`.
        momentum: :math:`\mu`.
        least: Rows and columns of the smallest matrix.

    Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024; the factor: Liu et al., Muon
    is scalable for LLM training, 2025.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        lr: float,
        *,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        least: int = 9,
    ) -> None:
        super().__init__(groups, lr=lr, weight_decay=weight_decay, foreach=True)
        self._momentum, self._least = momentum, least

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step; a closure is of no use here."""
        matrices = [(group, p) for group in self.param_groups for p in group["params"] if self._is_matrix(p)]
        gradients = [p.grad for _, p in matrices]
        for group, parameter in matrices:
            if parameter.grad is not None:
                self._turn(group, parameter)
                parameter.grad = None  # AdamW lets it be
        super().step()
        for (_, parameter), gradient in zip(matrices, gradients, strict=True):
            parameter.grad = gradient

    def _is_matrix(self, parameter: Tensor) -> bool:
        return parameter.ndim >= 2 and min(parameter.shape[0], parameter[0].numel()) >= self._least

    def _turn(self, group: dict[str, Any], parameter: Tensor) -> None:
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())  # AdamW looks for it when a state is restored
            state["momentum_buffer"] = torch.zeros_like(parameter)
        state["step"] += 1
        momentum = state["momentum_buffer"]
        momentum.mul_(self._momentum).add_(parameter.grad)
        matrix = (parameter.grad + self._momentum * momentum).reshape(parameter.shape[0], -1)
        size = 0.2 * group["lr"] * max(matrix.shape) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.sub_(size * orthogonal(matrix).reshape(parameter.shape))


def orthogonal(matrix: Tensor) -> Tensor:
    """Return about ``U V^T`` of a matrix ``U S V^T``: singular values between 0.7 and 1.2 in place of those it has.

    Matrices of float32; the products are in bfloat16.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    found = matrix.T if tall else matrix
    found = (found / (found.norm() + 1e-12)).bfloat16()
    one, cubed, fifth = _NEWTON_SCHULZ
    for _ in range(5):
        square = found @ found.T
        found = one * found + (cubed * square + fifth * square @ square) @ found
    turned: Tensor = found.T if tall else found
    return turned.to(matrix.dtype)
