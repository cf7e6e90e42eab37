import numpy as np
import pytest
from scipy import integrate, stats
from semcom.errors import SignalError
from semcom.sim.constellations.demapper import demap
from semcom.sim.constellations.qam import modulate, pam_levels
from semcom.sim.links.information import bit_information
from semcom.sim.links.shaped_qam import ShapedQam


@pytest.mark.parametrize("esn0_db", [-8.0, 0.0, 7.0])
def test_of_qpsk_it_is_twice_that_of_bpsk(esn0_db: float) -> None:
    """1 - E log2(1 + exp(-L)) with L normal, of mean 4 Es/N0 / 2 and twice that variance, by scipy's integral."""
    mean = 2 * 10 ** (esn0_db / 10)
    law = stats.norm(mean, np.sqrt(2 * mean))
    lost, _ = integrate.quad(
        lambda x: law.pdf(x) * np.logaddexp(0, -x) / np.log(2), *law.interval(1 - 1e-12), limit=200
    )
    assert bit_information(2, None, np.array(esn0_db)) == pytest.approx(2 * (1 - lost), abs=1e-3)


@pytest.mark.parametrize(
    ("bits_per_symbol", "law"),
    [(4, None), (6, None), (10, None), (6, ShapedQam(6, 2.4).law), (8, ShapedQam(8, 5.0).law)],
)
@pytest.mark.parametrize("esn0_db", [3.0, 10.0, 17.0])
def test_it_is_what_the_llrs_of_many_symbols_tell(
    bits_per_symbol: int, law: tuple[float, ...] | None, esn0_db: float
) -> None:
    """Entropy of the symbols less that of their bits where LLRs are known, each LLR of our own demapper."""
    rng, size, k = np.random.default_rng(4), 40_000, bits_per_symbol // 2
    bits = rng.integers(0, 2, (size, bits_per_symbol), dtype=np.uint8)
    if law is not None:  # amplitudes of the law, by their labels
        label = np.argsort(pam_levels(bits_per_symbol)[: 2 ** (k - 1)])[rng.choice(2 ** (k - 1), (size, 2), p=law)]
        for bit in range(1, k):
            bits[:, 2 * bit : 2 * bit + 2] = label >> (k - 1 - bit) & 1
    n0 = 10 ** (-esn0_db / 10)
    noise = rng.normal(0, np.sqrt(n0 / 2), (size, 2)) @ [1, 1j]
    y = (modulate(bits.reshape(-1), bits_per_symbol, law) + noise).astype(np.complex64)
    llrs = demap(y, n0, bits_per_symbol, method="exact", law=law).reshape(bits.shape)
    doubt = np.logaddexp(0, np.where(bits, -llrs, llrs)).sum(1) / np.log(2)
    entropy = 2 * (stats.entropy(law if law else np.full(2 ** (k - 1), 1), base=2) + 1)
    found = bit_information(bits_per_symbol, law, np.array([esn0_db]))[0]
    assert found == pytest.approx(entropy - doubt.mean(), abs=5 * doubt.std() / np.sqrt(size) + 2e-3)


def test_it_rises_to_the_bits_of_the_constellation() -> None:
    esn0_db = np.linspace(-35, 70, 50)
    for bits_per_symbol in (2, 4, 6, 8, 10):
        found = bit_information(bits_per_symbol, None, esn0_db)
        assert (np.diff(found) >= -1e-12).all()
        assert found[0] < 0.01
        assert found[-1] == pytest.approx(bits_per_symbol, abs=1e-6)
        assert (found < np.log2(1 + 10 ** (np.maximum(esn0_db, -30) / 10)) + 3e-3).all()  # below Shannon


def test_a_law_of_another_constellation_is_refused() -> None:
    with pytest.raises(SignalError, match="qam: expected a law of 4 amplitudes, got 2"):
        bit_information(6, (0.5, 0.5), np.array(3.0))
