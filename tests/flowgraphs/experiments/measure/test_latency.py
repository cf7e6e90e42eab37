from __future__ import annotations

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner
from semcom.cli import main
from semcom.flowgraphs.experiments.measure.latency import ALL, measure_latency
from semcom.flowgraphs.experiments.systems import parse_systems


def test_blocks_take_the_time_that_they_sleep(noisy, pictures):
    sets = ["channel.sleep_s=0.02", "slow:channel.sleep_s=0.06"]
    calls = []
    systems = parse_systems([noisy, f"slow={noisy}"], sets=sets)
    rows = measure_latency(systems, images=str(pictures), runs=3, progress=lambda *told: calls.append(told))
    assert [(row.system, row.block, row.use.endswith("noisy.py")) for row in rows] == [
        ("noisy", "channel", True),
        ("noisy", ALL, False),
        ("slow", "channel", True),
        ("slow", ALL, False),
    ]
    for row in rows:
        least = {"noisy": 0.02, "slow": 0.06}[row.system]
        assert least <= row.fastest_s <= row.median_s <= row.slowest_s < least + 5
        assert (row.height, row.width, row.runs) == (16, 16, 3)
    assert calls[-1] == (8, 8)
    with open("starts.txt") as file:
        assert len(file.readlines()) == 2  # a network is loaded once


def test_the_command(noisy, pictures):
    arguments = ["measure", "latency", noisy, "--images", str(pictures), "--runs", "1", "--out", "there"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    for words in ("16 x 16", "channel", ALL, "file: there/latency.csv", "file: there/latency.svg"):
        assert words in result.output
    with open("there/latency.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == "system height width block use median_s fastest_s slowest_s runs".split()
    assert "seconds a picture" in Path("there/latency.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Missing argument"),
        (["nowhere"], 2, "nowhere"),
        (["video-deepjscc"], 2, "a sweep needs one source, sources/images"),
        (["deepjscc-awgn", "--images", "nowhere"], 1, "nowhere"),
    ],
)
def test_wrong_arguments_are_said(arguments, code, words):
    result = CliRunner().invoke(main, ["measure", "latency", *arguments])
    assert result.exit_code == code, result.output
    assert words in result.output
