from __future__ import annotations

import copy
import functools

import pytest
from jsonschema import Draft202012Validator
from semcom.blocks.lookup import list_blocks
from semcom.flowgraphs.runtime.language.schema import flowgraph_schema
from semcom.flowgraphs.runtime.language.shipped import shipped_flowgraphs
from semcom.flowgraphs.runtime.language.yaml_reader import read_yaml, to_plain

GOOD = {
    "semcom": 1,
    "name": "good",
    "vars": {"esn0_db": 3},
    "blocks": {
        "photos": {"use": "sources/images", "size": [64, 64]},
        "channel": {"use": "channels/awgn", "esn0_db": "$esn0_db"},
        "mine": {"use": "./mine.py", "anything": 1},
    },
    "connect": ["photos -> channel", {"from": "a", "to": "b", "depth": 3, "feedback": {"delay": 1, "wait_s": 0.5}}],
    "places": {"tx": {"blocks": ["photos"], "endpoint": "tcp://127.0.0.1:5601"}},
}


@functools.cache
def validator():
    schema = flowgraph_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_takes_a_good_file():
    validator().validate(GOOD)


@pytest.mark.parametrize("name", sorted(shipped_flowgraphs()))
def test_takes_the_shipped_flowgraphs(name):
    root, problems = read_yaml(shipped_flowgraphs()[name])
    assert not problems
    validator().validate(to_plain(root))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("semcom",), 2),
        (("sede",), 7),
        (("name",), "a/b"),
        (("seed",), -1),
        (("torch_threads",), 0),
        (("blocks",), {}),
        (("blocks", "photos"), {"size": [1, 1]}),
        (("blocks", "photos", "use"), "sources/nothing"),
        (("blocks", "photos", "sise"), [64, 64]),
        (("blocks", "photos", "size"), [64]),
        (("blocks", "channel", "esn0_db"), 99),
        (("blocks", "channel", "esn0_db"), "5"),
        (("blocks", "channel", "esn0_db"), "$not-a-name"),
        (("blocks", "a.b"), {"use": "channels/awgn"}),
        (("connect",), "a -> b"),
        (("connect",), ["a"]),
        (("connect",), [{"from": "a"}]),
        (("connect",), [{"from": "a", "to": "b", "overflow": "drop"}]),
        (("connect",), [{"from": "a", "to": "b", "feedback": {}}]),
        (("connect",), [{"from": "a", "to": "b", "feedback": {"delay": 1, "wait_s": 0}}]),
        (("places", "tx", "endpoint"), "ipc://x"),
        (("places", "tx", "blocks"), []),
    ],
)
def test_refuses_a_bad_one(path, value):
    bad = copy.deepcopy(GOOD)
    inner = bad
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert not validator().is_valid(bad)


def test_knows_every_block_with_its_parameters_and_what_is_live():
    schema = validator().schema
    known = [choice["const"] for choice in schema["$defs"]["block"]["properties"]["use"]["anyOf"] if "const" in choice]
    assert known == [block.use for block in list_blocks() if not block.broken]
    entry = schema["$defs"]["channels.awgn"]
    assert entry["additionalProperties"] is False
    assert entry["properties"]["esn0_db"]["default"] == 10.0
    assert "semcom set" in entry["properties"]["esn0_db"]["description"]
