from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from semcom.blocks.block import RunContext
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.channels.cascade import Cascade
from semcom.blocks.channels.cfo import Cfo
from semcom.blocks.channels.iq_imbalance import IqImbalance
from semcom.blocks.envelope import Header, Identity, Out, State
from semcom.errors import BlockError, FlowgraphError, SignalError, UsageError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.live_change import resolve_set, resolve_swap
from semcom.flowgraphs.runtime.language.overrides import Overrides
from semcom.flowgraphs.runtime.run import RunOptions, run

X = np.exp(2j * np.pi * np.random.default_rng(0).random(20_000)).astype(np.complex64)
IQ = {"use": "channels/iq_imbalance", "phase_deg": 3.0}
AWGN = {"use": "channels/awgn", "esn0_db": 10.0}
PLUGIN = """
from semcom.blocks.block import Block
from semcom.blocks.envelope import Header, Identity, Out, State, Stream, Trace
from semcom.blocks.ports import Symbols

class Odd(Block):
    def work(self, symbols: Symbols, header: Header, state: State, trace: Trace, identity: Identity, stream: Stream):
        {body}
    work.__annotations__["return"] = Symbols
"""


def cascade(*stages: dict[str, Any], name: str = "channel", **params: Any) -> Cascade:
    made = Cascade(Cascade.Params(stages=list(stages), **params), name=name, seed=7)
    made.start()
    return made


def send(block: Cascade, x: np.ndarray = X, state: State = State()) -> Out[Any]:  # noqa: B008 - frozen
    return block.work(x, Header(), state, Identity(3))


def odd(folder: Path, body: str) -> dict[str, Any]:
    path = folder / "odd.py"
    path.write_text(PLUGIN.format(body=body))
    return {"use": str(path)}


def test_a_cascade_is_its_stages_by_hand() -> None:
    offset = {"use": "channels/cfo", "cfo_hz": 10.0, "correction": "pilots", "esn0_db": 20.0}
    out = send(cascade(IQ, offset, AWGN))
    one = IqImbalance(IqImbalance.Params(phase_deg=3)).work(X)
    two = Cfo(Cfo.Params(cfo_hz=10, correction="pilots", esn0_db=20), name="channel.1", seed=7).work(one, Identity(3))
    three = Awgn(Awgn.Params(esn0_db=10), name="channel.2", seed=7).work(two.value, Identity(3))
    np.testing.assert_array_equal(out.value, three.value)
    assert out.state.n0 == pytest.approx(0.01 + 0.1)
    assert out.state.esn0_db == pytest.approx(-10 * np.log10(0.11))
    assert out.trace["noise_energy"] == two.trace["noise_energy"] + three.trace["noise_energy"]
    assert out.trace["signal_energy"] == two.trace["signal_energy"]
    assert out.trace["pilot_uses"] == two.trace["pilot_uses"]
    assert out.trace["channel_uses"] == X.size


@pytest.mark.parametrize("levels", [(10, 10), (3, 20)])
def test_noise_of_two_stages_adds_up(levels: tuple[float, float]) -> None:
    out = send(cascade(*({"use": "channels/awgn", "esn0_db": float(level)} for level in levels)))
    n0 = sum(10 ** (-level / 10) for level in levels)
    energy = np.abs(out.value - X) ** 2
    assert abs(energy.mean() - n0) < 5 * n0 / X.size**0.5  # so the two are independent
    assert out.trace["noise_energy"] == pytest.approx(n0, rel=5 / X.size**0.5)
    assert out.trace["signal_energy"] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("order", [1, -1])
def test_the_receiver_knows_of_all_the_noise_of_fading_and_awgn(order: int) -> None:
    """Squared errors over the stated n0 are of mean one: n0 is the variance that the symbols really have."""
    stages = [{"use": "channels/rayleigh", "esn0_db": 12.0, "coherence_symbols": 1}, {"use": "channels/awgn"}][::order]
    out = send(cascade(*stages, {"use": "channels/impulsive", "esn0_db": 9.0, "known": "per_symbol"}))
    ratio = np.abs(out.value - X) ** 2 / out.state.n0
    assert out.state.n0.shape == X.shape
    assert abs(ratio.mean() - 1) < 5 / X.size**0.5


def test_stages_that_differ_in_the_number_of_symbols_are_told_so(tmp_path) -> None:
    half = odd(tmp_path, "import numpy as np; return Out(symbols, state=State(n0=np.ones(3, np.float32)))")
    path = Path(half["use"])
    path.write_text(path.read_text().replace("state: State, ", ""))
    block = cascade({"use": "channels/rayleigh"}, half)
    with pytest.raises(SignalError, match=r"expected n0 of 20000 symbols, as before it, got 3"):
        send(block)


