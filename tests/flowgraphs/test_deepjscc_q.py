"""The flowgraph `deepjscc-q`, and encoders/deepjscc where mappers/to_constellation follows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from semcom.blocks.encoders.deepjscc import Deepjscc
from semcom.blocks.envelope import Header
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run
from semcom.sim.constellations.gaussian import effective_esn0_db
from semcom.sim.side_information.jscc_mode import JsccMode


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def measured(*variables: str, swaps: tuple[str, ...] = (), sets: tuple[str, ...] = ()) -> dict[str, float]:
    changes = Overrides.parse(vars=variables, sets=("photos.size=[128, 192]", *sets), swaps=swaps)
    result = run(load_graph("deepjscc-q", changes), RunOptions("inline", items=1))
    assert result.status == "ok"
    return result.metrics


def test_more_points_come_nearer_to_none() -> None:
    psnr_db = [measured(f"bits_per_symbol={bits}", "esn0_db=12")["psnr_db"] for bits in (2, 8)]
    assert psnr_db[0] + 1 < psnr_db[1]
    free = measured(
        "esn0_db=12",
        "bits_per_symbol=null",
        swaps=("map=mappers/real_to_complex", "unmap=mappers/complex_to_real"),
        sets=("encoder.variant=adaptive",),
    )
    assert psnr_db[1] == pytest.approx(free["psnr_db"], abs=0.6)


@pytest.mark.parametrize("bits", [2, 6])
def test_es_n0_is_its_label_and_the_side_information_is_charged(bits: int) -> None:
    metrics = measured(f"bits_per_symbol={bits}", "esn0_db=8")
    symbols = 128 * 192 * 3 / 12
    assert metrics["esn0_db"] == pytest.approx(8, abs=5 * 4.34 * (2 / symbols) ** 0.5)
    assert metrics["cbr"] == pytest.approx((symbols + 2 * (32 + 24 + 7 + 20)) / (128 * 192 * 3))


@pytest.mark.parametrize(("bits", "known_db"), [(2, 15.0), (4, 10.0), (8, 30.0)])
def test_the_encoder_reckons_with_rounding_to_points_too(bits: int, known_db: float) -> None:
    block = Deepjscc(Deepjscc.Params.model_validate({"bits_per_symbol": bits, "esn0_db": known_db}), name="encoder")
    block.start()
    out = block.work(np.zeros((16, 16, 3), np.uint8))
    mode = Header().with_fields(*out.header).read(JsccMode)
    assert mode.esn0_db == round(effective_esn0_db(bits, known_db)) < known_db
