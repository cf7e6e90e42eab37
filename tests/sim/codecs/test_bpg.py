"""The real programs are used where they are installed; else stand-ins with the same command line and file header."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from semcom.errors import SignalError, UsageError
from semcom.sim.codecs.bpg import Bpg
from semcom.sim.codecs.scaled import encode_at_budget
from semcom.sim.metrics.psnr import psnr_db
from skimage import data

ENCODER = """
import argparse, io, sys
from PIL import Image
parser = argparse.ArgumentParser()
for name in ("-f", "-o", "picture"):
    parser.add_argument(name)
parser.add_argument("-q", type=int)
given = parser.parse_args()
assert given.f == "444" and 0 <= given.q <= 51
picture = Image.open(given.picture).convert("RGB")
coded = io.BytesIO()
picture.save(coded, "WEBP", quality=100 - 1.9 * given.q)
def ue7(value):
    parts = [value & 127]
    while value := value >> 7:
        parts.insert(0, value & 127 | 128)
    return bytes(parts)
head = b"BPG\\xfb" + bytes([0x60, 0]) + b"".join(map(ue7, (*picture.size, len(coded.getvalue()))))
open(given.o, "wb").write(head + coded.getvalue())
"""
DECODER = """
import argparse, io, sys
from PIL import Image
parser = argparse.ArgumentParser()
parser.add_argument("-o"); parser.add_argument("picture")
given = parser.parse_args()
data = open(given.picture, "rb").read()
at = data.find(b"RIFF")
if data[:4] != b"BPG\\xfb" or at < 0:
    sys.exit("Could not decode image")
Image.open(io.BytesIO(data[at:])).save(given.o)
"""


def program(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    program(tmp_path, "bpgenc", ENCODER)
    program(tmp_path, "bpgdec", DECODER)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:150, 100:300])  # a width that takes two bytes of the header


def test_there_and_back_within_a_budget(stand_ins, photo):
    coded = encode_at_budget(Bpg(), photo, 3000)
    assert coded.data is not None
    assert 0.7 * 3000 < len(coded.data) <= 3000
    assert psnr_db(photo, Bpg().decode(coded.data + bytes(20), 150, 200)) > 25
    assert Bpg().container_bytes(coded.data) == 6 + 2 + 2 + 2


def test_missing_programs_are_one_sentence(tmp_path, monkeypatch, photo):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"expected bpgenc on the PATH, found none; install libbpg .* codec hevc"):
        Bpg().check()
    program(tmp_path, "bpgenc", ENCODER)
    with pytest.raises(UsageError, match="expected bpgdec on the PATH"):
        Bpg().check()


def test_what_goes_wrong_in_the_child_is_said(stand_ins, photo):
    file = Bpg().encode(photo, 20)
    damaged = file[:12] + bytes(len(file) - 12)
    with pytest.raises(SignalError, match="bpgdec ended with code 1 and said: Could not decode image"):
        Bpg().decode(damaged, 150, 200)
    with pytest.raises(SignalError, match="expected a file of 150 x 201, got another"):
        Bpg().decode(file, 150, 201)
    for broken in (b"", b"BPG\xfb", b"BPG\xfb\x60\x00" + b"\xff" * 9, b"JPEG" * 9):
        with pytest.raises(SignalError, match="codec bpg: "):
            Bpg().decode(broken, 150, 200)
    program(stand_ins, "bpgenc", "")
    with pytest.raises(SignalError, match="bpgenc ended well and wrote no file"):
        Bpg().encode(photo, 20)
    program(stand_ins, "bpgenc", "import time; time.sleep(60)")
    with pytest.raises(SignalError, match=r"bpgenc took more than 0\.2 s"):
        Bpg(timeout_s=0.2).encode(photo, 20)


@pytest.mark.skipif(shutil.which("bpgenc") is None or shutil.which("bpgdec") is None, reason="libbpg is not installed")
def test_the_real_programs(photo):
    coded = encode_at_budget(Bpg(), photo, 3000)
    assert coded.data is not None
    assert psnr_db(photo, Bpg().decode(coded.data, 150, 200)) > 28
