"""Pictures, recipes and started runs, for the trainings of all systems."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty small pictures, half of them smooth and half of them busy."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for n in range(20):
        step = 2 if n % 4 in (1, 2) else 12
        walk = np.cumsum(rng.normal(0, step, (48, 64, 3)), axis=n % 2) + rng.uniform(60, 200)
        Image.fromarray(walk.clip(0, 255).astype(np.uint8)).save(folder / f"walk_{n:03d}.png")
    return folder


@pytest.fixture(scope="session")
def recipe() -> Callable[..., Any]:
    """Read a shipped recipe of a system, with changes."""

    def read(training: Any, name: str = "tiny", **changes: object) -> Any:
        path = Path(inspect.getfile(training)).parent / "configs" / f"{name}.yaml"
        return training.recipe.model_validate({**training.recipe.read(path).model_dump(), "threads": 1, **changes})

    return read


@pytest.fixture(scope="session")
def ready(pictures: Path) -> Callable[..., Any]:
    """A started run of a recipe, and its training pictures."""
    import torch
    from semcom.models.training.pictures import read_pictures

    def begin(training: Any, config: Any) -> Any:
        torch.set_num_threads(1)
        run, (shown, _) = training(config, torch.device("cpu")), read_pictures(pictures, config)
        run.start(shown)
        run.start_ema()
        return run, shown

    return begin


@pytest.fixture(scope="session")
def squeezenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random arrays of SqueezeNet v1.0's shapes."""
    rng, arrays = np.random.default_rng(0), {}
    shapes = {"conv1": (96, 3, 7), "conv_final": (1000, 512, 1)}
    sizes = [(96, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128)]
    sizes += [(256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]
    for number, (channels, squeeze, expand) in enumerate(sizes, 2):
        shapes[f"fire{number}.conv1x1_1"] = (squeeze, channels, 1)
        shapes[f"fire{number}.conv1x1_2"] = (expand, squeeze, 1)
        shapes[f"fire{number}.conv3x3_2"] = (expand, squeeze, 3)
    for name, (out, channels, side) in shapes.items():
        scale = (2 / (channels * side * side)) ** 0.5 / (60 if name == "conv1" else 1)
        arrays[f"{name}.weight"] = rng.normal(0, scale, (out, channels, side, side)).astype(np.float32)
        arrays[f"{name}.bias"] = rng.normal(0, 0.1, out).astype(np.float32)
    path = tmp_path_factory.mktemp("squeezenet") / "squeezenet.npz"
    np.savez(path, **arrays)
    return path
