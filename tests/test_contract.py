"""What every block of the tree keeps, without being named: a new block is tested here as soon as its file exists."""

from __future__ import annotations

import functools
import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from semcom.blocks.block import Block, RunContext
from semcom.blocks.envelope import Envelope, Identity, State, Stream, Trace
from semcom.blocks.lookup import list_blocks, load_block
from semcom.blocks.ports import PortType
from semcom.blocks.signature import Signature, read_signature
from semcom.flowgraphs.runtime.engine.running_block import RunningBlock, build_block
from semcom.flowgraphs.runtime.graph import BlockNode, Edge
from semcom.flowgraphs.runtime.item import Item
from semcom.flowgraphs.runtime.language.parameters import check_params
from semcom.flowgraphs.runtime.language.yaml_reader import MapNode, Mark, parse_yaml, to_plain

from .blocks.radio import fake_adi, fake_soapy

ROOT = Path(__file__).resolve().parents[1]
OWN = [file for file in list_blocks() if file.module.startswith("semcom.")]
USES = [file.use for file in OWN]
HEAVY = {"torch", "diffusers", "sionna", "matplotlib", "torchmetrics", "onnxruntime", "av", "transformers"} | {
    "numba",
    "dask",
    "distributed",
    "pyarrow",
    "pandas",
}
SECTIONS = ["Args", "Input", "Output", "Raises", "State", "Source", "Example"]
UNITS = {"_db": r"\bdB", "_hz": r"\bHz\b", "_s": r"\b(s|second|seconds)\b", "_ms": r"\bms\b", "_dbm": r"\bdBm\b"}
SEED = 5
LONGEST_CHAIN = 8


@functools.cache
def cls_of(use: str) -> type[Block]:
    return load_block(use)


@functools.cache
def signature_of(use: str) -> Signature:
    return read_signature(cls_of(use))


WITH_INPUTS = [use for use in USES if not signature_of(use).is_source]
SOURCES = [use for use in USES if signature_of(use).is_source]
PEERS = {"address", "antenna"}  # parameters of another program or a radio: what comes is theirs
WITH_A_PEER = {use for use in USES if PEERS & load_block(use).Params.model_fields.keys()}
SINKS = [use for use in USES if signature_of(use).is_sink]


def takes(use: str, *, stream: bool) -> bool:
    """Whether a block has an input for items, or for chunks of a stream; a port of both types counts for both."""
    kinds = [kind for port in signature_of(use).inputs.values() for kind in port.type.choices]
    return any(kind.stream == stream for kind in kinds)


ON_STREAMS = [use for use in WITH_INPUTS if takes(use, stream=True)]
ON_ITEMS = [use for use in WITH_INPUTS if takes(use, stream=False)]
ITEMS_TO_ITEMS = [  # what they give out has the number of what went in
    use for use in ON_ITEMS if use not in SINKS and not all(port.stream for port in signature_of(use).outputs.values())
]
OF_A_VIDEO = {  # what they give hangs on the frames before: their own tests say how
    "decoders/changed_tiles",
    "decoders/hevc_stream",
    "decoders/motion_average",
    "encoders/changed_tiles",
    "encoders/hevc_stream",
    "encoders/motion_average",
}
FOR_STREAMS = {  # what the documented example of a block on both must say for samples
    "channels/cfo": {"correction": "none", "esn0_db": None},
    "channels/clipping": {"reference": "one"},
    "channels/converter": {"reference": "one"},
}


# The example of the docstring is what the tests run


def example(use: str) -> dict[str, Any]:
    """Return the parameters of a block's documented example; those that name a variable stay at their default."""
    match = re.search(r"Example:\s*``(.+?)``", cls_of(use).__doc__ or "", re.S)
    assert match, f"{use}: expected 'Example: ``name: {{use: {use}, ...}}``' in the docstring"
    root, problems = parse_yaml(match[1], use)
    assert not problems
    (entry,) = to_plain(root).values()
    assert entry.pop("use") == use
    return {name: value for name, value in entry.items() if not str(value).startswith("$")}


