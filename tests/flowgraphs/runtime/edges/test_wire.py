from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from semcom.blocks.envelope import Annotation, Envelope, Header, HeaderEntry, Identity, SentFrame, State, Stream, Trace
from semcom.errors import WireError
from semcom.flowgraphs.runtime.edges.bounds import MAX_AXIS, MAX_HEAD_BYTES, MAX_PACK_ITEMS, MAX_PARTS
from semcom.flowgraphs.runtime.edges.decode import Items, decode
from semcom.flowgraphs.runtime.edges.encode_items import HeadTooLarge, encode_items, item_bytes
from semcom.flowgraphs.runtime.edges.messages import (
    Bye,
    Contract,
    End,
    Hello,
    Ping,
    Refuse,
    Resend,
    Status,
    Welcome,
    Who,
    decode_contract,
    encode,
    encode_contract,
)
from semcom.sim.waveform.reception import Reception

PLAIN = [
    Hello(1, 2, 3, b"c"),
    Welcome(1, 2, 3, b"c", 8, 100, 4, 3, 2),
    Who(5),
    Status(1, 2, 3, 4, 5),
    Resend(1, 2, 3),
    Refuse(1, "no"),
    End(0, 1, 2),
    Ping(1, 2),
    Bye(1),
]

RECEPTION = Reception(
    *(3, 0.5, 0.25, 1e7, 3e6, 20.0, 0.1, -300.0, 20.0, 0.5, 0.05, 2e-7),
    *(np.full(size, 1 - 1j if kind is np.complex64 else 0.5, kind) for size, kind in (
        (4, np.float32), (3, np.complex64), (0, np.complex64), (5, np.complex64), (9, np.float32), (1, np.float32),
        (5, np.float32),
    )),
    failures=2,
    lost=1,
)  # fmt: skip
text = st.text(max_size=20)
floats = st.floats(allow_nan=False)
arrays = st.one_of(
    *(
        hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
        for dtype in (np.uint8, np.float32, np.complex64)
    )
)
state_arrays = hnp.arrays(np.float32, st.integers(0, 9)) | hnp.arrays(np.float64, st.integers(0, 9))
states = st.builds(
    State,
    n0=st.none() | floats | state_arrays,
    h=st.none() | hnp.arrays(np.complex64, st.integers(0, 9)),
    esn0_db=st.none() | floats,
    csi=st.sampled_from([None, "perfect", "pilots"]),
    reception=st.none() | st.just(RECEPTION),
)
counts = st.integers(0, 2**62)
annotations = st.builds(Annotation, counts, text, st.none() | st.booleans() | floats | text, counts)
traces = st.builds(Trace, label=text, born_s=floats, values=st.dictionaries(text, floats, max_size=3))
envelopes = st.builds(
    Envelope,
    st.builds(Identity, counts, st.integers(0, 2**31), st.booleans()),
    st.none() | st.builds(Stream, counts, floats, counts, st.lists(annotations, max_size=3).map(tuple)),
    st.builds(
        Header,
        st.dictionaries(
            text,
            st.builds(
                lambda packed, spare, sent: HeaderEntry(max(8 * len(packed) - spare, 0), packed, sent),
                st.binary(max_size=9),
                st.integers(0, 7),
                st.booleans(),
            ),
            max_size=3,
        ),
    ),
    st.just(State()) | states,
    traces,
    st.lists(st.builds(SentFrame, counts, counts, counts, traces), max_size=2).map(tuple),
)


def packed(items: list[tuple[Envelope, Any]], first: int = 7) -> list[Any]:
    return encode_items(3, 11, first, [(envelope, array, 0) for envelope, array in items])


def same(left: Any, right: Any) -> bool:
    if isinstance(left, Reception) and isinstance(right, Reception):
        return all(map(same, left, right))
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    return bool(left == right)


@pytest.mark.parametrize("message", PLAIN, ids=lambda message: type(message).__name__)
def test_every_kind_comes_back(message: Any) -> None:
    assert decode(encode(message)) == message


