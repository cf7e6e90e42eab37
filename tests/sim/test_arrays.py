import subprocess
import sys

import numpy as np
import pytest
import torch
from semcom.sim.arrays import array_module, float_index, like


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
