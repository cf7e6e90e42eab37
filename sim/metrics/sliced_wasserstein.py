"""Multi-scale sliced Wasserstein distance: whether patches look alike, wherever they stand."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from .pair import check_pair

__all__ = ["SMALLEST_SIDE", "laplacian_pyramid", "sliced_wasserstein", "sliced_wasserstein_by_scale", "wasserstein1"]

SMALLEST_SIDE = 16
_PATCH, _PATCHES, _DIRECTIONS = 7, 4096, 128
_SEED = 0
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16


def sliced_wasserstein(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> float:
    """Mean over the scales of `sliced_wasserstein_by_scale`, without unit; 0 for equal pictures."""
    return float(np.mean(sliced_wasserstein_by_scale(sent, received)))


def sliced_wasserstein_by_scale(sent: NDArray[np.uint8], received: NDArray[np.uint8]) -> tuple[float, ...]:
    r"""Sliced Wasserstein-1 distance of the 7 x 7 x 3 patches of two pictures, at each scale of a Laplacian pyramid.

    .. math:: \mathrm{SWD}_l = \frac1D \sum_{d=1}^{D} \frac1N \sum_{n=1}^{N}
              \left| \operatorname{sort}(P_l \theta_d)_n - \operatorname{sort}(\hat P_l \theta_d)_n \right|

    P_l holds N = 4096 patches of a scale (all of them where there are fewer) from places that a fixed seed draws, the
    same in both pictures; theta_d are D = 128 directions, uniform on the unit sphere of the 147 dimensions, from the
    same seed. Scales go from the full picture by halves as long as the shorter side has 16 pixels.

    After Karras et al., who compare sets of pictures, but for this: there each set is brought to zero mean and unit
    deviation by itself; here both pictures are divided by the deviations of the sent picture's colour channels at that
    scale (at least 1 of 255), so that a loss of contrast or a shift of colour is seen. Their figures are times 1000.

    Args:
        sent: uint8 ``[H, W, 3]``.
        received: uint8 ``[H, W, 3]``.

    Returns:
        Distances, finest scale first, in standard deviations of the sent picture at that scale.

    Raises:
        SignalError: The pictures are not uint8 ``[H, W, 3]`` of one shape, or a side is shorter than 16.

    Source: Rabin, Peyre, Delon & Bernot, SSVM 2011 (sliced distance); Karras, Aila, Laine & Lehtinen, "Progressive
        growing of GANs", ICLR 2018, section 5 (patches of a Laplacian pyramid).
    """
    check_pair("sliced_wasserstein", sent, received, SMALLEST_SIDE)
    distances = []
    pyramids = (laplacian_pyramid(picture.astype(np.float32)) for picture in (sent, received))
    for scale, (x, y) in enumerate(zip(*pyramids, strict=True)):
        deviation = np.maximum(x.std((0, 1), dtype=np.float64), 1).astype(np.float32)
        places = _places(x.shape[0], x.shape[1], scale)
        distances.append(wasserstein1(_patches(x / deviation, places), _patches(y / deviation, places), _directions()))
    return tuple(distances)


def wasserstein1(a: NDArray[np.float32], b: NDArray[np.float32], directions: NDArray[np.float32]) -> float:
    """Mean over directions of the Wasserstein-1 distance of two projected point sets of one size.

    Args:
        a: real ``[n, k]``, n points.
        b: real ``[n, k]``.
        directions: real ``[k, d]``, unit columns.

    Raises:
        SignalError: the shapes do not fit.
    """
    if a.ndim != 2 or a.shape != b.shape or directions.ndim != 2 or directions.shape[0] != a.shape[1]:
        raise SignalError(
            f"wasserstein1: expected two [n, k] and directions [k, d], "
            f"got {list(a.shape)}, {list(b.shape)} and {list(directions.shape)}"
        )
    ordered = [np.sort((directions.T @ points.T), axis=1) for points in (a, b)]
    return float(np.mean(np.abs(ordered[0] - ordered[1]), dtype=np.float64))


def laplacian_pyramid(picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """A picture's detail at each scale, finest first; the last is what is left, blurred and small.

    Binomial filter of 5 taps, borders mirrored; each scale less the next one, doubled, by zeros and the same filter.

    Args:
        picture: real ``[H, W, C]``, sides at least 16.

    Source: Burt & Adelson, IEEE Trans. Commun. 31(4), 1983.
    """
    scales = []
    while min(picture.shape[:2]) >= 2 * SMALLEST_SIDE:
        small = _blur(picture)[::2, ::2]
        spread = np.zeros_like(picture)
        spread[::2, ::2] = small
        scales.append(picture - 4 * _blur(spread))
        picture = small
    return [*scales, picture]


def _blur(x: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.ndimage import correlate1d

    blurred: NDArray[np.float32] = correlate1d(
        correlate1d(x, _BINOMIAL, axis=0, mode="mirror"), _BINOMIAL, axis=1, mode="mirror"
    )
    return blurred


@lru_cache(maxsize=1)
def _directions() -> NDArray[np.float32]:
    """Unit vectors ``[147, 128]``."""
    drawn = np.random.Generator(np.random.Philox(_SEED)).standard_normal((3 * _PATCH**2, _DIRECTIONS))
    found: NDArray[np.float32] = (drawn / np.linalg.norm(drawn, axis=0)).astype(np.float32)
    return found


def _places(height: int, width: int, scale: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Upper left corners of patches, all different."""
    rows, columns = height - _PATCH + 1, width - _PATCH + 1
    count = rows * columns
    rng = np.random.Generator(np.random.Philox([_SEED, scale + 1]))
    chosen = np.arange(count) if count <= _PATCHES else rng.choice(count, _PATCHES, replace=False)
    return chosen // columns, chosen % columns


def _patches(x: NDArray[np.float32], places: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.float32]:
    """``[n, 147]``."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (_PATCH, _PATCH), (0, 1))
    found: NDArray[np.float32] = windows[places].reshape(places[0].size, -1)
    return found
