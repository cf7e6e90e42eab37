"""The systems beside training-free communication, on the same latents: a network of no size runs their flowgraphs."""

from pathlib import Path
from typing import Any

import pytest
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.models.latent_denoiser.training import LatentDenoiserRun
from semcom.models.latent_diffusion.config import TrainConfig
from semcom.models.latent_diffusion.system import SYSTEM
from semcom.models.latent_diffusion.training import LatentDiffusionRun
from semcom.models.lookup import find_system
from semcom.models.training.train import train

CAPTION = "a woman in an orange space suit in front of a flag and a model of a space shuttle"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = TrainConfig.read(SYSTEM.recipes["tiny"])
    return train(LatentDiffusionRun, config, Path("builtin:photos"), tmp_path_factory.mktemp("run")).weights


def ran(name: str, weights: Path, *sets: str) -> dict[str, Any]:
    ends = tuple(f"{end}.weights={weights}" for end in ("encoder", "decoder"))
    graph = load_graph(name, Overrides.parse(vars=(), sets=("photos.size=[64, 96]", *ends, *sets), swaps=()))
    result = run(graph, RunOptions("inline", items=1))
    assert result.status == "ok"
    return result.metrics


def test_the_conditional_denoiser_has_the_latents_bandwidth(weights: Path, tmp_path: Path) -> None:
    changes = {"start_from": str(weights), "steps": 1, "validation_pictures": 1}
    config = LatentDenoiserRun.recipe.read(find_system("latent-denoiser").recipes["tiny"]).model_copy(update=changes)
    own = train(LatentDenoiserRun, config, Path("builtin:photos"), tmp_path / "run").weights
    assert ran("latent-denoiser-mini", own)["cbr"] == pytest.approx(1 / 96, abs=200 / (3 * 64 * 96))


def test_the_yardstick_has_the_latents_bandwidth(weights: Path) -> None:
    cbr = ran("training-free-linear", weights)["cbr"]
    assert cbr > 1 / 96
    assert cbr == pytest.approx(1 / 96, abs=200 / (3 * 64 * 96))  # and the header's


def test_img2img_sc_pays_for_its_caption(weights: Path, tmp_path: Path) -> None:
    plain = ran("training-free-linear", weights)["cbr"]
    metrics = ran("img2img-sc", weights, "channel.esn0_db=40", "texts.out=texts")
    header = 2 * (7 + 16)  # QamFrame and JoinedSymbols, two uses a bit
    assert metrics["cbr"] - plain == pytest.approx((2 * len(CAPTION) + header) / (3 * 64 * 96), abs=1e-9)
    assert (tmp_path / "texts/astronaut-0000.txt").read_text() == CAPTION


def test_a_caption_that_no_code_protects_arrives_with_wrong_letters(weights: Path, tmp_path: Path) -> None:
    ran("img2img-sc", weights, "channel.esn0_db=5", "texts.out=texts")
    text = (tmp_path / "texts/astronaut-0000.txt").read_text(encoding="utf-8")
    assert text != CAPTION


def test_img2img_scs_own_link_takes_sixteen_uses_a_value(weights: Path) -> None:
    metrics = ran("img2img-sc-digital", weights, "channel.esn0_db=30")
    assert metrics["cbr"] == pytest.approx(1 / 3, abs=(200 + 2 * len(CAPTION)) / (3 * 64 * 96))
    assert metrics["cbr"] > 1 / 3
