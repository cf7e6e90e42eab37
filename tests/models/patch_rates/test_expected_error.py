from __future__ import annotations

import pytest
import torch
from semcom.models.patch_rates.expected_error import expected_rms_error
from semcom.models.patch_rates.told import Told


@pytest.mark.parametrize(("n0", "heard"), [(0.0, 1.0), (1.0, 0.5), (3.0, 0.25)])
def test_components_of_one_variance_and_unit_power(n0: float, heard: float) -> None:
    """k of 256 components are sent, and of each 1 / (1 + N0) is heard; a patch has 768 values."""
    told = Told(torch.tensor([[[0, 15], [3, 7]]]), torch.tensor([5]), torch.tensor([10.0]))
    ones, sent = torch.ones(1, 4, 256), torch.tensor([[16, 256], [64, 128]])
    found = expected_rms_error(0.5 * ones, ones, n0 * ones, told)
    torch.testing.assert_close(found, (0.5 * (256 - sent * heard) / 768).sqrt()[None, None])
