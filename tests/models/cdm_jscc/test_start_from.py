"""Weights that a training started from: what the new ones leave out is found again, and in the right file."""

import shutil
from pathlib import Path

import pytest
import semcom.models.cdm_jscc
import torch
from semcom.errors import WeightsError
from semcom.models.cdm_jscc import shipped
from semcom.models.cdm_jscc.codec import CdmJsccCodec
from semcom.models.cdm_jscc.config import TrainConfig
from semcom.models.cdm_jscc.train import train

CONFIGS = Path(semcom.models.cdm_jscc.__file__).parent / "configs"


def recipe(**changes: object) -> TrainConfig:
    found = TrainConfig.read(CONFIGS / "tiny.yaml").model_dump()
    few = {"steps": 2, "fit_crops": 8, "validation_pictures": 1}
    return TrainConfig.model_validate({**found, **few, **changes})


def upon(start_from: str, **changes: object) -> TrainConfig:
    """Trains the denoiser alone."""
    phases = [{"name": "on", "until": 1, "trains": ["denoiser"], "crop": 32, "batch": 1}]
    return recipe(start_from=start_from, phases=phases, seed=5, **changes)


def frozen(codec: CdmJsccCodec) -> dict[str, torch.Tensor]:
    return {name: value for name, value in codec.network.state_dict().items() if not name.startswith("unet.")}


@pytest.fixture(scope="module")
def first(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return train(recipe(), pictures, tmp_path_factory.mktemp("first")).weights


@pytest.fixture
def weights(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of shipped weights, with those of a run as variant d."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for path in (first, first.with_suffix(".json")):
        shutil.copy(path, folder / f"d{path.suffix}")
    monkeypatch.setattr(shipped, "WEIGHTS", folder)
    return folder


def test_upon_a_file_the_weights_are_whole(first: Path, pictures: Path, tmp_path: Path) -> None:
    """A run calls its weights as the run before did: they cannot be their own base."""
    made = CdmJsccCodec(train(upon(str(first)), pictures, tmp_path).weights)
    assert made.card.base is None
    assert made.tag == CdmJsccCodec(first).tag


def test_upon_shipped_weights_they_name_those_and_leave_out_what_is_theirs(
    weights: Path, pictures: Path, tmp_path: Path
) -> None:
    path = train(upon("d"), pictures, tmp_path / "run").weights
    made, base = CdmJsccCodec(path), CdmJsccCodec(weights / "d.safetensors")
    assert (made.card.base, made.card.base_sha256) == ("d.safetensors", base.card.sha256)
    assert path.stat().st_size < (weights / "d.safetensors").stat().st_size / 2
    for name, value in frozen(base).items():
        torch.testing.assert_close(frozen(made)[name], value, rtol=0, atol=0)

    for file in (path, path.with_suffix(".json")):  # shipped in their turn, as variant p, and trained on
        shutil.copy(file, weights / f"p{file.suffix}")
    further = CdmJsccCodec(train(upon("p"), pictures, tmp_path / "further").weights)
    assert further.card.base is None
    assert further.tag == made.tag == base.tag


def test_another_base_is_refused(weights: Path, pictures: Path, tmp_path: Path) -> None:
    path = train(upon("d"), pictures, tmp_path / "run").weights
    other = train(recipe(seed=9), pictures, tmp_path / "other").weights
    for file in (other, other.with_suffix(".json")):
        shutil.copy(file, weights / f"d{file.suffix}")
    with pytest.raises(WeightsError, match=r"was trained upon weights of SHA-256 .* take both from the same place"):
        CdmJsccCodec(path)
