"""The network behind a coded picture: what it is told, and what it is before it has learnt anything."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from semcom.models.codec_diffusion.coding import coded_images
from semcom.models.codec_diffusion.config import CodedDenoiserConfig, TrainConfig
from semcom.models.codec_diffusion.expected_error import expected_rms_error
from semcom.models.codec_diffusion.network import CodecDiffusion, Coded
from semcom.models.codec_diffusion.training import CodecDiffusionRun
from semcom.models.pixel_diffusion.config import UnetConfig
from semcom.sim.codecs.hevc import Hevc
from semcom.sim.codecs.scaled import decode_scaled, encode_at_budget
from semcom.sim.codecs.vvc import Vvc
from semcom.sim.images import fit_image
from skimage import data

UNET = UnetConfig(
    unshuffle=2, widths=(8, 12), blocks=1, middle=1, norm=False, attention=False, side=3, prior_variance=0.2
)


def photo(height: int = 64, width: int = 96) -> np.ndarray:
    return np.ascontiguousarray(data.coffee()[100 : 100 + height, 200 : 200 + width])


def as_tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def shaken() -> CodecDiffusion:
    """A network of random weights, those included that are zeros at first."""
    torch.manual_seed(1)
    network = CodecDiffusion(CodedDenoiserConfig(unet=UNET))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return network


def test_a_network_that_has_learnt_nothing_leaves_the_picture_as_it_is() -> None:
    network = CodecDiffusion(CodedDenoiserConfig(unet=UNET))
    coded = Coded.of(torch.rand(2, 3, 32, 48), [22.0, 40.0], [8, 4])
    made = network.sample(coded, torch.randn(2, 3, 32, 48), 1)
    assert torch.allclose(made, coded.pictures, atol=1e-4)  # at t = T there is a trace of signal left in the schedule


def test_it_is_told_qp_and_scale() -> None:
    network = shaken()
    picture, start = torch.rand(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    base, coarse, small = (
        network.denoise(Coded.of(picture, [qp], [eighths]), start, torch.ones(1))
        for qp, eighths in ((30.0, 8), (40.0, 8), (30.0, 4))
    )
    assert not torch.allclose(base, coarse, atol=1e-3)
    assert not torch.allclose(base, small, atol=1e-3)


def test_training_codes_as_the_transmitter_does() -> None:
    """At full size the decoded picture is that of the coder by itself."""
    picture = photo()
    codec = Hevc(preset="ultrafast", parameter_sets="agreed")
    alone = codec.decode(codec.encode(picture, 21 * 16), *picture.shape[:2])
    coded = coded_images(as_tensor(picture), [30.0], [8], codec)
    assert torch.equal(coded.pictures, as_tensor(alone))
    assert coded.qp.tolist() == [30.0]
    assert coded.scale_eighths.tolist() == [8.0]


def test_training_halves_as_the_transmitter_does() -> None:
    picture = photo()
    codec = Hevc(preset="ultrafast", parameter_sets="agreed")
    file = encode_at_budget(codec, picture, 300, scales_eighths=[4]).data
    assert file is not None
    sent = decode_scaled(codec, file, *picture.shape[:2], 4)
    settings = range(0, 51 * 16 + 1)
    small = fit_image(picture, (32, 48), "stretch")
    setting = next(one for one in reversed(settings) if codec.encode(small, one) == file)
    coded = coded_images(as_tensor(picture), [51 - setting / 16], [4], codec)
    assert torch.equal(coded.pictures, as_tensor(sent))
    assert coded.scale_eighths.tolist() == [4.0]


@pytest.mark.parametrize("steps", [1, 4])
def test_guidance_scales_what_is_added_whatever_the_steps(steps: int) -> None:
    network = shaken()
    coded = Coded.of(torch.rand(1, 3, 32, 32), [35.0], [8])
    start = torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        half, whole = (network.sample(coded, start, steps, guidance) - coded.pictures for guidance in (0.5, 1.0))
    assert float(whole.abs().max()) > 0.001
    assert torch.allclose(half, whole / 2, atol=1e-6)


def test_beyond_the_qps_of_the_trainings_it_is_told_the_nearest() -> None:
    network = shaken()
    picture, start = torch.rand(1, 3, 16, 16), torch.zeros(1, 3, 16, 16)
    beyond, last, within = (
        network.denoise(Coded.of(picture, [qp], [8]), start, torch.ones(1)) for qp in (51.0, 48.0, 45.0)
    )
    assert torch.equal(beyond, last)
    assert not torch.equal(within, last)


@pytest.mark.parametrize("coder", [Hevc(), Vvc("faster")])
@pytest.mark.parametrize(("qp", "eighths", "times"), [(20, 8, 1.7), (30, 8, 1.7), (40, 8, 1.7), (34, 4, 2.5)])
def test_the_expected_error_is_about_that_of_a_photograph(
    coder: Hevc | Vvc, qp: float, eighths: int, times: float
) -> None:
    picture = as_tensor(photo(192, 256))
    coded = coded_images(picture, [qp], [eighths], coder)
    error = float((coded.pictures - picture).square().mean().sqrt())
    assert 1 / times < error / expected_rms_error(qp, eighths) < times


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"start_noise: expected 0 where .objective. is regression, got 0\.8"):
        CodedDenoiserConfig(unet=UNET, objective="regression")
    tiny = TrainConfig.read(CodecDiffusionRun.system.recipes["tiny"]).model_dump()
    regression = {"unet": UNET, "objective": "regression", "start_noise": 0}
    for change, why in (
        ({"qp": (20, 52)}, "qp: expected a range within 0 to 51"),
        ({"validation_qp": (30, 55)}, r"validation_qp: expected values within 0 to 51, got \(30.0, 55.0\)"),
        ({"coded_crops": 9, "coded_side": 16}, "coded_side: expected no less than the phases' crop of 32, .* got 16"),
        ({"preset": "quick"}, "preset: expected one of ultrafast, .*slower, got quick"),
        ({"preset": "ultrafast", "model": {**tiny["model"], "coder": "vvc"}}, "preset: expected one of faster, fast"),
        ({"model": regression}, "own_share: expected 0 where 'objective' is regression"),
        (
            {"phases": [{**tiny["phases"][0], "perceptual_weight": 0.5}]},
            "perceptual_weight: expected 0 where 'perceptual' is none",
        ),
    ):
        with pytest.raises(ValidationError, match=why):
            TrainConfig.model_validate({**tiny, **change})
