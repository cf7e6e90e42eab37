import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest
from semcom.models.effective_esn0 import effective_esn0_db
from semcom.models.training.frames import Fading, cross, cross_at_once, draw_fading, over_channel, unit_power


def test_every_frame_has_unit_mean_energy_per_complex_symbol() -> None:
    features = torch.randn(3, 64, generator=torch.Generator().manual_seed(1)) * torch.tensor([[0.01], [1.0], [300.0]])
    symbols, scale = unit_power(features)
    np.testing.assert_allclose(symbols.abs().square().mean(1).numpy(), 1, rtol=1e-5)
    x = features.numpy()
    np.testing.assert_allclose((symbols * scale).numpy(), x[:, 0::2] + 1j * x[:, 1::2], rtol=1e-5)


@pytest.mark.parametrize("esn0_db", [-5.0, 0.0, 10.0, 25.0])
def test_the_noise_is_what_its_label_says_within_its_interval(esn0_db: float) -> None:
    features = torch.randn(1, 100_000, generator=torch.Generator().manual_seed(2)) * 7
    n0 = torch.tensor([10 ** (-esn0_db / 10)])
    received, told = over_channel(features, n0, ["none"], torch.Generator().manual_seed(3))
    _, scale = unit_power(features)
    noise = ((received - features) / scale)[0].double().numpy()
    low, high = chi2.interval(1 - 1e-6, noise.size)
    assert low <= np.sum(noise**2) / (10 ** (-esn0_db / 10) / 2) <= high  # N0 / 2 per real dimension
    np.testing.assert_allclose(told.numpy(), 10 ** (-esn0_db / 10), rtol=1e-5)


def test_fast_fading_tells_each_feature_its_own_noise() -> None:
    features = torch.randn(1, 40_000, generator=torch.Generator().manual_seed(2))
    received, told = over_channel(features, torch.tensor([0.1]), ["fast"], torch.Generator().manual_seed(4))
    _, scale = unit_power(features)
    white = ((received - features) / scale / (told / 2).sqrt())[0].numpy()
    assert kstest(white, "norm").pvalue > 1e-6
    gains = 0.1 / told[0, ::2].numpy()
    assert kstest(gains, "expon").pvalue > 1e-6  # |h|^2 of a Rayleigh channel
    assert (told[0, ::2] == told[0, 1::2]).all()


def test_block_fading_has_one_gain_a_frame() -> None:
    _, told = over_channel(torch.ones(2, 8), torch.tensor([0.1, 0.1]), ["block", "block"], torch.Generator())
    assert all(len(set(row.tolist())) == 1 for row in told)
    assert told[0, 0] != told[1, 0]


def test_the_shares_of_fading_are_as_asked() -> None:
    kinds = draw_fading(10_000, 0.3, torch.Generator().manual_seed(0))
    assert abs(kinds.count("none") - 7000) < 250
    assert abs(kinds.count("block") - 1500) < 200


def test_all_frames_at_once_are_as_one_by_one() -> None:
    fading: list[Fading] = ["none", "block", "fast", "block", "none"]
    symbols = torch.randn(5, 33, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    n0 = torch.tensor([0.1, 0.2, 0.3, 0.01, 1.0])
    generator, noise, gains = torch.Generator().manual_seed(2), torch.empty_like(symbols), torch.ones_like(symbols)
    for row, kind in enumerate(fading):  # in the order in which frames are drawn one by one
        noise[row] = torch.randn(33, dtype=torch.complex64, generator=generator)
        if kind != "none":
            count = 33 if kind == "fast" else 1
            gains[row, :count] = torch.randn(count, dtype=torch.complex64, generator=generator)
    expected = cross(symbols, n0, fading, torch.Generator().manual_seed(2))
    for found, one in zip(cross_at_once(symbols, n0, fading, noise, gains), expected, strict=True):
        torch.testing.assert_close(found, one, rtol=1e-5, atol=1e-6)


def test_gradients_pass_the_channel() -> None:
    features = torch.randn(3, 16, requires_grad=True)
    received, _ = over_channel(features, torch.full((3,), 0.1), ["none", "block", "fast"], torch.Generator())
    received.square().sum().backward()
    assert features.grad is not None
    assert features.grad.abs().min() > 0


def test_effective_esn0_of_awgn_is_its_esn0() -> None:
    np.testing.assert_allclose(effective_esn0_db(torch.full((1, 9), 10**-0.7)).numpy(), 7, atol=1e-4)
    one_deep_fade = torch.full((1, 1000), 0.1)
    one_deep_fade[0, 0] = 1e9
    np.testing.assert_allclose(effective_esn0_db(one_deep_fade).numpy(), 10, atol=0.1)
