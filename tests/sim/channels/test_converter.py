import numpy as np
import pytest
import torch
from semcom.errors import SignalError
from semcom.sim.channels.converter import quantise

N = 200_000


def uniform(full_scale: float) -> np.ndarray:
    rng = np.random.default_rng(3)
    return (rng.uniform(-full_scale, full_scale, (N, 2)) @ [1, 1j]).astype(np.complex64)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12])
@pytest.mark.parametrize("full_scale", [1.0, 0.3])
def test_a_full_scale_uniform_input_gains_six_decibels_a_bit(bits: int, full_scale: float) -> None:
    x = uniform(full_scale)
    error = np.abs(quantise(x, bits, full_scale) - x) ** 2
    expected = 2 * (2 * full_scale / 2**bits) ** 2 / 12
    assert abs(error.mean() - expected) < 5 * error.std() / N**0.5
    sqnr_db = 10 * np.log10(2 * full_scale**2 / 3 / error.mean())
    assert sqnr_db == pytest.approx(6.0206 * bits, abs=0.05)


@pytest.mark.parametrize("bits", [1, 3, 5])
def test_levels_are_those_of_a_mid_rise_quantiser(bits: int) -> None:
    step = 2 / 2**bits
    levels = np.unique(quantise(uniform(1.5), bits, 1.0).real)
    np.testing.assert_allclose(levels, -1 + step / 2 + step * np.arange(2**bits), atol=1e-6)
    np.testing.assert_allclose(quantise(levels + 0j, bits, 1.0).real, levels, atol=1e-6)  # a level stays


def test_gradients_of_torch() -> None:
    x = np.array([0.3 + 0.1j, 2 - 0.2j], np.complex64)
    for gradient, expected in (("straight_through", [1, 0]), ("zero", [0, 0])):
        given = torch.from_numpy(x).requires_grad_()
        y = quantise(given, 4, 1.0, gradient=gradient)
        np.testing.assert_allclose(y.detach().numpy(), quantise(x, 4, 1.0), rtol=1e-6)
        (y.real.sum() + 0 * given.real.sum()).backward()
        np.testing.assert_array_equal(given.grad.numpy().real, expected)


@pytest.mark.parametrize("bits", [0, 25])
def test_bits_are_bounded(bits: int) -> None:
    with pytest.raises(SignalError, match=f"expected 1 to 24 bits, got {bits}"):
        quantise(np.ones(2, np.complex64), bits, 1.0)


def test_dtype_and_huge_values() -> None:
    y = quantise(np.array([1e30 - 1e30j, 0], np.complex64), 8, 1.0)
    assert y.dtype == np.complex64
    assert abs(y[0].real - (1 - 1 / 256)) < 1e-6


@pytest.mark.parametrize(
    ("levels", "step", "distortion"),
    [(2, 1.596, 0.3634), (4, 0.9957, 0.1188), (8, 0.5860, 0.03744), (16, 0.3352, 0.01154), (32, 0.1881, 0.003495)],
)
def test_the_best_uniform_quantisers_of_a_gaussian(levels: int, step: float, distortion: float) -> None:
    """Max, "Quantizing for minimum distortion", IRE Trans. Inf. Theory 6(1), 1960, table II: unit variance a part."""
    x = (np.random.default_rng(8).standard_normal((N, 2)) @ [1, 1j]).astype(np.complex64)
    error = np.abs(quantise(x, levels.bit_length() - 1, levels * step / 2) - x) ** 2
    assert abs(error.mean() - 2 * distortion) < 5 * error.std() / N**0.5 + 2e-3 * distortion  # the table's digits
