"""`system: ./toy` of the ONNX blocks is found from where the flowgraph's file lies, as `use: ./block.py` is."""

from __future__ import annotations

from pathlib import Path

import pytest
from semcom.errors import FlowgraphError
from semcom.flowgraphs.runtime.language.check import check_flowgraph
from semcom.flowgraphs.runtime.language.overrides import Overrides

RECORD = """\
from semcom.models.system import System
SYSTEM = System(module=__name__, doc=".", paper=".", numbers={"a": 201})
"""
FLOWGRAPH = """\
semcom: 1
name: toy
blocks:
  photos:  {use: sources/images, path: "builtin:photos"}
  encoder: {use: encoders/onnx, path: encoder.onnx, system: SYSTEM}
  end:     {use: sinks/null}
connect: [photos -> encoder -> end]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a flowgraph's file and a system, which is not the working directory."""
    folder = tmp_path / "place"
    for where in (folder, tmp_path):
        (where / "toy").mkdir(parents=True)
        (where / "toy" / "system.py").write_text(RECORD)
    return folder


def encoder_of(place: Path, system: str, **overrides: list[str]) -> dict[str, object]:
    file = place / "toy.yaml"
    file.write_text(FLOWGRAPH.replace("SYSTEM", system))
    params: dict[str, object] = check_flowgraph(str(file), Overrides.parse(**overrides)).graph.block("encoder").params
    return params


def test_a_folder_is_found_from_the_file_and_of_a_swap_from_the_working_directory(place: Path) -> None:
    assert encoder_of(place, "./toy")["system"] == str(place / "toy")
    assert encoder_of(place, "deepjscc")["system"] == "deepjscc"
    assert encoder_of(place, "null")["system"] is None
    swapped = encoder_of(place, "null", swaps=["encoder=encoders/onnx:path=encoder.onnx,system=./toy"])
    assert swapped["system"] == str(Path("toy").resolve())


def test_a_folder_that_is_none_is_told_with_its_line(place: Path) -> None:
    with pytest.raises(FlowgraphError) as caught:
        encoder_of(place, "./tay")
    assert str(caught.value) == (
        f"{place / 'toy.yaml'}:5:61: block 'encoder': system: no system ./tay: expected a folder with a file "
        f"system.py, found none at {place / 'tay'}"
    )
