import numpy as np
import pytest
from semcom.flowgraphs.experiments.points import differences, points


def test_measured_esn0_is_the_mean_of_the_ratio_and_the_rest_are_means():
    key = {"system": "a", "graph_hash": "f", "esn0_db": 10.0}
    levels_db = [-20.0, 3.0, 13.0]
    items = [
        {**key, "seq": seq, "draw": 0, "digest": str(seq), "measured_esn0_db": level, "cbr": level}
        for seq, level in enumerate(levels_db)
    ]
    (point,) = points([*items, {**items[0], "seq": 3, "measured_esn0_db": None, "cbr": None}], ("esn0_db",), [])
    assert point["measured_esn0_db"] == pytest.approx(10 * np.log10(np.mean([0.01, 10**0.3, 10**1.3])))
    assert point["cbr"] == pytest.approx(np.mean(levels_db))


def test_pictures_whose_infinite_differences_contradict_each_other_are_left_out():
    """Lossless in one draw alone, against a system that is so in another draw: that difference has no mean."""
    psnr_db = {("a", 0, 0): np.inf, ("a", 0, 1): 30.0, ("b", 0, 0): 30.0, ("b", 0, 1): np.inf}
    psnr_db |= {(system, seq, 0): 20.0 + seq + (system == "b") for system in "ab" for seq in (1, 2, 3)}
    items = [
        {"system": system, "graph_hash": "f", "seq": seq, "draw": draw, "digest": str(seq), "psnr_db": value}
        for (system, seq, draw), value in psnr_db.items()
    ]
    (row,) = differences(items, (), [], "a")
    assert (row["pictures"], row["psnr_db"]) == (3, 1.0)


def test_of_a_system_that_this_sweep_leaves_out_the_flowgraph_measured_last_stays():
    items = [
        {"system": "a", "graph_hash": graph_hash, "esn0_db": at, "seq": 0, "draw": 0, "digest": "0", "psnr_db": 20.0}
        for graph_hash, at in (("old", 0.0), ("old", 5.0), ("new", 0.0))
    ]
    rows = points(items, ("esn0_db",), [("b", "f", (0.0,))])
    assert [(row["graph_hash"], row["esn0_db"]) for row in rows] == [("old", 5.0), ("new", 0.0)]