def stage(use: str, *, seed: int = SEED) -> RunningBlock:
    """Return a started block with the parameters of its example."""
    if use not in SOURCES and use not in SINKS:
        provide(use)
    made = RunningBlock(build_block(BlockNode("block", use, example(use)), seed), torch_threads=1)
    made.start()
    made.block.stopping = use in WITH_A_PEER  # nobody is there to be waited for
    return made


EXPORTED: dict[str, Callable[[], dict[str, Path]]] = {}  # makes ONNX files, by role, when a block first needs one


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, request):
    """Blocks that write do so in a folder of their own; files that the examples read lie there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "SoapySDR", fake_soapy)
    monkeypatch.setitem(sys.modules, "adi", fake_adi)
    monkeypatch.setitem(EXPORTED, "deepjscc", lambda: request.getfixturevalue("deepjscc_onnx"))
    return tmp_path


def provide(use: str) -> None:
    """Make the files that a block's example reads."""
    for value in example(use).values():
        if not isinstance(value, str):
            continue
        if Path(value).suffix in (".mp4", ".mkv"):
            write_video(Path(value))
        elif Path(value).suffix in (".png", ".jpg"):
            import PIL.Image

            PIL.Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(value)
        elif Path(value).suffix == ".onnx":
            shutil.copy(EXPORTED["deepjscc"]()[Path(value).stem], value)
        elif Path(value).suffix == ".csv":
            Path(value).write_text("time_s,esn0_db\n0,10\n0.001,12\n0.002,8\n")
        elif Path(value).suffix == ".sigmf-meta":
            write_sigmf(Path(value), example(use)["sample_rate_hz"])


def write_video(path: Path) -> None:
    import av

    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(4):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def write_sigmf(path: Path, sample_rate_hz: float) -> None:
    import sigmf

    samples = np.arange(300).astype(np.complex64)
    samples.tofile(path.with_suffix(".sigmf-data"))
    made = sigmf.SigMFFile(global_info={"core:datatype": "cf32_le", "core:sample_rate": sample_rate_hz})
    made.add_capture(0)
    made.set_data_file(path.with_suffix(".sigmf-data"))
    made.tofile(path, overwrite=True)


# Inputs of every type


