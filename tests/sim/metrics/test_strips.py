"""Large pictures are measured strip by strip: the same figure in less memory."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.sim.metrics import pair
from semcom.sim.metrics.ms_ssim import ms_ssim
from semcom.sim.metrics.ssim import ssim


@pytest.mark.parametrize("metric", [ssim, ms_ssim])
@pytest.mark.parametrize("rows", [1, 50, 189])
def test_strips_change_no_figure(monkeypatch, metric, rows):
    rng = np.random.default_rng(3)
    sent = rng.integers(0, 256, (200, 190, 3), dtype=np.uint8)
    received = np.clip(sent + rng.normal(0, 20, sent.shape) * np.linspace(0, 2, 200)[:, None, None], 0, 255).astype(
        np.uint8
    )
    whole = metric(sent, received)
    monkeypatch.setattr(pair, "STRIP_ROWS", rows)
    assert metric(sent, received) == pytest.approx(whole, rel=1e-6)
    assert whole < 0.99


@pytest.mark.parametrize("height", [11, 12, 1034, 1035, 4096])
def test_every_window_is_in_one_strip(height):
    found = [first for strip, rows in pair.strips(height, 11) for first in range(strip.start, strip.start + rows)]
    assert found == list(range(height - 10))
    assert all(strip.stop - strip.start == rows + 10 for strip, rows in pair.strips(height, 11))
    assert max(strip.stop for strip, _ in pair.strips(height, 11)) == height
