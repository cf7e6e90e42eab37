from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty small pictures, half of them smooth and half of them busy."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for n in range(20):
        step = 2 if n % 2 else 12
        walk = np.cumsum(rng.normal(0, step, (48, 64, 3)), axis=n // 2 % 2) + rng.uniform(60, 200)
        Image.fromarray(walk.clip(0, 255).astype(np.uint8)).save(folder / f"walk_{n:03d}.png")
    return folder
