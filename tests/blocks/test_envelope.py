from __future__ import annotations

from typing import Annotated

import numpy as np
import pytest
from semcom.blocks.envelope import Envelope, Header, HeaderEntry, Identity, Out, State, Stream, Trace
from semcom.errors import SignalError
from semcom.sim.side_information.codes import HalfSteps, Whole
from semcom.sim.side_information.field import HeaderField, Unsent


class Shape(HeaderField, frozen=True):
    height: Annotated[int, Whole(16)]
    width: Annotated[int, Whole(16)]


class Rate(HeaderField, frozen=True):
    rate: Annotated[float, HalfSteps(8)]


def test_a_header_gives_back_what_was_written():
    header = Header().with_fields(Shape(3, 4), Rate(0.5))
    assert header.read(Shape) == Shape(3, 4)
    assert header.bits == 40
    assert header.uses == 80
    assert dict(header) == {"Shape": HeaderEntry(32, b"\0\3\0\4"), "Rate": HeaderEntry(8, b"\1")}
    assert repr(Header().with_fields(Rate(0.5))) == "Header({'Rate': HeaderEntry(bits=8, packed=b'\\x01')})"


def test_what_is_not_sent_can_be_read_and_is_not_charged():
    header = Header().with_fields(Shape(3, 4), Unsent(Rate(0.5)))
    assert header.read(Rate) == Rate(0.5)
    assert (header.bits, header.uses) == (32, 64)
    assert header["Rate"] == HeaderEntry(8, b"\1", sent=False)
    assert (Header().bits, Header().uses) == (0, 0)


def test_a_value_that_the_bits_do_not_hold_is_refused_where_it_is_written():
    with pytest.raises(SignalError) as caught:
        Header().with_fields(Shape(3, 65536))
    assert str(caught.value) == "Shape.width: expected 0 to 65535, got 65536"


def test_a_field_of_the_same_class_is_replaced_and_the_header_itself_stays():
    header = Header().with_fields(Rate(0.5))
    assert header.with_fields(Rate(1.0)).read(Rate) == Rate(1.0)
    assert header.read(Rate) == Rate(0.5)


def test_a_field_that_nobody_wrote_is_named_with_those_that_came():
    with pytest.raises(SignalError) as caught:
        Header().with_fields(Rate(0.5)).read(Shape)
    assert str(caught.value) == "header: expected Shape, got Rate; connect a block that writes it"
    with pytest.raises(SignalError) as caught:
        Header().read(Shape)
    assert str(caught.value) == "header: expected Shape, got nothing; connect a block that writes it"


def test_bits_of_another_field_are_an_error_of_the_signal():
    header = Header({"Shape": HeaderEntry(24, b"\0\3\0"), "Rate": HeaderEntry(10, b"\0\0")})
    with pytest.raises(SignalError) as caught:
        header.read(Shape)
    assert str(caught.value) == "Shape.width: expected 16 bits, got 8; the header is cut short"
    with pytest.raises(SignalError) as caught:
        header.read(Rate)
    assert str(caught.value) == "Rate: expected 8 bits, got 10; they are of another field"


def test_headers_unite_and_may_not_disagree():
    shape, rate = Header().with_fields(Shape(3, 4)), Header().with_fields(Rate(0.5))
    assert dict(shape.merged(rate)) == {**shape, **rate}
    assert dict(shape.merged(shape)) == dict(shape)
    with pytest.raises(SignalError) as caught:
        rate.merged(Header().with_fields(Rate(1.0)))
    assert str(caught.value) == "header: two inputs disagree on Rate: 01 and 02 (hexadecimal)"


def test_a_state_takes_what_the_new_one_has_set():
    h = np.ones(2, np.complex64)
    state = State(n0=0.5, csi="pilots").updated(State(h=h, esn0_db=0.0, csi="perfect"))
    assert (state.n0, state.esn0_db, state.csi) == (0.5, 0.0, "perfect")
    assert state.h is h


def test_a_trace_keeps_its_birth_and_adds_values():
    trace = Trace(label="a", born_s=5.0, values={"x": 1.0})
    new = trace.updated(None, {"y": 2.0})
    assert (new.label, new.born_s, new.values) == ("a", 5.0, {"x": 1.0, "y": 2.0})
    assert trace.updated("b", {}).label == "b"
    assert trace.values == {"x": 1.0}


def test_out_takes_one_field_or_several():
    assert Out(1, header=Rate(0.5)).header == (Rate(0.5),)
    assert Out(1, header=(Rate(0.5), Shape(1, 2))).header == (Rate(0.5), Shape(1, 2))
    assert Out(1).header == ()
    assert Out(1).trace == {}


def test_an_envelope_begins_empty():
    envelope = Envelope()
    assert envelope.identity == Identity(0, 0, True)
    assert envelope.stream is None
    assert Stream() == (0, 1.0, 0, ())
    assert envelope.sent == ()
