import numpy as np
import pytest
from scipy.signal import lfilter
from semcom.errors import SignalError
from semcom.sim.channels.tapped_delay_line import LEAD, delay_weights, tapped_delay_line

RNG = np.random.default_rng(0)


def noise(*shape):
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


def test_a_filter_that_stands_still_is_convolution():
    x, c = noise(200), noise(9)
    padded = np.concatenate([np.zeros(8), x])
    np.testing.assert_allclose(tapped_delay_line(padded, c[:, None]), lfilter(c, [1], x), atol=1e-12)


def test_a_filter_that_changes_is_the_sum_by_hand():
    x, c = noise(3 + 20), noise(4, 20)
    expected = [sum(c[m, n] * x[3 + n - m] for m in range(4)) for n in range(20)]
    np.testing.assert_allclose(tapped_delay_line(x, c), expected, atol=1e-12)


def test_whole_delays_are_exact():
    weights = delay_weights(np.array([0.0, 3.0]))
    assert weights.shape == (2, LEAD + 3 + LEAD + 1)
    np.testing.assert_allclose(weights, np.eye(weights.shape[1])[[LEAD, LEAD + 3]], atol=1e-15)


@pytest.mark.parametrize(("band", "error_db"), [(0.7, -60), (0.8, -44)])
def test_delays_in_between_have_the_phase_of_the_delay(band, error_db):
    delays = np.linspace(0, 5, 41)
    weights = delay_weights(delays)
    f = np.linspace(-band / 2, band / 2, 101)
    found = weights @ np.exp(-2j * np.pi * np.outer(np.arange(weights.shape[1]) - LEAD, f))
    error = np.abs(found - np.exp(-2j * np.pi * np.outer(delays, f))).max()
    assert 20 * np.log10(error) < error_db


def test_torch_gives_the_same_and_the_gradient():
    torch = pytest.importorskip("torch")
    x, c = noise(2, 12), noise(3, 10)
    tensor = torch.tensor(x, requires_grad=True)
    y = tapped_delay_line(tensor, torch.tensor(c))
    np.testing.assert_allclose(y.detach().numpy(), tapped_delay_line(x, c), atol=1e-12)
    assert torch.autograd.gradcheck(lambda t: tapped_delay_line(t, torch.tensor(c)), (tensor,))


def test_wrong_sizes():
    with pytest.raises(SignalError, match=r"expected coefficients \[M, n\] and M - 1 \+ n samples, got \[4, 5\] and 7"):
        tapped_delay_line(np.zeros(7, complex), np.zeros((4, 5), complex))
    for wrong in (-1.0, 5000.0, np.nan):
        with pytest.raises(SignalError, match="expected delays of 0 to 4096 samples"):
            delay_weights(np.array([0.0, wrong]))
