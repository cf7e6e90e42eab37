import numpy as np
import pytest
import torch
from semcom.sim.channels.awgn import awgn, n0_from_esn0_db
from semcom.sim.metrics.esn0 import measure_esn0
from semcom.sim.noise import CounterNoise


@pytest.mark.parametrize("esn0_db", [-5, 0, 10, 25])
@pytest.mark.parametrize("source", ["paired reals", "complex"])
def test_measured_esn0_is_its_label(esn0_db: float, source: str) -> None:
    rng = np.random.default_rng(1)
    if source == "paired reals":
        values = rng.uniform(-1, 1, 200_000)
        x = values[0::2] + 1j * values[1::2]
    else:
        x = np.exp(2j * np.pi * rng.random(100_000))
    x /= np.sqrt(np.mean(np.abs(x) ** 2))
    measured = measure_esn0(
        x, awgn(x, CounterNoise(3).complex_normal(0, x.size), n0_from_esn0_db(esn0_db)), confidence=1 - 1e-6
    )
    assert measured.low_db <= esn0_db <= measured.high_db
    assert measured.high_db - measured.low_db < 0.15  # the interval catches a slip of 2 % in amplitude


def test_torch_and_numpy_agree() -> None:
    x, noise = CounterNoise(1).complex_normal(0, 64), CounterNoise(2).complex_normal(0, 64)
    n0 = n0_from_esn0_db(7.0)
    y = awgn(torch.from_numpy(x), torch.from_numpy(noise), n0)
    np.testing.assert_allclose(y.numpy(), awgn(x, noise, n0), rtol=1e-6)
    assert awgn(x, noise, n0).dtype == np.complex64


def test_n0_is_differentiable_and_batched() -> None:
    esn0_db = torch.tensor([[0.0], [10.0]], requires_grad=True)
    n0 = n0_from_esn0_db(esn0_db)
    np.testing.assert_allclose(n0.detach().numpy(), [[1.0], [0.1]], rtol=1e-6)
    awgn(torch.zeros(2, 3, dtype=torch.complex64), torch.ones(2, 3, dtype=torch.complex64), n0).real.sum().backward()
    assert esn0_db.grad is not None
    assert torch.isfinite(esn0_db.grad).all()
