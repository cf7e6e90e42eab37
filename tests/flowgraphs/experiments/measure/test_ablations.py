from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats
from semcom.cli import main
from semcom.errors import FlowgraphError, UsageError
from semcom.flowgraphs.experiments.measure.ablations import WITH, WITHOUT, finetuned_and_not, measure_embedding_size
from semcom.flowgraphs.experiments.measure.figures import number_axis
from semcom.flowgraphs.experiments.sweep import SweepOptions
from semcom.flowgraphs.experiments.systems import parse_systems


def table(path: str) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def semcom(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["measure", *arguments])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def shared(pictures) -> list[str]:
    """Options of every measurement here."""
    return ["--images", str(pictures), "--max-items", "2", "--workers", "0", "--distance", "mse", "--out", "there"]


def test_with_and_without_differ_in_the_weights_alone(noisy, shared):
    own = ["--without", "channel.gain=1", "--with", "channel.gain=0.25", "--esn0-db", "14,20"]
    output = semcom("finetuning", noisy, *own, *shared)
    rows = {(row["system"], row["esn0_db"]): row for row in table("there/points.csv")}
    values = 2 * 16 * 16 * 3
    low, high = np.array(stats.chi2.interval(1 - 1e-6, values)) / values
    for (system, esn0_db), row in rows.items():
        gain = {WITH: 0.25, WITHOUT: 1.0}[system]
        variance = (gain * 100) ** 2 * 10 ** (-float(esn0_db) / 10) + 1 / 12
        assert variance * low < float(row["mse_distance"]) * 255**2 < variance * high
    assert len(rows) == 4
    (difference, _) = table("there/differences.csv")
    assert (difference["system"], difference["reference"]) == (WITH, WITHOUT)
    assert float(difference["psnr_db"]) > 10  # 12 dB less noise, but for rounding
    for words in (WITH, WITHOUT, "file: there/psnr_db.svg", "file: there/mse_distance.png"):
        assert words in output
    text = Path("there/psnr_db.svg").read_text()
    assert WITH in text
    assert WITHOUT in text


def test_files_are_the_decoders_weights(tmp_path):
    for name in ("a b.safetensors", "c.safetensors"):
        (tmp_path / name).write_bytes(b"")
    systems = finetuned_and_not("cdm-jscc", ["a b.safetensors"], ["c.safetensors"])
    found = {system.name: system.overrides.sets["decoder.weights"] for system in systems}
    assert found == {WITH: str(tmp_path / "a b.safetensors"), WITHOUT: str(tmp_path / "c.safetensors")}
    without, own = finetuned_and_not("cdm-jscc", [], ["decoder.variant=p"])
    assert (without.overrides.sets, own.overrides.sets) == ({"decoder.variant": "p"}, {})


def test_what_finetuning_needs_is_said(tmp_path):
    with pytest.raises(UsageError, match="--without: expected the weights before the fine-tuning: a file, or BLOCK"):
        finetuned_and_not("cdm-jscc", [], [])
    with pytest.raises(UsageError, match=r"--without none.safetensors: no such file; give weights, or BLOCK.PARAM="):
        finetuned_and_not("cdm-jscc", [], ["none.safetensors"])
    with pytest.raises(UsageError, match="--with, --without: both give the same; name two sets of weights"):
        finetuned_and_not("cdm-jscc", ["decoder.variant=p"], ["decoder.variant=p"])
    with pytest.raises(FlowgraphError, match=r"expected block\.parameter=value"):
        finetuned_and_not("cdm-jscc", ["variant=p"], ["decoder.variant=p"])


def test_sizes_are_an_axis_beside_es_n0(noisy, shared):
    own = ["--parameter", "channel.gain", "--downscale", "0.5,1", "--esn0-db", "14,20"]
    output = semcom("embedding-size", noisy, *own, *shared)
    rows = table("there/points.csv")
    assert [(row["channel.gain"], row["esn0_db"]) for row in rows] == [
        (gain, esn0_db) for gain in ("0.5", "1") for esn0_db in ("14", "20")
    ]
    assert {row["cbr"] for row in rows} == {f"{64 / (3 * 16 * 16):.9g}"}
    for words in ("gain", "CBR", "file: there/cbr.svg", "file: there/ssim.svg"):
        assert words in output
    assert "gain 0.5" in Path("there/psnr_db.svg").read_text()


def test_a_flowgraph_without_the_parameter_is_said(noisy, shared):
    output = semcom("embedding-size", noisy, *shared, code=2)
    assert "encoder.downscale" in output
    options = SweepOptions(out=Path("there"))
    for wrong in ("half", "1,true", "1/0", "1,,2", ".inf"):
        with pytest.raises(UsageError, match=f"--downscale {wrong}: expected numbers with commas between them"):
            measure_embedding_size(parse_systems([noisy]), options, downscale=wrong)
    assert number_axis("rate", "1/24,1/12", "--downscale").values == ("1/24", "1/12")
