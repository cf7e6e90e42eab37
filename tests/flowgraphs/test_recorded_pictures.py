"""`sigmf-record` and `sigmf-replay`: pictures out of a recording."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import sigmf
from PIL import Image
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

META, DATA = (Path(f"out/sigmf-record/air.sigmf-{kind}") for kind in ("meta", "data"))
PICTURES = 5


def record(*variables: str, executor: str = "inline") -> RunResult:
    overrides = Overrides.parse(vars=variables, sets=("photos.size=[64, 96]",))
    return run(load_graph("sigmf-record", overrides), RunOptions(executor))


def replay(*sets: str, executor: str = "inline") -> RunResult:
    return run(load_graph("sigmf-replay", Overrides.parse(sets=sets)), RunOptions(executor))


def pictures(name: str) -> dict[int, str]:
    """Hashes of the pictures by their numbers: a replay knows no names."""
    found = Path(f"out/{name}").glob("*.png")
    return {int(path.stem[-4:]): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize("executor", ["inline", "threads", "processes"])
def test_a_replay_gives_the_same_pictures_byte_by_byte(executor):
    assert record(executor=executor).status == "ok"
    found = sigmf.sigmffile.fromfile(META)
    found.validate()
    assert found.get_global_field("semcom:esn0_db") == 20
    starts = found.get_annotations()
    assert [(one["core:label"], one["semcom:value"]) for one in starts] == [("burst_start", n) for n in range(PICTURES)]
    result = replay("channel.chunk=5000", executor=executor)
    assert result.status == "ok"
    assert not result.lossy
    assert result.blocks["sync"].counted == {"bursts": PICTURES}
    assert len(pictures("sigmf-record")) == PICTURES
    assert pictures("sigmf-replay") == pictures("sigmf-record")


@pytest.mark.parametrize(("datatype", "psnr_db"), [("ci16_le", 45), ("ci8", 30)])
def test_integers_cost_next_to_nothing(datatype, psnr_db):
    """Of 8 bits the error of the codes is 2 (8 / 128)^2 / 12, at 20 dB 18 dB below the noise of a sample."""
    assert "clipped_samples" not in record(f"datatype={datatype}").blocks["record"].counted
    assert replay().blocks["sync"].counted == {"bursts": PICTURES}
    for seq in range(PICTURES):
        one, other = (
            np.asarray(Image.open(next(Path(f"out/{name}").glob(f"*-{seq:04d}.png"))), float)
            for name in ("sigmf-record", "sigmf-replay")
        )
        assert np.mean((one - other) ** 2) < 255**2 / 10 ** (psnr_db / 10)


def test_a_gap_costs_the_burst_that_it_cuts_and_no_other():
    record()
    metadata = json.loads(META.read_text())
    third = metadata["annotations"][2]
    middle = third["core:sample_start"] + third["core:sample_count"] // 2
    samples = np.fromfile(DATA, np.complex64)
    np.delete(samples, np.s_[middle : middle + 900]).tofile(DATA)
    metadata["captures"].append({"core:sample_start": middle, "core:global_index": middle + 900})
    META.write_text(json.dumps(metadata))
    result = replay("channel.verify=none")
    assert result.lossy
    assert result.blocks["channel"].counted == {"lost_samples": 900}
    counted = result.blocks["sync"].counted
    assert (counted["bursts"], counted["truncated_bursts"], counted["lost_bursts"]) == (4, 1, 1)
    sent, found = pictures("sigmf-record"), pictures("sigmf-replay")
    assert found == {seq: sent[seq] for seq in (0, 1, 3, 4)}