@given(st.lists(st.tuples(envelopes, arrays), min_size=1, max_size=4))
def test_items_come_back_bit_for_bit_read_only_and_aligned(items: list[tuple[Envelope, Any]]) -> None:
    message = decode([bytes(frame) for frame in packed(items)])
    assert isinstance(message, Items)
    assert (message.edge, message.session, message.first) == (3, 11, 7)
    assert len(message.items) == len(items)
    for (envelope, array), got in zip(items, message.items, strict=True):
        assert same(array, got.array)
        assert not got.array.flags.writeable
        assert got.array.flags.aligned
        assert got.size == item_bytes(envelope, array)
        assert got.envelope.identity == envelope.identity
        assert got.envelope.stream == envelope.stream
        assert dict(got.envelope.header) == dict(envelope.header)
        assert got.envelope.trace == envelope.trace
        assert got.envelope.sent == envelope.sent
        for name in State.__struct_fields__:
            assert same(getattr(envelope.state, name), getattr(got.envelope.state, name))


def test_a_misaligned_frame_is_copied() -> None:
    head, payload = packed([(Envelope(), np.arange(5, dtype=np.complex64))])
    shifted = memoryview(b"x" + bytes(payload))[1:]
    item = decode([head, shifted]).items[0]  # type: ignore[union-attr]
    assert item.array.flags.aligned
    np.testing.assert_array_equal(item.array, np.arange(5))


def test_a_large_array_is_sent_and_received_without_copies() -> None:
    array = np.zeros(1000, np.float32)
    head, payload = packed([(Envelope(), array)])
    assert np.shares_memory(np.frombuffer(payload, np.uint8), array)
    assert np.shares_memory(decode([head, payload]).items[0].array, array)  # type: ignore[union-attr]


def test_a_view_with_strides_is_sent_in_its_own_order() -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::3]
    for count in (1, 2):
        message = decode(packed([(Envelope(), array)] * count))
        np.testing.assert_array_equal(message.items[-1].array, array)  # type: ignore[union-attr]


def test_numpy_scalars_in_labels_and_measurements_become_plain() -> None:
    envelope = Envelope(Identity(np.int64(4)), trace=Trace(values={"signal_energy": np.float64(0.5)}))  # type: ignore[arg-type]
    got = decode(packed([(envelope, np.zeros(1, np.uint8))])).items[0].envelope  # type: ignore[union-attr]
    assert got.identity.seq == 4
    assert got.trace.values == {"signal_energy": 0.5}


@pytest.mark.parametrize(
    ("envelope", "array", "message"),
    [
        (Envelope(), np.zeros(2, np.int32), "edge 3, item 0: expected uint8, float32 or complex64 .* got int32 with 1"),
        (Envelope(), np.zeros((1,) * 9, np.uint8), "at most 8 axes, got uint8 with 9"),
        (Envelope(), np.array([None]), "got object with 1"),
        (Envelope(state=State(h=np.zeros(2, np.int16))), np.zeros(1, np.uint8), "state h: expected float32"),  # type: ignore[arg-type]
        (
            Envelope(state=State(reception=RECEPTION._replace(phase=np.zeros(129, np.float32)))),
            np.zeros(1, np.uint8),
            "state reception: phase: expected at most 128 values, got 129",
        ),
        (Envelope(trace=Trace(label="x" * 1025)), np.zeros(1, np.uint8), "cannot be sent: .*length <= 1024"),
        (Envelope(header=Header({"A": HeaderEntry(-1, b"")})), np.zeros(1, np.uint8), "bytes for -1 bits, got 0"),
        (Envelope(header=Header({"A": HeaderEntry(9, b"x")})), np.zeros(1, np.uint8), "bytes for 9 bits, got 1"),
        (Envelope(header=Header({"A": HeaderEntry(8, object())})), np.zeros(1, np.uint8), "cannot be sent"),  # type: ignore[arg-type]
        (Envelope(header=Header({"A": HeaderEntry(2**23, bytes(2**20))})), np.zeros(1, np.uint8), "at most 1048576"),
    ],
)
def test_what_no_receiver_would_take_is_not_sent(envelope: Envelope, array: Any, message: str) -> None:
    with pytest.raises(WireError, match=message):
        packed([(envelope, array)])


def test_a_head_that_is_too_large_for_many_is_told_apart() -> None:
    envelope = Envelope(header=Header({"A": HeaderEntry(2**22, bytes(2**19))}))
    with pytest.raises(HeadTooLarge, match="3 items have a head of"):
        packed([(envelope, np.zeros(1, np.uint8))] * 3)