def test_a_cascade_in_a_cascade_is_a_longer_one_but_for_the_names() -> None:
    inner = {"use": "channels/cascade", "stages": [IQ, AWGN]}
    out = send(cascade(inner, esn0_db=5.0))
    by_hand = Awgn(Awgn.Params(esn0_db=5), name="channel.0.1", seed=7).work(
        IqImbalance(IqImbalance.Params(phase_deg=3)).work(X), Identity(3)
    )
    np.testing.assert_array_equal(out.value, by_hand.value)
    assert out.state.esn0_db == 5


def test_esn0_db_is_that_of_every_stage_that_adds_noise_and_may_change() -> None:
    quiet = {"use": "channels/erasures", "erasure_rate": 0.0, "known": "no"}
    block = cascade(quiet, AWGN, esn0_db=3.0)
    assert [stage.get("esn0_db") for stage in block.params.stages] == [None, 3.0]
    assert send(block).state.esn0_db == 3
    block.params = Cascade.Params.model_validate({**block.params.model_dump(), "esn0_db": 20.0})
    assert send(block).state.esn0_db == 20
    np.testing.assert_array_equal(send(block).value, send(cascade(quiet, AWGN, esn0_db=20.0)).value)
    with pytest.raises(ValidationError, match=r"stages\.0\.esn0_db"):
        Cascade.Params(stages=[{"use": "channels/awgn", "esn0_db": 99}])


def test_state_passes_through_and_flows_to_later_stages() -> None:
    assert send(cascade(IQ), state=State(n0=0.3)).state.n0 == 0.3
    out = send(cascade(AWGN, {"use": "channels/erasures", "erasure_rate": 0.5}))
    assert set(np.unique(out.state.n0)) == {np.float32(0.1), np.float32(1e9)}
    assert out.state.csi == "perfect"


def test_it_starts_by_itself_and_finishes_its_stages() -> None:
    block = Cascade(Cascade.Params(stages=[AWGN]), name="channel", seed=7)
    np.testing.assert_array_equal(send(block).value, send(cascade(AWGN)).value)
    assert block.finish(RunContext()) is None
    assert Cascade(Cascade.Params(stages=[AWGN])).finish(RunContext()) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return None", r"stages\[1\] .*: expected one item for one; a cascade holds none back"),
        ("return iter([symbols])", "expected one item for one"),
        ("return Out(symbols, identity=Identity(0))", "expected one item for one"),
        ("return symbols.astype('complex128')", r"expected Symbols \(complex64 \[n\]\), got complex128"),
        ("symbols[0] = 1; return symbols", "read-only"),
    ],
)
def test_a_stage_that_is_no_channel_is_told_so(tmp_path, body: str, message: str) -> None:
    with pytest.raises((SignalError, ValueError), match=message):
        send(cascade(IQ, odd(tmp_path, body)))


def test_a_plug_in_is_a_stage_like_others(tmp_path) -> None:
    out = send(cascade(AWGN, odd(tmp_path, "return Out(symbols * state.esn0_db, trace={'own': float(stream.offset)})")))
    np.testing.assert_allclose(out.value, 10 * send(cascade(AWGN)).value, rtol=1e-6)
    assert out.trace["own"] == 0


FILE = """
semcom: 1
name: x
blocks:
  photos: {{use: sources/images, path: "builtin:photos", size: [64, 64]}}
  encoder: {{use: encoders/deepjscc, esn0_db: 10}}
  map:     {{use: mappers/real_to_complex}}
  channel:
    use: channels/cascade
    stages:
      - {first}
      - {second}
  unmap:   {{use: mappers/complex_to_real}}
  decoder: {{use: decoders/deepjscc}}
  report:  {{use: sinks/metrics, out: out}}
connect:
  - photos -> encoder -> map -> channel -> unmap -> decoder -> report.received
  - photos -> report.sent
"""


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("{use: channels/agwn}", "12:15: .*stages[1].use: no block 'channels/agwn' (did you mean 'channels/awgn'?)"),
        ("{use: channels/awgn, esno_db: 1}", "12:39: .*stages[1].esno_db: no such parameter (did you mean 'esn0_db'?)"),
        ("{use: channels/awgn, esn0_db: 99}", "12:39: .*stages[1].esn0_db: expected a number of at most 60, got 99"),
        ("{use: channels/awgn, esn0_db: yes}", "12:39: .*stages[1].esn0_db: expected a number, got 'yes'"),
        (
            "{use: mappers/real_to_complex}",
            "12:15: .*a block from Symbols to Symbols; mappers/real_to_complex takes Features and gives Symbols",
        ),
        ("{use: encoders/deepjscc}", "12:15: .*encoders/deepjscc takes Image and Link and gives Features"),
        ("{esn0_db: 3}", "12:9: .*stages[1]: use: required, not given"),
        ("{use: [1]}", "12:15: .*stages[1].use: expected the name of a block, got [1]"),
        ("{use: channels/cfo, correction: pilots}", "12:9: .*stages[1]: correction: pilots needs esn0_db"),
        (
            "{use: channels/cascade, stages: [{use: channels/rayleigh, equalizer: nmse}]}",
            "12:78: .*stages[1].stages[0].equalizer: expected 'mmse', 'zf', 'lmmse' or 'none', got 'nmse'",
        ),
        ("channels/awgn", "12:9: .*stages[1]: expected a mapping, got 'channels/awgn'"),
    ],
)
def test_mistakes_are_found_where_they_stand(tmp_path, second: str, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FILE.format(first="{use: channels/awgn, esn0_db: true}", second=second))
    with pytest.raises(FlowgraphError) as caught:
        load_graph(path)
    texts = [str(problem) for problem in caught.value.problems]
    place, _, words = message.partition(" .*")
    assert any(f"x.yaml:{place}" in text and words in text for text in texts), texts
    if not second.startswith("channels"):
        assert any("stages[0].esn0_db: expected a number, got true" in text for text in texts)  # all in one pass


