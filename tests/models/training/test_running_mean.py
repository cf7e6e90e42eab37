import math

import torch
from semcom.models.training.running_mean import followed


def test_it_is_what_one_value_after_another_comes_to() -> None:
    generator = torch.Generator().manual_seed(0)
    level = torch.tensor([0.0, 2.0, 0.0, 5.0])
    for _ in range(20):
        which = torch.randint(0, 3, (9,), generator=generator)
        values = torch.rand(9, generator=generator) + 0.1
        values[3] = math.nan
        expected = level.double()
        for index, value in zip(which.tolist(), values.double(), strict=True):
            if value.isfinite():
                expected[index] = value if expected[index] == 0 else 0.97 * expected[index] + 0.03 * value
        level = followed(level, which, values, 0.03)
        torch.testing.assert_close(level.double(), expected, rtol=1e-5, atol=0)
    assert level[3] == 5
