"""Settings of a codec that the blocks for any system's file are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from semcom.blocks._learned.settings import chosen_settings, settings_of
from semcom.blocks.block import Block
from semcom.blocks.decoders.onnx import Onnx as Decoder
from semcom.blocks.encoders.deepjscc import Deepjscc
from semcom.blocks.encoders.onnx import Onnx as Encoder
from semcom.errors import UsageError
from semcom.models import codec
from semcom.models.config import Config
from semcom.models.lookup import find_system

FOLDERS = sorted(path.parent.name for path in Path(codec.__file__).parent.glob("*/system.py"))
SYSTEMS = [name for name in FOLDERS if find_system(name.replace("_", "-")).codec]
OWN = ("path", "system", "provider", "threads", "settings")


class Sending(Config):
    """Of a system that the block knows nothing of."""

    esn0_db: float = 7.0
    depth: int = 3


def chosen(**params: Any) -> Sending:
    given = Encoder.Params.model_validate({"path": "x", **params})
    return chosen_settings("encoders/onnx", "toy", Sending, given, OWN, given.settings)


def test_what_was_not_given_is_the_systems_own() -> None:
    assert chosen() == Sending()
    assert chosen(esn0_db=3, provider="auto", threads=4) == Sending(esn0_db=3)
    assert chosen(settings={"depth": 5}) == Sending(depth=5)
    assert chosen(esn0_db=3, settings={"esn0_db": 10}) == Sending(esn0_db=10)  # the block's default, said


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (
            {"rate": "1/6"},
            "encoders/onnx: rate: expected settings that toy, whose file this is, takes (esn0_db, depth), got '1/6'; "
            "leave rate out",
        ),
        (
            {"settings": {"speed": 1}},
            "encoders/onnx: speed: expected settings that toy, whose file this is, takes (esn0_db, depth), got 1; "
            "leave speed out",
        ),
        (
            {"settings": {"depth": "deep"}},
            "encoders/onnx: depth: Input should be a valid integer, unable to parse string as an integer in the "
            "settings of toy, got 'deep'",
        ),
    ],
)
def test_what_a_system_does_not_take(params: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(**params)
    assert str(caught.value) == words


def test_a_blocks_own_parameters_that_are_no_settings_stay_out() -> None:
    params = Deepjscc.Params(rate="1/6", variant="linear")
    assert settings_of(Sending, params) == Sending(esn0_db=10.0)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("block", [Encoder, Decoder])
def test_the_defaults_of_parameters_and_settings_agree(block: type[Block], system: str) -> None:
    """Or a parameter that is not given would mean one thing in torch and another in a file."""
    found = find_system(system.replace("_", "-")).load("codec", "a test")
    model = found.sending if block is Encoder else found.receiving
    fields = block.Params.model_fields
    shared = (fields.keys() & model.model_fields.keys()) if "decoder" in found.ports or block is Encoder else set()
    said = {name for name in shared if fields[name].default is not None}  # of None the system's own default holds
    assert {name: fields[name].default for name in said} == {name: model.model_fields[name].default for name in said}


def test_a_mistake_is_told_before_the_first_picture(deepjscc_onnx: dict[str, Path]) -> None:
    for block, params in ((Encoder, {"eta": 1.0}), (Decoder, {"steps": 4})):
        end = "encoder" if block is Encoder else "decoder"
        made = block(block.Params.model_validate({"path": str(deepjscc_onnx[end]), **params}))
        with pytest.raises(
            UsageError, match=f"{end}s/onnx: {next(iter(params))}: expected settings that deepjscc, whose"
        ):
            made.start()


def test_a_setting_may_change_while_it_runs(deepjscc_onnx: dict[str, Path]) -> None:
    made = Encoder(Encoder.Params(path=str(deepjscc_onnx["encoder"])))
    made.start()
    picture = np.zeros((16, 16, 3), np.uint8)
    assert made.work(picture).value.size == 128
    made.params = made.params.model_copy(update={"settings": {"rate": "1/6"}})
    assert made.work(picture).value.size == 256
