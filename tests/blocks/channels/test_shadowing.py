from typing import Any

import numpy as np
import pytest
from scipy import stats
from semcom.blocks.channels.shadowing import Shadowing
from semcom.blocks.envelope import Identity, Out

X = np.exp(2j * np.pi * np.random.default_rng(0).random(20_000)).astype(np.complex64)
LAW = stats.norm


def run(x: np.ndarray = X, seq: int = 0, **params: Any) -> Out[Any]:
    return Shadowing(Shadowing.Params(**params), name="channel", seed=7).work(x, Identity(seq))


def levels_db(frames: int, **params: Any) -> np.ndarray:
    block = Shadowing(Shadowing.Params(**params), name="channel", seed=7)
    return np.array([20 * np.log10(abs(block.work(X[:1], Identity(seq)).state.h[0])) for seq in range(frames)])


@pytest.mark.parametrize("sigma_db", [4, 8])
@pytest.mark.parametrize("reference", ["mean", "median"])
def test_the_levels_of_items_are_normal_in_decibels(sigma_db: float, reference: str) -> None:
    found = levels_db(1000, sigma_db=sigma_db, reference=reference)
    centre = -(sigma_db**2) * np.log(10) / 20 if reference == "mean" else 0
    assert stats.kstest(found, stats.norm(centre, sigma_db).cdf).pvalue > 1e-3


def test_items_are_correlated_as_said() -> None:
    found = levels_db(3000, sigma_db=6, correlation=0.8, reference="median") / 6
    for lag in (1, 3):
        products = found[lag:] * found[:-lag]
        assert abs(products.mean() - 0.8**lag) < 5 * np.sqrt(2 * (1 + 0.64) / (1 - 0.64) / 3000)
    assert abs(np.mean(found**2) - 1) < 5 * np.sqrt(2 * (1 + 0.64) / (1 - 0.64) / 3000)


def test_blocks_of_a_frame_are_correlated_as_said() -> None:
    h = run(X, sigma_db=6, correlation=0.9, coherence_symbols=2, reference="median").state.h
    np.testing.assert_array_equal(h[::2], h[1::2])
    level = 20 * np.log10(np.abs(h[::2])) / 6
    spread = np.sqrt(2 * (1 + 0.81) / (1 - 0.81) / level.size)
    assert abs(np.mean(level[1:] * level[:-1]) - 0.9) < 5 * spread


def test_an_item_does_not_depend_on_what_came_before() -> None:
    block = Shadowing(Shadowing.Params(correlation=0.99), name="channel", seed=7)
    for seq in range(4):
        last = block.work(X[:10], Identity(seq))
    np.testing.assert_array_equal(last.value, run(X[:10], 3, correlation=0.99).value)


@pytest.mark.parametrize("esn0_db", [0, 15])
def test_noise_and_equalisers(esn0_db: float) -> None:
    n0 = 10 ** (-esn0_db / 10)
    out = {name: run(esn0_db=esn0_db, equalizer=name, coherence_symbols=1) for name in ("none", "zf", "mmse", "lmmse")}
    y, h = out["none"].value, out["none"].state.h
    error = np.abs(y - h * X) ** 2
    assert abs(error.mean() - n0) < 5 * n0 / X.size**0.5
    for name in ("zf", "mmse"):
        np.testing.assert_allclose(out[name].value, y / h, rtol=1e-3)
        np.testing.assert_allclose(out[name].state.n0, n0 / np.abs(h) ** 2, rtol=1e-3)
    np.testing.assert_allclose(out["lmmse"].state.n0, n0 / (np.abs(h) ** 2 + n0), rtol=1e-3)
    assert {result.value.dtype for result in out.values()} == {np.dtype(np.complex64)}


def test_suzuki_fading_is_rayleigh_under_the_shadow() -> None:
    h = run(sigma_db=0, fading="rayleigh", coherence_symbols=1).state.h
    assert stats.kstest(np.abs(h), stats.rayleigh(scale=0.5**0.5).cdf).pvalue > 1e-3
    energy = np.abs(run(sigma_db=4, fading="rayleigh", coherence_symbols=1).state.h) ** 2
    spread = 2 * np.exp((4 * np.log(10) / 10) ** 2) - 1  # E|h|^4 - 1
    assert abs(energy.mean() - 1) < 5 * np.sqrt(spread / X.size)


def test_empty_and_odd_frames() -> None:
    for coherence in (None, 3):
        assert run(X[:0], coherence_symbols=coherence).value.shape == (0,)
        assert run(X[:7], coherence_symbols=coherence, correlation=0.9999, sigma_db=30).value.shape == (7,)
