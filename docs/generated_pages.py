"""Makes the pages that come from the code: one a block (docstring, ports, parameters), the systems, all `--help`."""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click
from semcom.blocks.block import Block
from semcom.blocks.lookup import BlockFile, list_blocks, load_block
from semcom.blocks.params import live_names
from semcom.blocks.ports import PortType
from semcom.blocks.signature import read_signature
from semcom.cli import main
from semcom.flowgraphs.runtime.language.block_pages import values_in_words
from semcom.models.about_system import about_system
from semcom.models.lookup import Found, list_systems

SECTION = re.compile(r"(Args|Input|Output|Raises|State|Source|Example|Note):[ ]*(.*)")
ROLES = {
    "sources": "Make items: pictures, video, streams of samples.",
    "encoders": "Turn pictures into what crosses the air.",
    "codes": "Protect bits: channel codes and interleavers.",
    "mappers": "Turn values into symbols and back, or pass items on in a new way.",
    "framing": "Put preamble, header and pilots around the payload.",
    "channels": "Do to symbols and samples what the air does.",
    "sync": "Find the signal again.",
    "adaptation": "Close the loop: what is measured travels back and sets how pictures are sent.",
    "radio": "Join real and emulated radios.",
    "decoders": "Turn what was received into pictures.",
    "sinks": "Keep, measure and report.",
}


def write(docs: Path) -> None:
    """Write ``blocks/``, ``systems.md`` and ``cli.md`` into the folder of the documentation."""
    folder = docs / "blocks"
    shutil.rmtree(folder, ignore_errors=True)
    blocks = [block for block in list_blocks() if block.module.startswith("semcom.")]
    for block in blocks:
        page = folder / f"{block.use}.rst"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(block_page(block, load_block(block.use)), encoding="utf-8")
    (folder / "index.rst").write_text(block_index(blocks), encoding="utf-8")
    (docs / "systems.md").write_text(systems_page(list_systems()), encoding="utf-8")
    (docs / "cli.md").write_text(cli_page(main), encoding="utf-8")


def systems_page(found: list[Found]) -> str:
    """Return the page that lists the systems of this package by their records."""
    parts = [
        "# The systems",
        "What `semcom systems` knows: the record of each system, `models/<system>/system.py`, and the cards "
        "of its weights. [Your first system](first-system.md) makes one.",
    ]
    for one in found:
        about = about_system(one)
        rows = ["| weights | number in ModelId | MB | licence |", "|---|---|---|---|"]
        for name, variant in about["variants"].items():
            size, licence = variant.get("megabytes", ""), variant.get("licence", "your own")
            rows.append(f"| `{name}` | {variant['number']} | {size} | {licence} |")
        recipes = ", ".join(f"`{name}`" for name in about["recipes"])
        trains = f"Recipes of `semcom train {one.name}`: {recipes}; `{about['recipe']}` if none is named."
        parts += [f"## {one.name}", about["doc"], f"{about['paper']}.", "\n".join(rows), trains]
    return "\n\n".join(parts) + "\n"


def block_index(blocks: list[BlockFile]) -> str:
    """Return the page that lists the blocks by role."""
    lines = _title("Blocks", "=")
    lines += ["The path is the name: ``channels/awgn`` is the file ``blocks/channels/awgn.py``.", ""]
    order = [*ROLES, *sorted({block.use.split("/")[0] for block in blocks} - ROLES.keys())]

    def role(block: BlockFile) -> str:
        return block.use.split("/")[0]

    for name, group in groupby(sorted(blocks, key=lambda block: (order.index(role(block)), block.use)), role):
        lines += [*_title(name, "-"), ROLES.get(name, ""), ""]
        members = list(group)
        lines += _table(
            [[f":doc:`{block.use} </blocks/{block.use}>`", block.summary] for block in members], widths="30 70"
        )
        lines += [".. toctree::", "   :hidden:", "", *(f"   {block.use}" for block in members), ""]
    return "\n".join(lines)


