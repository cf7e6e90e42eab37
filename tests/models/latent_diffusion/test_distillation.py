"""One step that learns where its teacher's sampling ends."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from semcom.models.latent_diffusion.codec import Receiving, Sending
from semcom.models.latent_diffusion.ddim import sample
from semcom.models.latent_diffusion.distillation import distance, in_one, taught
from semcom.models.latent_diffusion.engine import load
from semcom.models.latent_diffusion.names import SHIPPED
from semcom.models.latent_diffusion.network import LatentDiffusion
from semcom.models.latent_diffusion.schedule import alpha_bar
from semcom.models.latent_diffusion.training import LatentDiffusionRun
from semcom.models.training.batch import Batch
from semcom.models.training.train import train
from skimage import data


@pytest.fixture(scope="module")
def teacher(recipe: Callable[..., Any], pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("teacher")
    return train(LatentDiffusionRun, recipe(LatentDiffusionRun, validation_pictures=1), pictures, out).weights


@pytest.fixture(scope="module")
def student(recipe: Callable[..., Any], teacher: Path) -> Any:
    """The recipe of a student of no size."""
    config = recipe(LatentDiffusionRun)
    phase = config.phases[1].model_copy(update={"name": "one-step", "teacher_steps": 3, "small_levels_share": 0.9})
    return recipe(LatentDiffusionRun, start_from=str(teacher), phases=(phase,))


class Normal(LatentDiffusion):
    """The exact denoiser of normal latents of unit variance."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def epsilon(self, latents: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        shares = torch.tensor([alpha_bar(float(one)) for one in level])[:, None, None, None]
        return (1 - shares).sqrt() * latents


def test_the_teacher_samples_each_latent_from_its_own_level() -> None:
    latents = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(1))
    levels = torch.tensor([281.0, 60.0])
    ends = taught(Normal(), latents, levels, 4)
    for n, level in enumerate((281.0, 60.0)):
        path = [level * share for share in (1, 0.75, 0.5, 0.25)]
        expected = sample(latents[n : n + 1], lambda z, t: Normal().epsilon(z, torch.tensor([t])), path)
        assert torch.allclose(ends[n : n + 1], expected, atol=1e-5)
    assert torch.equal(in_one(Normal(), latents, levels), taught(Normal(), latents, levels, 1))


def test_the_distance_is_in_units_of_a_linear_estimate() -> None:
    levels = torch.tensor([353.89])  # as much noise as signal: a linear estimate of unit latents errs by a half
    assert float(distance(torch.ones(1, 4, 2, 2), torch.zeros(1, 4, 2, 2), levels)) == pytest.approx(2, rel=0.01)


def test_a_student_begins_as_its_teacher_and_comes_nearer_to_its_end(student: Any, ready: Callable[..., Any]) -> None:
    run, shown = ready(LatentDiffusionRun, student)
    run.prepare(student.phases[0], shown)
    assert run.teacher is not run.model
    for name, value in run.teacher.state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])
    optimizer = torch.optim.Adam(run.model.denoiser.parameters(), 1e-3)
    errors = []
    for _ in range(20):
        batch = Batch(shown, student.phases[0], 0.5, size=4, seed=[1], device=torch.device("cpu"))
        loss = run.losses(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(float(loss.detach()))
    assert errors[-1] < 0.8 * errors[0]
    assert not any(parameter.requires_grad for parameter in run.teacher.parameters())


def test_a_run_of_a_student_ends_with_weights_and_their_curve(student: Any, pictures: Path, tmp_path: Path) -> None:
    result = train(LatentDiffusionRun, student, pictures, tmp_path)
    assert result.steps == 4
    assert np.isfinite(result.best_score)
    assert (tmp_path / "curve-one-step.csv").is_file()


def test_a_student_of_shipped_weights_leaves_their_autoencoder_out_and_takes_their_frames(
    recipe: Callable[..., Any],
    student: Any,
    teacher: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shipped = tmp_path / "weights"
    shipped.mkdir()
    for ending in (".safetensors", ".json"):
        shutil.copy(teacher.with_suffix(ending), shipped / f"mini-96{ending}")
    monkeypatch.setattr(SHIPPED, "home", tmp_path)
    config = student.model_copy(update={"start_from": "mini-96", "steps": 1})
    weights = train(LatentDiffusionRun, config, pictures, tmp_path / "run").weights
    assert all(name.startswith("denoiser.") for name in load_file(weights))
    sender, receiver = load(), load(weights=weights)
    frame = sender.encode(np.full((16, 24, 3), 90, np.uint8), Sending(inversion_steps=0))
    picture = receiver.decode(frame.heard(0.1), Receiving(inversion_steps=0, steps="one"))
    assert picture.shape == (16, 24, 3)
    both = config.model_copy(update={"phases": (recipe(LatentDiffusionRun).phases[0], *config.phases)})
    assert LatentDiffusionRun(config, torch.device("cpu")).base is not None
    assert LatentDiffusionRun(both, torch.device("cpu")).base is None  # its frames are its own


def test_a_teacher_must_be_known(recipe: Callable[..., Any]) -> None:
    config = recipe(LatentDiffusionRun)
    for number in (0, 1):
        phases = list(config.phases)
        phases[number] = phases[number].model_copy(update={"teacher_steps": 3})
        with pytest.raises(ValidationError, match="teacher_steps: expected start_from, and a phase that trains"):
            recipe(LatentDiffusionRun, phases=[phase.model_dump() for phase in phases])


@pytest.mark.parametrize("level", [181.0, 281.0, 401.0])
def test_the_shipped_student_leads_nearer_to_its_teachers_samples_than_the_teachers_own_step(level: float) -> None:
    networks = [load(name, role="decoder").engine.network for name in ("mini-96", "mini-96-one-step")]
    photograph = torch.from_numpy(data.astronaut()[:128, 128:256].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        clean = networks[0].latents(photograph)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
        noisy, levels = alpha_bar(level) ** 0.5 * clean + (1 - alpha_bar(level)) ** 0.5 * noise, torch.tensor([level])
        sampled = taught(networks[0], noisy, levels, 6)
        own, learnt = (float(distance(in_one(one, noisy, levels), sampled, levels)) for one in networks)
    assert learnt < 0.8 * own
