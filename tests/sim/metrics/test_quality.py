import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from semcom.errors import SignalError
from semcom.sim.images import image_files, read_image
from semcom.sim.metrics.ms_ssim import ms_ssim
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.metrics.ssim import ssim
from skimage.metrics import peak_signal_noise_ratio
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)


@pytest.fixture(scope="module")
def pair() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    sent = read_image(image_files("builtin:astronaut")[0], size=(250, 301), fit="crop")
    noise = np.random.default_rng(3).normal(0, 25, sent.shape)
    return sent, np.clip(sent + noise, 0, 255).astype(np.uint8)


def tensor(picture: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].double()


def test_psnr_closed_form() -> None:
    grey = np.full((8, 9, 3), 100, np.uint8)
    assert psnr_db(grey, grey + np.uint8(5)) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr_db(np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)) == 0
    assert psnr_db(grey, grey) == math.inf


def test_psnr_against_scikit_image(pair) -> None:
    assert psnr_db(*pair) == pytest.approx(peak_signal_noise_ratio(*pair), abs=1e-9)


def test_equal_pictures_are_equal(pair) -> None:
    assert ssim(pair[0], pair[0]) == pytest.approx(1)
    assert ms_ssim(pair[0], pair[0]) == pytest.approx(1)


def test_ssim_of_two_flat_pictures_is_its_luminance_term() -> None:
    dark, light = np.full((16, 16, 3), 60, np.uint8), np.full((16, 16, 3), 120, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim(dark, light) == pytest.approx((2 * 60 * 120 + c1) / (60**2 + 120**2 + c1), rel=1e-6)


def test_ms_ssim_against_torchmetrics_scale_by_scale(pair) -> None:
    x, y = map(tensor, pair)
    expected = 1.0
    for scale, weight in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
        if scale < 4:
            _, term = structural_similarity_index_measure(x, y, data_range=255.0, return_contrast_sensitivity=True)
            x, y = (torch.nn.functional.avg_pool2d(z, 2) for z in (x, y))
        else:  # only windows inside the picture, as the paper has it
            _, full = structural_similarity_index_measure(x, y, data_range=255.0, return_full_image=True)
            term = full[..., 5:-5, 5:-5].mean()
        expected *= float(term) ** weight
    assert ms_ssim(*pair) == pytest.approx(expected, abs=1e-5)


def test_ms_ssim_is_near_torchmetrics_own_borders(pair) -> None:
    theirs = multiscale_structural_similarity_index_measure(*map(tensor, pair), data_range=255.0)
    assert ms_ssim(*pair) == pytest.approx(float(theirs), abs=3e-3)


def test_ms_ssim_of_a_negative_is_zero(pair) -> None:
    assert ms_ssim(pair[0], 255 - pair[0]) == 0


def test_errors_say_what_was_expected() -> None:
    small, other = np.zeros((10, 175, 3), np.uint8), np.zeros((10, 20, 3), np.uint8)
    with pytest.raises(SignalError, match="ssim: expected at least 11 pixels in height and width, got 10 x 175"):
        ssim(small, small)
    with pytest.raises(SignalError, match="ms_ssim: expected at least 176 pixels in height and width, got 10 x 175"):
        ms_ssim(small, small)
    with pytest.raises(SignalError, match=r"psnr: .* one shape, got sent \[10, 175, 3\] and received \[10, 20, 3\]"):
        psnr_db(small, other)
    with pytest.raises(SignalError, match=r"psnr: expected received uint8 \[H, W, 3\], got float32 \[4, 4\]"):
        psnr_db(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.float32))  # type: ignore[arg-type]


def test_smallest_picture_of_ms_ssim() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (176, 180, 3), np.uint8)
    assert ms_ssim(picture, picture) == pytest.approx(1)
