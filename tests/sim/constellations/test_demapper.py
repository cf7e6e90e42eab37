from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from semcom.errors import SignalError
from semcom.sim.constellations.demapper import LLR_BOUND, demap
from semcom.sim.constellations.qam import decide, half_distance, modulate, points

ORDERS = pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8, 10])


def received(count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.9, (count, 2)).astype(np.float32).view(np.complex64)[:, 0]


def by_definition(y: np.ndarray, n0: Any, bits_per_symbol: int, method: str) -> np.ndarray:
    """Over the whole two-dimensional alphabet, by scipy."""
    metric = (
        -(np.abs(y[:, None].astype(complex) - points(bits_per_symbol)) ** 2) / np.broadcast_to(n0, y.shape)[:, None]
    )
    labels = np.arange(2**bits_per_symbol)
    reduce = logsumexp if method == "exact" else np.max
    llrs = []
    for bit in range(bits_per_symbol - 1, -1, -1):
        one = (labels >> bit & 1).astype(bool)
        llrs.append(reduce(metric[:, one], axis=1) - reduce(metric[:, ~one], axis=1))
    return np.clip(np.stack(llrs, axis=1), -LLR_BOUND, LLR_BOUND).reshape(-1)


@ORDERS
@pytest.mark.parametrize("method", ["exact", "maxlog"])
@pytest.mark.parametrize("n0", [2.0, 0.1, 0.003])
def test_llrs_are_those_of_the_definition(bits_per_symbol: int, method: Any, n0: float) -> None:
    y = received(300)
    ours = demap(y, n0, bits_per_symbol, method=method)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, by_definition(y, n0, bits_per_symbol, method), rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("method", ["exact", "maxlog"])
def test_noise_may_differ_from_symbol_to_symbol(method: Any) -> None:
    y = received(40_000)  # more than one chunk
    n0 = np.random.default_rng(2).uniform(0.05, 3, y.size).astype(np.float32)
    np.testing.assert_allclose(demap(y, n0, 6, method=method), by_definition(y, n0, 6, method), rtol=2e-5, atol=2e-4)


@ORDERS
def test_llrs_are_those_of_sionna(bits_per_symbol: int) -> None:
    from sionna.phy.mapping import Demapper

    y = received(200)
    for method in ("app", "maxlog"):
        theirs = Demapper(method, "qam", bits_per_symbol)(torch.from_numpy(y), torch.tensor(0.2)).numpy()
        ours = demap(y, 0.2, bits_per_symbol, method="exact" if method == "app" else "maxlog")
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["exact", "maxlog"])
@ORDERS
def test_extremes_stay_finite(bits_per_symbol: int, method: Any) -> None:
    y = np.concatenate([received(100), np.array([0, 1e15, -1e15j, 3e38 + 3e38j], np.complex64)])
    for n0 in (0.0, 1e-38, 1e-6):
        llrs = demap(y, n0, bits_per_symbol, method=method)
        assert np.abs(llrs).max() == LLR_BOUND
        assert np.isfinite(llrs).all()
        hard = decide(y, bits_per_symbol)
        np.testing.assert_array_equal((llrs > 0)[llrs != 0], hard[llrs != 0])
    for n0 in (1e30, 1e60, np.inf):  # erased symbols
        np.testing.assert_allclose(demap(y, n0, bits_per_symbol, method=method), 0, atol=1e-9)
    n0s = np.full(y.size, np.inf, np.float32)
    n0s[0] = 0.1
    llrs = demap(y, n0s, bits_per_symbol, method=method).reshape(y.size, -1)
    assert llrs[0].all()
    assert not llrs[1:].any()


@pytest.mark.parametrize("method", ["exact", "maxlog"])
def test_torch_gives_the_same_and_a_gradient(method: Any) -> None:
    y = received(50)
    for n0 in (0.3, np.linspace(0.1, 1, 50, dtype=np.float32)):
        theirs = demap(torch.from_numpy(y), torch.as_tensor(n0), 4, method=method)
        np.testing.assert_allclose(theirs.numpy(), demap(y, n0, 4, method=method), rtol=1e-5, atol=1e-5)
    tensor = torch.tensor(received(6).astype(np.complex128), requires_grad=True)
    n0_tensor = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: demap(a, b, 6, method=method), (tensor, n0_tensor))


def test_an_empty_frame() -> None:
    assert demap(np.empty(0, np.complex64), 0.1, 4).shape == (0,)
    assert demap(np.empty(0, np.complex64), np.empty(0, np.float32), 4, method="exact").shape == (0,)


