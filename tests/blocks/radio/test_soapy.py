"""`radio/soapy_source` and `radio/soapy_sink`: against a device that is made up, and Debian's null device."""

from __future__ import annotations

import importlib.util
import itertools
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Annotation, Stream
from semcom.blocks.radio.soapy_sink import SoapySink
from semcom.blocks.radio.soapy_source import SoapySource
from semcom.errors import RunError, SignalError, UsageError
from semcom.flowgraphs.runtime.engine.control import running

from . import fake_soapy
from .conftest import first
from .running import Going

SYSTEM = Path("/usr/lib/python3/dist-packages")  # where Debian has its module, for its own Python


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setitem(sys.modules, "SoapySDR", fake_soapy)
    for name, value in (("script", []), ("has_time", True), ("takes", fake_soapy.PACKET)):
        monkeypatch.setattr(fake_soapy.Device, name, value)
    return fake_soapy.Device


def source(**params) -> SoapySource:
    made = SoapySource(SoapySource.Params(**params), name="rx")
    made.start()
    return made


def sink(**params) -> SoapySink:
    made = SoapySink(SoapySink.Params(**params), name="tx")
    made.start()
    return made


def test_samples_follow_each_other(device):
    work = source(sample_rate_hz=2e6).work()
    got = first(work, 3)
    np.testing.assert_array_equal(np.concatenate([out.value for out in got]), np.arange(3000))
    assert [(out.offset, out.sample_rate_hz) for out in got] == [(0, 2e6), (1000, 2e6), (2000, 2e6)]
    work.close()
    assert device.made.closed
    assert not device.made.active


def test_the_device_is_tuned_and_its_gain_control_is_off(device):
    made = source(frequency_hz=2.4e9, gain_db=30, bandwidth_hz=1e6, antenna="RX2")
    assert device.made.calls == {
        "setFrequency": 2.4e9,
        "setGainMode": False,
        "setGain": 30.0,
        "setBandwidth": 1e6,
        "setAntenna": "RX2",
    }
    work = made.work()
    made.params = SoapySource.Params(gain_db=33)
    next(work)
    assert device.made.calls["setGain"] == 33.0


def test_an_overflow_is_a_gap_of_as_many_samples_as_the_time_tells(device):
    device.script = [0, 0, 12_345, 0]
    made = source(sample_rate_hz=20e6)
    got = first(made.work(), 4)
    assert [out.offset for out in got] == [0, 1000, 14_345, 15_345]
    assert all(out.value[0] == out.offset for out in got)
    assert made.counted == {"overflows": 1, "lost_samples": 12_345}


def test_an_overflow_without_time_is_told_where_it_was(device):
    device.has_time = False
    device.script = [0, 777]
    made = source()
    got = first(made.work(), 3)
    assert [out.annotations for out in got] == [(), (Annotation(0, "overflow"),), ()]
    assert [out.offset for out in got] == [0, 1000, 2000]
    assert made.counted == {"overflows": 1}


def test_what_a_device_gives_that_is_not_finite_becomes_nought_and_is_counted(device, monkeypatch):
    def read(made, stream, buffers, count, *_):
        buffers[0][:3] = 1, np.nan, np.inf
        return SimpleNamespace(ret=3, flags=0, timeNs=0)

    monkeypatch.setattr(device, "readStream", read)
    made = source()
    (out,) = first(made.work(), 1)
    np.testing.assert_array_equal(out.value, [1, 0, 0])
    assert made.counted == {"non_finite_samples": 2}


def test_a_device_that_gives_nothing_lets_the_runtime_look(device):
    device.script = [fake_soapy.SOAPY_SDR_TIMEOUT] * 3
    assert [out is None for out in itertools.islice(source().work(), 4)] == [True, True, True, False]


def test_samples_are_scaled_clipped_and_sent_in_packets(device):
    device.takes = 700
    made = sink(scale_db=-20, headroom_db=6.0206, gain_db=-10)
    samples = np.concatenate([np.full(2500, 1 + 2j), [np.nan], [8 - 1j]]).astype(np.complex64)
    device_made = device.made
    device_made.status = [fake_soapy.SOAPY_SDR_UNDERFLOW] * 2
    made.work(samples, Stream(0, 1e6))
    sent = np.concatenate(device_made.sent)
    np.testing.assert_allclose(sent[:2500], 0.1 + 0.2j, rtol=1e-6)
    np.testing.assert_allclose(sent[2500:], [0, 0.5 - 0.1j], rtol=1e-5)
    assert made.counted == {"sent_samples": 2502, "underflows": 2, "clipped_samples": 1, "non_finite_samples": 1}
    made.finish(RunContext())
    assert device_made.closed


