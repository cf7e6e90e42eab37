import bz2
import contextlib
import functools
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from semcom.errors import SignalError
from semcom.models.cdm_jscc.engine import load
from semcom.models.patch_rates.rate_map import LEVELS, PATCH, eta_near_cbr, levels_for
from semcom.sim.side_information.field import KnownFields
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.rate_map import PLAIN_BITS, RateMap
from skimage import data


def there_and_back(levels: np.ndarray, height: int, width: int) -> int:
    sent = RateMap.of(levels)
    bits = sent.pack()
    received = RateMap.unpack(bits, KnownFields(ImageShape(height, width)))
    np.testing.assert_array_equal(received.array(), levels)
    assert received.array().dtype == np.uint8
    return bits.size


def smooth(rows: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    walk = rng.normal(0, 0.7, (rows, columns)).cumsum(0) / 3 + rng.normal(0, 0.7, (rows, columns)).cumsum(1) / 3
    return (walk - walk.min()).round().clip(0, 15).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (1, 1), (33, 70), (512, 768), (1, 9000)])
def test_a_map_of_any_size_comes_back_and_costs_at_most_what_it_is_without_a_coder(height: int, width: int) -> None:
    shape = -(-height // PATCH), -(-width // PATCH)
    noise = np.random.default_rng(0).integers(0, len(LEVELS), shape).astype(np.uint8)
    for levels in (noise, smooth(*shape), np.full(shape, 9, np.uint8), np.zeros(shape, np.uint8)):
        assert there_and_back(levels, height, width) <= 1 + PLAIN_BITS * levels.size


def test_like_neighbours_cost_little_and_noise_costs_its_four_bits() -> None:
    """A level that repeats costs next to nothing; independent levels cost the logarithm of their number."""
    shape = (32, 48)
    assert there_and_back(np.zeros(shape, np.uint8), 512, 768) < 0.01 * 1536
    assert there_and_back(np.full(shape, 15, np.uint8), 512, 768) < 0.05 * 1536
    noise = np.random.default_rng(0).integers(0, 16, shape).astype(np.uint8)
    assert there_and_back(noise, 512, 768) == 1 + 4 * 1536
    assert there_and_back(smooth(*shape), 512, 768) < 2.3 * 1536


@settings(max_examples=150, deadline=2000)
@given(st.binary(max_size=200), st.integers(1, 65535), st.integers(1, 65535))
def test_a_corrupt_map_is_a_map_or_an_error_and_soon(raw: bytes, height: int, width: int) -> None:
    """Whatever the bits say of however large a picture: no decision is free, so that they run out."""
    bits = np.unpackbits(np.frombuffer(raw, np.uint8))
    try:
        found = RateMap.unpack(bits, KnownFields(ImageShape(height, width)))
    except SignalError:
        return
    assert found.array().max() <= 15


@given(st.data())
def test_one_wrong_bit_is_a_map_or_an_error(draw: st.DataObject) -> None:
    known, bits = KnownFields(ImageShape(160, 320)), RateMap.of(smooth(10, 20)).pack()
    wrong = bits.copy()
    wrong[draw.draw(st.integers(0, bits.size - 1))] ^= 1
    with contextlib.suppress(SignalError):
        assert RateMap.unpack(wrong, known).array().shape == (10, 20)


def test_a_map_that_is_cut_short_says_so() -> None:
    known, bits = KnownFields(ImageShape(160, 320)), RateMap.of(smooth(10, 20)).pack()
    with pytest.raises(SignalError, match=r"arithmetic code: expected a word of more than \d+ bits; it is cut short"):
        RateMap.unpack(bits[:-3], known)
    plain = RateMap.of(np.random.default_rng(0).integers(0, 16, (10, 20)).astype(np.uint8)).pack()
    with pytest.raises(SignalError, match=r"RateMap.levels: expected 4 bits, got 1; the header is cut short"):
        RateMap.unpack(plain[:-3], known)


@pytest.mark.parametrize("cbr", [1 / 48, 1 / 24, 1 / 12])
def test_the_levels_of_a_photograph_cost_less_than_by_other_coders(cbr: float) -> None:
    """By a shipped network, of a photograph that no table of the coder was made of; and less than their own entropy."""
    levels = levels_for(photographed(), eta_near_cbr(photographed(), cbr * 768 * photographed().size))
    spent, raw = RateMap.of(levels).bits(), levels.tobytes()
    assert spent < 0.85 * 8 * min(len(zlib.compress(raw, 9)), len(bz2.compress(raw)))
    share = np.bincount(levels.ravel()) / levels.size
    assert spent < -np.sum(share[share > 0] * np.log2(share[share > 0])) * levels.size


@functools.cache
def photographed() -> np.ndarray:
    """Entropy of each patch of a photograph, in bits."""
    torch.set_num_threads(1)
    return load().entropy_bits(np.ascontiguousarray(data.astronaut()))