def item_head(**changes: Any) -> list[Any]:
    fields = {
        "identity": [0, 0, True],
        "dtype": "u1",
        "shape": [1],
        "stream": None,
        "header": None,
        "state": None,
        "trace": None,
    }
    return list({**fields, **changes}.values())


def raw(items: list[Any], *frames: bytes, kind: str = "items") -> list[bytes]:
    return [msgspec.msgpack.encode([kind, 0, 1, 0, items]), *frames]


def header(bits: Any, packed: Any) -> dict[str, Any]:
    return {"A": {"bits": bits, "packed": packed}}


def test_the_hand_made_message_is_well_formed() -> None:
    assert isinstance(decode(raw([item_head(header=header(12, b"ab"))], b"x")), Items)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "expected 1 to 5 frames, got 0"),
        ([b"\x90"] * (MAX_PARTS + 1), "expected 1 to 5 frames, got 6"),
        ([bytes(MAX_HEAD_BYTES + 1)], "expected a head of at most 1048576 bytes, got 1048577"),
        ([b""], "malformed head"),
        ([b"\xc1"], "malformed head"),
        ([b"\x92\xa5items\xdd\xff\xff\xff\xff"], "malformed head"),
        ([msgspec.msgpack.encode(["nonsense", 1])], "malformed head: Invalid value 'nonsense'"),
        ([msgspec.msgpack.encode(["ping", -1, 0])], "malformed head: Expected `int` >= 0"),
        ([msgspec.msgpack.encode(["ping", "1", 0])], "malformed head: Expected `int`, got `str`"),
        ([*encode(Ping(1, 2)), b""], "expected 1 frame for Ping, got 2"),
        (raw([]), "malformed head"),
        (raw([item_head()] * (MAX_PACK_ITEMS + 1), b""), "malformed head: Expected `array` of length <= 256"),
        (raw([item_head()]), r"expected a frame for u1 \[1\], got none"),
        (raw([item_head()], b"xx"), r"expected 1 bytes for u1 \[1\], got 2"),
        (raw([item_head()], b""), "expected 1 bytes .* got 0"),
        (raw([item_head()], b"x", b"y"), "expected 2 frames, got 3"),
        (raw([item_head()] * 2), "expected 2 frames for 2 items, got 1"),
        (raw([item_head()] * 2, bytes(16)), "expected 17 bytes .* got 16"),
        (raw([item_head()] * 2, bytes(48)), "expected 32 bytes in all, got 48"),
        (raw([item_head(dtype="O")], b"x"), "malformed head: Invalid enum value 'O'"),
        (raw([item_head(dtype="f8")], b"x"), "malformed head: Invalid enum value 'f8'"),
        (raw([item_head(shape=[1] * 9)], b"x"), "malformed head: Expected `array` of length <= 8"),
        (raw([item_head(shape=[-1])], b"x"), "malformed head: Expected `int` >= 0"),
        (raw([item_head(shape=[MAX_AXIS + 1])], b"x"), "malformed head: Expected `int` <= 2147483647"),
        (raw([item_head(shape=[MAX_AXIS] * 8)], b"x"), "got 1"),
        (raw([item_head(shape=[MAX_AXIS] * 8)] * 2, b"x"), "got 1"),
        (raw([item_head(shape=[0, MAX_AXIS, MAX_AXIS, MAX_AXIS])], b""), "u1 .* too large"),
        (raw([item_head(shape=[0, MAX_AXIS, MAX_AXIS, MAX_AXIS])] * 2, b""), "u1 .* too large"),
        (raw([item_head(header={"A" * 1025: {"bits": 8, "packed": b"x"}})], b"x"), "malformed head: .*<= 1024"),
        (raw([item_head(header={str(i): {"bits": 8, "packed": b"x"} for i in range(65)})], b"x"), "<= 64"),
        (raw([item_head(header=header(-1, b""))], b"x"), "expected bytes for -1 bits, got 0"),
        (raw([item_head(header=header(9, b"x"))], b"x"), "expected bytes for 9 bits, got 1"),
        (raw([item_head(header=header(0, b"x"))], b"x"), "expected bytes for 0 bits, got 1"),
        (raw([item_head(header=header(2**62, b"x"))], b"x"), "expected bytes for 4611686018427387904 bits, got 1"),
        (raw([item_head(header=header(1, [0]))], b"x"), "malformed head: Expected `bytes`, got `array`"),
        (raw([item_head(header=header(1, msgspec.msgpack.Ext(5, b"x")))], b"x"), "malformed head: Expected `bytes`"),
        (raw([item_head(state=[[0.5, 0], None, None, None])], b"x"), "malformed head"),
        (raw([item_head(state=[None, ["c8", [2]], None, "guessed"])], b"x", bytes(16)), "malformed head"),
        (raw([item_head(state=[None, ["c8", [2]], None, None])], b"x", bytes(8)), "expected 16 bytes for c8"),
        (
            raw([item_head(state=[None, None, None, None, None, ["f8", [3]]])], b"x", bytes(24)),
            "state reception: expected 21 values, got 3",
        ),
        (raw([item_head(trace=["x" * 1025, 0.0, {}])], b"x"), "malformed head: .*<= 1024"),
    ],
)
def test_what_breaks_a_bound_is_refused_in_one_sentence(frames: list[bytes], message: str) -> None:
    with pytest.raises(WireError, match=message) as caught:
        decode(frames)
    assert "\n" not in str(caught.value)


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    head = msgspec.msgpack.encode(["items", 0, 1, 0, [item_head(header={"A": {"bits": 0, "x": 0}})]])
    deep = head.replace(b"\xa1x\x00", b"\xa1x" + b"\x91" * 100_000 + b"\x00")
    assert len(deep) > 100_000
    with pytest.raises(WireError, match="malformed head: maximum recursion depth"):
        decode([deep, b"x"])


