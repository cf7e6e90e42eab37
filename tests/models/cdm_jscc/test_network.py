from pathlib import Path

import pytest
import semcom.models.cdm_jscc
import torch
from semcom.models.cdm_jscc.backbone import Understood
from semcom.models.cdm_jscc.config import CdmConfig, TrainConfig
from semcom.models.cdm_jscc.forward import pass_through
from semcom.models.cdm_jscc.network import CdmJscc
from semcom.models.effective_esn0 import effective_esn0_db
from semcom.models.patch_rates.allocation import nearest_eta_index
from semcom.models.patch_rates.rate_map import ETAS, LEVELS
from semcom.models.patch_rates.told import Told
from semcom.models.pixel_diffusion.diffusion import ddim

CONFIGS = Path(semcom.models.cdm_jscc.__file__).parent / "configs"
RECIPES = ("tiny", "tiny-ntc", "tiny-ntscc")


def network(name: str, **unet: object) -> CdmJscc:
    """The tiny network, with random numbers wherever it starts at zero."""
    found = TrainConfig.read(CONFIGS / f"{name}.yaml").model.model_dump()
    torch.manual_seed(1)
    model = CdmJscc(CdmConfig.model_validate({**found, "unet": {**found["unet"], **unet}}))
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return model.eval().requires_grad_(requires_grad=False)


def sent(model: CdmJscc, height: int, width: int, esn0_db: float = 5.0) -> tuple[Understood, Told, torch.Tensor]:
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(2))
    eta, level = torch.tensor([0.1, 0.4]), torch.full((2,), esn0_db)
    passed = pass_through(model, images, eta, level, ["none", "block"], torch.Generator().manual_seed(3))
    return passed.understood, passed.told, passed.heard_db


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize(
    ("name", "unet"),
    [
        ("tiny", {}),
        ("tiny", {"widths": (8, 16, 8)}),
        ("tiny-ntc", {}),
        ("tiny-ntc", {"widths": (4, 8, 12, 16)}),
        ("tiny-ntscc", {}),
    ],
)
def test_what_is_kept_between_steps_changes_nothing(name: str, unet: dict[str, object], steps: int) -> None:
    """The sampler beside the same network run whole at every step."""
    model = network(name, **unet)
    understood, told, heard_db = sent(model, 48, 80)
    start = torch.randn(understood.estimate.shape, generator=torch.Generator().manual_seed(4))

    def predict(noisy: torch.Tensor, time: float) -> torch.Tensor:
        return model.denoise(understood, noisy, torch.full((2,), time), told, heard_db, 1.2)

    naive = ddim(predict, model.config.start_noise * start, steps)
    expected = understood.estimate + model.spread_of(understood) * naive
    found = model.sample(understood, start, told, heard_db, steps, 1.2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    again = model.sample(understood, start, told, heard_db, steps, 1.2)
    torch.testing.assert_close(again, found, rtol=0, atol=0)


@pytest.mark.parametrize("name", RECIPES)
def test_predictions_are_clipped_and_guidance_scales_them_before(name: str) -> None:
    model = network(name)
    understood, told, heard_db = sent(model, 32, 32)
    noisy, time = torch.randn(2, 3, 32, 32), torch.full((2,), 0.7)
    once = model.denoise(understood, noisy, time, told, heard_db)
    more = model.denoise(understood, noisy, time, told, heard_db, 1e6)
    clip = model.config.clip
    assert bool((more.abs() <= clip).all())
    assert bool(torch.equal(more.sign(), once.sign()))
    half = model.denoise(understood, noisy, time, told, heard_db, 0.5)
    torch.testing.assert_close(half, 0.5 * once)
    assert not model.denoise(understood, noisy, time, told, heard_db, 0.0).any()


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("esn0_db", [-10.0, 0.0, 40.0])
def test_nothing_breaks_at_the_ends_of_the_scale(name: str, esn0_db: float) -> None:
    model = network(name)
    understood, told, heard_db = sent(model, 16, 64, esn0_db)
    out = model.sample(understood, torch.randn(2, 3, 16, 64), told, heard_db, 3)
    assert bool(torch.isfinite(out).all())
    assert bool((understood.spread > 0).all())
    assert bool(((heard_db >= -15) & (heard_db <= 25)).all())


def test_what_was_heard_is_the_snr_of_what_was_sent() -> None:
    model = network("tiny")
    for esn0_db in (0.0, 10.0):
        _, told, heard_db = sent(model, 32, 48, esn0_db)
        assert float(heard_db[0]) == pytest.approx(esn0_db, abs=1e-3)  # no fading: that of the channel
        assert float(told.esn0_db[0]) == esn0_db
    assert float(effective_esn0_db(torch.tensor([[0.1, 0.1]]))) == pytest.approx(10, abs=1e-3)


def test_frames_of_a_batch_do_not_meet() -> None:
    model = network("tiny")
    understood, told, heard_db = sent(model, 32, 32)
    start = torch.randn(2, 3, 32, 32)
    whole = model.sample(understood, start, told, heard_db, 2)
    alone = Understood(
        understood.estimate[1:], understood.spread[1:], tuple(c if c is None else c[1:] for c in understood.context)
    )
    one = model.sample(alone, start[1:], Told(*(part[1:] for part in told)), heard_db[1:], 2)
    torch.testing.assert_close(one, whole[1:], rtol=1e-4, atol=1e-5)


def test_only_what_the_levels_say_is_sent() -> None:
    for name in RECIPES:
        model = network(name)
        images = torch.rand(1, 3, 32, 48)
        levels = torch.tensor([[[0, 7, 15], [3, 3, 8]]])
        told = Told(levels, torch.tensor([4]), torch.tensor([10.0]))
        features = model.backbone.send(images, model.entropy(images, told.esn0_db)[0], told)
        assert features.shape == (1, 6, 256)
        for patch, level in enumerate(levels.flatten().tolist()):
            assert bool((features[0, patch, : LEVELS[level]] != 0).all())
            assert not features[0, patch, LEVELS[level] :].any()


def test_eta_is_told_as_the_nearest_of_the_table() -> None:
    etas = torch.tensor([ETAS[0] / 3, ETAS[3] * 1.1, ETAS[9] / 1.1, 50.0])
    assert nearest_eta_index(etas).tolist() == [0, 3, 9, 15]
