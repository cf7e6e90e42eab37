r"""Label maps as one map a class, 1 where it is and 0 elsewhere; for numpy arrays and torch tensors alike.

Of :math:`n` maps one is 1 at every pixel, so the mean power of a value is

.. math:: p = \frac{1 + e}{n}

with :math:`e` the share of pixels on edges, where a map of those goes along, else 0. Two values make a complex symbol
of energy :math:`2p`, and noise of standard deviation :math:`\sigma` on each value is

.. math:: E_s / N_0 = \frac{2p}{2\sigma^2} = \frac{1 + e}{n \sigma^2}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arrays import array_module

__all__ = ["GESCO_STD", "classes_in", "decided", "esn0_db_of_std", "one_hot"]

Array = TypeVar("Array")

GESCO_STD: Final[Mapping[int, float]] = MappingProxyType(
    {100: 0.0, 30: 0.05, 25: 0.08, 20: 0.13, 15: 0.22, 10: 0.36, 5: 0.6, 1: 0.9}
)
"""Standard deviation of the noise on one-hot values for what GESCO's code calls an SNR of so many dB."""


def one_hot(labels: NDArray[np.uint8], classes: int, *, edges: bool) -> NDArray[np.float32]:
    """Return float32 ``[maps, H, W]``: one map a class, and the edges as a last one where they are wanted.

    Args:
        labels: uint8 ``[H, W, 2]``: class, and 1 on an edge.
        classes: How many there are.
        edges: Whether their map goes along.
    """
    maps = np.zeros((classes + edges, *labels.shape[:2]), np.float32)
    maps[:classes] = np.arange(classes)[:, None, None] == labels[..., 0]
    if edges:
        maps[-1] = labels[..., 1] > 0
    return maps


def classes_in(labels: NDArray[np.uint8], classes: int) -> tuple[bool, ...]:
    """Whether each class is anywhere in a map, ``labels`` as above."""
    return tuple(bool(there) for there in np.bincount(labels[..., 0].reshape(-1), minlength=classes) > 0)


def esn0_db_of_std(std: Any, maps: int, edge_share: float = 0.0) -> Any:
    """Es/N0 in dB per complex symbol at which one-hot values have noise of a standard deviation.

    Args:
        std: Of the noise of each value, above 0.
        maps: How many are sent, that of the edges included.
        edge_share: Share of pixels on edges, where their map is sent.

    Example:
        >>> round(float(esn0_db_of_std(0.36, 36)), 2)  # "10 dB" of GESCO's table
        -6.69
    """
    module = array_module(std) if hasattr(std, "shape") else np
    return 10 * module.log10((1 + edge_share) / (maps * std**2))


def decided(maps: NDArray[np.float32], sent: Sequence[bool], *, edges: bool) -> NDArray[np.uint8]:
    """Return the label map uint8 ``[H, W, 2]`` of the greatest values: of those classes that were sent.

    Args:
        maps: float32 ``[maps, H, W]``, noisy or denoised.
        sent: Whether each class has a map.
        edges: Whether the last map is that of the edges; a pixel is on one where it is above a half.
    """
    there = np.flatnonzero(sent)
    classes = there[maps[there].argmax(0)].astype(np.uint8)
    on_edge = maps[-1] > 0.5 if edges else np.zeros(classes.shape, bool)
    return np.stack([classes, on_edge.astype(np.uint8)], 2)