def test_a_device_that_takes_nothing_is_given_up_when_the_run_is_to_end(device):
    device.takes = 0
    made = sink()
    threading.Timer(0.1, setattr, (made, "stopping", True)).start()
    began = time.monotonic()
    for _ in range(100):  # what stands in queues
        made.work(np.zeros(5, np.complex64), Stream(0, 1e6))
    assert time.monotonic() - began < 1.0
    assert made.counted == {"lost_samples": 500}


@pytest.mark.parametrize("open_one", [source, sink])
def test_what_a_device_does_not_do_is_told(device, open_one):
    with pytest.raises(SignalError, match=r"expected a sample rate of 1000400 Hz, got 1000000 Hz, the nearest that it"):
        open_one(sample_rate_hz=1_000_400)
    with pytest.raises(RunError, match=r"device 'driver=nope': SoapySDR::Device::make\(\) no match; `SoapySDRUtil"):
        open_one(device="driver=nope")


def test_a_device_that_fails_ends_the_run(device):
    device.script = [fake_soapy.SOAPY_SDR_STREAM_ERROR]
    with pytest.raises(RunError, match="device 'first found': STREAM_ERROR"):
        next(source().work())
    device.script = [fake_soapy.SOAPY_SDR_STREAM_ERROR]
    with pytest.raises(RunError, match="STREAM_ERROR"):
        sink().work(np.zeros(1, np.complex64), Stream(0, 1e6))
    with pytest.raises(SignalError, match="the receiver's rate"):
        sink().work(np.zeros(1, np.complex64), Stream(0, 2e6))


def test_without_soapysdr_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "SoapySDR", None)
    with pytest.raises(
        UsageError, match=r"^radio/soapy_source needs SoapySDR, which pip does not have: apt-get install"
    ):
        source()


@pytest.mark.parametrize("state", ["silent", "full", "slow"])
def test_a_run_with_a_device_that_does_nothing_or_little_is_stopped_within_a_second(device, state):
    device.script = [fake_soapy.SOAPY_SDR_TIMEOUT] * 10_000 if state == "silent" else []
    device.takes = 1 if state == "slow" else 0
    blocks = "  rx: {use: radio/soapy_source}\n  tx: {use: radio/soapy_sink}\n"
    going = Going(f"semcom: 1\nname: devices\nblocks:\n{blocks}connect: [rx -> tx]\n")
    going.until(lambda: bool(running()))  # listed: it may be stopped
    time.sleep(0.5)  # and within a block, most likely
    began = time.monotonic()
    assert going.stop().status == "stopped"
    assert time.monotonic() - began < 1.0


def has_debians() -> bool:
    probe = "import SoapySDR; SoapySDR.Device('driver=null')"
    same = f"cpython-{sys.version_info.major}{sys.version_info.minor}-"
    if not any(same in file.name for file in SYSTEM.glob("_SoapySDR*.so")):
        return False
    return not subprocess.run(["/usr/bin/python3", "-c", probe], capture_output=True, check=False).returncode


@pytest.mark.skipif(not has_debians(), reason="Debian's python3-soapysdr is not installed, or is for another Python")
def test_the_calls_are_those_of_the_real_module(monkeypatch, tmp_path):
    """Its null device takes every setting and says that it has no stream."""
    for file in SYSTEM.glob("*SoapySDR*"):
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("SoapySDR", "_SoapySDR"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert importlib.util.find_spec("SoapySDR") is not None
    made = source(device="driver=null", bandwidth_hz=1e6, antenna="A")
    with pytest.raises(RunError, match="device 'driver=null': NOT_SUPPORTED"):
        next(made.work())
    transmits = sink(device="driver=null")
    with pytest.raises(RunError, match="NOT_SUPPORTED"):
        transmits.work(np.zeros(8, np.complex64), Stream(0, 1e6))
    transmits.finish(RunContext())