def test_errors_say_what_was_expected() -> None:
    y = received(3)
    for n0 in (-0.1, np.nan, [0.1, -1, 0.1]):
        with pytest.raises(SignalError, match="expected n0 of at least 0, got a negative one or NaN"):
            demap(y, n0, 4)
    with pytest.raises(SignalError, match=r"expected n0 as one number or \[3\], got shape \[2\]"):
        demap(y, [0.1, 0.2], 4)
    with pytest.raises(SignalError, match=r"expected complex \[n\], got float32 \[3\]"):
        demap(y.real, 0.1, 4)
    with pytest.raises(SignalError, match=r"expected complex \[n\], got complex64 \[1, 3\]"):
        demap(y[None], 0.1, 4)
    with pytest.raises(SignalError, match="expected finite symbols"):
        demap(y * np.nan, 0.1, 4)
    with pytest.raises(SignalError, match="expected bits_per_symbol"):
        demap(y, 0.1, 5)


LAWS = {4: (0.75, 0.25), 6: (0.5, 0.3, 0.15, 0.05), 8: tuple(np.exp2(-np.arange(8.0)) / np.exp2(-np.arange(8.0)).sum())}


def of_law(y: np.ndarray, n0: float, bits_per_symbol: int, law: tuple[float, ...], method: str) -> np.ndarray:
    """Over the whole two-dimensional alphabet with its probabilities, by scipy."""
    where = points(bits_per_symbol) / half_distance(bits_per_symbol)
    index = [np.rint(abs(part)).astype(int) // 2 for part in (where.real, where.imag)]
    likely = np.array(law)[index[0]] * np.array(law)[index[1]]
    where = where / np.sqrt(likely @ abs(where) ** 2 / likely.sum())
    metric = np.log(likely) - abs(y[:, None].astype(complex) - where) ** 2 / n0
    labels, reduce = np.arange(2**bits_per_symbol), logsumexp if method == "exact" else np.max
    ones = [(labels >> bit & 1).astype(bool) for bit in range(bits_per_symbol - 1, -1, -1)]
    llrs = [reduce(metric[:, one], axis=1) - reduce(metric[:, ~one], axis=1) for one in ones]
    return np.clip(np.stack(llrs, 1), -LLR_BOUND, LLR_BOUND).reshape(-1)


@pytest.mark.parametrize("bits_per_symbol", list(LAWS))
@pytest.mark.parametrize("method", ["exact", "maxlog"])
@pytest.mark.parametrize("n0", [2.0, 0.1, 0.003])
def test_points_that_are_likelier_count_for_more(bits_per_symbol: int, method: Any, n0: float) -> None:
    y, law = received(300), LAWS[bits_per_symbol]
    ours = demap(y, n0, bits_per_symbol, method=method, law=law)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, of_law(y, n0, bits_per_symbol, law, method), rtol=5e-5, atol=5e-4)
    torchs = demap(torch.from_numpy(y), n0, bits_per_symbol, method=method, law=law)
    np.testing.assert_allclose(torchs, ours, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("method", ["exact", "maxlog"])
def test_a_law_of_equally_likely_amplitudes_is_none(method: Any) -> None:
    y = received(500)
    plain = demap(y, 0.1, 6, method=method)
    np.testing.assert_allclose(demap(y, 0.1, 6, method=method, law=(0.25,) * 4), plain, rtol=1e-5, atol=1e-4)


def test_of_an_erased_symbol_its_law_is_left() -> None:
    """By the standard's labels a dimension's second bit is 1 for 5 and 7, its third for 1 and 7."""
    found = demap(received(1), np.inf, 6, method="exact", law=LAWS[6])
    second, third = np.log(0.2 / 0.8), np.log((0.5 + 0.05) / (0.3 + 0.15))
    np.testing.assert_allclose(found, [0, 0, second, second, third, third], atol=1e-5)


@pytest.mark.parametrize("n0", [0.0, 1e-30])
@pytest.mark.parametrize("method", ["exact", "maxlog"])
def test_without_noise_a_law_leaves_no_doubt(method: Any, n0: float) -> None:
    bits = np.random.default_rng(5).integers(0, 2, 6000, dtype=np.uint8)
    llrs = demap(modulate(bits, 6, LAWS[6]), n0, 6, method=method, law=LAWS[6])
    np.testing.assert_array_equal(llrs, np.where(bits, LLR_BOUND, -LLR_BOUND))
    far = demap(np.array([3e38 + 3e38j], np.complex64), n0, 6, method=method, law=LAWS[6])
    assert np.isfinite(far).all()


def test_a_law_has_as_many_amplitudes_as_the_constellation() -> None:
    with pytest.raises(SignalError, match="qam: expected a law of 4 amplitudes, got 2"):
        demap(received(3), 0.1, 6, law=(0.5, 0.5))
