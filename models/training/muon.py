"""An optimiser for networks of convolutions: Muon for what is a matrix, AdamW for the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from .adamw import AdamW

__all__ = ["Muon", "orthogonal"]

_NEWTON_SCHULZ = (3.4445, -4.775, 2.0315)
"""Coefficients of an odd polynomial that, five times over, brings singular values near 1."""


class Muon(AdamW):
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
        fused: See `AdamW`; matrices of one shape go together then.

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
        fused: bool = False,
    ) -> None:
        super().__init__(groups, lr=lr, weight_decay=weight_decay, fused=fused)
        self._momentum, self._least = momentum, least

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step; a closure is of no use here."""
        matrices = [(group, p) for group in self.param_groups for p in group["params"] if self._is_matrix(p)]
        gradients = [p.grad for _, p in matrices]
        alike: dict[tuple[Any, ...], list[Tensor]] = defaultdict(list)
        for group, parameter in matrices:
            if parameter.grad is not None:
                rows = parameter.shape[0]
                shape = rows, parameter.numel() // rows
                own = 0 if self.fused else len(alike)  # products of many at once round otherwise
                alike[(*shape, group["lr"], group["weight_decay"], own)].append(parameter)
        for (rows, columns, lr, weight_decay, _), parameters in alike.items():
            self._turn(parameters, rows, columns, lr=lr, weight_decay=weight_decay)
        for _, parameter in matrices:
            parameter.grad = None  # AdamW lets it be
        super().step()
        for (_, parameter), gradient in zip(matrices, gradients, strict=True):
            parameter.grad = gradient

    def _is_matrix(self, parameter: Tensor) -> bool:
        return parameter.ndim >= 2 and min(parameter.shape[0], parameter[0].numel()) >= self._least

    def _turn(self, parameters: list[Tensor], rows: int, columns: int, *, lr: float, weight_decay: float) -> None:
        """Step along the momentum of matrices of one shape; nothing moves where a fused step is to be left out."""
        bad: Tensor | None = getattr(self, "found_inf", None)
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                # AdamW looks for it when a state is restored
                state["step"] = torch.zeros((), device=parameter.device if self.fused else "cpu")
                state["momentum_buffer"] = torch.zeros_like(parameter)
        momenta = [self.state[p]["momentum_buffer"] for p in parameters]
        gradients = [p.grad for p in parameters if p.grad is not None]
        mu: Any
        size: Any
        decay: Any
        mu, size, decay = self._momentum, 0.2 * lr * max(rows, columns) ** 0.5, 1 - lr * weight_decay
        steps: Any = 1
        if bad is not None:
            whole = bad == 0
            gradients = [torch.where(whole, one, 0.0) for one in gradients]
            mu, size, decay = (torch.where(whole, one, other) for one, other in ((mu, 1.0), (size, 0.0), (decay, 1.0)))
            steps = whole.float()
        torch._foreach_add_([self.state[p]["step"] for p in parameters], steps)
        torch._foreach_mul_(momenta, mu)
        torch._foreach_add_(momenta, gradients)
        ahead = torch._foreach_add(gradients, torch._foreach_mul(momenta, self._momentum))
        flat = [one.reshape(rows, columns) for one in ahead]
        turned = orthogonal(torch.stack(flat)) if self.fused else orthogonal(flat[0])[None]
        torch._foreach_mul_(parameters, decay)
        torch._foreach_sub_(
            parameters, [one.reshape(p.shape) for one, p in zip(size * turned, parameters, strict=True)]
        )


def orthogonal(matrices: Tensor) -> Tensor:
    """Return about ``U V^T`` of matrices ``U S V^T``: singular values between 0.7 and 1.2 in place of those they have.

    Matrices of float32, ``[rows, columns]`` or ``[n, rows, columns]``; the products are in bfloat16.
    """
    tall = matrices.shape[-2] > matrices.shape[-1]
    found = matrices.mT if tall else matrices
    found = (found / (torch.linalg.matrix_norm(found, keepdim=True) + 1e-12)).bfloat16()
    one, cubed, fifth = _NEWTON_SCHULZ
    for _ in range(5):
        square = found @ found.mT
        if found.ndim == 3:  # three kernels instead of seven
            odd = torch.baddbmm(square, square, square, beta=cubed, alpha=fifth)
            found = torch.baddbmm(found, odd, found, beta=one)
        else:
            found = one * found + (cubed * square + fifth * square @ square) @ found
    turned: Tensor = found.mT if tall else found
    return turned.to(matrices.dtype)
