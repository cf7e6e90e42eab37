import numpy as np
import pytest
from semcom.flowgraphs.runtime.result import BlockReport, RunResult


def test_metrics_are_means_and_of_esn0_the_mean_is_one_of_ratios():
    ratios = np.array([0.1, 1.0, 30.0])
    report = BlockReport(measured={"psnr_db": (3, 90.0), "esn0": (3, float(ratios.sum()))})
    later = BlockReport(measured={"psnr_db": (3, 0.0), "esn0": (1, 1.0), "cbr": (2, 1.0)})
    metrics = RunResult("ok", {}, {"report": report, "again": later}).metrics
    assert metrics == {"psnr_db": 30.0, "cbr": 0.5, "esn0_db": pytest.approx(10 * np.log10(ratios.mean()))}
    assert RunResult("ok", {}, {"none": BlockReport()}).metrics == {}
