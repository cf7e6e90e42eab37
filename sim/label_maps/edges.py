"""Edges between instances: where neighbours in a map of instances differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["edges_between"]


def edges_between(instances: NDArray[Any]) -> NDArray[np.uint8]:
    """Mark both sides of every edge between instances.

    Args:
        instances: whole numbers ``[H, W]``, one for each thing, such as each car; what is no thing has its class's.

    Returns:
        uint8 ``[H, W]``: 1 where a pixel above, below, left or right is of another instance.
    """
    edges = np.zeros(instances.shape, np.uint8)
    across, down = instances[:, 1:] != instances[:, :-1], instances[1:] != instances[:-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges
