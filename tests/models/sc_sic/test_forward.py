import pytest
import torch
from scipy.stats import chi2
from semcom.models.sc_sic.forward import send


@pytest.mark.parametrize("esn0_db", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("power", [0.3, 1.0])
def test_the_snr_is_that_of_a_real_dimension(esn0_db, power):
    """Eqs. 5 and 6 of the paper, for each frame by its own power."""
    generator = torch.Generator().manual_seed(1)
    sent = power**0.5 * torch.randn(2, 16, 24, 24, generator=generator)
    received, variance = send(sent, torch.full((2,), esn0_db), ["none", "none"], generator)
    n0 = 10 ** (-esn0_db / 10)
    torch.testing.assert_close(variance, torch.full_like(variance, n0))
    for one, other in zip(sent.double(), received.double(), strict=True):
        low, high = chi2.interval(1 - 1e-6, one.numel())
        assert low < float((other - one).square().sum() / (n0 * one.square().mean())) < high


def test_without_a_level_it_arrives_as_it_was_and_odd_counts_are_sent_too():
    generator = torch.Generator().manual_seed(2)
    sent = torch.randn(1, 9, 3, 3, generator=generator)
    received, variance = send(sent, None, ["none"], generator)
    assert received is sent
    assert not variance.any()
    received, variance = send(sent, torch.tensor([60.0]), ["none"], generator)
    assert received.shape == variance.shape == sent.shape
    torch.testing.assert_close(received, sent, atol=0.01, rtol=0)


def test_over_fading_each_value_has_the_noise_it_met():
    generator = torch.Generator().manual_seed(3)
    sent = torch.randn(1, 16, 32, 32, generator=generator)
    received, variance = send(sent, torch.tensor([10.0]), ["fast"], generator)
    assert len(variance.unique()) > 1000
    error = ((received - sent).double() / (variance * sent.square().mean()).sqrt()).flatten()
    low, high = chi2.interval(1 - 1e-6, error.numel())
    assert low < float(error.square().sum()) < high
