"""Noise of a known deviation on pictures: everything that pairs of receptions show has a closed form."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats
from semcom.cli import main
from semcom.errors import UsageError
from semcom.flowgraphs.experiments.measure.predictability import lines, measure_predictability
from semcom.flowgraphs.experiments.sweep import SweepOptions
from semcom.flowgraphs.experiments.systems import parse_systems

TIMES = 5
VALUES = 16 * 16 * 3


def table(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def measured(noisy, pictures, tmp_path):
    """Return a function that measures in this process."""

    def call(*, esn0_db="20", sets=(), out="measured", **options):
        given = {"images": str(pictures), "workers": 0, "max_items": 3}
        given |= {name: options.pop(name) for name in ("max_items", "fresh") if name in options}
        systems = parse_systems([noisy], sets=sets)
        named = {"distance": "mse", "transmissions": TIMES, **options}
        return measure_predictability(systems, SweepOptions(out=tmp_path / out, **given), esn0_db=esn0_db, **named)

    return call


def test_pairs_of_pictures_with_noise_differ_by_twice_its_variance(measured):
    found = measured(esn0_db="20,14")
    assert (found.result.status, found.result.points, found.result.items) == ("ok", 2, 6)
    rows = table("measured/items.csv")
    assert {row["pairs"] for row in rows} == {str(TIMES * (TIMES - 1) // 2)}
    # The mean over pairs of the squared difference is twice the unbiased variance, whose law is chi-squared.
    freedom = (TIMES - 1) * VALUES
    low, high = np.array(stats.chi2.interval(1 - 1e-6, freedom)) / freedom
    for row in rows:
        variance = 100**2 * 10 ** (-float(row["esn0_db"]) / 10) + 1 / 12  # noise, and rounding
        expected = {
            "pair_mse_distance": float(row["pair_mse_distance"]) * 255**2,
            "pair_psnr_db": 255**2 / 10 ** (float(row["pair_psnr_db"]) / 10),
        }
        for name, got in expected.items():
            assert 2 * variance * low < got < 2 * variance * high, name
        assert float(row["pair_rmse"]) == pytest.approx(np.sqrt(2 * variance), rel=0.05)
        assert 0 < float(row["pair_rmse_deviation"]) < 0.1 * float(row["pair_rmse"])
        assert float(row["psnr_db"]) == pytest.approx(10 * np.log10(255**2 / variance), abs=0.5)
        assert float(row["mse_distance"]) * 255**2 == pytest.approx(variance, rel=0.1)


def test_the_summary_is_the_mean_over_pictures_and_the_deviation_is_that_of_the_pairs(measured):
    found = measured(esn0_db="20,14")
    rows = table("measured/items.csv")
    summary = table("measured/predictability.csv")
    assert [row["esn0_db"] for row in summary] == ["20", "14"]
    for row in summary:
        here = [item for item in rows if item["esn0_db"] == row["esn0_db"]]
        assert (row["system"], row["pictures"], row["transmissions"]) == ("noisy", "3", str(TIMES))
        for name in ("pair_mse_distance", "pair_mse_distance_deviation", "pair_rmse", "psnr_db"):
            assert float(row[name]) == pytest.approx(np.mean([float(item[name]) for item in here]), rel=1e-7)
        interval = stats.ttest_1samp([float(item["pair_mse_distance"]) for item in here], 0).confidence_interval(0.95)
        ends = [float(row[f"pair_mse_distance_{end}"]) for end in ("low", "high")]
        np.testing.assert_allclose(ends, [interval.low, interval.high], rtol=1e-6)
    shown = list(lines(found))
    assert len(shown) == 3
    assert "noisy" in shown[1]
    assert "±" in shown[1]
    names = {file.name for file in found.files}
    assert {"predictability.csv", "pair_mse_distance.svg", "high_frequency_error_db.png", "psnr_db.svg"} <= names
    assert all(file.is_file() for file in found.files)


def test_what_always_arrives_the_same_is_predictable(measured):
    measured(sets=["channel.gain=0.0001"])
    (row,) = table("measured/predictability.csv")
    for name in ("pair_mse_distance", "pair_mse_distance_deviation", "pair_rmse", "high_frequency_error_db"):
        assert float(row[name]) == 0
    assert (row["pair_psnr_db"], row["psnr_db"]) == ("inf", "inf")


def test_the_same_command_measures_nothing_again_and_another_measurement_does(measured):
    assert measured().result.items == 3
    assert (measured().result.items, measured().result.skipped) == (0, 3)
    assert measured(esn0_db="20,14").result.items == 3
    assert measured(transmissions=3).result.items == 3  # rows of other counts are no rows of this one
    assert {row["pairs"] for row in table("measured/predictability.csv")} == {"3"}
    with pytest.raises(UsageError, match="has other columns than this sweep; give another --out, or --fresh"):
        measured(distance="ssim")
    assert measured(distance="ssim", fresh=True).result.items == 3


def test_a_picture_that_fails_leaves_the_others(measured):
    found = measured(sets=["channel.fails_at=1"])
    assert (found.result.status, found.result.items) == ("failed", 2)
    (failure,) = found.result.failures
    assert "no picture 1" in failure["error"]
    assert table("measured/predictability.csv")[0]["pictures"] == "2"


def test_pictures_too_small_for_the_distance_are_said(measured):
    found = measured(distance="ms-ssim", max_items=1)
    assert found.result.status == "failed"
    (failure,) = found.result.failures
    assert "at least 176 pixels in height and width, got 16 x 16; send larger pictures, or choose" in failure["error"]
    assert table("measured/predictability.csv") == []
    assert [file.name for file in found.files] == ["predictability.csv"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"transmissions": 1}, "--transmissions 1: expected at least 2: receptions are compared in pairs"),
        ({"esn0_db": "high"}, "--esn0-db high: expected numbers with commas between them, or START:STOP:STEP"),
        ({"distance": "lpips"}, "--distance lpips: expected one of ms-ssim, .*; lpips-vgg is LPIPS, with weights of"),
        ({"distance": "squeezenet"}, "--distance squeezenet: needs weights and ships none: .* --weights FILE"),
        ({"weights": Path("w.npz")}, "--weights w.npz: --distance mse takes none; leave it out"),
    ],
)
def test_wrong_arguments_are_said_before_anything_runs(measured, given, message):
    with pytest.raises(UsageError, match=message):
        measured(**given)
    assert not Path("measured").exists()


def test_the_command(noisy, pictures):
    arguments = [noisy, "--images", str(pictures), "--max-items", "2", "--transmissions", "3", "--distance", "mse"]
    told = ["--esn0-db", "20", "--workers", "0", "--out", "there"]
    result = CliRunner().invoke(main, ["measure", "predictability", *arguments, *told])
    assert result.exit_code == 0, result.output
    for words in ("pairs: mse", "20 dB", "file: there/predictability.csv", "file: there/psnr_db.svg"):
        assert words in result.output
    record = json.loads(Path("there/sweep.json").read_text())
    assert record["witness"] == {"distance": "mse", "weights": "", "digest": "", "transmissions": 3}
    wrong = CliRunner().invoke(main, ["measure", "predictability", *arguments, "--esn0-db", "x"])
    assert (wrong.exit_code, wrong.output.count("\n")) == (2, 1)