def test_a_plug_in_beside_the_file_runs_and_is_written_out_by_its_whole_path(tmp_path, monkeypatch) -> None:
    (tmp_path / "beside").mkdir()
    odd(tmp_path / "beside", "return symbols")
    path = tmp_path / "beside" / "x.yaml"
    path.write_text(FILE.format(first="{use: ./odd.py}", second="{use: channels/awgn, esn0_db: 1e1}"))
    monkeypatch.chdir(tmp_path)
    graph = load_graph(path, Overrides(vars={}, sets={"channel.esn0_db": 15}))
    assert graph.block("channel").params["stages"][0]["use"] == str(tmp_path / "beside" / "odd.py")
    result = run(graph, RunOptions("inline", items=1))
    assert result.metrics["esn0_db"] == pytest.approx(15, abs=1)


def test_the_schema_takes_stages_and_refuses_wrong_ones() -> None:
    import jsonschema
    from semcom.flowgraphs.runtime.language.schema import flowgraph_schema

    schema = flowgraph_schema()

    def fits(stage: dict[str, Any]) -> bool:
        channel = {"use": "channels/cascade", "stages": [stage]}
        found = {"semcom": 1, "blocks": {"channel": channel}, "connect": []}
        return jsonschema.Draft202012Validator(schema).is_valid(found)

    assert fits(AWGN)
    assert fits({"use": "channels/cascade", "stages": [AWGN]})
    assert not fits({"use": "channels/awgn", "esn0_db": 99})
    assert not fits({"use": "channels/agwn"})
    assert not fits({"use": "channels/cascade", "stages": [{"use": "channels/awgn", "esno_db": 1}]})


def test_an_error_of_a_stage_begins_with_where_the_cascade_is_written(tmp_path) -> None:
    path, stage = tmp_path / "x.yaml", odd(tmp_path, "raise ValueError('too loud')")
    path.write_text(FILE.format(first="{use: channels/phase_noise}", second=f"{{use: {stage['use']}}}"))
    line = 1 + next(n for n, text in enumerate(path.read_text().splitlines()) if text.startswith("  channel:"))
    with pytest.raises(BlockError) as caught:
        run(load_graph(path), RunOptions("inline"))
    assert str(caught.value).startswith(f"{path}:{line}:3: block 'channel' at item 0: ValueError: too loud (")


def test_a_running_cascade_takes_another_level_and_is_swapped_in(tmp_path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(FILE.format(first="{use: channels/phase_noise}", second="{use: channels/awgn, esn0_db: 10}"))
    graph = load_graph(path)
    changed = resolve_set(graph, "channel", "esn0_db", 4)
    assert [stage.get("esn0_db") for stage in changed.params["stages"]] == [None, 4]
    with pytest.raises(FlowgraphError, match=r"stages\[1\]\.esn0_db|esn0_db: expected a number of at most 60"):
        resolve_set(graph, "channel", "esn0_db", 99)
    with pytest.raises(UsageError, match="stages cannot change while the flowgraph runs; these can: esn0_db"):
        resolve_set(graph, "channel", "stages", [])
    swap = "channels/cascade:stages=[{use: channels/awgn, esn0_db: 3}, {use: channels/clipping, clip_db: 6}]"
    plain = load_graph(path, Overrides(swaps={"channel": "channels/awgn"}))
    swapped = resolve_swap(plain, "channel", swap)
    assert [stage["use"] for stage in swapped.params["stages"]] == ["channels/awgn", "channels/clipping"]
    assert [stage["esn0_db"] for stage in swapped.params["stages"][:1]] == [10]  # that of the block it replaces
