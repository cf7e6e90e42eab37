import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import convolve
from scipy.special import gammaln
from scipy.stats import wasserstein_distance
from semcom.errors import SignalError
from semcom.sim.images import image_files, read_image
from semcom.sim.metrics.sliced_wasserstein import (
    laplacian_pyramid,
    sliced_wasserstein,
    sliced_wasserstein_by_scale,
    wasserstein1,
)

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def photo() -> Picture:
    return read_image(image_files("builtin:astronaut")[0])[:250, :301]


def noisy(x: Picture, deviation: float) -> Picture:
    noise = np.random.default_rng(1).standard_normal(x.shape)
    return np.clip(np.rint(x + deviation * noise), 0, 255).astype(np.uint8)


def test_a_direction_is_scipys_wasserstein_distance() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 300, 5)).astype(np.float32)
    b = b * 2 + 1
    directions = rng.standard_normal((5, 7)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    expected = np.mean([wasserstein_distance(a @ d, b @ d) for d in directions.T])
    assert wasserstein1(a, b, directions) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", [(64, 64), (61, 90)])
def test_the_pyramid_is_burt_and_adelsons(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).uniform(0, 255, (*shape, 3)).astype(np.float32)
    line = np.array([1, 4, 6, 4, 1]) / 16
    kernel = (line[:, None] * line)[:, :, None]
    pyramid = laplacian_pyramid(x)
    small = convolve(x.astype(float), kernel, mode="mirror")[::2, ::2]
    doubled = np.zeros(x.shape)
    doubled[::2, ::2] = small
    np.testing.assert_allclose(pyramid[0], x - convolve(doubled, 4 * kernel, mode="mirror"), atol=1e-3)
    if len(pyramid) == 2:
        np.testing.assert_allclose(pyramid[1], small, atol=1e-3)
    assert [min(level.shape[:2]) >= 16 for level in pyramid] == [True] * len(pyramid)
    assert min(pyramid[-1].shape[:2]) < 32


def test_a_flat_picture_has_no_detail() -> None:
    """The filter of zeros and values sums to one at every place, borders and odd sides included."""
    *detail, rest = laplacian_pyramid(np.full((75, 66, 3), 200, np.float32))
    assert len(detail) == 2
    assert max(float(np.abs(level).max()) for level in detail) < 1e-3
    np.testing.assert_allclose(rest, 200, rtol=1e-5)


@pytest.mark.parametrize("shift", [10, 40])
def test_a_lighter_picture_is_farther_at_the_last_scale_alone(shift: int) -> None:
    """A shift c of all 147 values moves a projection by c sum(theta); E|sum(theta)| over the sphere is known."""
    luma = np.random.default_rng(0).integers(60, 180, (128, 128), np.uint8)
    x = np.repeat(luma[:, :, None], 3, 2)
    scales = sliced_wasserstein_by_scale(x, x + np.uint8(shift))
    assert len(scales) == 4
    np.testing.assert_allclose(scales[:-1], 0, atol=1e-4)
    deviation = laplacian_pyramid(x.astype(np.float32))[-1].std()
    d = 147
    mean = np.sqrt(d) * np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / np.sqrt(np.pi)  # near sqrt(2 / pi)
    spread = np.sqrt(1 - mean**2) / np.sqrt(128)
    assert scales[-1] * deviation / shift == pytest.approx(mean, abs=5 * spread)


def test_equal_pictures_more_noise_and_less_contrast(photo: Picture) -> None:
    assert sliced_wasserstein(photo, photo) == 0
    found = [sliced_wasserstein(photo, noisy(photo, deviation)) for deviation in (2, 10, 40)]
    assert found == sorted(found)
    assert found[0] > 0
    half = (photo // 2 + 64).astype(np.uint8)
    assert all(value > 0.02 for value in sliced_wasserstein_by_scale(photo, half)[1:])


def test_places_do_not_matter_where_patches_are_the_same() -> None:
    """Noise of one law in both: far apart pixel by pixel, but alike as sets of patches."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2, 256, 256, 3), np.uint8)
    flatter = sliced_wasserstein_by_scale(x, x // 2 + 64)[0]
    assert sliced_wasserstein_by_scale(x, y)[0] < 0.1 * flatter
    assert flatter == pytest.approx(0.4, abs=0.05)  # half of E|z| of a normal variable, as projections are


def test_it_is_the_mean_over_scales_and_the_same_each_time(photo: Picture) -> None:
    y = noisy(photo, 10)
    scales = sliced_wasserstein_by_scale(photo, y)
    assert sliced_wasserstein(photo, y) == pytest.approx(np.mean(scales))
    assert sliced_wasserstein_by_scale(photo, y) == scales
    assert len(sliced_wasserstein_by_scale(photo[:16, :16], y[:16, :16])) == 1


def test_wrong_input_is_said() -> None:
    with pytest.raises(SignalError, match=r"sliced_wasserstein: expected at least 16 pixels .* got 15 x 20"):
        sliced_wasserstein(np.zeros((15, 20, 3), np.uint8), np.zeros((15, 20, 3), np.uint8))
    with pytest.raises(SignalError, match=r"wasserstein1: .* got \[4, 3\], \[5, 3\] and \[3, 2\]"):
        wasserstein1(np.zeros((4, 3), np.float32), np.zeros((5, 3), np.float32), np.zeros((3, 2), np.float32))
