import subprocess
import sys

import numpy as np
import pytest
import torch
from semcom.sim.arrays import array_module, constant, float_index, like, phasor, product, zeros

RNG = np.random.default_rng(0)


def test_arrays_belong_to_their_module() -> None:
    assert array_module(np.zeros(1)) is np
    assert array_module(1.0) is np
    assert array_module(torch.zeros(1)) is torch


def test_the_question_imports_no_torch() -> None:
    code = (
        "import sys, numpy\nfrom semcom.sim.arrays import like\n"
        "like(numpy.ones(2), numpy.ones(1)); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("x", [np.zeros(2, np.complex64), torch.zeros(2, dtype=torch.complex64)])
def test_conversion_and_numbers(x) -> None:
    made = like(np.array([1 + 2j]), x)
    assert type(made) is type(x)
    assert made.dtype == x.dtype
    numbers = float_index(10**12, 3, x)
    assert numbers.tolist() == [1e12, 1e12 + 1, 1e12 + 2]


def test_phasors_are_on_the_unit_circle() -> None:
    np.testing.assert_allclose(
        phasor(np.array([0, 0.25, 0.5, 1.125])), [1, 1j, -1, np.sqrt(0.5) * (1 + 1j)], atol=1e-15
    )


def test_products_are_numpys() -> None:
    a, b = RNG.standard_normal((3, 4, 5)) + 1j, RNG.standard_normal((5, 6))
    np.testing.assert_allclose(product(a, b), a @ b, atol=1e-12)


def test_torch_gives_the_same() -> None:
    a, b, turns = RNG.standard_normal((4, 5)), RNG.standard_normal((5, 6)), RNG.random(7)
    x = torch.zeros(1, dtype=torch.complex64)
    np.testing.assert_allclose(product(torch.tensor(a), torch.tensor(b)).numpy(), a @ b, atol=1e-12)
    np.testing.assert_allclose(phasor(torch.tensor(turns)).numpy(), phasor(turns), atol=1e-14)
    assert constant(a, x).dtype == zeros((2, 3), x).dtype == torch.complex64
    assert constant(a, a) is a
    assert zeros((2, 3), b).shape == zeros((2, 3), x).shape == (2, 3)
