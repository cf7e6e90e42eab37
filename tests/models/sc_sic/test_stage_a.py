"""Stage A: the scale around diffusers' autoencoder."""

import pytest
import torch
from semcom.models.sc_sic.config import StageAConfig
from semcom.models.sc_sic.stage_a import STRIDE, StageA


@pytest.fixture(scope="module")
def stage() -> StageA:
    torch.manual_seed(0)
    stage = StageA(StageAConfig(width=16, blocks=1, codebook=16, scale=0.43)).eval()
    with torch.no_grad():
        for value in stage.parameters():
            value.add_(0.1 * torch.randn_like(value))
    return stage


@torch.inference_mode()
def test_encode_divides_and_decode_multiplies(stage: StageA) -> None:
    images = torch.rand(2, 3, 16, 24)
    latents = stage.encode(images)
    assert latents.shape == (2, 4, 16 // STRIDE, 24 // STRIDE)
    torch.testing.assert_close(0.43 * latents, stage.vqgan.encode(images).latents)
    torch.testing.assert_close(stage.decode(latents), stage.vqgan.decode(0.43 * latents).sample)
    # there and back, the two scales cancel: it is the model's own forward, which has none
    torch.testing.assert_close(stage.decode(stage.encode(images)), stage.vqgan(images).sample)


def test_full_size_is_diffusers_default() -> None:
    from diffusers.pipelines.deprecated.wuerstchen.modeling_paella_vq_model import PaellaVQModel

    with torch.device("meta"):
        ours, theirs = StageA(StageAConfig()).vqgan, PaellaVQModel()
    assert {name: value.shape for name, value in ours.state_dict().items()} == {
        name: value.shape for name, value in theirs.state_dict().items()
    }


def test_scale_is_the_loaded_one() -> None:
    assert StageA(StageAConfig(width=16, blocks=1, codebook=16, scale=0.3764)).scale == 0.3764
