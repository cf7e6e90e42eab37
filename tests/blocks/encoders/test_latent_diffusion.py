"""`encoders/latent_diffusion` with a tiny checkpoint of Stable Diffusion's layout."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from semcom.blocks.encoders.latent_diffusion import LatentDiffusion
from semcom.blocks.envelope import Header
from semcom.errors import SignalError, UsageError
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.latent_mode import LatentMode


def block(**params: Any) -> LatentDiffusion:
    torch.set_num_threads(1)
    made = LatentDiffusion(LatentDiffusion.Params.model_validate(params), name="encoder", seed=7)
    made.start()
    return made


def photo(height: int = 30, width: int = 50) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_latent_and_its_header(tiny_stable_diffusion: Path) -> None:
    given = {"variant": "sd", "weights": str(tiny_stable_diffusion), "inversion_steps": 1}
    out = block(**given, prompt="a cat", prompt_is="sent").work(photo())
    header = Header().with_fields(*out.header)
    assert out.value.shape == (4 * 4 * 7,)  # 30 x 50 pixels are continued to 32 x 56
    assert out.value.dtype == np.float32
    assert np.isfinite(out.value).all()
    assert header.read(ImageShape) == ImageShape(30, 50)
    assert header.read(LatentMode) == LatentMode(1, "a cat")
    assert header.bits == 32 + 24 + 7 + 10 + 8 * 5
    again = block(**given, prompt="a cat").work(photo())
    assert np.array_equal(again.value, out.value)
    assert Header().with_fields(*again.header).read(LatentMode) == LatentMode(1)


def test_bfloat16_is_near(tiny_stable_diffusion: Path) -> None:
    given = {"variant": "sd", "weights": str(tiny_stable_diffusion), "inversion_steps": 1}
    exact, reduced = (block(**given, precision=how).work(photo()).value for how in ("float32", "bfloat16"))
    assert 0 < np.abs(exact - reduced).max() < 0.1


def test_what_is_no_picture_is_refused(tiny_stable_diffusion: Path) -> None:
    one = block(variant="sd", weights=str(tiny_stable_diffusion))
    with pytest.raises(SignalError, match=r"expected a picture, uint8 \[H, W, 3\], got float64 \[4, 4\]"):
        one.work(np.zeros((4, 4)))


def test_a_checkpoint_must_be_named() -> None:
    with pytest.raises(UsageError, match="variant sd: expected weights"):
        block(variant="sd")


@pytest.mark.parametrize(
    "params",
    [
        {"variant": "sdxl"},
        {"prompt": "a" * 1001},
        {"inversion_guidance": -1},
        {"latent": "middle"},
        {"precision": "fp16"},
    ],
)
def test_parameters_that_are_none(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LatentDiffusion.Params.model_validate(params)
