"""Uniform quantisation of a pair of converters, for numpy arrays and torch tensors alike."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

from ...errors import SignalError
from ..arrays import array_module
from .clipping import clip_rails

Array = TypeVar("Array")

__all__ = ["quantise"]


def quantise(
    x: Array, bits: int, full_scale: Any, *, gradient: Literal["straight_through", "zero"] = "straight_through"
) -> Array:
    r"""Clip and round in-phase and quadrature part each to the middle of one of 2^b cells (mid-rise).

    .. math:: y = \Delta \left( \lfloor x / \Delta \rfloor + \tfrac12 \right), \quad |y| \le A - \Delta / 2, \quad
        \Delta = 2 A / 2^b

    The error of an input that fills the range evenly is :math:`\Delta^2 / 12` a part: 6.02 dB a bit.

    Args:
        x: complex ``[..., n]``.
        bits: b, at least 1.
        full_scale: A > 0, where each part is clipped.
        gradient: What torch sees: of the clipping alone (``straight_through``), or nothing.

    Raises:
        SignalError: fewer than one bit, or more than 24, which float32 does not hold.

    Source: Bennett, "Spectra of quantized signals", Bell Syst. Tech. J. 27(3), 1948.
    """
    if not 1 <= bits <= 24:
        raise SignalError(f"converter: expected 1 to 24 bits, got {bits}")
    clipped = clip_rails(x, full_scale)
    step = 2 * full_scale / 2**bits
    rounded = _cells(clipped.real, step, bits) + 1j * _cells(clipped.imag, step, bits)  # type: ignore[attr-defined]
    if array_module(x).__name__ != "torch" or gradient == "zero":
        return rounded  # type: ignore[no-any-return]
    return clipped + (rounded - clipped).detach()  # type: ignore[no-any-return]


def _cells(part: Any, step: Any, bits: int) -> Any:
    half = 2 ** (bits - 1)
    return ((part / step - 0.5).round().clip(-half, half - 1) + 0.5) * step
