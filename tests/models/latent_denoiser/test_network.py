"""The conditional denoiser: what it is before it learns, and what its condition does."""

import pytest
import torch
from semcom.models.latent_denoiser.conditional import ConditionalDenoiser
from semcom.models.latent_denoiser.config import DenoiserConfig

SMALL = DenoiserConfig(widths=(8, 16), blocks=(1, 1), expansion=2, embedding=8, norm_groups=4)


def inputs(batch: int = 2, height: int = 6, width: int = 10) -> tuple[torch.Tensor, ...]:
    drawn = torch.Generator().manual_seed(1)
    noisy, received = (torch.randn(batch, 4, height, width, generator=drawn) for _ in range(2))
    return noisy, received, 0.05 + torch.rand(batch, 4, height, width, generator=drawn), torch.tensor([981.0, 1.0])


def learnt() -> ConditionalDenoiser:
    """With random numbers where a network begins with zeros."""
    torch.manual_seed(1)
    network = ConditionalDenoiser(SMALL, 4)
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return network.requires_grad_(requires_grad=False)


def test_before_it_learns_it_is_the_linear_estimate() -> None:
    noisy, received, noise, level = inputs()
    assert torch.allclose(ConditionalDenoiser(SMALL, 4)(noisy, received, noise, level), received / (1 + noise))


def test_without_noise_what_was_received_is_the_estimate() -> None:
    noisy, received, _, level = inputs()
    assert torch.equal(learnt()(noisy, received, torch.zeros_like(noisy), level), received)


def test_pictures_of_a_batch_do_not_mix() -> None:
    """Each has filters of its own, by its own level and SNR."""
    given = inputs()
    network = learnt()
    whole = network(*given)
    for n in range(2):
        assert torch.allclose(network(*(one[n : n + 1] for one in given)), whole[n : n + 1], atol=1e-5)


@pytest.mark.parametrize("which", ["level", "noise"])
def test_level_and_snr_change_the_filters(which: str) -> None:
    noisy, received, _, level = inputs()
    network, even = learnt(), torch.full_like(noisy, 0.1)

    def filters(noise: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        told: list[torch.Tensor] = []
        hook = network.down[0].change.register_forward_hook(lambda module, given, out: told.append(out))
        network(noisy, received, noise, level)
        hook.remove()
        return told[0]

    before = filters(even, level)
    after = filters(even, level.flip(0)) if which == "level" else filters(10 * even, level)
    assert not torch.allclose(before, after, atol=1e-3)
    assert torch.allclose(filters(even, level), before)


def test_the_miniatures_size() -> None:
    count = sum(parameter.numel() for parameter in ConditionalDenoiser(DenoiserConfig(), 4).parameters())
    assert 1e6 < count < 3e6