def block_page(file: BlockFile, block: type[Block]) -> str:
    """Return the page of one block."""
    lines = [*_title(file.use, "="), *docstring_to_rst(block.__doc__ or ""), ""]
    signature = read_signature(block)
    ports = []
    for name, port in signature.inputs.items():
        ports.append([f"``{name}``", "in, may stay open" if port.optional else "in", *_port(port.type)])
    for name, type_ in signature.outputs.items():
        ports.append([f"``{name}``", "out", *_port(type_)])
    lines += [*_title("Ports", "-"), *_table([["port", "", "type", "carries"], *ports], header=True)]
    reads, writes = ([field.__name__ for field in fields] for fields in (block.reads_header, block.writes_header))
    for verb, names in (("Reads from", reads), ("Writes to", writes)):
        if names:
            lines += [f"{verb} the header: {', '.join(f'``{name}``' for name in names)}.", ""]
    lines += _title("Parameters", "-")
    rows = list(_parameters(block))
    if not rows:
        return "\n".join([*lines, "None.", ""])
    table = _table([["parameter", "values", "default", "meaning"], *rows], header=True, widths="20 25 15 40")
    live = "*live*: ``semcom set`` changes it while the flowgraph runs."
    return "\n".join([*lines, *table, *([live, ""] if live_names(block.Params) else [])])


def docstring_to_rst(text: str) -> list[str]:
    """Turn the sections of the house's docstrings (Input, Output, Raises, State, Source, Example) into a field list."""
    lines: list[str] = []
    in_section = False
    for line in inspect.cleandoc(text).splitlines():
        section = SECTION.match(line)
        if section:
            if not in_section:
                lines.append("")
            in_section = True
            name, first = section.groups()
            lines.append(f":{name}:")
            if first:
                lines.append(f"    {first}")
        elif in_section and line and not line.startswith(" "):
            in_section = False
            lines += ["", line]
        elif in_section:
            item = re.match(r" {4}(\w+): +(.*)", line)
            stripped = re.sub(r"^ {4,}", "", line)
            if item and lines[-1].startswith(":Args:"):
                stripped = f"* ``{item[1]}``: {item[2]}"
            lines.append(f"    {stripped}".rstrip())
        else:
            lines.append(line)
    return lines


def cli_page(command: click.Command) -> str:
    """Return the page of the command: the text of every ``--help``."""
    parts = ["# The command", "This page is what `semcom --help` and `semcom COMMAND --help` print."]
    for path, sub in _commands(command, ["semcom"]):
        context = click.Context(sub, info_name=" ".join(path), terminal_width=100, max_content_width=100)
        parts.append(f"## `{' '.join(path)}`\n\n```text\n{sub.get_help(context).rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def _commands(command: click.Command, path: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            if sub is not None and not sub.hidden:
                yield from _commands(sub, [*path, name])


def _port(port: PortType) -> list[str]:
    axes = "" if port.shape is None else "[" + ", ".join(map(str, port.shape)) + "]"
    return [port.name, f"``{port.dtype} {axes or '[...]'}``, {port.meaning}"]


def _parameters(block: type[Block]) -> Iterator[list[str]]:
    live = live_names(block.Params)
    schema = block.Params.model_json_schema()
    for name, field in block.Params.model_fields.items():
        values = values_in_words(schema["properties"][name], schema.get("$defs", {}), "``")
        default = "required" if field.is_required() else f"``{_yaml(field.get_default(call_default_factory=True))}``"
        yield [
            f"``{name}``" + (" *live*" if name in live else ""),
            values,
            default,
            re.sub(r"([*|])", r"\\\1", field.description or ""),
        ]


def _yaml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return str(value) if value != "" else '""'


def _title(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]


def _table(rows: list[list[str]], *, header: bool = False, widths: str = "auto") -> list[str]:
    lines = [".. list-table::", f"   :widths: {widths}", *(["   :header-rows: 1"] * header), ""]
    for row in rows:
        lines += [f"   {'* -' if index == 0 else '  -'} {cell}".rstrip() for index, cell in enumerate(row)]
    return [*lines, ""]
