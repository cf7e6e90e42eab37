"""`radio/pluto_source` and `radio/pluto_sink`, against a device that is made up: no real one was there."""

from __future__ import annotations

import errno
import importlib
import itertools
import sys
import time

import numpy as np
import pytest
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Annotation, Stream
from semcom.blocks.radio.pluto_sink import PlutoSink
from semcom.blocks.radio.pluto_source import PlutoSource
from semcom.errors import MissingExtra, RunError, SignalError, UsageError

from . import fake_adi
from .conftest import first
from .running import Going

SIZE = 256


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setitem(sys.modules, "adi", fake_adi)
    for name, value in (("script", []), ("status", []), ("takes", True)):
        monkeypatch.setattr(fake_adi.Pluto, name, value)
    return fake_adi.Pluto


def source(**params) -> PlutoSource:
    made = PlutoSource(PlutoSource.Params(buffer=SIZE, **params), name="rx")
    made.start()
    return made


def sink(**params) -> PlutoSink:
    made = PlutoSink(PlutoSink.Params(buffer=SIZE, scale_db=0, **params), name="tx")
    made.start()
    return made


def test_codes_of_twelve_bits_become_samples_below_one(device):
    work = source(sample_rate_hz=2e6).work()
    got = first(work, 3)
    ramp = np.arange(3 * SIZE) / 2048
    np.testing.assert_array_equal(np.concatenate([out.value for out in got]), (ramp - 1j * ramp).astype(np.complex64))
    assert {out.sample_rate_hz for out in got} == {2e6}
    work.close()
    assert device.made.closed == ["rx"]


def test_the_receiver_is_tuned_and_its_gain_control_is_off(device):
    made = source(frequency_hz=868e6, gain_db=30, sample_rate_hz=3e6)
    assert device.made.set == {
        "rx_enabled_channels": [0],
        "rx_buffer_size": SIZE,
        "rx_lo": 868_000_000,
        "rx_rf_bandwidth": 3_000_000,
        "gain_control_mode_chan0": "manual",
        "rx_hardwaregain_chan0": 30.0,
    }
    made.params = PlutoSource.Params(gain_db=33)
    next(made.work())
    assert device.made.set["rx_hardwaregain_chan0"] == 33.0


def test_the_transmitter_is_tuned(device):
    sink(frequency_hz=868e6, bandwidth_hz=2e6)
    assert device.made.set == {
        "tx_enabled_channels": [0],
        "tx_cyclic_buffer": False,
        "tx_lo": 868_000_000,
        "tx_rf_bandwidth": 2_000_000,
        "tx_hardwaregain_chan0": -40.0,
    }


def test_an_overflow_is_told_where_it_was_and_counted(device):
    made = source()
    device.status = [0, 4, 1, 0]
    got = first(made.work(), 3)
    assert [out.annotations for out in got] == [(), (Annotation(0, "overflow"),), ()]
    assert made.counted == {"overflows": 1}
    assert device.made.registers == [(0x80000088, 4)]


def test_a_device_that_gives_nothing_lets_the_runtime_look(device):
    device.script = [errno.ETIMEDOUT] * 2
    assert [out is None for out in itertools.islice(source().work(), 3)] == [True, True, False]


def test_buffers_of_one_size_are_sent_and_what_is_left_waits_or_goes_with_the_silence(device):
    """0.5 is the code 16384, -1 the code -32768, and 1 the greatest that there is."""
    made = sink()
    made.work(np.full(SIZE + 10, 0.5 - 1j, np.complex64), Stream(0, 1e6))
    assert len(device.made.sent) == 1
    made.work(np.append(np.ones(10), np.zeros(1)).astype(np.complex64), Stream(SIZE + 10, 1e6))
    sent = np.concatenate(device.made.sent)
    np.testing.assert_array_equal(sent[: SIZE + 10], 16384 - 32768j)
    np.testing.assert_array_equal(sent[SIZE + 10 : SIZE + 20], 32767)
    assert not sent[SIZE + 20 :].any()
    assert sent.size == 2 * SIZE
    made.work(np.ones(1, np.complex64), Stream(SIZE + 21, 1e6))
    made.finish(RunContext())
    sent = np.concatenate(device.made.sent)
    assert (sent[2 * SIZE], sent.size) == (32767, 7 * SIZE)  # and four of silence, until it has gone
    assert made.counted == {"sent_samples": 3 * SIZE}
    assert device.made.closed == ["tx"]


def test_what_is_sent_is_scaled_clipped_and_counted(device):
    made = sink(headroom_db=6.0206)
    device.status = [1]
    samples = np.zeros(SIZE, np.complex64)
    samples[:3] = 0.25, 2j, np.nan
    made.work(samples, Stream(0, 1e6))
    np.testing.assert_allclose(device.made.sent[0][:3], [8192, 16384j, 0], atol=1)
    assert made.counted == {"sent_samples": SIZE, "clipped_samples": 1, "non_finite_samples": 1, "underflows": 1}


def test_what_the_device_does_not_do_is_told(device):
    for open_one, name in ((source, "pluto_source"), (sink, "pluto_sink")):
        with pytest.raises(SignalError, match=r"expected a sample rate of 1000400 Hz, got 1000000 Hz, the nearest"):
            open_one(sample_rate_hz=1_000_400)
        with pytest.raises(RunError, match=rf"radio/{name}: Pluto 'ip:nope': No device found; `iio_info -s` lists"):
            open_one(uri="ip:nope")
    with pytest.raises(SignalError, match="the receiver's rate"):
        sink().work(np.zeros(1, np.complex64), Stream(0, 2e6))


def test_a_device_that_goes_ends_the_run(device):
    made = source()
    device.script = [errno.ENODEV]
    with pytest.raises(RunError, match=r"Pluto 'ip:pluto.local': \[Errno 19\] made up; see whether it is still there"):
        next(made.work())
    made = sink()
    device.script = [errno.EPIPE]
    with pytest.raises(RunError, match="made up"):
        made.work(np.zeros(SIZE, np.complex64), Stream(0, 1e6))


def test_without_the_extra_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "adi", None)
    with pytest.raises(MissingExtra, match=r'^radio/pluto_source needs adi: pip install "gr-semcom\[pluto\]"$'):
        source()


def test_a_library_of_another_version_is_one_sentence(monkeypatch):
    def wrong(name: str) -> None:
        raise FileNotFoundError(2, "libiio version 1.x required, found version 0")

    monkeypatch.setattr(importlib, "import_module", wrong)
    with pytest.raises(UsageError, match=r"libiio version 1.x required, found version 0; apt-get install libiio0, and"):
        source()


@pytest.mark.parametrize("state", ["silent", "full"])
def test_a_run_with_a_device_that_does_nothing_is_stopped_within_a_second(device, state):
    device.script = [errno.ETIMEDOUT] * 10_000 if state == "silent" else []
    device.takes = False
    blocks = "  rx: {use: radio/pluto_source, buffer: 4096}\n  tx: {use: radio/pluto_sink, buffer: 4096}\n"
    going = Going(f"semcom: 1\nname: devices\nblocks:\n{blocks}connect: [rx -> tx]\n")
    time.sleep(1.0)
    began = time.monotonic()
    assert going.stop().status == "stopped"
    assert time.monotonic() - began < 1.0
