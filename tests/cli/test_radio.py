from __future__ import annotations

import json

from click.testing import CliRunner
from semcom.cli import main

SMALL = ("--set", "photos.size=[64, 96]")


def semcom(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


def test_a_table_says_what_would_be_sent():
    code, text = semcom("radio", "check", "gnuradio-tx", *SMALL)
    assert code == 0
    assert text.splitlines()[1:4] == [
        "gnuradio-tx: framing/burst",
        "taken by                radio/zmq_sink",
        "sample rate             1 MS/s",
    ]
    for row in (
        "bandwidth, by formula   312.5 kHz",
        "burst                   10.6 ms, 2642 symbols, 10569 samples",
        "CBR                     0.1134 (1536 payload + 488 header + 67 pilots)",
        "expected at 20 dB",
        "carrier offset          found up to 5 kHz",
    ):
        assert row in text
    assert text.endswith("\nnothing to mend\n")


def test_a_warning_stands_at_the_end_and_is_no_failure():
    code, text = semcom("radio", "check", "gnuradio-tx", *SMALL, "--set", "tx.headroom_db=0")
    assert code == 0
    assert text.splitlines()[-1].startswith("warning: radio/zmq_sink clips ")


def test_with_json_the_last_line_is_one_object():
    code, text = semcom("radio", "check", "gnuradio-tx", *SMALL, "--json", "--var", "esn0_db=10")
    found = json.loads(text.splitlines()[-1])
    assert code == 0
    assert (found["waveform"], found["sample_rate_hz"], found["esn0_db"]) == ("framing/burst", 1e6, 10)
    assert found["peak_db"] is None
    assert found["warnings"] == []


def test_a_flowgraph_without_a_waveform_is_one_sentence():
    code, text = semcom("radio", "check", "quickstart")
    assert code == 2
    assert text.count("\n") == 1
    assert "expected a flowgraph that transmits" in text
