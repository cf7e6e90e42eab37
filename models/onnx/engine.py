"""An exported ONNX file, checked and ready to run, whatever system it is of. Needs no torch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NoReturn

from numpy.typing import NDArray

from ...errors import UnknownSystem, UsageError, WeightsError
from ..codec import PictureCodec, Ports, Role
from ..lookup import find_system
from .metadata import OnnxMetadata

__all__ = ["OnnxEngine", "Provider", "load"]

Provider = Literal["cpu", "cuda", "auto"]
_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_KINDS = {"uint8": "tensor(uint8)", "int64": "tensor(int64)", "float32": "tensor(float)"}


def load(
    who: str, path: Path, *, role: Role, system: str | None = None, provider: Provider = "cpu", threads: int = 1
) -> PictureCodec[Any, Any, Any]:
    """Load a file, and put the codec of its system before it.

    Args:
        who: The block, for messages.
        path: The file.
        role: What the block needs it to be.
        system: Folder of its system, where that is not installed; None: it is found by the name in the file.
        provider: See `OnnxEngine`.
        threads: See there.

    Raises:
        UsageError: see `OnnxEngine`.
        WeightsError: see there; or the file is of another role, of a system that is not here, says of its weights what
            the codec does not understand, or its inputs and outputs do not fit.
    """
    engine = OnnxEngine(who, path, provider=provider, threads=threads)
    metadata = engine.metadata
    if metadata.role != role:
        raise WeightsError(
            f"{path}: {who}: expected the file of the {role}, got that of the {metadata.role}; give the other"
        )
    codec = _codec_of(who, path, metadata.system, system)
    if role not in codec.ports:
        raise WeightsError(
            f"{path}: expected the file of the {' or '.join(codec.ports)}, all that {codec.system} exports, got that "
            f"of the {role}; write it with `semcom export {codec.system}`"
        )
    about = metadata.about(codec.knows, path)
    engine.check_ports(codec.ports[role])
    return codec(engine, about)


def _codec_of(who: str, path: Path, name: str, given: str | None) -> type[PictureCodec[Any, Any, Any]]:
    try:
        record = find_system(given or name)
    except UnknownSystem as error:
        raise WeightsError(f"{path}: is a file of {name!r}: {error}; or give its folder, system=./{name}") from None
    if record.name != name:
        raise WeightsError(
            f"{path}: expected a file of {record.name}, as `system` says, got one of {name}; give another"
        )
    codec: type[PictureCodec[Any, Any, Any]] = record.load("codec", who)
    return codec


class OnnxEngine:
    """A file that `semcom export` wrote, loaded into onnxruntime.

    With the same file, provider and number of threads the same input gives the same bytes on one machine.

    Args:
        who: The block, for messages.
        path: The file.
        provider: Where it runs. ``cuda``: on the GPU or not at all; ``auto``: on the GPU where there is one, else on
            the CPU, and the log says so.
        threads: Of the CPU, for one operator.

    Attributes:
        metadata: What the file says of itself.

    Raises:
        UsageError: ``cuda`` is wanted and cannot be had; onnxruntime is not installed.
        WeightsError: the file is missing, no ONNX file, of an operator set that this onnxruntime does not run, not
            written by `semcom export`, or of another format version.
    """

    metadata: OnnxMetadata

    def __init__(self, who: str, path: Path, *, provider: Provider = "cpu", threads: int = 1) -> None:
        try:
            import onnxruntime
        except ImportError as error:  # of the core: only a broken environment is without it
            raise UsageError(
                f"{who} needs onnxruntime, which does not load ({error}): pip install onnxruntime"
            ) from None
        if not path.is_file():
            raise WeightsError(f"{path}: no such ONNX file; write one with `semcom export`")
        self._path = path
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4  # what goes wrong is raised
        there = provider != "cpu" and _CUDA in onnxruntime.get_available_providers()
        try:
            raw = path.read_bytes()
            self._session = onnxruntime.InferenceSession(raw, options, providers=[_CUDA, _CPU] if there else [_CPU])
        except OSError as error:
            raise WeightsError(f"{path}: cannot be read: {error.strerror}; check that you may read it") from None
        except Exception as error:  # onnxruntime has a class for each of its codes, all of them bare exceptions
            _refuse(path, str(error), str(onnxruntime.__version__))
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True
        self._settle_provider(who, provider)
        self.metadata = OnnxMetadata.from_props(self._session.get_modelmeta().custom_metadata_map, path)

    def run(self, output: str, **inputs: NDArray[Any]) -> NDArray[Any]:
        """Compute one output from inputs by name; inputs that the file does not have are let be."""
        given = {port.name: inputs[port.name] for port in self._session.get_inputs() if port.name in inputs}
        (found,) = self._session.run([output], given, self._run_options)
        value: NDArray[Any] = found
        return value

    def check_ports(self, ports: Ports) -> None:
        """Refuse a file whose inputs or outputs are not these."""
        for word, wanted, given in (
            ("inputs", ports.inputs, self._session.get_inputs()),
            ("outputs", ports.outputs, self._session.get_outputs()),
        ):
            found = {port.name: (port.type, len(port.shape)) for port in given}
            expected = {name: (_KINDS[kind], axes) for name, (kind, axes) in wanted.items()}
            if found != expected:
                raise WeightsError(
                    f"{self._path}: expected {word} {_in_words(expected)}, got {_in_words(found)}; write the file "
                    "again with `semcom export` of this gr-semcom"
                )

    def _settle_provider(self, who: str, provider: Provider) -> None:
        """See where the session really runs: a CUDA whose libraries do not load falls back without a word."""
        if provider == "cpu" or _CUDA in self._session.get_providers():
            return
        if provider == "cuda":
            raise UsageError(
                f"{who}: provider cuda: this onnxruntime finds no CUDA; where there is a GPU, pip uninstall "
                "onnxruntime and pip install onnxruntime-gpu; else give provider: cpu or auto"
            )
        logging.getLogger("semcom").warning("%s: provider auto: no CUDA here; it runs on the CPU", who)


def _in_words(ports: Mapping[str, tuple[str, int]]) -> str:
    return ", ".join(f"{name} {kind} of {axes} axes" for name, (kind, axes) in ports.items()) or "none"


def _refuse(path: Path, reason: str, version: str) -> NoReturn:
    lower = reason.lower()
    if "opset" in lower or "ir version" in lower:
        raise WeightsError(
            f"{path}: its ONNX operator set or format is not one that onnxruntime {version} runs; install a newer "
            "onnxruntime, or write the file again with `semcom export`"
        ) from None
    short = reason.rsplit(" : ", 1)[-1].strip().splitlines()[:1]
    raise WeightsError(
        f"{path}: truncated or not an ONNX file ({short[0] if short else 'no reason given'}); write it again with "
        "`semcom export`"
    ) from None
