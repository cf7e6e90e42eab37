"""Weights that a training started from: what the new ones leave out is found again, and in the right file."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from semcom.errors import UsageError, WeightsError
from semcom.models.cdm_jscc.codec import Codec, Sending
from semcom.models.cdm_jscc.engine import TorchEngine
from semcom.models.cdm_jscc.names import SHIPPED
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.training.train import train

FEW = {"steps": 2, "fit_crops": 8, "validation_pictures": 1}
ON = {"phases": [{"name": "on", "until": 1, "trains": ["denoiser"], "crop": 32, "batch": 1}], "seed": 5}


@pytest.fixture(scope="module")
def trained(recipe: Callable[..., Any], pictures: Path) -> Callable[..., Path]:
    """Weights of a run in a folder; upon others where `start_from` is said, of which it trains the denoiser alone."""

    def run(out: Path, **changes: object) -> Path:
        upon = ON if "start_from" in changes else {}
        return train(CdmJsccRun, recipe(CdmJsccRun, **FEW, **upon, **changes), pictures, out).weights

    return run


def frozen(engine: TorchEngine) -> dict[str, torch.Tensor]:
    return {name: value for name, value in engine.network.state_dict().items() if not name.startswith("unet.")}


@pytest.fixture(scope="module")
def first(trained: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("first"))


@pytest.fixture
def weights(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of shipped weights, with those of a run as variant d."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for path in (first, first.with_suffix(".json")):
        shutil.copy(path, folder / f"d{path.suffix}")
    monkeypatch.setattr(type(SHIPPED), "folder", folder)
    return folder


def test_upon_a_file_the_weights_are_whole(first: Path, trained: Callable[..., Path], tmp_path: Path) -> None:
    """A run calls its weights as the run before did: they cannot be their own base."""
    made = TorchEngine(trained(tmp_path, start_from=str(first)))
    assert made.card.base is None
    assert made.about("d").tag == TorchEngine(first).about("d").tag


def test_upon_shipped_weights_they_name_those_and_leave_out_what_is_theirs(
    weights: Path, trained: Callable[..., Path], tmp_path: Path
) -> None:
    path = trained(tmp_path / "run", start_from="d")
    made, base = TorchEngine(path), TorchEngine(weights / "d.safetensors")
    assert (made.card.base, made.card.base_sha256) == ("d.safetensors", base.card.sha256)
    assert path.stat().st_size < (weights / "d.safetensors").stat().st_size / 2
    for name, value in frozen(base).items():
        torch.testing.assert_close(frozen(made)[name], value, rtol=0, atol=0)

    for file in (path, path.with_suffix(".json")):  # shipped in their turn, as variant p, and trained on
        shutil.copy(file, weights / f"p{file.suffix}")
    further = TorchEngine(trained(tmp_path / "further", start_from="p"))
    assert further.card.base is None
    assert further.about("d").tag == made.about("d").tag == base.about("d").tag


def test_another_base_is_refused(weights: Path, trained: Callable[..., Path], tmp_path: Path) -> None:
    path = trained(tmp_path / "run", start_from="d")
    other = trained(tmp_path / "other", seed=9)
    for file in (other, other.with_suffix(".json")):
        shutil.copy(file, weights / f"d{file.suffix}")
    with pytest.raises(WeightsError, match=r"was trained upon weights of SHA-256 .* take both from the same place"):
        TorchEngine(path)


def test_a_network_starts_from_a_smaller_one_that_it_grew_from(
    weights: Path, trained: Callable[..., Path], recipe: Callable[..., Any], tmp_path: Path
) -> None:
    base, model = TorchEngine(weights / "d.safetensors"), recipe(CdmJsccRun).model.model_dump()
    fine = {"fine_width": 4, "encoder_fine_blocks": 1, "decoder_fine_blocks": 1}
    model["backbone"]["network"].update(fine)
    grown = TorchEngine(trained(tmp_path / "run", start_from="d", model=model))  # of which the denoiser learnt alone
    assert grown.card.base is None  # the shipped weights would lack the rest
    assert grown.parameters > base.parameters
    assert grown.about("d").tag != base.about("d").tag
    picture = np.random.default_rng(1).integers(0, 256, (48, 32, 3), np.uint8)
    frames = [Codec(one, one.about("d")).encode(picture, Sending(cbr="1/12")) for one in (base, grown)]
    np.testing.assert_allclose(frames[0].features, frames[1].features, rtol=1e-3, atol=1e-3)
    model["backbone"]["network"]["width"] += 4
    with pytest.raises(UsageError, match="start_from: d: is of another network than 'model' says"):
        trained(tmp_path / "other", start_from="d", model=model)
