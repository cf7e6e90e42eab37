"""The flowgraphs `radio-loopback`: pictures as bursts through multipath, offsets of carrier and clock, and noise."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from semcom.errors import BlockError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, RunResult, run

SHIPPED = Path(__file__).parents[2] / "flowgraphs" / "radio-loopback.yaml"
CUT = Path(__file__).with_name("plugins") / "cut.py"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def result(
    name: str, items: int = 2, executor: str = "inline", out: str = "out", **given: tuple[str, ...]
) -> RunResult:
    sets = ("photos.size=[96, 128]", f"report.out={out}", *given.get("sets", ()))
    graph = load_graph(name, Overrides.parse(vars=given.get("vars", ()), sets=sets, swaps=given.get("swaps", ())))
    return run(graph, RunOptions(executor, items=items))


@pytest.mark.parametrize("name", ["radio-loopback", "radio-loopback-ofdm"])
def test_a_picture_costs_less_than_half_a_decibel_against_symbols_that_need_no_receiver(name: str) -> None:
    """The same photographs over AWGN at the same Es/N0, with the true carrier, clock and noise level."""
    flat = ("multipath.delay_spread_ns=0", "multipath.profile=D", "multipath.doppler_hz=0")  # hardly any fading
    told = result("deepjscc-awgn", items=5, vars=("esn0_db=20",))
    found = result(name, items=5, sets=flat)
    assert found.blocks["sync"].counted == {"bursts": 5}
    assert not found.lossy
    assert found.metrics["psnr_db"] > told.metrics["psnr_db"] - 0.5


@pytest.mark.usefixtures("warm_workers")
@pytest.mark.parametrize(
    ("name", "executors"),
    [("radio-loopback", ("inline", "threads", "processes")), ("radio-loopback-ofdm", ("inline", "threads"))],
)
def test_every_executor_gives_the_same_bytes(name: str, executors: tuple[str, ...]) -> None:
    pictures, pages = {}, []
    for executor in executors:
        assert result(name, executor=executor, out=executor).status == "ok"
        pages.append((Path(executor) / "report.html").read_text())
        files = sorted(Path(executor).rglob("*.png"))
        pictures[executor] = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    assert len(pictures["inline"]) == 2
    assert all(found == pictures["inline"] for found in pictures.values())
    seen = {page.partition("<h2>Receiver</h2>")[2].partition("<h2>Flowgraph</h2>")[0] for page in pages}
    assert len(seen) == 1  # what the receiver saw came along
    assert "Detection statistic" in seen.pop()


def test_pilots_of_an_ofdm_burst_are_charged_and_its_prefixes_are_not() -> None:
    found = result("radio-loopback-ofdm")
    payload, words = 96 * 128 * 3 // 12, 2 * 88 + 12 + 2 * 8 * 18 + 12
    rows = -(-(payload + words) // 48)
    assert found.metrics["cbr"] == pytest.approx(52 * rows / (96 * 128 * 3))
    assert found.metrics["papr_db"] > 8
    assert "Waveform efficiency" in Path("out/report.html").read_text()


def test_words_and_pilots_are_charged_and_the_preamble_is_not() -> None:
    found = result("radio-loopback")
    rows = [line.split(",") for line in Path("out/metrics.csv").read_text().splitlines()]
    row = dict(zip(*rows[:2], strict=True))
    payload, pilots, words = (int(row[f"{name}_uses"]) for name in ("payload", "pilot", "side_information"))
    assert payload == 96 * 128 * 3 / 12
    assert words == 2 * 88 + 12 + 2 * 8 * 18 + 12  # start word, and a header of 18 bytes
    assert pilots == -(-(payload + words) // 31) + 1
    assert float(row["cbr"]) == pytest.approx((payload + pilots + words) / (96 * 128 * 3))
    assert found.metrics["cbr"] == pytest.approx(float(row["cbr"]))
    page = Path("out/report.html").read_text()
    assert "Waveform efficiency" in page
    assert "charged as it was sent" in page
    assert json.loads(Path("out/run.json").read_text())["counted"] == {"sync": {"bursts": 2}}


@pytest.mark.parametrize(
    "swaps",
    [
        ("encoder=encoders/cdm_jscc:cbr=1/12", "decoder=decoders/cdm_jscc:variant=d,steps=1"),
        ("encoder=encoders/sc_sic:variant=mini-48", "decoder=decoders/sc_sic:variant=mini-48,steps=2"),
    ],
    ids=["cdm_jscc", "sc_sic"],
)
@pytest.mark.parametrize("name", ["radio-loopback", "radio-loopback-ofdm"])
def test_other_systems_swap_in(name: str, swaps: tuple[str, ...]) -> None:
    found = result(name, items=1, swaps=swaps)
    assert found.blocks["sync"].counted == {"bursts": 1}
    assert found.metrics["psnr_db"] > 15


OFDM = {
    "swaps": ("burst=framing/ofdm", "sync=sync/ofdm"),
    "vars": ("samples_per_symbol=64/52",),
    "sets": ("burst.silence=256",),
}


@pytest.mark.parametrize("waveform", [{}, OFDM], ids=["burst", "ofdm"])
def test_a_classical_link_on_the_same_waveform(waveform: dict[str, tuple[str, ...]]) -> None:
    """At 25 dB, with a scheme for less: no picture fails."""
    given = {"vars": (), "sets": (), **waveform}
    sets = (*given["sets"], "encoder.esn0_db=15")
    found = result("radio-loopback-hevc", **{**given, "vars": (*given["vars"], "esn0_db=25"), "sets": sets})
    assert found.blocks["sync"].counted == {"bursts": 2}
    assert found.metrics["failed"] == 0
    assert found.metrics["psnr_db"] > 25


def cut_anew(first: int, second: int, items: int = 2, executor: str = "inline") -> list[bytes]:
    """Return the pictures where chunks are cut to so many samples behind the transmitter, and before the receiver."""
    blocks = f"blocks:\n  one: {{use: {CUT}, most: {first}}}\n  two: {{use: {CUT}, most: {second}}}\n"
    text = SHIPPED.read_text().replace("blocks:\n", blocks).replace("[256, 256]", "[64, 64]")
    Path("cut.yaml").write_text(text.replace("burst -> ", "burst -> one -> ").replace("-> sync ", "-> two -> sync "))
    out = f"out-{first}-{second}-{executor}"
    run(load_graph("cut.yaml", Overrides.parse(sets=(f"report.out={out}",))), RunOptions(executor, items=items))
    return [path.read_bytes() for path in sorted(Path(out).rglob("*.png"))]


def test_cuts_anywhere_give_the_same_pictures() -> None:
    """The stream whole, in random chunks, and one sample at a time."""
    whole = cut_anew(0, 0)
    assert len(whole) == 2
    assert whole == cut_anew(1000, 100) == cut_anew(30, 5000, executor="threads")
    assert whole[:1] == cut_anew(200, 1, items=1)


def test_bursts_of_another_model_end_the_run_by_name() -> None:
    """Their CRC holds: what does not decode them says so. With the parameter `model` they are counted and skipped."""
    with pytest.raises(BlockError, match=r"'decoder' at item 0: cdm-jscc: .* got model 1; connect the"):
        result("radio-loopback", items=1, swaps=("decoder=decoders/cdm_jscc:variant=d,steps=1",))
    found = result("radio-loopback", items=1, sets=("sync.model=16",), out="skipped")
    assert found.blocks["sync"].counted == {"other_models": 1}
    assert found.lossy
