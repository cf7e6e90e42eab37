"""The blocks that GNU Radio Companion shows: one that semcom transmits by, one that it receives by, one for both."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from .parameters import Parameter, block_parameters

__all__ = ["MODULE", "SHOWN", "Shown", "block_yml"]

MODULE = "semcom_grc"
CATEGORY = "[semcom]"
PORT = {"domain": "stream", "dtype": "complex"}
ENDS = {"rx": "radio/zmq_source", "tx": "radio/zmq_sink"}
"""Usual name of the block in a flowgraph → what it is."""


class Shown(NamedTuple):
    """A block as GRC shows it.

    Attributes:
        label: Its name.
        ends: Which of semcom's radio blocks it is the other side of.
        doc: What it does.
    """

    label: str
    ends: tuple[str, ...]
    doc: str


SHOWN = {
    "semcom_transmitter": Shown("semcom transmitter", ("tx",), "What a flowgraph of semcom transmits, as a source."),
    "semcom_receiver": Shown("semcom receiver", ("rx",), "A flowgraph of semcom that receives, as a sink."),
    "semcom_channel": Shown(
        "semcom channel", ("rx", "tx"), "A flowgraph of semcom that samples go through, such as its channel models."
    ),
}

OWN = [
    {"id": "flowgraph", "label": "Flowgraph", "dtype": "file_open", "default": ""},
    {"id": "variables", "label": "Variables", "dtype": "raw", "default": "{}"},
    {"id": "parameters", "label": "Parameters", "dtype": "raw", "default": "{}"},
    {"id": "options", "label": "Options", "dtype": "string", "default": ""},
]
OWN_MEANINGS = {
    "flowgraph": "A file, or the name of a flowgraph that semcom ships.",
    "variables": "Its variables, as a dictionary: {'esn0_db': 5}.",
    "parameters": "Parameters of its blocks: {'channel.snr_db': snr_db}. Those that are live change while it runs.",
    "options": "Further options of `semcom run`, as in a shell: --items 8 --out pictures.",
}


def block_yml(name: str, command: tuple[str, ...], folder: str) -> str:
    """Return a block's description, a ``.block.yml`` of file format 1.

    Args:
        name: One of `SHOWN`.
        command: The command `semcom`, as words; GNU Radio's own Python has it seldom.
        folder: Where the module lies that the block is made by.
    """
    shown = SHOWN[name]
    ends = {end: _end(end, f"{end}_" if len(shown.ends) > 1 else "") for end in shown.ends}
    given = [parameter for end in ends.values() for parameter in end.values()]
    description: dict[str, Any] = {
        "id": name,
        "label": shown.label,
        "category": CATEGORY,
        "flags": ["python"],
        "parameters": [
            *({**own, "hide": "none" if own["id"] == "flowgraph" else "part"} for own in OWN),
            *(parameter.entry for parameter in given),
        ],
        **({"inputs": [dict(PORT)]} if "rx" in ends else {}),
        **({"outputs": [dict(PORT)]} if "tx" in ends else {}),
        "asserts": ["${ len(flowgraph) > 0 }", *(check for parameter in given for check in parameter.checks)],
        "templates": {
            "imports": f"import sys\nsys.path.append({folder!r})\nimport {MODULE}",
            "make": _make(shown, command, ends),
            "callbacks": ["set_parameters(${parameters})"],
        },
        "documentation": _documentation(shown, given),
        "file_format": 1,
    }
    return yaml.safe_dump(description, sort_keys=False, allow_unicode=True, width=120)


def _end(end: str, prefix: str) -> dict[str, Parameter]:
    identifier = f"{end}_block"
    entry = {"id": identifier, "label": f"Block {ENDS[end]}", "dtype": "string", "default": end, "hide": "part"}
    name = Parameter(entry, f"${{{identifier}}}", [], f"Name of the block {ENDS[end]} in the flowgraph.")
    return {"": name, **block_parameters(ENDS[end], prefix)}


def _make(shown: Shown, command: tuple[str, ...], ends: dict[str, dict[str, Parameter]]) -> str:
    lines = [f"{shown.label!r}, {command!r}", *(f"{own['id']}=${{{own['id']}}}" for own in OWN)]
    for end, (name, *parameters) in ((end, tuple(given.items())) for end, given in ends.items()):
        values = ", ".join(f"{key!r}: {parameter.code}" for key, parameter in parameters)
        lines.append(f"{end}=({name[1].code}, {{{values}}})")
    return f"{MODULE}.Bridge(\n    " + ",\n    ".join(lines) + ",\n)"


def _documentation(shown: Shown, given: list[Parameter]) -> str:
    lines = [
        shown.doc,
        "",
        "`semcom run` starts with this flowgraph and ends with it; samples cross by ZeroMQ.",
        "What is set here holds, whatever the file says.",
        "",
    ]
    meanings = {**OWN_MEANINGS, **{parameter.entry["id"]: parameter.meaning for parameter in given}}
    return "\n".join([*lines, *(f"{name}: {meaning}" for name, meaning in meanings.items())])
