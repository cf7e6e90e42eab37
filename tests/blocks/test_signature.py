from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any, NamedTuple

import pytest
from semcom.blocks.block import Block
from semcom.blocks.envelope import Header, Identity, Out, State, Stream, Trace
from semcom.blocks.ports import PORT_TYPES, Bits, Features, Image, Symbols
from semcom.blocks.signature import InputPort, read_signature
from semcom.errors import UnknownBlock

IMAGE, BITS, FEATURES, SYMBOLS = (PORT_TYPES[name] for name in ("Image", "Bits", "Features", "Symbols"))


class Both(NamedTuple):
    image: Image
    bits: Bits | None


class Mixed(NamedTuple):
    image: Image
    count: int


def block(work, name="Odd"):
    return type(name, (Block,), {"work": work})


def refusal(cls):
    with pytest.raises(UnknownBlock) as caught:
        read_signature(cls)
    return str(caught.value)


def test_arguments_are_inputs_and_what_the_envelope_fills():
    def work(self, image: Image, header: Header, state: State, trace: Trace, other: Bits | None = None) -> Symbols: ...

    signature = read_signature(block(work))
    assert signature.inputs == {"image": InputPort(IMAGE, optional=False), "other": InputPort(BITS, optional=True)}
    assert list(signature.inputs) == ["image", "other"]
    assert signature.injected == {"header": "header", "state": "state", "trace": "trace"}
    assert signature.outputs == {"out": SYMBOLS}
    assert (signature.is_source, signature.is_sink, signature.named_outputs) == (False, False, False)


def test_identity_and_stream_are_no_inputs():
    def work(self, identity: Identity, stream: Stream) -> Iterator[Features]: ...

    signature = read_signature(block(work))
    assert signature.is_source
    assert signature.injected == {"identity": "identity", "stream": "stream"}


@pytest.mark.parametrize(
    "hint",
    [
        Features,
        Features | None,
        Out[Features],
        Out[Features] | None,
        Iterator[Features],
        Iterable[Features],
        Generator[Features, None, None],
        Iterator[Out[Features]],
        Iterator[Features] | None,
    ],
    ids=str,
)
def test_every_way_to_return_one_output(hint):
    def work(self, image: Image): ...

    work.__annotations__["return"] = hint
    assert read_signature(block(work)).outputs == {"out": FEATURES}


@pytest.mark.parametrize("hint", [Both, Iterator[Both], Out[Both]], ids=str)
def test_the_fields_of_a_named_tuple_are_the_outputs(hint):
    def work(self, image: Image): ...

    work.__annotations__["return"] = hint
    signature = read_signature(block(work))
    assert signature.outputs == {"image": IMAGE, "bits": BITS}
    assert signature.named_outputs


def test_a_sink_returns_nothing():
    def work(self, image: Image) -> None: ...

    assert read_signature(block(work)).is_sink


def test_a_block_without_work_is_refused():
    assert refusal(type("Idle", (Block,), {})) == "Idle: expected a method work(self, ...), got none"
    assert refusal(block(3)) == "Odd: expected a method work(self, ...), got none"


def test_an_argument_that_is_no_port_is_refused():
    def work(self, image: int) -> None: ...

    assert refusal(block(work)) == (
        "Odd.work: argument 'image': expected a port type such as Image or Symbols, or Header, "
        "State, Trace, Identity, Stream; got <class 'int'>"
    )


def test_an_argument_without_annotation_is_refused():
    def work(self, image) -> None: ...

    assert refusal(block(work)).endswith("argument 'image': expected a port type such as Image or Symbols, or Header, "
                                         "State, Trace, Identity, Stream; got None")  # fmt: skip


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        (int, "<class 'int'>"),
        (Mixed, "<class '"),
        (Features | Symbols, "typing.Union["),
        (Iterator, "<class 'collections.abc.Iterator'>"),
        (Any, "typing.Any"),
    ],
)
def test_a_return_that_is_no_output_is_refused(hint, shown):
    def work(self, image: Image): ...

    work.__annotations__["return"] = hint
    assert refusal(block(work)).startswith(
        "Odd.work: expected it to return a port type, an iterator of one, Out of one, a NamedTuple of them or None; "
        f"got {shown}"
    )


def test_the_iterator_of_typing_without_an_argument_is_refused():
    import typing

    def work(self, image: Image): ...

    work.__annotations__["return"] = typing.Iterator
    assert "got typing.Iterator" in refusal(block(work))


@pytest.mark.parametrize(
    ("hint", "reason"),
    [
        ("Nowhere", "name 'Nowhere' is not defined"),
        ("Image.nothing", "has no attribute 'nothing'"),
        ("Image[", "Forward reference must be an expression"),
    ],
)
def test_an_annotation_that_does_not_resolve_is_refused(hint, reason):
    def work(self, image: Image) -> None: ...

    work.__annotations__["image"] = hint
    message = refusal(block(work))
    assert message.startswith("Odd.work: an annotation does not resolve: ")
    assert reason in message
    assert message.endswith("; import it at module level")
