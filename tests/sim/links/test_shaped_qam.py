import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.stats import entropy
from semcom.errors import UsageError
from semcom.sim.links.mcs import MATCHED_SCHEMES
from semcom.sim.links.shaped_qam import SHAPED_SCHEMES, ShapedQam

SHAPED = [scheme for scheme in SHAPED_SCHEMES if isinstance(scheme, ShapedQam)]


@pytest.mark.parametrize("scheme", SHAPED[::17], ids=str)
def test_bits_a_use_are_those_of_amplitudes_and_signs_less_what_the_code_takes(scheme: ShapedQam) -> None:
    bits = 2 * (entropy(scheme.law, base=2) + 1) - scheme.bits_per_symbol * (1 - scheme.code_rate)
    assert bits == pytest.approx(scheme.bits_per_use, abs=1e-9)
    assert sum(scheme.law) == pytest.approx(1)


@pytest.mark.parametrize("scheme", [ShapedQam(6, 1.5), ShapedQam(6, 3.1), ShapedQam(8, 5.0)], ids=str)
def test_no_law_of_as_much_energy_has_more_entropy(scheme: ShapedQam) -> None:
    """Every step away that keeps sum and energy loses."""
    law, energies = np.array(scheme.law), np.arange(1, 2 * len(scheme.law), 2) ** 2.0
    rng = np.random.default_rng(1)
    kept = null_space(np.stack([np.ones(law.size), energies]))
    for _ in range(200):
        step = kept @ rng.standard_normal(kept.shape[1])
        step *= 0.5 * min(law / np.maximum(abs(step), 1e-12))  # no probability falls below 0
        for other in (law + step, law - step):
            assert other @ energies == pytest.approx(law @ energies)
            assert entropy(other, base=2) < entropy(law, base=2)


def test_the_schemes_of_a_link_are_numbered_in_ten_bits_in_steps_of_a_hundredth() -> None:
    """Which number is which is on the air: 1.2 * 1.01 ** 118 = 3.8824, 3.9 * 1.01 ** 41 = 5.8646 and so on."""
    assert SHAPED_SCHEMES[: len(MATCHED_SCHEMES)] == MATCHED_SCHEMES
    assert len(set(SHAPED_SCHEMES)) == len(SHAPED_SCHEMES) <= 1024
    places = [SHAPED_SCHEMES[number] for number in (480, 531, 532, 571, 572, 690, 691, 732, 733, 769)]
    named = "6:2.0156 6:3.3574 8:3.6016 8:5.3359 6:1.2000 6:3.8824 8:3.9000 8:5.8646 10:5.9000 10:8.4415"
    assert " ".join(f"{scheme.bits_per_symbol}:{scheme.bits_per_use:.4f}" for scheme in places) == named
    assert [scheme in SHAPED for scheme in places] == [False] * 4 + [True] * 6
    uses = sorted(scheme.bits_per_use for scheme in SHAPED)
    assert uses[0] < 1.21
    assert uses[-1] > 8.4
    assert max(np.diff(uses) / uses[:-1]) < 0.0101


def test_what_is_no_shaped_constellation() -> None:
    with pytest.raises(UsageError, match="shaped qam: expected 6, 8 or 10 bits per symbol, got 4"):
        ShapedQam(4, 1.5)
    with pytest.raises(UsageError, match=r"expected 0\.734 to 4\.734 bits a use with 6 bits per symbol, got 5"):
        ShapedQam(6, 5)
    assert ShapedQam(8, 5.026).name == str(ShapedQam(8, 5.026)) == "256qam-shaped-5.03"
