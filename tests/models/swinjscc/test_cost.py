"""What the sizes cost, against the arithmetic of a block."""

from __future__ import annotations

import pytest
from semcom.models.swinjscc.config import TrainConfig
from semcom.models.swinjscc.cost import cost
from semcom.models.swinjscc.sizes import BASE
from semcom.models.swinjscc.system import SYSTEM


def block_kmac(width: int, stride: int, window: int = 8) -> float:
    """Of a pixel: 12 w^2 for the six matrices of a position, 2 w for each position that it looks at."""
    return (12 * width**2 + 2 * window**2 * width) / stride**2 / 1000


def modnet_kmac(width: int, hidden: int, stages: int, stride: int) -> float:
    return (2 * width * hidden + (stages - 1) * hidden**2) / stride**2 / 1000


def test_the_published_base_size() -> None:
    found = cost(BASE)
    blocks = 2 * block_kmac(128, 2) + 2 * block_kmac(192, 4) + 6 * block_kmac(256, 8) + 2 * block_kmac(320, 16)
    merges = 4 * (128 * 192 / 16 + 192 * 256 / 64 + 256 * 320 / 256) / 1000
    gates = modnet_kmac(320, 480, 7, 16)
    assert found.encode_kmac_per_pixel == pytest.approx(12 * 128 / 4000 + blocks + merges + 2 * gates, rel=2e-3)
    spreads = (128 * 12 / 4 + 4 * (320 * 256 / 256 + 256 * 192 / 64 + 192 * 128 / 16)) / 1000
    assert found.decode_kmac_per_pixel == pytest.approx(blocks + spreads + gates, rel=2e-3)


def test_the_small_size_is_what_two_cores_do_in_a_second() -> None:
    config = TrainConfig.read(SYSTEM.recipes["small"])
    found = cost(config.model)
    assert config.variant == "small"
    assert found.parameters < 10e6
    assert 80 < found.encode_kmac_per_pixel + found.decode_kmac_per_pixel < 150


def test_the_recipe_of_the_base_size_is_of_that_size() -> None:
    assert TrainConfig.read(SYSTEM.recipes["base"]).model == BASE
