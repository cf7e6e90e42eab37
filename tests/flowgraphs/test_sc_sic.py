"""The flowgraphs of SC-SIC: over every kind of channel, at full size with tiny weights, and as bits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from click.testing import CliRunner
from semcom.cli import main
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run


def metrics(
    name: str, *, vars: tuple[str, ...] = (), sets: tuple[str, ...] = (), swaps: tuple[str, ...] = ()
) -> dict[str, float]:
    """Of one small picture and one step."""
    small = ("photos.size=[64, 96]", "decoder.steps=1")
    graph = load_graph(name, Overrides.parse(vars=vars, sets=(*small, *sets), swaps=swaps))
    result = run(graph, RunOptions("inline", items=1))
    assert result.status == "ok"
    return result.metrics


AWGN = "channel=channels/awgn"
SIDE_BITS = 32 + 24 + 2 + 16  # size of the picture, model, size of the embedding, power


@pytest.mark.parametrize(
    "swap",
    [
        "channel=channels/rician",
        "channel=channels/tdl",
        AWGN,
        "channel=channels/erasures:erasure_rate=0.1,esn0_db=10",
    ],
)
def test_channels_swap_into_the_fading_one(swap: str) -> None:
    assert 3 < metrics("sc-sic-rayleigh", swaps=(swap,))["psnr_db"] < 45


def test_the_bandwidth_is_that_of_the_embedding_and_its_header() -> None:
    values = 3 * 64 * 96
    for esn0_db, downscale in ((20, 0.5), (10, 0.75), (2, 1.0)):
        found = metrics("sc-sic-rayleigh", vars=(f"esn0_db={esn0_db}", "downscale=auto"))["cbr"]
        payload = 16 * int(64 * downscale) // 16 * (int(96 * downscale) // 16) / 2
        assert found * values == pytest.approx(payload + 2 * SIDE_BITS)  # half a bit a use


def test_a_size_that_follows_the_channel_holds_the_quality() -> None:
    """Within what the networks were trained for; a fixed size loses some 5 dB between these channels."""
    sets = ("photos.size=[256, 256]", "decoder.temperature=0")
    found = [
        metrics("sc-sic-rayleigh", vars=(f"esn0_db={esn0_db}", "downscale=auto"), sets=sets, swaps=(AWGN,))
        for esn0_db in (20, 10, 2)
    ]
    quality, cbr = ([one[name] for one in found] for name in ("psnr_db", "cbr"))
    assert max(quality) - min(quality) < 2.5
    assert cbr == sorted(cbr)
    assert cbr[2] > 3 * cbr[0]


def test_the_receiver_before_its_fine_tuning_loses_where_there_is_noise() -> None:
    """It takes the frames of the same encoder."""
    for esn0_db, least in ((1, 0.5), (20, -2.0)):
        before, after = (
            metrics("sc-sic-mini", vars=(f"esn0_db={esn0_db}",), sets=("photos.size=[256, 256]", *sets))["psnr_db"]
            for sets in (("decoder.variant=mini-48-clean",), ())
        )
        assert after - before > least


def test_full_size_with_weights_from_a_folder(tiny_cascade: Path) -> None:
    given = ("variant=tiny", f"weights={tiny_cascade}")
    found = metrics("sc-sic", vars=given, sets=("photos.size=[128, 128]",))
    assert 3 < found["psnr_db"] < 45
    assert found["cbr"] * 3 * 128 * 128 == pytest.approx(16 * 3 * 3 / 2 + 2 * SIDE_BITS)


@pytest.mark.parametrize("what", [("--var", "weights={}"), ("--set", "decoder.weights={}")])
def test_absent_weights_are_one_sentence_that_says_how_to_get_them(
    what: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    done = CliRunner().invoke(main, ["run", "sc-sic", "--quiet", what[0], what[1].format(tmp_path / "nothing")])
    assert done.exit_code == 1
    assert done.stdout == ""
    for line, block in zip(done.stderr.splitlines(), ("encoder", "decoder"), strict=True):
        assert f": block '{block}': sc-sic: no weights" in line
        assert "/sc-sic.yaml:" in line.partition(": block ")[0]
        assert "get them with `semcom fetch sc-sic --variant lite --out FOLDER`" in line
        assert "or give a folder that holds them" in line


def test_a_coded_link_is_as_good_as_its_quantiser_until_it_breaks() -> None:
    good, better, broken = (metrics("sc-sic-digital", vars=(f"esn0_db={esn0_db}",)) for esn0_db in (6, 20, -6))
    assert good["psnr_db"] == better["psnr_db"]  # not a bit was wrong, and the decoder is told of no noise
    assert 3 < broken["psnr_db"] < good["psnr_db"]


def test_without_a_code_wrong_bits_reach_the_picture() -> None:
    clean, coded = (
        metrics(name, vars=("esn0_db=20",))["psnr_db"] for name in ("sc-sic-digital-uncoded", "sc-sic-digital")
    )
    assert clean == coded
    for esn0_db, least in ((7, 14), (0, 9)):  # without the erasure of wild values it is some 8 and 6 dB
        found = metrics("sc-sic-digital-uncoded", vars=(f"esn0_db={esn0_db}",))["psnr_db"]
        assert least < found < clean


def test_the_digital_link_costs_four_uses_a_value_and_a_code_twice_that() -> None:
    values, bits = 3 * 64 * 96, 16 * 4 * 6 * 8
    uncoded = metrics("sc-sic-digital-uncoded")["cbr"] * values
    coded = metrics("sc-sic-digital")["cbr"] * values
    side = 32 + 24 + 2 + 3 + 5 + 7  # model and size, shape of the features, their code, QAM
    assert uncoded == pytest.approx(bits / 2 + 2 * side)
    assert coded == pytest.approx((bits + 16) / 0.5 / 2 + 2 * (side + 32))  # CRC16, and TransportBlock


def test_the_exported_encoder_gives_the_same_picture(
    tmp_path: Path, keep_traces: Callable[[], AbstractContextManager[None]]
) -> None:
    from semcom.models.sc_sic.export import export_sc_sic

    with keep_traces():
        (made,) = export_sc_sic(tmp_path, sizes=[(64, 96)])
    torch = metrics("sc-sic-mini")
    onnx = metrics("sc-sic-mini", swaps=(f"encoder=encoders/onnx:path={made.path}",))
    assert abs(torch["psnr_db"] - onnx["psnr_db"]) < 0.05
    assert torch["cbr"] == onnx["cbr"]
