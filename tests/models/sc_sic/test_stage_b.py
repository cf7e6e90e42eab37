"""Stage B against diffusers' own forward, and its linear prior against the Gaussian posterior."""

from typing import Any

import numpy as np
import pytest
import torch
from semcom.models.sc_sic.config import StageBConfig
from semcom.models.sc_sic.schedule import alpha_bar
from semcom.models.sc_sic.sizes import SIZES, Size
from semcom.models.sc_sic.stage_b import StageB

TINY = SIZES["tiny"].stage_b
SIZE = 16, 24


def built(seed: int = 0, **changes: Any) -> StageB:
    """With weights at random everywhere, those that start at zero as well."""
    torch.manual_seed(seed)
    stage = StageB(StageBConfig(**{**TINY.model_dump(), **changes}), 4, 16, 32).eval()
    with torch.no_grad():
        for value in stage.parameters():
            value.add_(0.1 * torch.randn_like(value))
    return stage.requires_grad_(requires_grad=False)


def inputs(batch: int = 2, rows: int = 2, columns: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    noisy = torch.randn(batch, 4, *SIZE, generator=generator)
    return noisy, torch.tensor([0.9, 0.2])[:batch], torch.randn(batch, 16, rows, columns, generator=generator)


def test_forward_is_diffusers() -> None:
    stage = built()
    noisy, t, embedding = inputs()
    ours = stage(noisy, t, stage.condition(embedding, torch.ones_like(embedding), SIZE))
    text = torch.zeros(2, 1, TINY.text_width)
    theirs = stage.unet(noisy, t, clip_text_pooled=text, effnet=embedding).sample
    torch.testing.assert_close(ours, theirs)
    assert theirs.std() > 0.01


def test_items_of_a_batch_do_not_meet() -> None:
    stage = built()
    noisy, t, embedding = inputs()
    whole = stage(noisy, t, stage.condition(embedding, torch.zeros_like(embedding), SIZE))
    for index in range(2):
        part = slice(index, index + 1)
        alone = stage.condition(embedding[part], torch.zeros_like(embedding[part]), SIZE)
        torch.testing.assert_close(stage(noisy[part], t[part], alone), whole[part], rtol=1e-4, atol=1e-5)


def test_the_level_it_is_told_is_diffusers_sca() -> None:
    stage = built(told="noise")
    noisy, t, embedding = inputs(1)
    n0 = torch.full_like(embedding, 0.25)
    conditioning = stage.condition(embedding, n0, SIZE)
    assert conditioning.level.tolist() == pytest.approx([0.2])  # noise's share of the power
    theirs = stage.unet(
        noisy, t, clip_text_pooled=torch.zeros(1, 1, TINY.text_width), effnet=embedding, sca=conditioning.level
    ).sample
    torch.testing.assert_close(stage(noisy, t, conditioning), theirs)
    assert (stage(noisy, t, stage.condition(embedding, 0 * n0, SIZE)) - theirs).abs().max() > 1e-3


@pytest.mark.parametrize(("name", "millions"), [("lite", 700), ("large", 1500)])
def test_parameters_of_full_size(name: Size, millions: int) -> None:
    # Stable Cascade states 700 million and 1.5 billion for its two stages B
    config = SIZES[name]
    with torch.device("meta"):
        stage = StageB(config.stage_b, config.stage_a.latent_channels, config.semantic.channels, 32)
    assert sum(value.numel() for value in stage.parameters()) == pytest.approx(1e6 * millions, rel=0.05)


def test_clean_undoes_the_noise() -> None:
    stage = built()
    clean, t, _ = inputs()
    noise = torch.randn_like(clean)
    share = alpha_bar(t)[:, None, None, None]
    noisy = share.sqrt() * clean + (1 - share).sqrt() * noise
    torch.testing.assert_close(stage.clean(noisy, noise, t), clean, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n0", [0.0, 0.1, 1.0])
def test_linear_prior_without_correction_is_the_gaussian_posterior(n0: float) -> None:
    stage = built(prior="linear", told="noise")
    stage.clean_variance.copy_(torch.tensor([0.1, 0.2, 0.5, 0.9]))
    last = stage.unet.get_submodule("clf.1")
    last.weight.zero_()
    last.bias.zero_()
    noisy, t, embedding = inputs()
    conditioning = stage.condition(embedding, torch.full_like(embedding, n0), SIZE)
    assert conditioning.mean is not None
    lost = n0 / (1 + n0)  # share of the embedding's power that is noise; what it told is lost in that share
    variance = np.array([0.1, 0.2, 0.5, 0.9]) * (1 - lost) + lost
    shares = alpha_bar(t).double().numpy()
    expected = np.empty((2, 4, *SIZE))
    for item, channel in np.ndindex(2, 4):
        share, v = shares[item], variance[channel]
        # jointly Gaussian: x_0 about its mean with variance v, the noise e about 0 with 1, x_t = a x_0 + b e
        mix = np.array([np.sqrt(share), np.sqrt(1 - share)])
        covariance = np.diag([v, 1.0]) @ mix
        mean = conditioning.mean[item, channel].double().numpy()
        expected[item, channel] = (
            covariance[1] / (mix @ covariance) * (noisy[item, channel].double().numpy() - mix[0] * mean)
        )
    np.testing.assert_allclose(stage(noisy, t, conditioning).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_linear_prior_starts_as_the_closed_form() -> None:
    torch.manual_seed(0)
    stage = StageB(StageBConfig(**{**TINY.model_dump(), "prior": "linear"}), 4, 16, 32).eval()
    noisy, t, embedding = inputs()
    assert not stage.unet.get_submodule("clf.1").weight.any()
    with torch.no_grad():
        conditioning = stage.condition(embedding, torch.zeros_like(embedding), SIZE)
        share = alpha_bar(t)[:, None, None, None]
        spread = 0.5 * share + 1 - share
        expected = (1 - share).sqrt() / spread * (noisy - share.sqrt() * conditioning.mean)
        torch.testing.assert_close(stage(noisy, t, conditioning), expected, rtol=1e-3, atol=1e-4)


def test_fit_is_least_squares() -> None:
    stage = built(prior="linear")
    rng = np.random.default_rng(3)
    embedding = rng.standard_normal((60, 16, 3, 3)).astype(np.float32)
    padded = np.pad(embedding, ((0, 0), (0, 0), (1, 1), (1, 1)))
    columns = np.stack(
        [padded[:, :, i : i + 3, j : j + 3].reshape(60, -1) for i, j in np.ndindex(3, 3)], 1
    )  # [60, 9 places, 16 x 9]
    columns = np.concatenate([columns, np.ones((60, 9, 1))], 2).reshape(540, 145)
    latents = rng.standard_normal((60, 4, 24, 24)).astype(np.float32)
    latents += np.kron(embedding[:, :4], np.ones((8, 8), np.float32))
    # place and offset of each latent under an embedding vector: 8 x 8 of them
    rows = latents.reshape(60, 4, 3, 8, 3, 8).transpose(0, 2, 4, 1, 3, 5).reshape(540, 256)
    solution, *_ = np.linalg.lstsq(columns, rows, rcond=None)
    expected = (columns @ solution).reshape(60, 3, 3, 4, 8, 8).transpose(0, 3, 1, 4, 2, 5).reshape(60, 4, 24, 24)
    heard = torch.from_numpy(embedding)
    stage.fit(heard, torch.from_numpy(latents), 0.0)
    got = stage.condition(heard, torch.zeros_like(heard), (24, 24))
    assert got.mean is not None
    np.testing.assert_allclose(got.mean.numpy(), expected, atol=2e-4)
    np.testing.assert_allclose(
        stage.clean_variance.numpy(), ((expected - latents) ** 2).mean((0, 2, 3)).clip(1e-3, 1), rtol=1e-3
    )
