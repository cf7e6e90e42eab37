"""`radio/sigmf_sink` and `radio/sigmf_source` beside GNU Radio, in a process of the system's Python."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Stream, Trace
from semcom.blocks.radio.sigmf_sink import SigmfSink
from semcom.blocks.radio.sigmf_source import SigmfSource

PYTHON = "/usr/bin/python3"
SAMPLES = (np.random.default_rng(6).standard_normal((20_000, 2)) @ [1, 1j]).astype(np.complex64)

FILE_SOURCE = """
import sys
from gnuradio import blocks, gr
item, conversion = int(sys.argv[2]), sys.argv[3:]
top = gr.top_block()
chain = [blocks.file_source(item, sys.argv[1], False)]
if conversion:
    chain.append(blocks.interleaved_short_to_complex(True, False, float(conversion[0])))
chain.append(blocks.file_sink(gr.sizeof_gr_complex, "gnuradio.c64"))
top.connect(*chain)
top.run()
"""

SIGMF_SINK = """
import math
from gnuradio import analog, blocks, gr
top = gr.top_block()
source = analog.sig_source_c(48000, analog.GR_COS_WAVE, 1000, 0.5)
sink = blocks.sigmf_sink_minimal(8, "tone", 48000, 433e6, "somebody", "a tone", "none", True)
top.connect(source, blocks.head(8, 30000), sink)
top.run()
"""


def in_gnuradio(script: str, *arguments: object) -> None:
    done = subprocess.run([PYTHON, "-c", script, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", autouse=True)
def _gnuradio() -> None:
    try:
        done = subprocess.run([PYTHON, "-c", "import gnuradio"], capture_output=True, timeout=60)
    except OSError:
        pytest.skip(f"{PYTHON} is not there")
    if done.returncode:
        pytest.skip(f"{PYTHON} has no gnuradio: apt-get install --no-install-recommends gnuradio")


def record(**params: object) -> Path:
    sink = SigmfSink(SigmfSink.Params.model_validate(params))
    sink.start()
    for at in range(0, SAMPLES.size, 3000):
        sink.work(SAMPLES[at : at + 3000], Stream(at, 1e6), Trace())
    sink.finish(RunContext())
    return Path("out/recording.sigmf-data")


def test_gnuradio_opens_what_was_recorded():
    in_gnuradio(FILE_SOURCE, record().absolute(), 8)
    assert Path("gnuradio.c64").read_bytes() == SAMPLES.tobytes()


def test_gnuradio_opens_integers_by_the_full_scale_that_is_stated():
    full_scale = 8.0
    in_gnuradio(FILE_SOURCE, record(datatype="ci16_le", full_scale=full_scale).absolute(), 4, 32768 / full_scale)
    found = np.fromfile("gnuradio.c64", np.float32)
    assert np.abs(found - SAMPLES.view(np.float32)).max() <= full_scale / 65536 * (1 + 1e-5)


def test_what_gnuradio_recorded_is_replayed():
    in_gnuradio(SIGMF_SINK)
    source = SigmfSource(SigmfSource.Params(path="tone", sample_rate_hz=48000))
    source.start()
    found = np.concatenate([out.value for out in source.work()])
    tone = 0.5 * np.exp(2j * np.pi * 1000 / 48000 * np.arange(30000))
    np.testing.assert_allclose(found, tone, atol=1e-3)
