from __future__ import annotations

import pytest
import yaml
from semcom.blocks.lookup import load_block
from semcom.flowgraphs.grc.descriptions import SHOWN, block_yml

USES = {"tx": "radio/zmq_sink", "rx": "radio/zmq_source"}
OWN = {"flowgraph", "variables", "parameters", "options"}


@pytest.fixture(params=SHOWN)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_parameter_of_the_radio_blocks_is_there_with_its_default(name):
    read = yaml.safe_load(block_yml(name, ("semcom",), "/folder"))
    found = {entry["id"]: entry for entry in read["parameters"]}
    expected = set(OWN)
    for end in SHOWN[name].ends:
        prefix = f"{end}_" if len(SHOWN[name].ends) > 1 else ""
        fields = load_block(USES[end]).Params.model_fields
        for field in fields.keys() - {"attach"}:  # GNU Radio's sinks bind and its sources connect
            assert found[f"{prefix}{field}"]["default"] == str(fields[field].default)
            expected.add(f"{prefix}{field}")
            assert f"{prefix}{field}: {fields[field].description}" in read["documentation"]
        expected.add(f"{end}_block")
    assert found.keys() == expected
    assert all(f"${{{entry}}}" in read["templates"]["make"] for entry in found)


def test_kinds_choices_and_limits_are_those_of_the_parameters():
    read = yaml.safe_load(block_yml("semcom_transmitter", ("semcom",), "/folder"))
    found = {entry["id"]: entry for entry in read["parameters"]}
    assert found["pattern"]["options"] == ["pub", "push", "rep"]
    assert found["pass_tags"]["options"] == ["False", "True"]
    assert (found["hwm"]["dtype"], found["key"]["dtype"], found["sample_rate_hz"]["dtype"]) == ("int", "string", "raw")
    assert found["sample_rate_hz"]["label"] == "Sample rate (Hz)"
    assert {
        "${ len(flowgraph) > 0 }",
        "${ hwm >= 1 }",
        "${ hwm <= 65536 }",
        "${ sample_rate_hz is None or sample_rate_hz > 0 }",
    } <= set(read["asserts"])


def test_ports_are_those_of_the_direction(name):
    read = yaml.safe_load(block_yml(name, ("semcom",), "/folder"))
    assert ("outputs" in read, "inputs" in read) == ("tx" in SHOWN[name].ends, "rx" in SHOWN[name].ends)
