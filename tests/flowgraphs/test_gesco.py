"""GESCO from a map to a picture: `encoders/gesco`, `decoders/gesco`, and the flowgraph that joins them."""

from __future__ import annotations

from pathlib import Path

import pytest
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run
from semcom.sim.label_maps.scenes import draw_scene


def sent(*, items: int = 1, sets: tuple[str, ...] = (), variables: tuple[str, ...] = ()) -> RunResult:
    given = Overrides.parse(vars=("steps=2", *variables), sets=("photos.size=[32, 32]", *sets))
    return run(load_graph("gesco-mini", given), RunOptions("inline", items=items))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_all_that_the_receiver_is_told_is_charged() -> None:
    """Half a use a value of each map; size 32, model 24, classes 8 and 7, scale 16 bits at half a bit a use."""
    maps = len(set(draw_scene(0, 32, 32).labels[..., 0].reshape(-1).tolist())) + 1
    result = sent()
    assert result.status == "ok"
    uses = maps * 32 * 32 / 2 + 2 * (32 + 24 + 8 + 7 + 16)
    assert result.metrics["cbr"] == pytest.approx(uses / (3 * 32 * 32))


def test_maps_that_arrive_well_give_the_colours_of_their_classes() -> None:
    """Against a map that is all noise: the picture is less like the scene."""
    means = [sent(items=3, variables=(f"esn0_db={level}", "steps=25")).metrics["psnr_db"] for level in (15, -25)]
    assert means[0] > means[1] + 2


def test_what_a_variant_does_not_have_is_said_by_the_block() -> None:
    with pytest.raises(Exception, match=r"block 'decoder'.*no weights 'cityscapes' are shipped; expected one of: mini"):
        sent(sets=("decoder.variant=cityscapes",))
