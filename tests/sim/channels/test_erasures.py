import numpy as np
import pytest
from scipy import stats
from semcom.errors import SignalError
from semcom.sim.channels.erasures import gilbert_elliott

N = 300_000
U = np.random.default_rng(5).random(N)


def bursts(erased: np.ndarray) -> np.ndarray:
    """Lengths of the runs of erased symbols, those at the ends left out."""
    edges = np.flatnonzero(np.diff(erased.astype(np.int8)))
    starts, ends = edges[~erased[edges]], edges[erased[edges]]
    ends = ends[ends > starts[0]]
    return ends - starts[: ends.size]


def walk(uniforms: np.ndarray, rate: float, burst: float) -> np.ndarray:
    """The chain, symbol by symbol."""
    leave = 1 / burst
    enter = leave * rate / (1 - rate)
    erased, state = [], uniforms[0] < rate
    erased.append(state)
    for u in uniforms[1:]:
        state = u < (1 - leave if state else enter)
        erased.append(state)
    return np.array(erased)


@pytest.mark.parametrize(
    ("rate", "burst"), [(0.01, 10.0), (0.1, 3.0), (0.3, 50.0), (0.5, 1.0), (0.9, 9.5), (0.2, 1.25)]
)
def test_rate_and_burst_lengths(rate: float, burst: float) -> None:
    erased = gilbert_elliott(U, erasure_rate=rate, burst_symbols=burst)
    np.testing.assert_array_equal(erased[:3000], walk(U[:3000], rate, burst))
    memory = 1 - 1 / burst - rate / (1 - rate) / burst  # second eigenvalue of the chain
    spread = np.sqrt(rate * (1 - rate) * (1 + memory) / (1 - memory) / N)
    assert abs(erased.mean() - rate) <= 5 * spread + 1 / N
    lengths = bursts(erased)
    assert abs(lengths.mean() - burst) <= 5 * np.sqrt(burst * (burst - 1) / lengths.size) + 1e-12
    if burst > 1:
        count = np.count_nonzero(lengths == 1)  # geometric: one long with probability 1 / L
        low, high = stats.binom.interval(1 - 1e-6, lengths.size, 1 / burst)
        assert low <= count <= high


def test_bursts_of_one_over_one_minus_the_rate_are_independent() -> None:
    erased = gilbert_elliott(U, erasure_rate=0.2, burst_symbols=1.25)
    np.testing.assert_array_equal(erased, U < 0.2)


def test_the_first_symbol_is_stationary() -> None:
    first = [gilbert_elliott(U[k : k + 1], erasure_rate=0.3, burst_symbols=20)[0] for k in range(2000)]
    low, high = stats.binom.interval(1 - 1e-6, 2000, 0.3)
    assert low <= sum(first) <= high


def test_ends() -> None:
    assert not gilbert_elliott(U, erasure_rate=0, burst_symbols=4).any()
    assert gilbert_elliott(U, erasure_rate=1, burst_symbols=4).all()
    assert gilbert_elliott(U[:0], erasure_rate=0.5, burst_symbols=4).size == 0
    with pytest.raises(SignalError, match="expected bursts of at least 9 symbols"):
        gilbert_elliott(U[:4], erasure_rate=0.9, burst_symbols=2)
    with pytest.raises(SignalError, match="expected a rate from 0 to 1"):
        gilbert_elliott(U[:4], erasure_rate=1.2, burst_symbols=2)
    with pytest.raises(SignalError, match="bursts of at least 1 symbol"):
        gilbert_elliott(U[:4], erasure_rate=0.2, burst_symbols=float("nan"))
