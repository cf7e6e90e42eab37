from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.flowgraphs.runtime.run_record import RunResult


def ran(
    name: str, executor: Any = "inline", *, items: int = 1, out: str | None = None, size: str = "[64, 96]", **given: Any
) -> RunResult:
    vars_: Mapping[str, Any] = given.pop("vars", {})
    overrides = Overrides.parse(
        vars=[f"{key}={value}" for key, value in vars_.items()],
        sets=(f"photos.size={size}", *given.pop("sets", ())),
        swaps=given.pop("swaps", ()),
        out=out,
    )
    result = run(load_graph(name, overrides), RunOptions(executor, items=items))
    assert result.status == "ok"
    return result


def pictures(folder: str) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).rglob("*.png")}


@pytest.mark.usefixtures("warm_workers")
def test_the_same_bytes_from_every_executor() -> None:
    found = {}
    for executor in ("inline", "threads", "processes"):
        ran("cdm-jscc", executor, items=2, out=executor, vars={"steps": 2})
        found[executor] = pictures(executor)
    assert len(found["inline"]) == 2
    assert found["threads"] == found["inline"] == found["processes"]


@pytest.mark.parametrize(("cbr", "esn0_db"), [("1/24", 10), ("1/12", 1)])
def test_a_run_costs_what_was_asked_for(cbr: str, esn0_db: float) -> None:
    result = ran("quickstart", size="[256, 384]", vars={"cbr": cbr, "esn0_db": esn0_db, "steps": 1})
    assert 0.99 * Fraction(cbr) < result.metrics["cbr"] <= Fraction(cbr)


def test_one_network_at_three_rates() -> None:
    result = ran("cdm-jscc-rate-sweep", items=2, vars={"steps": 1})
    means = [
        {name: total / count for name, (count, total) in result.blocks[block].measured.items()}
        for block in ("low", "middle", "high")
    ]
    assert means[0]["cbr"] < means[1]["cbr"] < means[2]["cbr"]
    assert means[0]["psnr_db"] < means[1]["psnr_db"] < means[2]["psnr_db"]


def test_quality_falls_smoothly_with_the_channel_and_far_below_its_range_nothing_breaks() -> None:
    found = [ran("cdm-jscc", vars={"esn0_db": level, "steps": 1, "variant": "d"}) for level in (20, 10, 0, -10)]
    psnrs_db = [result.metrics["psnr_db"] for result in found]
    assert psnrs_db == sorted(psnrs_db, reverse=True)
    assert all(before - after < 9 for before, after in itertools.pairwise(psnrs_db))  # no cliff in 10 dB
    faded = ran("cdm-jscc-rayleigh", vars={"esn0_db": -10, "steps": 4})
    assert 5 < faded.metrics["psnr_db"] < 45


def test_a_given_map_is_said_in_the_report() -> None:
    ran("cdm-jscc", out="given", vars={"steps": 1}, sets=("encoder.rate_map=given",))
    assert "RateMap: not sent" in Path("given/report.html").read_text()
    ran("cdm-jscc", out="sent", vars={"steps": 1})
    assert re.search(r"RateMap: \d\d bits</small>", Path("sent/report.html").read_text())
