from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.envelope import Envelope, Header, HeaderEntry, HeaderField, Identity, Out, State, Stream, Trace
from semcom.errors import SignalError


class Shape(HeaderField, frozen=True):
    height: int
    width: int

    def bits(self):
        return 32


class Rate(HeaderField, frozen=True):
    rate: float

    def bits(self):
        return 8


class Cheap(HeaderField, frozen=True):
    def bits(self):
        return 9

    def bits_per_use(self):
        return 3.0


class Free(HeaderField, frozen=True):
    pass


def test_a_header_gives_back_what_was_written():
    header = Header().with_fields(Shape(3, 4), Rate(0.5))
    assert header.read(Shape) == Shape(3, 4)
    assert header.bits == 40
    assert dict(header) == {
        "Shape": HeaderEntry(32, {"height": 3, "width": 4}),
        "Rate": HeaderEntry(8, {"rate": 0.5}),
    }
    assert repr(Header().with_fields(Rate(0.5))) == "Header({'Rate': HeaderEntry(bits=8, fields={'rate': 0.5})})"


def test_a_field_may_state_the_rate_at_which_it_is_charged():
    header = Header().with_fields(Shape(3, 4), Cheap())
    assert header.charges == ((32, 0.5), (9, 3.0))
    assert header.uses == 67
    assert header.bits == 41
    assert header["Cheap"] == HeaderEntry(9, {}, 3.0)
    assert Header().uses == 0


def test_a_field_of_the_same_class_is_replaced_and_the_header_itself_stays():
    header = Header().with_fields(Rate(0.5))
    assert header.with_fields(Rate(0.25)).read(Rate) == Rate(0.25)
    assert header.read(Rate) == Rate(0.5)


def test_a_field_that_nobody_wrote_is_named_with_those_that_came():
    with pytest.raises(SignalError) as caught:
        Header().with_fields(Rate(0.5)).read(Shape)
    assert str(caught.value) == "header: expected Shape, got Rate; connect a block that writes it"
    with pytest.raises(SignalError) as caught:
        Header().read(Shape)
    assert str(caught.value) == "header: expected Shape, got nothing; connect a block that writes it"


def test_a_field_of_wrong_types_is_an_error_of_the_signal():
    header = Header({"Shape": HeaderEntry(32, {"height": "three", "width": 4})})
    with pytest.raises(SignalError) as caught:
        header.read(Shape)
    assert str(caught.value) == "header: Shape: Expected `int`, got `str` - at `$.height`"


def test_a_field_must_say_what_it_costs():
    with pytest.raises(TypeError) as caught:
        Header().with_fields(Free())
    assert str(caught.value) == "Free must define bits()"


def test_headers_unite_and_may_not_disagree():
    shape, rate = Header().with_fields(Shape(3, 4)), Header().with_fields(Rate(0.5))
    assert dict(shape.merged(rate)) == {**shape, **rate}
    assert dict(shape.merged(shape)) == dict(shape)
    with pytest.raises(SignalError) as caught:
        rate.merged(Header().with_fields(Rate(0.25)))
    assert str(caught.value) == "header: two inputs disagree on Rate: {'rate': 0.5} and {'rate': 0.25}"


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
