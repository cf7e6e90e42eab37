"""`sync/burst`."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Envelope, Header, Identity, Stream
from semcom.blocks.framing.burst import Burst as Framing
from semcom.blocks.sync.burst import Burst
from semcom.flowgraphs.runtime.counts import BlockReport
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock
from semcom.flowgraphs.runtime.item import Item
from semcom.sim.side_information.field import HeaderField
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.model_id import ModelId
from semcom.sim.side_information.power_scale import PowerScale

FIELDS = (ImageShape(64, 96), PowerScale(1.5, padded=False))
N0 = 0.01


def symbols(seq: int, size: int = 800) -> np.ndarray:
    return (np.random.default_rng(seq).standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def air(order: Iterable[int], *fields: HeaderField) -> list[np.ndarray]:
    framing = Framing(Framing.Params(silence=200))
    header = Header().with_fields(*(fields or FIELDS))
    return [np.asarray(framing.work(symbols(seq), header, Identity(seq)).value) for seq in order]


def noisy(x: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(99)
    noise = rng.standard_normal((x.size, 2)) @ [1, 1j] * np.sqrt(4 * N0 / 2)
    return (x + noise).astype(np.complex64)


def caught(
    chunks: Iterable[np.ndarray], gaps: dict[int, int] | None = None, model: int | None = None
) -> tuple[list[Item], BlockReport]:
    """Run chunks through the block as the runtime does; ``gaps`` are lost samples before a chunk."""
    made = RunningBlock(Burst(Burst.Params(model=model), name="sync"), torch_threads=1)
    made.start()
    emitted, offset = [], 0
    for index, chunk in enumerate(chunks):
        offset += (gaps or {}).get(index, 0)
        envelope = Envelope(Identity(index), Stream(offset, 1e7))
        emitted += made.step({"samples": Item(envelope, chunk)})
        offset += chunk.size
    emitted += made.finish(RunContext())
    report = BlockReport()
    made.report_to(report)
    return [item for row in emitted for item in row if item is not None], report


def test_a_frame_comes_back_with_all_that_was_told_and_measured() -> None:
    (item,), report = caught([noisy(np.concatenate(air([7])))])
    header, state = item.envelope.header, item.envelope.state
    assert item.envelope.identity == Identity(7)
    assert (header.read(ImageShape), header.read(PowerScale)) == FIELDS
    assert header.bits == sum(field.bits() for field in FIELDS)
    assert float(np.mean(np.abs(item.value - symbols(7)) ** 2)) == pytest.approx(N0, rel=0.3)
    assert state.csi == "pilots"
    assert state.esn0_db == pytest.approx(20, abs=1)
    assert isinstance(state.n0, np.ndarray)
    assert (state.n0.shape, state.n0.dtype) == ((800,), np.float32)
    assert float(state.n0.mean()) == pytest.approx(N0, rel=0.3)
    assert state.h is not None
    assert np.abs(state.h) == pytest.approx(1, abs=0.1)
    values = item.envelope.trace.values
    assert values["cfo_hz"] == pytest.approx(0, abs=100)
    assert values["gain_step_db"] == 0
    sent = Framing(Framing.Params()).work(symbols(7), Header().with_fields(*FIELDS), Identity(7)).trace
    for name in ("channel_uses", "header_uses", "pilot_uses"):
        assert values[name] == sent[name]
    assert report.counted == {"bursts": 1, "lost_bursts": 7}
    assert report.named == {"lost_bursts": list(range(7))}


def test_bursts_that_are_lost_doubled_or_late_are_counted_by_their_numbers() -> None:
    items, report = caught([noisy(np.concatenate(air([0, 1, 1, 4, 3, 5])))])
    assert [item.envelope.identity.seq for item in items] == [0, 1, 4, 5]
    assert (report.doubled, report.late) == (1, 1)
    assert report.counted == {"bursts": 6, "lost_bursts": 2}
    assert report.named == {"lost_bursts": [2, 3]}


def test_what_could_not_be_read_is_counted_and_skipped() -> None:
    first, second, third, fourth = air([0, 1, 2, 3])
    second = second[: second.size // 2]  # truncated
    third = third.copy()
    third[2100:2800] = 0  # most of the start word
    items, report = caught([noisy(np.concatenate([first, second, third, fourth]))])
    assert [item.envelope.identity.seq for item in items] == [0, 3]
    assert report.counted == {"bursts": 2, "header_failures": 1, "truncated_bursts": 1, "lost_bursts": 2}
    assert report.named == {"truncated_bursts": [1], "lost_bursts": [1, 2]}


def test_a_gap_truncates_and_the_rest_is_read() -> None:
    x = noisy(np.concatenate(air([0, 1, 2])))
    cut = x.size // 2
    items, report = caught([x[:cut], x[cut + 500 :]], {1: 500})
    assert [item.envelope.identity.seq for item in items] == [0, 2]
    assert report.counted == {"bursts": 2, "truncated_bursts": 1, "lost_bursts": 1}


def test_samples_that_are_none_and_a_gain_that_jumps_are_counted() -> None:
    x = noisy(np.concatenate(air([0, 1])))
    x[200] = np.nan
    x[12_500:] *= 3  # in the body of the second
    items, report = caught([x[:500], x[500:]])
    assert len(items) == 2
    assert report.counted["bad_samples"] == 1
    assert report.named["gain_steps"] == [1]


def test_bursts_of_another_model_are_counted_and_skipped() -> None:
    """Their CRC holds, and their numbers are not ours."""
    ours, theirs = (air([0, 1], *FIELDS, ModelId(number, 7)) for number in (1, 32))
    x = noisy(np.concatenate([ours[0], theirs[1], ours[1], *air([5])]))
    items, report = caught([x], model=1)
    assert [item.envelope.identity.seq for item in items] == [0, 1]
    assert [item.envelope.header.read(ModelId) for item in items] == [ModelId(1, 7)] * 2
    assert report.counted == {"bursts": 2, "other_models": 2}
    assert report.named == {"other_models": [1, 5]}


def test_a_stream_without_bursts() -> None:
    items, report = caught([noisy(np.zeros(50_000, np.complex64))])
    assert (items, report.counted) == ([], {})
