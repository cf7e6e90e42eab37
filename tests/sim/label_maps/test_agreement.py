from __future__ import annotations

import numpy as np
import pytest
from semcom.sim.label_maps.agreement import mean_iou, right_share

SENT = np.array([[0, 0, 0, 0], [1, 1, 2, 2]], np.uint8)


def test_equal_maps_agree() -> None:
    assert right_share(SENT, SENT) == mean_iou(SENT, SENT) == 1


def test_each_class_counts_alike() -> None:
    """One pixel of class 0 is taken for class 1: 3 of 4, 2 of 3, and all of class 2."""
    received = SENT.copy()
    received[0, 0] = 1
    assert right_share(SENT, received) == 7 / 8
    assert mean_iou(SENT, received) == pytest.approx((3 / 4 + 2 / 3 + 1) / 3)


def test_a_class_that_was_not_sent_counts_as_none() -> None:
    received = SENT.copy()
    received[1, 2:] = 5
    assert mean_iou(SENT, received) == pytest.approx((1 + 1 + 0 + 0) / 4)
