import numpy as np
import pytest
import torch
from semcom.models.deepjscc.linear import Klt, allot_power
from semcom.models.sc_sic.config import SmallEncoderConfig
from semcom.models.sc_sic.small_encoder import SmallEncoder, level_rotation


@pytest.mark.parametrize("count", [1, 2, 9, 16])
def test_the_rotation_makes_powers_equal_and_is_one(count):
    power = torch.from_numpy(np.random.default_rng(count).exponential(size=count) ** 3 + 1e-3)
    rotation = level_rotation(power)
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(count, dtype=torch.float64), atol=1e-12, rtol=0)
    after = (rotation @ torch.diag(power) @ rotation.T).diagonal()
    torch.testing.assert_close(after, torch.full_like(after, float(power.mean())), atol=1e-10, rtol=0)


def patches(count=4000, side=16):
    """Smooth random patches: a few cosines with falling powers."""
    rng = np.random.default_rng(0)
    grid = (np.arange(side) + 0.5) / side
    waves = np.array([np.outer(np.cos(np.pi * a * grid), np.cos(np.pi * b * grid)) for a in range(5) for b in range(5)])
    scale = np.array([1 / (1 + a + b) for a in range(5) for b in range(5)])
    drawn = rng.standard_normal((count, 3, 25)) * scale
    return torch.from_numpy(0.5 + 0.1 * np.einsum("nck,kij->ncij", drawn, waves)).float()


@pytest.mark.parametrize("esn0_db", [1.0, 10.0, 20.0])
def test_before_training_it_is_the_optimal_linear_code_for_its_design_snr(esn0_db):
    """Its LMMSE receiver reaches the closed form of Lee & Petersen, with channels of equal power."""
    shown = patches()
    config = SmallEncoderConfig(channels=16, stride=16, width=8, blocks=1, design_esn0_db=esn0_db)
    encoder = SmallEncoder(config).eval()
    encoder.fit(shown)
    with torch.no_grad():
        z = encoder(shown)[:, :, 0, 0].double()
    torch.testing.assert_close(z.var(0), torch.ones(16, dtype=torch.float64), atol=1e-3, rtol=0)
    x = (shown - shown.mean((0, 2, 3), keepdim=True)).flatten(1).double()
    n0 = 10 ** (-esn0_db / 10)
    cross, own = x.T @ z / len(x), z.T @ z / len(x)
    error = x.square().sum(1).mean() - torch.trace(cross @ torch.linalg.solve(own + n0 * torch.eye(16), cross.T))
    klt = Klt(16, 16)
    klt.fit(shown)
    variance = klt.variance.double()
    power = allot_power(variance.float(), torch.tensor([n0], dtype=torch.float32))[0].double()
    left = x.square().sum(1).mean() - variance.sum()
    expected = left + (variance * n0 / (power + n0)).sum()
    assert float(error) == pytest.approx(float(expected), rel=0.01)


def test_sizes_and_the_downscaling_of_the_picture():
    images = torch.rand(2, 3, 128, 64)
    encoder = SmallEncoder(SmallEncoderConfig(channels=9, stride=32, width=8, blocks=1)).eval()
    assert encoder(images).shape == (2, 9, 4, 2)
    assert encoder(images, 0.5).shape == (2, 9, 2, 1)
    encoder = SmallEncoder(SmallEncoderConfig(channels=16, stride=16, width=8, blocks=1, downscale=0.75)).eval()
    assert encoder(images).shape == (2, 16, 6, 3)
    assert encoder(images, 1.0).shape == (2, 16, 8, 4)