def values(port: PortType, seq: int) -> np.ndarray[Any, Any]:
    """Return a random array of a port's type, the same for the same number."""
    rng = np.random.default_rng([seq, 17])
    if port.name == "Image":
        return rng.integers(0, 256, (64, 96, 3), dtype=np.uint8)  # sides that every encoder takes
    if port.name == "Labels":
        return rng.integers(0, 2, (64, 96, 2), dtype=np.uint8)
    if port.name == "Bits":
        return rng.integers(0, 2, 96, dtype=np.uint8)
    if port.name == "Bytes":
        return rng.integers(0, 256, 96, dtype=np.uint8)
    if port.name == "Link":
        return np.array([1 / 12, 10], np.float32)
    if port.dtype == np.complex64:
        return (rng.standard_normal((96, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)
    return rng.standard_normal(96).astype(port.dtype)


def envelope(seq: int) -> Envelope:
    return Envelope(
        identity=Identity(seq),
        state=State(n0=0.05, esn0_db=13.0, csi="perfect"),
        trace=Trace(label=f"item-{seq}", born_s=1.0, values={"channel_uses": 96.0}),
    )


def frozen(item: Item) -> Item:
    item.value.setflags(write=False)
    return item


def the_input(use: str) -> str | None:
    """Return the one input that a block must have."""
    inputs = signature_of(use).inputs
    needed = [name for name, port in inputs.items() if len(inputs) == 1 or not port.optional]
    return needed[0] if len(needed) == 1 else None


@functools.cache
def way_to(port: str, fields: frozenset[str], partner: str) -> tuple[str, ...]:
    """Return the shortest chain of blocks, by the partner if it can, that makes items with these header fields."""
    # Frames of another system's encoder would be refused; what measures a link gives no frames at all, and what
    # remembers frames gives others each time.
    known = sorted(ON_ITEMS, key=lambda use: (use != partner, use.startswith("adaptation/") or use in OF_A_VIDEO))
    ways: list[tuple[str, frozenset[str], tuple[str, ...]]] = [
        (kind.type.name, frozenset(), ())
        for kind in {port.type.name: port for use in ON_ITEMS for port in signature_of(use).inputs.values()}.values()
    ]
    met = {(kind, written) for kind, written, _ in ways}
    for _ in range(LONGEST_CHAIN):
        for kind, written, way in ways:
            if kind == port and fields <= written:
                return way
        longer = []
        for kind, written, way in ways:
            for use in known:
                signature, cls = signature_of(use), cls_of(use)
                name = the_input(use)
                if name is None or len(signature.outputs) != 1 or use in way:
                    continue
                takes, (gives,) = signature.inputs[name], signature.outputs.values()
                if takes.type.name == kind and {field.__name__ for field in cls.reads_header} <= written:
                    made = (gives.name, written | {field.__name__ for field in cls.writes_header})
                    if made not in met:  # a longer way to the same is of no use
                        met.add(made)
                        longer.append((*made, (*way, use)))
        ways = longer
    pytest.fail(f"no chain of known blocks makes {port} with {', '.join(sorted(fields))}")


def item_for(use: str, port: PortType, seq: int) -> Item:
    """Return an item that a block can work on: random, or made by the blocks that write the header it reads."""
    cls = cls_of(use)
    fields = frozenset(field.__name__ for field in (*cls.reads_header, *cls.may_read_header[:1]))
    way = way_to(port.name, fields, use.replace("decoders/", "encoders/"))
    if not way:
        return frozen(Item(envelope(seq), values(port, seq)))
    first = signature_of(way[0]).inputs[the_input(way[0]) or ""]
    item = frozen(Item(envelope(seq), values(first.type, seq)))
    for step in way:
        name = the_input(step) or ""
        ((made,),) = list(started(step).step({name: item}))
        assert made is not None
        item = frozen(made)
    return item


@functools.cache
def started(use: str) -> RunningBlock:
    return stage(use)


def inputs_for(use: str, seq: int) -> dict[str, Item]:
    """Return an item for every input of a block, optional ones included."""
    return {
        name: item_for(use, port.type, seq) for name, port in signature_of(use).inputs.items() if not port.type.stream
    }


def run_items(made: RunningBlock, use: str, seqs: list[int]) -> list[Item]:
    """Run items through a block to its end, and return what came out."""
    found = [item for seq in seqs for emitted in made.step(inputs_for(use, seq)) for item in emitted if item]
    return found + [item for emitted in made.finish(RunContext(name="contract")) for item in emitted if item]


def same(one: list[Item], other: list[Item]) -> None:
    assert [item.envelope.identity for item in one] == [item.envelope.identity for item in other]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.value, b.value)
        assert a.value.dtype == b.value.dtype
        assert dict(a.envelope.header) == dict(b.envelope.header)
        assert a.envelope.trace.values == b.envelope.trace.values
        for field in ("n0", "h", "esn0_db"):
            left, right = getattr(a.envelope.state, field), getattr(b.envelope.state, field)
            assert (left is None) == (right is None)
            if left is not None:
                np.testing.assert_array_equal(left, right)


# Files


def test_there_are_blocks_and_none_is_broken():
    assert len(OWN) >= 10
    assert {file.use: file.broken for file in OWN if file.broken} == {}


def test_importing_blocks_loads_nothing_heavy():
    code = (
        "import sys\nfrom semcom.blocks.lookup import list_blocks, load_block\n"
        "for file in list_blocks():\n"
        "    if file.module.startswith('semcom.'): load_block(file.use)\n"
        "print(' '.join(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert not {name.split(".")[0] for name in loaded} & HEAVY


@functools.cache
def texts_of_tests() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")]


@pytest.mark.parametrize("use", USES)
def test_a_block_has_tests_of_its_own(use):
    role, name = use.rsplit("/", 1)
    names = re.compile(rf"\b{role}[./]{name}\b")
    assert any(names.search(text) for text in texts_of_tests()), f"expected tests/blocks/{role}/test_{name}.py"


# Documentation


@pytest.mark.parametrize("use", USES)
def test_a_block_is_documented_by_the_template(use):
    doc, signature = cls_of(use).__doc__ or "", signature_of(use)
    first = doc.strip().split("\n\n")[0]
    assert re.fullmatch(r"[A-Z].*\.", first, re.S), "expected a first sentence with a full stop"
    assert "\n" not in first, "expected the first sentence on one line: `semcom blocks` shows it"
    assert ".. math::" in doc
    found = re.findall(rf"^\s+({'|'.join(SECTIONS)}):", doc, re.M)
    assert found == sorted(found, key=SECTIONS.index), "expected the sections in the order of the template"
    assert len(found) == len(set(found))
    assert ("Input" in found) == bool(signature.inputs)
    assert ("Output" in found) == bool(signature.outputs)
    assert {"State", "Example"} <= set(found)
    section = dict(
        re.findall(rf"^\s+({'|'.join(SECTIONS)}):((?:.(?!^\s+(?:{'|'.join(SECTIONS)}):))*)", doc, re.M | re.S)
    )
    for field in (*cls_of(use).reads_header, *cls_of(use).may_read_header):
        assert field.__name__ in section["Input"], f"expected the header field {field.__name__} under Input"
    for field in (*cls_of(use).writes_header, *cls_of(use).may_write_header):
        assert field.__name__ in section["Output"], f"expected the header field {field.__name__} under Output"
        assert (field.__doc__ or "").strip()


@pytest.mark.parametrize("use", USES)
def test_the_example_is_in_order(use):
    label = Mark(use, 1, 1)
    root, _ = parse_yaml(re.search(r"Example:\s*``(.+?)``", cls_of(use).__doc__ or "", re.S)[1], use)
    (_, entry), *rest = root.entries.values()
    assert not rest
    assert isinstance(entry, MapNode)
    given = {name: pair for name, pair in entry.entries.items() if name in example(use)}
    params, problems = check_params(cls_of(use).Params, given, label, use)
    assert not problems, problems
    assert params is not None
    assert {name for name in entry.entries if name != "use"} <= set(cls_of(use).Params.model_fields)


@pytest.mark.parametrize("use", USES)
def test_every_parameter_says_what_it_is_in_which_unit(use):
    for name, field in cls_of(use).Params.model_fields.items():
        assert field.description, f"{name}: expected a description"
        assert field.description.endswith("."), f"{name}: expected a sentence"
        for ending, unit in UNITS.items():
            if name.endswith(ending) and not name.endswith("_per_s"):
                assert re.search(unit, field.description), f"{name}: expected its unit in the description"


@pytest.mark.parametrize("use", USES)
def test_ports_can_be_read(use):
    signature = signature_of(use)
    assert signature.inputs or signature.outputs
    assert not set(signature.inputs) & set(signature.injected)
    assert cls_of(use).work.__doc__, "expected one line on what work does"


@pytest.mark.parametrize("use", USES)
def test_no_decoder_reads_the_truth(use):
    """`trace` is for measurements: only sinks may ask for it."""
    if not signature_of(use).is_sink:
        assert "trace" not in signature_of(use).injected.values()


# Work


@pytest.mark.parametrize("use", ON_ITEMS)
def test_inputs_are_left_as_they_are(use):
    made, items = stage(use), inputs_for(use, 0)
    before = {name: item.value.copy() for name, item in items.items()}
    headers = {name: dict(item.envelope.header) for name, item in items.items()}
    for emitted in made.step(items):
        for item, (name, port) in zip(emitted, signature_of(use).outputs.items(), strict=True):
            if item is not None:
                port.check(item.value, name)
    for name, item in items.items():
        np.testing.assert_array_equal(item.value, before[name])
        assert dict(item.envelope.header) == headers[name]


@pytest.mark.parametrize("use", [use for use in ITEMS_TO_ITEMS if use not in OF_A_VIDEO])
def test_same_seed_same_output_whatever_came_before(use):
    busy = [item for item in run_items(stage(use), use, [0, 1, 3]) if item.envelope.identity.seq == 3]
    fresh = [item for item in run_items(stage(use), use, [3]) if item.envelope.identity.seq == 3]
    assert fresh, "expected something from one item, at the latest when the stream ends"
    same(busy, fresh)


@pytest.mark.parametrize("use", sorted(OF_A_VIDEO))
def test_the_same_video_gives_the_same_again(use):
    runs = []
    for _ in range(2):
        started.cache_clear()  # the blocks before it remember frames too
        runs.append(run_items(stage(use), use, [0, 1, 3]))
    same(*runs)


@pytest.mark.parametrize("use", ITEMS_TO_ITEMS)
def test_everything_that_goes_in_comes_out_at_the_end(use):
    found = run_items(stage(use), use, [0, 1, 2])
    assert {item.envelope.identity.seq for item in found} == {0, 1, 2}
    for _, parts in itertools.groupby(found, lambda item: item.envelope.identity.seq):
        assert [item.envelope.identity.last for item in parts][-1]


@pytest.mark.parametrize("use", ON_ITEMS)
def test_what_a_block_writes_is_what_it_declares(use):
    cls, made = cls_of(use), stage(use)
    items = inputs_for(use, 0)
    came = {name for item in items.values() for name in item.envelope.header}
    for emitted in made.step(items):
        for item in filter(None, emitted):
            new = set(item.envelope.header) - came
            assert new <= {field.__name__ for field in (*cls.writes_header, *cls.may_write_header)}
            for field in cls.writes_header:
                assert field.__name__ in item.envelope.header
                assert item.envelope.header.read(field).bits() >= 0


@pytest.mark.parametrize("use", [use for use in SINKS if use in ON_ITEMS])
def test_sinks_write_where_they_are_told_and_name_their_files(use, folder):
    made = stage(use)
    assert run_items(made, use, [0, 1]) == []
    files = [Path(file) for file in made.block.files]
    assert all(file.is_file() for file in files)
    written = {path for path in folder.rglob("*") if path.is_file()}
    assert written == {file.resolve() for file in files}, "expected every file to be named by `wrote`, and no other"
    if "out" in cls_of(use).Params.model_fields:
        out = (folder / str(example(use).get("out", "out"))).resolve()
        assert all(file.resolve().is_relative_to(out) for file in files)


@pytest.mark.parametrize("use", [use for use in SINKS if use in ON_ITEMS])
def test_sinks_write_the_same_bytes_again(use, folder, monkeypatch):
    found = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        monkeypatch.chdir(folder / name)
        run_items(stage(use), use, [0, 1])
        written = sorted(path for path in (folder / name).rglob("*") if path.suffix == ".png")
        found.append({str(path.relative_to(folder / name)): path.read_bytes() for path in written})
    assert found[0] == found[1]


@pytest.mark.parametrize("use", WITH_INPUTS)
def test_an_empty_stream_ends_in_order(use):
    made = stage(use)
    assert [item for emitted in made.finish(RunContext(complete=False)) for item in emitted if item] == []


# Sources


@pytest.mark.parametrize("use", [use for use in SOURCES if use not in WITH_A_PEER])
def test_a_source_makes_the_same_items_again(use):
    provide(use)

    def first() -> list[Item]:
        return [item for emitted in itertools.islice(stage(use).produce(), 3) for item in emitted if item]

    one, other = first(), first()
    assert one
    same(one, other)
    ports = tuple(signature_of(use).outputs.values())
    for item, port in zip(one, itertools.cycle(ports), strict=False):
        port.check(item.value, use)
        assert not item.value.flags.writeable
    if ports[0].stream:
        offsets = [item.envelope.stream.offset for item in one if item.envelope.stream]
        assert offsets == [sum(item.value.size for item in one[:index]) for index in range(len(one))]
    else:
        assert [item.envelope.identity.seq for item in one] == [index // len(ports) for index in range(len(one))]


CHUNKED = [use for use in SOURCES if "chunk" in cls_of(use).Params.model_fields]


@pytest.mark.parametrize("use", CHUNKED)
def test_a_source_of_samples_is_the_same_in_any_chunks(use):
    provide(use)
    whole = None
    for chunk in (97, 31, 1):
        made = RunningBlock(
            build_block(BlockNode("block", use, {**example(use), "chunk": chunk}), SEED), torch_threads=1
        )
        made.start()
        parts = [emitted[0] for emitted in itertools.islice(made.produce(), -(-97 // chunk))]
        samples = np.concatenate([part.value for part in parts if part])[:97]
        whole = samples if whole is None else whole
        np.testing.assert_array_equal(samples, whole)


# Streams of samples


def run_stream(use: str, chunks: list[int]) -> list[np.ndarray[Any, Any]]:
    """Run 97 samples in chunks of these sizes; return each output joined."""
    signature = signature_of(use)
    names = [name for name, port in signature.inputs.items() if any(kind.stream for kind in port.type.choices)]
    provide(use)
    node = BlockNode("block", use, {**example(use), **FOR_STREAMS.get(use, {})})
    edges = [Edge(index, "before", "out", "block", name, "Samples") for index, name in enumerate(names)]
    made = RunningBlock(build_block(node, SEED), torch_threads=1, edges=edges)
    made.start()
    made.block.stopping = use in WITH_A_PEER
    rng = np.random.default_rng(3)
    samples = (rng.standard_normal((sum(chunks), 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)
    samples.setflags(write=False)
    outputs: list[list[np.ndarray[Any, Any]]] = [[] for _ in signature.outputs]
    offset, seq = 0, 0
    results = []
    for seq, size in enumerate(chunks):
        around = Envelope(identity=Identity(seq), stream=Stream(offset, 1e6))
        part = samples[offset : offset + size]
        results += list(made.step({name: Item(around, part) for name in names}))
        offset += size
    results += list(made.finish(RunContext()))
    for emitted in results:
        for output, item in zip(outputs, emitted, strict=True):
            if item is not None:
                output.append(item.value)
    return [np.concatenate(output) if output else np.empty(0) for output in outputs]


@pytest.mark.parametrize("use", ON_STREAMS)
def test_a_stream_is_the_same_whole_in_odd_chunks_and_sample_by_sample(use):
    whole = run_stream(use, [97])
    for chunks in ([1, 31, 65], [40, 2, 55], [1] * 97, [50, 0, 47]):
        for one, other in zip(run_stream(use, chunks), whole, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_same_contract_holds_for_another_seed():
    """Blocks that draw noise draw other noise with another seed; the rest gives the same."""
    drew = []
    for use in [use for use in ON_ITEMS if use not in SINKS]:
        one = run_items(stage(use), use, [0])
        other = run_items(stage(use, seed=SEED + 1), use, [0])
        if any(not np.array_equal(a.value, b.value) for a, b in zip(one, other, strict=True)):
            drew.append(use)
    draws = ("channels/", "radio/", "decoders/", "mappers/bits_to_doubles")  # the last draws what is out of range anew
    assert all(use.startswith(draws) for use in drew), drew
    assert msgspec.json.encode(drew)
