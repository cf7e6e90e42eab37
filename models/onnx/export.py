"""Networks to ONNX files, and what the files compute beside what the networks compute."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import ExportError, MissingExtra, UsageError
from ..codec import PictureCodec, Ports, Role
from .metadata import OPSET, OnnxMetadata

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = [
    "LARGEST_RELATIVE_ERROR",
    "PARITY_SIZES",
    "Exported",
    "Graph",
    "Inputs",
    "Parity",
    "export_codec",
    "parity_picture",
]

LARGEST_RELATIVE_ERROR = 1e-4
"""A file that is further than this from the network is not written, unless its export allows for more."""
PARITY_SIZES = ((64, 96), (256, 256), (512, 768))
"""Heights and widths in pixels at which files are compared with networks; none of them is the traced one."""
_SMALLEST_HALVED = 256  # elements; below it the cast costs more than it saves
_ERFC = (
    *(-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806),
    *(0.27886807, -1.13520398, 1.48851587, -0.82215223, 0.17087277),
)


Inputs = Mapping[str, NDArray[Any]]


class Graph(NamedTuple):
    """One end of a system in a form that a graph can hold.

    Attributes:
        role: Which end.
        network: Its `forward` takes the inputs of the codec's ports by name and returns their outputs.
        example: Inputs that are traced.
        dynamic: Of each input with axes of free length: the axis, and its `torch.export` dimension.
        cases: On what file and network are compared: a name, and inputs.
        let_be: Of an output whose values hang on a rounding, the share that need not agree, rounded up to whole values:
            which way a tie falls is a matter of the last bits.
    """

    role: Role
    network: torch.nn.Module
    example: Inputs
    dynamic: Mapping[str, Mapping[int, Any]]
    cases: Iterable[tuple[str, Inputs]]
    let_be: Mapping[str, float] = MappingProxyType({})


class Parity(NamedTuple):
    """How far a file is from the network on one input.

    Attributes:
        case: Which input.
        absolute: Largest absolute error of any element, but for those that are let be.
        relative: The same over the root mean square of what the network gives.
    """

    case: str
    absolute: float
    relative: float


class Exported(NamedTuple):
    """One file that was written, and how it compares with the network."""

    path: Path
    metadata: OnnxMetadata
    parity: tuple[Parity, ...]


def export_codec(
    codec: PictureCodec[Any, Any, Any], out: Path, *graphs: Graph, largest_relative_error: float | None = None
) -> Iterator[Exported]:
    """Write a codec's network as ONNX files, ``SYSTEM-VARIANT-ROLE.onnx``, and compare them with its torch engine.

    Weights that half precision holds exactly are stored in it and widened when the file is loaded: nothing is lost.

    Args:
        codec: With its torch engine, which says what is expected of a file: of the last axis of an output perhaps only
            the first elements.
        out: Folder of the files; each appears whole or not at all.
        graphs: One a file.
        largest_relative_error: Of any case; `LARGEST_RELATIVE_ERROR` if not said.

    Yields:
        Each file when it is written.

    Raises:
        ExportError: a relative error is larger.
        UsageError: a file cannot be written.
        MissingExtra: onnx, onnxscript or onnxruntime is not installed.
    """
    try:
        import onnx  # noqa: F401 - asked for before the work, not after it
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtra("semcom export", error.name or "onnx", "export") from None
    most = LARGEST_RELATIVE_ERROR if largest_relative_error is None else largest_relative_error
    for graph in graphs:
        metadata = OnnxMetadata.of(codec.system, graph.role, codec.about)
        path = out / f"{codec.system}-{codec.about.variant}-{graph.role}.onnx"
        with _written(path):  # said before the work, not after it
            path.parent.mkdir(parents=True, exist_ok=True)
        raw = _serialised(graph, codec.ports[graph.role], metadata)
        found = _compare(raw, codec, graph)
        if worst := [parity for parity in found if not parity.relative <= most]:
            raise ExportError(
                f"{path}: expected a relative error of at most {most:g}, got {worst[0].relative:.2g} at "
                f"{worst[0].case}; the file is not written; report it with the versions that `semcom env` shows"
            )
        _write(path, raw)
        yield Exported(path, metadata, found)


def _serialised(graph: Graph, ports: Ports, metadata: OnnxMetadata) -> bytes:
    import onnx

    model = _trace(graph, list(ports.outputs))
    _halve(model)
    onnx.helper.set_model_props(model, metadata.to_props())
    model.producer_name, model.producer_version, model.doc_string = "gr-semcom", "", ""
    onnx.checker.check_model(model, full_check=True)
    raw: bytes = model.SerializeToString(deterministic=True)
    return raw


def _write(path: Path, raw: bytes) -> None:
    part = path.with_name(f".{path.name}.part")
    with _written(path):
        part.write_bytes(raw)
        os.replace(part, path)


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}; choose another folder") from None


def parity_picture(height: int, width: int) -> NDArray[np.uint8]:
    """A picture to compare on, uint8 ``[height, width, 3]``: slopes, edges and noise."""
    rng = np.random.default_rng([height, width])
    walk = rng.normal(0, 4, (height, width, 3)).cumsum(0).cumsum(1)
    edges = 60 * np.sign(walk - np.median(walk))
    values = 128 + 40 * np.sin(walk / 60) + edges + rng.normal(0, 6, walk.shape)
    picture: NDArray[np.uint8] = values.clip(0, 255).astype(np.uint8)
    return picture


def _trace(graph: Graph, outputs: list[str]) -> ModelProto:
    import gc
    import logging
    import warnings

    collects = gc.isenabled()
    gc.disable()  # a trace makes millions of objects that stay: looking through them takes a fifth of the time
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # tells of torchvision, which nothing here needs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's exporter warns of torch's own calls
            program = torch.onnx.export(
                graph.network.eval(),
                kwargs={name: torch.from_numpy(value) for name, value in graph.example.items()},
                input_names=list(graph.example),
                output_names=outputs,
                dynamic_shapes={name: dict(graph.dynamic.get(name, {})) or None for name in graph.example},
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
                custom_translation_table={torch.ops.aten.erfc.default: _erfc},
            )
    finally:
        log.setLevel(level)
        if collects:
            gc.enable()
    if program is None:
        raise ExportError("semcom export: torch gave no ONNX program; report it with the versions of `semcom env`")
    model: ModelProto = program.model_proto
    body = model.graph
    for part in (*body.node, *body.input, *body.output, *body.value_info, *body.initializer):
        part.ClearField("metadata_props")  # torch notes there where on this machine the source files lie
        part.ClearField("doc_string")
    body.ClearField("metadata_props")
    body.ClearField("value_info")
    del model.functions[:]
    return model


def _erfc(x: Any) -> Any:
    """The complementary error function, with a relative error below 1.2e-7; as 1 - erf, small values lose their digits.

    Source:  Press et al., Numerical Recipes, section 6.2 (erfcc).
    """
    from onnxscript import opset18 as op

    size = op.Abs(x)
    one, half, two = (op.Constant(value_float=value) for value in (1.0, 0.5, 2.0))
    t = op.Div(one, op.Add(one, op.Mul(half, size)))
    total = op.Constant(value_float=_ERFC[-1])
    for coefficient in reversed(_ERFC[:-1]):
        total = op.Add(op.Constant(value_float=coefficient), op.Mul(t, total))
    tail = op.Mul(t, op.Exp(op.Sub(total, op.Mul(size, size))))
    return op.Where(op.Less(x, op.Constant(value_float=0.0)), op.Sub(two, tail), tail)


def _halve(model: ModelProto) -> None:
    """Store in half precision what it holds exactly."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALLEST_HALVED:
            continue
        with np.errstate(over="ignore", under="ignore"):
            half = values.astype(np.float16)
        if np.array_equal(half.astype(np.float32), values):
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _compare(raw: bytes, codec: PictureCodec[Any, Any, Any], graph: Graph) -> tuple[Parity, ...]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    outputs, found = codec.ports[graph.role].outputs, []
    for name, inputs in graph.cases:
        for output in outputs:
            where = name if len(outputs) == 1 else f"{name}, {output}"
            share = graph.let_be.get(output, 0.0)
            where += f" but for {share:.0%}" if share else ""
            expected = codec.engine.run(output, **inputs)
            (got,) = session.run([output], dict(inputs))
            found.append(_distance(where, got[..., : expected.shape[-1]], expected, share))
    return tuple(found)


def _distance(where: str, got: NDArray[np.float32], expected: NDArray[np.float32], let_be: float) -> Parity:
    if got.shape != expected.shape:
        raise ExportError(
            f"{where}: expected the file to give {list(expected.shape)}, got {list(got.shape)}; report it with the "
            "versions that `semcom env` shows"
        )
    absolute = float(np.quantile(np.abs(got - expected), 1 - let_be, method="lower"))
    return Parity(where, absolute, absolute / max(float(np.sqrt(np.mean(np.square(expected)))), 1e-12))
