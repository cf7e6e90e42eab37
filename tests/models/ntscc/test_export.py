"""Exported files beside the torch engine."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from semcom.models.ntscc.codec import Codec, Receiving, Sending
from semcom.models.ntscc.engine import load
from semcom.models.ntscc.export import export_ntscc
from semcom.models.onnx.engine import OnnxEngine

from .test_codec import PICTURE


@pytest.mark.slow
def test_files_compute_what_the_network_computes(weights: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    sizes = [(32, 48), (80, 16), (16, 64)]
    files = {one.metadata.role: one for one in export_ntscc(tmp_path, weights=weights, sizes=sizes)}
    assert [one.path.name for one in files.values()] == ["ntscc-mini-encoder.onnx", "ntscc-mini-decoder.onnx"]
    assert max(parity.relative for one in files.values() for parity in one.parity) < 1e-4
    torch_codec = load(weights=weights)
    about = files["encoder"].metadata.about(Codec.knows, files["encoder"].path)
    assert about == torch_codec.about
    ends = {role: OnnxEngine("a test", one.path) for role, one in files.items()}
    for role, engine in ends.items():
        engine.check_ports(Codec.ports[role])
    frame = Codec(ends["encoder"], about).encode(PICTURE, Sending(cbr="1/8", esn0_db=4))
    expected = torch_codec.encode(PICTURE, Sending(cbr="1/8", esn0_db=4))
    assert frame.header == expected.header
    assert frame.features == pytest.approx(expected.features, abs=1e-3)
    pictures = [one.decode(expected.heard(0.3), Receiving()) for one in (Codec(ends["decoder"], about), torch_codec)]
    assert abs(pictures[0].astype(int) - pictures[1]).max() <= 1
