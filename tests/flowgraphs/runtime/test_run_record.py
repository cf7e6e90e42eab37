import numpy as np
import pytest
from semcom.flowgraphs.runtime.counts import BlockReport
from semcom.flowgraphs.runtime.run_record import RunResult


def test_metrics_are_means_and_of_esn0_the_mean_is_one_of_ratios():
    ratios = np.array([0.1, 1.0, 30.0])
    report = BlockReport(measured={"psnr_db": (3, 90.0), "esn0": (3, float(ratios.sum()))})
    later = BlockReport(measured={"psnr_db": (3, 0.0), "esn0": (1, 1.0), "cbr": (2, 1.0)})
    metrics = RunResult("ok", {}, {"report": report, "again": later}).metrics
    assert metrics == {"psnr_db": 30.0, "cbr": 0.5, "esn0_db": pytest.approx(10 * np.log10(ratios.mean()))}
    assert RunResult("ok", {}, {"none": BlockReport()}).metrics == {}


def test_sinks_that_compare_pictures_are_kept_apart():
    measured = {
        "one": {"psnr_db": (2, 60.0), "esn0": (2, 20.0)},
        "two": {"psnr_db": (1, 20.0)},
        "source": {"skipped": (1, 0.0)},
    }
    result = RunResult("ok", {}, {name: BlockReport(measured=values) for name, values in measured.items()})
    assert result.metrics_by_sink == {"one": {"psnr_db": 30.0, "esn0_db": 10.0}, "two": {"psnr_db": 20.0}}
    assert result.as_json()["metrics_by_sink"] == result.metrics_by_sink
    assert result.metrics == {"psnr_db": 30.0, "esn0_db": 10.0, "skipped": 0.0}
