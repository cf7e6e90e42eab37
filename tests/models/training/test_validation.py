import numpy as np
import pytest
import torch
from semcom.models.training.pictures import Pictures
from semcom.models.training.recipe import Recipe, Stretch
from semcom.models.training.validation import Quality, centre_crop, evenly, over_esn0, psnr_db
from skimage.metrics import peak_signal_noise_ratio

RNG = np.random.default_rng(0)


def test_held_out_pictures_are_taken_evenly() -> None:
    pixels = [np.full((1, 1, 3), n, np.uint8) for n in range(9)]
    held = Pictures([], pixels, np.ones(9))
    assert [int(one.max()) for one in evenly(held, 3)] == [0, 4, 8]
    assert len(evenly(held, 99)) == 9


def test_the_middle_is_cropped() -> None:
    whole = RNG.integers(0, 256, (7, 10, 3), dtype=np.uint8)
    crop = centre_crop(whole, 3, 4, torch.device("cpu"))
    np.testing.assert_array_equal((crop[0] * 255).round().numpy(), whole[2:5, 3:7].transpose(2, 0, 1))


def test_psnr_is_that_of_8_bit_pictures() -> None:
    one, other = (RNG.integers(0, 256, (1, 3, 8, 9), dtype=np.uint8) for _ in range(2))
    found = psnr_db(torch.from_numpy(one) / 255, torch.from_numpy(other) / 255)
    assert found == pytest.approx(peak_signal_noise_ratio(other, one, data_range=255), abs=1e-4)
    image = torch.full((1, 3, 4, 4), 0.5)
    assert psnr_db(image, image) == pytest.approx(78.13, abs=0.01)


def test_means_are_taken_by_name() -> None:
    image = torch.full((1, 3, 4, 4), 100 / 255)
    quality = Quality(lambda picture, image: (picture - image).abs().mean((1, 2, 3)))
    for off in (1, 2):
        quality.add("a 10 steps", image + off / 255, image)
    quality.add("b 10 steps", image + 4 / 255, image)
    at = {off: 20 * np.log10(255 / off) for off in (1, 2, 4)}
    first = (at[1] + at[2]) / 2
    assert quality.means() == pytest.approx(
        {
            "a 10 steps: PSNR in dB": first,
            "a 10 steps: perceptual": 1.5 / 255,
            "b 10 steps: PSNR in dB": at[4],
            "b 10 steps: perceptual": 4 / 255,
        },
        rel=1e-4,
    )
    assert quality.mean_of(" 10 steps: PSNR in dB") == pytest.approx((first + at[4]) / 2, rel=1e-5)


def test_psnr_over_esn0_is_that_of_the_noise() -> None:
    """Of white noise of variance N0 on grey pixels, which rounding to 8 bits adds 1/12 of a step to."""
    held = Pictures(["a", "b"], [np.full((70, 90, 3), 128, np.uint8)] * 2, np.ones(2))
    config = Recipe(steps=1, phases=(Stretch(until=1, crop=8, batch=1),), validation_crop=64)
    shapes = set()

    def link(image: torch.Tensor, esn0_db: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        shapes.add(tuple(image.shape))
        return image + 10 ** (-esn0_db / 20) * torch.randn(image.shape, generator=generator)

    found = [over_esn0(held, config, torch.device("cpu"), link, esn0_db=(20, 30), multiple=24) for _ in range(2)]
    expected = {f"{db} dB: PSNR in dB": -10 * np.log10(10 ** (-db / 10) + 1 / 12 / 255**2) for db in (20, 30)}
    assert found[0].figures == pytest.approx(expected, abs=0.2)
    assert found[0].score == pytest.approx(np.mean(list(found[0].figures.values())))
    assert found[0] == found[1]
    assert shapes == {(1, 3, 48, 48)}
