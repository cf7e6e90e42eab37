"""What the shipped weights do; a picture from scikit-image, which no training has seen."""

import numpy as np
import pytest
import torch
from semcom.models.frame_noise import noise_in_values
from semcom.models.latent_denoiser.codec import Codec, Receiving
from semcom.models.latent_denoiser.engine import load
from semcom.models.latent_denoiser.names import SHIPPED
from semcom.models.latent_diffusion.receive import Plan, restore
from semcom.models.pixels import to_pixels
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.image_shape import ImageShape
from skimage.data import astronaut

IMAGE = np.ascontiguousarray(astronaut()[:192, 130:322])


@pytest.fixture(scope="module")
def codec() -> Codec:
    torch.set_num_threads(1)
    return load()


def over(codec: Codec, esn0_db: float, steps: int) -> tuple[float, float]:
    """PSNR of a picture over noise, and that of the linear estimate of the same latents."""
    frame, n0 = codec.encode(IMAGE, codec.sending()), 10 ** (-esn0_db / 10)
    power = float(np.square(frame.features, dtype=float).mean())
    drawn = np.random.default_rng(1)
    heard = frame.features + np.sqrt(n0 * power) * drawn.standard_normal(frame.features.size)
    heard = heard.astype(np.float32)
    found = codec.decode(frame.heard(n0, heard, drawn), Receiving(steps=steps))
    noise = noise_in_values(heard, np.full_like(heard, n0))
    grid = codec.about.channels, *(side // codec.about.stride for side in IMAGE.shape[:2])
    plain = restore(heard.reshape(grid), noise.reshape(grid), lambda z, t: z, Plan(0, 0, "linear", rescale=True), drawn)
    linear = to_pixels(codec.engine.run("picture", latents=plain), ImageShape(*IMAGE.shape[:2]))
    return psnr_db(IMAGE, found), psnr_db(IMAGE, linear)


def test_all_of_it_is_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.folder.glob("*.safetensors")) <= 16e6


@pytest.mark.parametrize(("esn0_db", "gain_db"), [(0, 0.5), (5, 0.3), (10, 0.1)])
def test_its_mean_is_nearer_than_a_linear_estimate(codec: Codec, esn0_db: float, gain_db: float) -> None:
    ours, linear = over(codec, esn0_db, 1)
    assert ours > linear + gain_db


def test_more_steps_cost_squared_error(codec: Codec) -> None:
    """They draw from what the latents could have been; their mean errs least."""
    assert over(codec, 0, 10)[0] < over(codec, 0, 1)[0]


def test_quality_rises_with_the_snr(codec: Codec) -> None:
    found = [over(codec, esn0_db, 1)[0] for esn0_db in (-3, 2, 7, 12, 17)]
    assert found == sorted(found)
