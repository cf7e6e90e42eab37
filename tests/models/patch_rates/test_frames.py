import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest
from semcom.models.patch_rates.allocation import sent_mask
from semcom.models.patch_rates.frames import over_channel


def frames(seed: int, count: int = 3, patches: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mask = sent_mask(torch.randint(0, 16, (count, patches), generator=generator))
    scale = torch.tensor([0.3, 1.0, 20.0])[:count, None, None]
    return torch.randn(mask.shape, generator=generator) * scale * mask, mask


@pytest.mark.parametrize("esn0_db", [-3, 0, 12])
def test_noise_is_n0_for_a_symbol_of_unit_energy_of_each_frame(esn0_db: int) -> None:
    features, mask = frames(esn0_db + 5)
    n0 = 10 ** (-esn0_db / 10)
    generator = torch.Generator().manual_seed(7)
    received, variance = over_channel(features, mask, torch.full((3,), n0), ["none"] * 3, generator)
    for frame in range(3):
        sent = mask[frame] > 0
        count = int(sent.sum())
        energy = float(features[frame][sent].double().square().sum()) / (count / 2)  # of a complex symbol
        noise = float((received - features)[frame][sent].double().square().sum())
        low, high = chi2.interval(1 - 1e-6, count)  # 2 |w|^2 / N0 of each symbol
        assert low <= noise / (energy * n0 / 2) <= high
        assert not received[frame][~sent].any()
        torch.testing.assert_close(variance[frame][sent], torch.full((count,), n0))
        torch.testing.assert_close(variance[frame][~sent], torch.ones(int((~sent).sum())))


def test_power_is_shared_over_what_is_sent_alone() -> None:
    """Twice the patches that send nothing more change nothing: the scale is of the sent values."""
    features, mask = frames(1, count=1)
    received, _ = over_channel(features, mask, torch.tensor([1e-12]), ["none"], torch.Generator().manual_seed(1))
    torch.testing.assert_close(received, features, rtol=1e-4, atol=1e-4)


def test_ranks_in_pairs_share_a_symbol_of_the_fast_channel() -> None:
    features, mask = frames(2, count=2, patches=200)
    n0 = torch.tensor([0.1, 0.1])
    generator = torch.Generator().manual_seed(3)
    _, variance = over_channel(features, mask, n0, ["fast", "block"], generator)
    sent = mask > 0
    assert torch.equal(variance[0][:, 0::2], variance[0][:, 1::2])
    gains = (0.1 / variance[0][:, 0::2][sent[0][:, 0::2]]).double().numpy()  # |h|^2 is exponential of mean 1
    assert kstest(gains, "expon").pvalue > 1e-6
    block = variance[1][sent[1]]
    assert float(block.max() - block.min()) == 0


def test_after_the_equaliser_the_error_is_what_the_variance_says() -> None:
    features, mask = frames(4, count=1, patches=300)
    generator = torch.Generator().manual_seed(5)
    received, variance = over_channel(features, mask, torch.tensor([0.2]), ["fast"], generator)
    sent = mask[0] > 0
    energy = float(features[0][sent].double().square().mean()) * 2
    ratio = (received - features)[0][sent].double().square() / (variance[0][sent].double() * energy / 2)
    low, high = chi2.interval(1 - 1e-6, int(sent.sum()))
    assert low <= float(ratio.sum()) <= high


def test_a_frame_of_nothing_is_no_division_by_zero() -> None:
    mask = sent_mask(torch.zeros(1, 4, dtype=torch.int64))
    received, _ = over_channel(
        torch.zeros(1, 4, 256), mask, torch.tensor([0.1]), ["none"], torch.Generator().manual_seed(1)
    )
    assert bool(torch.isfinite(received).all())
    assert np.abs(received.numpy()).max() < 1e-4
