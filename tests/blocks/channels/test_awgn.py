import numpy as np
import pytest
from scipy import stats
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.envelope import Identity
from semcom.sim.metrics.esn0 import esn0_from_energies

N = 100_000


def block(**params: object) -> Awgn:
    return Awgn(Awgn.Params(**params), name="channel", seed=7)


@pytest.mark.parametrize("esn0_db", [-5, 0, 10, 25])
@pytest.mark.parametrize("source", ["paired reals", "complex"])
def test_traced_energies_measure_the_label(esn0_db: float, source: str) -> None:
    rng = np.random.default_rng(1)
    x = np.exp(2j * np.pi * rng.random(N)) if source == "complex" else rng.standard_normal(2 * N).view(np.complex128)
    x = (x / np.sqrt(np.mean(np.abs(x) ** 2))).astype(np.complex64)
    out = block(esn0_db=esn0_db).work(x, Identity(3))
    measured = esn0_from_energies(
        out.trace["signal_energy"] * N,
        out.trace["noise_energy"] * N,
        int(out.trace["channel_uses"]),
        confidence=1 - 1e-6,
    )
    assert measured.low_db <= esn0_db <= measured.high_db
    noise = out.value - x  # what really happened, not what the block says
    assert np.mean(np.abs(noise) ** 2) == pytest.approx(out.trace["noise_energy"], rel=1e-4)
    assert stats.kstest(noise.real, stats.norm(scale=np.sqrt(10 ** (-esn0_db / 10) / 2)).cdf).pvalue > 1e-3


def test_state_is_what_a_receiver_knows() -> None:
    out = block(esn0_db=7).work(np.ones(4, np.complex64), Identity())
    assert out.state is not None
    assert out.state.n0 == pytest.approx(10**-0.7)
    assert (out.state.esn0_db, out.state.csi) == (7, "perfect")
    assert out.value.dtype == np.complex64


def test_noise_belongs_to_the_item_and_not_to_the_history() -> None:
    x = np.zeros(100, np.complex64)
    one, other = block(), block()
    one.work(x, Identity(0))
    np.testing.assert_array_equal(one.work(x, Identity(5)).value, other.work(x, Identity(5)).value)
    assert not np.array_equal(other.work(x, Identity(6)).value, other.work(x, Identity(5)).value)
    assert not np.array_equal(other.work(x, Identity(5, 1)).value, other.work(x, Identity(5)).value)
    assert not np.array_equal(
        Awgn(name="b", seed=7).work(x, Identity(5)).value, Awgn(name="a", seed=7).work(x, Identity(5)).value
    )


def test_an_empty_frame() -> None:
    assert block().work(np.zeros(0, np.complex64), Identity()).value.shape == (0,)
