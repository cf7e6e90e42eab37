"""HaarPSI and MDSI against piq 0.8.0.

The figures were recorded with ``piq.haarpsi`` and ``piq.mdsi`` (pip install piq==0.8.0, torch 2.13, float64, data range
255) on pictures that arithmetic alone makes; for HaarPSI piq's YIQ matrix was replaced by the three-digit one of the
index's authors, which moves its figures by less than 1e-3.
"""

import numpy as np
import pytest
from numpy.typing import NDArray
from semcom.errors import SignalError
from semcom.sim.images import image_files, read_image
from semcom.sim.metrics.haarpsi import haarpsi
from semcom.sim.metrics.mdsi import mdsi

Picture = NDArray[np.uint8]

RECORDED = [  # height and width, change, HaarPSI, MDSI
    ((512, 512), "coarse", 0.8183312, 0.3119079),
    ((512, 512), "shifted", 0.5366050, 0.4216622),
    ((512, 512), "swapped", 0.9013347, 0.5397965),
    ((512, 512), "box", 0.8431992, 0.2964808),
    ((512, 512), "darker", 0.7370400, 0.3265712),
    ((256, 320), "coarse", 0.8263416, 0.3372456),
    ((256, 320), "shifted", 0.5791040, 0.4384148),
    ((256, 320), "swapped", 0.9072324, 0.4700910),
    ((256, 320), "box", 0.8598731, 0.3247072),
    ((256, 320), "darker", 0.7417688, 0.3116489),
    ((400, 400), "shifted", 0.5521554, 0.4155194),
    ((400, 400), "box", 0.8435168, 0.2930998),
]


@pytest.fixture(scope="module")
def photo() -> Picture:
    return read_image(image_files("builtin:astronaut")[0])


def changed(x: Picture, how: str) -> Picture:
    wide = x.astype(np.int32)
    four = wide + np.roll(wide, 1, 0) + np.roll(wide, 1, 1) + np.roll(wide, (1, 1), (0, 1))
    return {
        "coarse": x // 32 * 32 + 16,
        "shifted": np.roll(x, (1, 2), (0, 1)),
        "swapped": np.ascontiguousarray(x[:, :, ::-1]),
        "box": (four // 4).astype(np.uint8),
        "darker": x // 2,
    }[how]


@pytest.mark.parametrize(("size", "how", "haar", "deviation"), RECORDED)
def test_they_are_those_of_piq(photo: Picture, size: tuple[int, int], how: str, haar: float, deviation: float) -> None:
    x = photo[: size[0], : size[1]]
    y = changed(x, how)
    assert haarpsi(x, y) == pytest.approx(haar, abs=1e-6)
    assert mdsi(x, y) == pytest.approx(deviation, abs=1e-6)


@pytest.mark.parametrize("size", [(16, 16), (33, 40), (250, 301), (400, 500)])
def test_equal_pictures(photo: Picture, size: tuple[int, int]) -> None:
    x = photo[: size[0], : size[1]]
    assert haarpsi(x, x) == pytest.approx(1, abs=1e-12)
    assert mdsi(x, x) == pytest.approx(0, abs=1e-3)  # the fourth root of what rounding leaves


def test_more_noise_is_worse(photo: Picture) -> None:
    x = photo[:250, :301]
    noise = np.random.default_rng(0).standard_normal(x.shape)
    noisy = [np.clip(np.rint(x + s * noise), 0, 255).astype(np.uint8) for s in (0, 3, 10, 30, 100)]
    near = [haarpsi(x, y) for y in noisy]
    far = [mdsi(x, y) for y in noisy]
    assert near == sorted(near, reverse=True)
    assert far == sorted(far)
    assert 0 < near[-1] < 0.5
    assert far[-1] < 1


def test_they_are_symmetric_where_the_papers_are(photo: Picture) -> None:
    x = photo[:64, :64]
    y = changed(x, "box")
    assert haarpsi(x, y) == haarpsi(y, x)


def test_mdsi_of_two_greys_sees_the_border_alone() -> None:
    """Zeros lie around the picture: inside there is no gradient, and the same chromaticity everywhere."""
    n, dark, light = 50, 100.0, 130.0
    x, y = np.full((n, n, 3), dark, np.uint8), np.full((n, n, 3), light, np.uint8)
    expected = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            rows = (3 if 0 < i < n - 1 else 2) * (j in (0, n - 1))  # what a Prewitt filter of ones and zeros sees
            columns = (3 if 0 < j < n - 1 else 2) * (i in (0, n - 1))
            a, b = (np.hypot(rows, columns) / 3 * v * (0.2989 + 0.587 + 0.114) for v in (dark, light))
            m = (a + b) / 2

            def alike(p: float, q: float, c: float) -> float:
                return (2 * p * q + c) / (p * p + q * q + c)

            expected[i, j] = alike(a, b, 140) + alike(a, m, 55) - alike(b, m, 55)
    chroma = [np.array([dark, light]) * sum(row) for row in ((0.3, 0.04, -0.35), (0.34, -0.6, 0.17))]
    cs = (2 * sum(c[0] * c[1] for c in chroma) + 550) / (sum((c**2).sum() for c in chroma) + 550)
    q = (0.6 * expected + 0.4 * cs) ** 0.25
    assert mdsi(x, y) == pytest.approx(np.abs(q - q.mean()).mean() ** 0.25, abs=1e-9)


def test_black_pictures_are_equal_and_black_and_white_are_not() -> None:
    black, white = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    assert haarpsi(black, black) == 1
    assert 0 <= haarpsi(black, white) < 1
    assert mdsi(black, black) == 0
    assert 0 < mdsi(black, white) < 1


def test_small_and_wrong_pictures_are_said() -> None:
    with pytest.raises(SignalError, match="haarpsi: expected at least 16 pixels in height and width, got 15 x 40"):
        haarpsi(np.zeros((15, 40, 3), np.uint8), np.zeros((15, 40, 3), np.uint8))
    with pytest.raises(SignalError, match="mdsi: expected at least 3 pixels in height and width, got 2 x 40"):
        mdsi(np.zeros((2, 40, 3), np.uint8), np.zeros((2, 40, 3), np.uint8))
