"""`semcom radio check`: its figures against closed forms, its warnings, and what it refuses."""

from __future__ import annotations

import functools
import math
import socket
from pathlib import Path

import pytest
import scipy.optimize
from semcom.errors import UsageError
from semcom.flowgraphs.radio_check.check import check_radio
from semcom.flowgraphs.radio_check.measured import RadioCheck
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.overrides import Overrides

HEIGHT, WIDTH = 64, 96
PAYLOAD = HEIGHT * WIDTH * 3 // 12
PREAMBLE, TAPS = 2 * 256 + 2 * 8, 2 * 12 * 4 + 1
WORDS = 2 * 88 + 12 + 2 * 8 * 18 + 12  # start word, and a header of 18 bytes
PILOTS = -(-(PAYLOAD + WORDS) // 31) + 1
USES = PAYLOAD + WORDS + PILOTS
SOAPY = "tx=radio/soapy_sink"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@functools.cache
def checked(
    name: str, sets: tuple[str, ...] = (), swaps: tuple[str, ...] = (), variables: tuple[str, ...] = ()
) -> RadioCheck:
    given = Overrides.parse(vars=variables, sets=(f"photos.size=[{HEIGHT}, {WIDTH}]", *sets), swaps=swaps)
    return check_radio(load_graph(name, given))


@pytest.mark.parametrize(("name", "rate_hz"), [("radio-loopback", 1e7), ("gnuradio-tx", 1e6), ("sigmf-record", 1e7)])
def test_the_figures_are_those_of_the_waveform(name, rate_hz):
    found = checked(name)
    symbol_rate_hz, samples = rate_hz / 4, (PREAMBLE + USES - 1) * 4 + TAPS
    assert found.sample_rate_hz == rate_hz
    assert (found.burst_samples, found.burst_symbols) == (samples, samples / 4)
    assert found.burst_s == pytest.approx(samples / rate_hz)
    assert found.duty_cycle == pytest.approx(samples / (samples + 64 * 4))
    assert found.band_hz == pytest.approx(1.25 * symbol_rate_hz)
    edge = scipy.optimize.brentq(lambda u: u - 0.25 / math.pi * math.sin(math.pi * u / 0.25) - 0.01, 0, 0.25)
    assert found.occupied_hz == pytest.approx((1.25 - 2 * edge) * symbol_rate_hz, rel=0.03)
    assert (found.payload_uses, found.header_uses, found.pilot_uses) == (PAYLOAD, WORDS, PILOTS)
    assert found.cbr == pytest.approx(USES / (3 * HEIGHT * WIDTH))
    assert found.waveform_efficiency == pytest.approx(USES / ((samples + 64 * 4) / 4 * 1.25))
    assert found.overhead_db == pytest.approx(10 * math.log10(USES / PAYLOAD))
    assert found.greatest_cfo_hz == pytest.approx(0.02 * symbol_rate_hz)
    assert found.drift_symbols_per_ppm == pytest.approx(samples / 4e6)
    assert found.warnings == ()


def test_of_the_channel_it_knows_how_long_it_stays_alike():
    assert checked("radio-loopback").coherence_s == pytest.approx(0.423 / 5)
    assert checked("gnuradio-tx").coherence_s is None


@pytest.mark.parametrize("esn0_db", [5, 20])
def test_the_receiver_loses_little_and_never_less_than_nothing(esn0_db):
    """The squared errors of n symbols vary by n^-1/2: five of these deviations."""
    found = checked("gnuradio-tx", variables=(f"esn0_db={esn0_db}",))
    deviation_db = 10 * math.log10(1 + PAYLOAD**-0.5)
    assert found.esn0_db == esn0_db
    assert -5 * deviation_db < found.receiver_loss_db < 0.5
    assert found.decoder_esn0_db == pytest.approx(esn0_db - found.receiver_loss_db)
    assert found.clipping_loss_db == 0


def test_up_to_the_level_it_names_nothing_is_clipped_and_beyond_it_something_is():
    free = checked("gnuradio-tx").clip_free_scale_db
    for scale_db, some in ((free - 0.01, False), (free + 0.01, True)):
        found = checked("gnuradio-tx", sets=(f"tx.scale_db={scale_db}", "tx.headroom_db=0"))
        assert (found.clipped > 0) is some
        assert found.peak_db == pytest.approx(scale_db - free, abs=1e-3)
        assert bool(found.warnings) is some


def test_headroom_counts_from_full_scale():
    free = checked("gnuradio-tx").clip_free_scale_db
    found = checked("gnuradio-tx", sets=(f"tx.scale_db={free}", "tx.headroom_db=6"))
    assert found.peak_db == pytest.approx(6, abs=1e-3)
    (warning,) = found.warnings
    assert warning.startswith(f"radio/zmq_sink clips {100 * found.clipped:.2g} % of the samples, ")
    assert warning.endswith(f"peaks are 6.0 dB above its limit; lower scale_db by as much, to {free - 6:.1f}")


def test_clipping_costs_what_it_costs():
    """A peak that is cut to half, alone in a burst, is an error of its own size: more loss at a lower level."""
    losses = [
        checked("gnuradio-tx", sets=("tx.headroom_db=0", f"tx.scale_db={db}")).clipping_loss_db for db in (-12, -6, 0)
    ]
    assert 0 <= losses[0] < losses[1] < losses[2]
    assert losses[2] > 3


def test_a_change_of_the_sample_rate_is_one_of_the_device():
    text = """
semcom: 1
name: resampled
vars: {esn0_db: 20}
blocks:
  photos:  {use: sources/images, path: "builtin:photos", size: [64, 96]}
  encoder: {use: encoders/deepjscc, esn0_db: 20}
  map:     {use: mappers/real_to_complex}
  burst:   {use: framing/burst, sample_rate_hz: 1e6}
  rate:    {use: radio/resample, sample_rate_hz: 2e6}
  tx:      {use: radio/zmq_sink, sample_rate_hz: 2e6}
connect: [photos -> encoder -> map -> burst -> rate -> tx]
"""
    Path("resampled.yaml").write_text(text)
    found, plain = check_radio(load_graph("resampled.yaml")), checked("gnuradio-tx")
    assert found.sample_rate_hz == 2e6
    assert found.occupied_hz == pytest.approx(plain.occupied_hz, rel=0.03)
    assert found.burst_s == pytest.approx(plain.burst_s, rel=1e-3)
    assert found.receiver_loss_db == pytest.approx(plain.receiver_loss_db)
    assert found.warnings == ()


def test_no_socket_is_opened():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"address=tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert checked("gnuradio-tx", variables=(address,)).found


WARNINGS = {
    "coherence": (
        ("radio-loopback", ("multipath.doppler_hz=500",)),
        "ms is longer than the channel stays alike, 0.846 ms: fewer symbols a picture, or a higher sample rate",
    ),
    "clock": (
        ("radio-loopback", ("clock.ppm=60",)),
        "block 'clock': the clock is 60 ppm off, 0.16 symbols in a burst; the receiver follows 40 ppm",
    ),
    "offset": (
        ("radio-loopback", ("carrier.cfo_hz=-60000",)),
        "block 'carrier': the carrier is -60000 Hz off; the receiver finds bursts up to 50000 Hz: a higher symbol rate",
    ),
    "exposed": (
        ("gnuradio-tx", ("tx.address=tcp://192.0.2.7:5556",)),
        "block 'tx': tcp://192.0.2.7:5556 can be reached from other machines, and nothing protects it; use 127.0.0.1",
    ),
    "rate": (
        ("gnuradio-tx", ("tx.sample_rate_hz=2e6",)),
        "block 'tx' runs at 2e+06 Hz, and gets samples at 1e+06 Hz; put radio/resample before it",
    ),
    "not found": (
        ("radio-loopback", ("channel.esn0_db=-20",)),
        "the receiver did not find this burst at -20 dB",
    ),
    "band": (
        ("gnuradio-tx", ("burst.samples_per_symbol=2", "burst.rolloff=1")),
        "of the sample rate; a radio's filters pass 80 % of it: more samples a symbol, or radio/resample",
    ),
    "pluto": (
        ("gnuradio-tx", ("tx.device=driver=plutosdr", "burst.sample_rate_hz=5e4", "tx.sample_rate_hz=5e4"), (SOAPY,)),
        "block 'tx': a plutosdr device runs at 65105 to 6.144e+07 Hz, and gets samples at 50000 Hz",
    ),
    "receiver": (
        ("gnuradio-tx", ("tx.device=driver=rtlsdr",), (SOAPY,)),
        "block 'tx': a rtlsdr device only receives; name one that transmits",
    ),
    "oscillators": (
        ("gnuradio-tx", ("tx.frequency_hz=2.5e9",), (SOAPY,)),
        "the receiver finds bursts up to 5000 Hz off, 2 ppm of 2.5e+09 Hz, and two radios may be 5 ppm apart",
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_to_be_mended_is_said(name):
    given, text = WARNINGS[name]
    assert [warning for warning in checked(*given).warnings if text in warning], checked(*given).warnings


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deepjscc-awgn", "got one whose channel carries no samples; `semcom run radio-loopback` has a waveform"),
        ("gnuradio-rx", "got one that only takes samples (from rx); check the one at its other end"),
    ],
)
def test_a_flowgraph_without_a_waveform_is_refused(name, text):
    with pytest.raises(UsageError) as raised:
        check_radio(load_graph(name))
    assert f"{name}.yaml: expected a flowgraph that transmits: one block that makes samples of symbols" in str(
        raised.value
    )
    assert str(raised.value).endswith(text)


def test_two_waveforms_are_refused():
    text = Path(load_graph("gnuradio-tx").file).read_text()
    text = text.replace(
        "connect:", "  again: {use: framing/burst}\n  end: {use: sinks/null}\nconnect:\n  - map -> again -> end"
    )
    Path("two.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"two\.yaml: expected .*, got 2: burst, again"):
        check_radio(load_graph("two.yaml"))


def test_a_relay_is_refused():
    text = """
semcom: 1
name: relay
blocks:
  rx:    {use: radio/zmq_source}
  sync:  {use: sync/burst}
  burst: {use: framing/burst}
  tx:    {use: radio/zmq_sink}
connect: [rx -> sync -> burst -> tx]
"""
    Path("relay.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"got one that begins with radio/zmq_source \(block 'rx'\); check the"):
        check_radio(load_graph("relay.yaml"))