def tried(frames: list[Any]) -> None:
    with contextlib.suppress(WireError):
        decode(frames)


@settings(max_examples=300)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_garbage_gives_nothing_but_wire_errors(frames: list[bytes]) -> None:
    tried(frames)


objects = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | text | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=3),
    max_leaves=20,
)
kinds = st.sampled_from(["hello", "items", "end", "ping", "bye", "welcome", "who", "status", "resend", "refuse"])


@settings(max_examples=300)
@given(kinds, st.lists(objects, max_size=9), st.lists(st.binary(max_size=30), max_size=3))
def test_well_formed_msgpack_of_other_things_gives_nothing_but_wire_errors(
    kind: str, fields: list[Any], frames: list[bytes]
) -> None:
    tried([msgspec.msgpack.encode([kind, *fields]), *frames])


@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(envelopes, arrays), min_size=1, max_size=3), st.data())
def test_mutated_messages_give_nothing_but_wire_errors(items: list[tuple[Envelope, Any]], data: st.DataObject) -> None:
    frames = [bytearray(frame) for frame in packed(items)]
    for _ in range(data.draw(st.integers(1, 3))):
        frame = data.draw(st.sampled_from(frames))
        at = data.draw(st.integers(0, len(frame)))
        match data.draw(st.sampled_from(["set", "cut", "insert", "drop", "double"])):
            case "set" if at < len(frame):
                frame[at] = data.draw(st.integers(0, 255))
            case "cut":
                del frame[at:]
            case "insert":
                frame[at:at] = data.draw(st.binary(max_size=8))
            case "drop" if len(frames) > 1:
                frames.pop()
            case "double":
                frames.append(bytearray(frame))
            case _:
                pass
    tried([bytes(frame) for frame in frames])


@given(st.binary(max_size=100))
def test_a_garbage_contract_is_a_wire_error(garbage: bytes) -> None:
    with contextlib.suppress(WireError):
        decode_contract(garbage)


def test_a_contract_comes_back_and_an_oversized_one_is_refused() -> None:
    contract = Contract(graph="g", edge=1, source="a.x", target="b.y", port="Symbols", header=("ImageShape",))
    assert decode_contract(encode_contract(contract)) == contract
    assert str(contract) == "a.x -> b.y"
    with pytest.raises(WireError, match="expected at most 65536 bytes"):
        encode_contract(msgspec.structs.replace(contract, graph="x" * 70_000))
    with pytest.raises(WireError, match="length <= 1024"):
        encode_contract(msgspec.structs.replace(contract, graph="x" * 2000))


def test_an_item_beyond_the_frame_bound_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("semcom.flowgraphs.runtime.edges.encode_items.MAX_FRAME_BYTES", 100)
    with pytest.raises(WireError, match="expected at most 100 bytes, got 101; send it in parts"):
        packed([(Envelope(), np.zeros(101, np.uint8))])
