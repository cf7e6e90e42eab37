import numpy as np
import pytest
from semcom.sim.channels.arrays import constant, phasor, product, zeros

RNG = np.random.default_rng(0)


def test_phasors_are_on_the_unit_circle():
    np.testing.assert_allclose(
        phasor(np.array([0, 0.25, 0.5, 1.125])), [1, 1j, -1, np.sqrt(0.5) * (1 + 1j)], atol=1e-15
    )


def test_products_are_numpys():
    a, b = RNG.standard_normal((3, 4, 5)) + 1j, RNG.standard_normal((5, 6))
    np.testing.assert_allclose(product(a, b), a @ b, atol=1e-12)


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    a, b, turns = RNG.standard_normal((4, 5)), RNG.standard_normal((5, 6)), RNG.random(7)
    like = torch.zeros(1, dtype=torch.complex64)
    np.testing.assert_allclose(product(torch.tensor(a), torch.tensor(b)).numpy(), a @ b, atol=1e-12)
    np.testing.assert_allclose(phasor(torch.tensor(turns)).numpy(), phasor(turns), atol=1e-14)
    assert constant(a, like).dtype == zeros((2, 3), like).dtype == torch.complex64
    assert constant(a, a) is a
    assert zeros((2, 3), b).shape == zeros((2, 3), like).shape == (2, 3)
