"""Reading recordings: SigMF's two files become chunks of complex64, in memory that does not grow with the recording."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, MissingExtra
from ..images import input_file
from ..notes import note
from .layout import Segment, lay_out, place_marks
from .marks import Mark
from .metadata import EXTENSION, SPECIFICATION
from .sample_format import SampleFormat, decode, finite, parse_datatype

__all__ = ["Chunk", "Recording", "open_recording"]

_PIECE_BYTES = 1 << 22  # read at once, of however many channels
_BUNDLES = {
    ".sigmf": "got an archive: unpack it (tar xf), then name what was in it",
    ".sigmf-collection": "got a list of recordings: name one of them",
}
_HIGHEST = 1e30  # full scale: far from the end of single precision
_SUFFIXES = (".sigmf-meta", ".sigmf-data")


class Chunk(NamedTuple):
    """Samples of a recording.

    Attributes:
        samples: complex64 ``[n]``, finite.
        offset: Number of the first one in the stream.
        marks: What is said of these; their offsets are numbers in the stream.
        zeroed: How many were not finite, and are zero now.
    """

    samples: NDArray[np.complex64]
    offset: int
    marks: tuple[Mark, ...]
    zeroed: int


class Recording(NamedTuple):
    """A recording that was checked, and is read by `chunks`.

    Attributes:
        data: The file that holds the samples.
        form: Of a sample.
        sample_rate_hz: None where it is not stated.
        channels: That are interleaved.
        full_scale: Value that the code 2^(bits - 1) of a part stands for; not used for floating point.
        segments: Where the samples lie.
        marks: What is said of places, by rising number in the stream.
    """

    data: Path
    form: SampleFormat
    sample_rate_hz: float | None
    channels: int
    full_scale: float
    segments: tuple[Segment, ...]
    marks: tuple[Mark, ...]

    def chunks(self, size: int, channel: int = 0) -> Iterator[Chunk]:
        """Yield the samples in order; a chunk ends where a gap follows.

        Args:
            size: Samples of a chunk, at most.
            channel: Which of those that are interleaved, from 0.

        Raises:
            InputError: the file became shorter while it was read.
        """
        marks = iter(self.marks)
        mark = next(marks, None)
        with self.data.open("rb") as file:
            for segment in self.segments:
                for at in range(0, segment.samples, size):
                    count, offset = min(size, segment.samples - at), segment.offset + at
                    samples, zeroed = finite(self._read(file, segment.byte + at * self._row_bytes, count, channel))
                    here = []
                    while mark is not None and mark.offset < offset + count:
                        here.append(mark)
                        mark = next(marks, None)
                    yield Chunk(samples, offset, tuple(here), zeroed)

    @property
    def _row_bytes(self) -> int:
        return self.channels * self.form.item_bytes

    def _read(self, file: BinaryIO, byte: int, count: int, channel: int) -> NDArray[np.complex64]:
        """Read one channel, piece by piece: of many channels no more is in memory than of one."""
        samples = np.empty(count, np.complex64)
        rows = max(1, _PIECE_BYTES // self._row_bytes)
        file.seek(byte)
        for at in range(0, count, rows):
            wanted = min(rows, count - at)
            parts = np.fromfile(file, self.form.part, wanted * self.channels * 2)
            if parts.size < wanted * self.channels * 2:
                raise InputError(f"{self.data}: the file became shorter while it was read")
            one = parts.reshape(wanted, self.channels, 2)[:, channel]
            samples[at : at + wanted] = decode(one, self.form, self.full_scale)
        return samples


def open_recording(path: str, verify: Literal["sha512", "none"] = "sha512") -> Recording:
    """Read and check the metadata of a recording, and its hash if it has one; notes tell what is odd and no error.

    Args:
        path: The `.sigmf-meta` or `.sigmf-data` file, or what both names have in common.
        verify: Compare the data with the hash that the metadata state, or trust them.

    Raises:
        MissingExtra: the package `sigmf` is not installed.
        InputError: a file is missing or is not SigMF, its samples are real, the hash is another.
    """
    base = Path(path).expanduser()
    if base.suffix in _BUNDLES:
        raise InputError(f"{base}: expected one recording, {_BUNDLES[base.suffix]}")
    base = base.with_suffix("") if base.suffix in _SUFFIXES else base
    place = input_file(base.with_name(f"{base.name}.sigmf-meta"), "SigMF metadata")
    metadata = _read_metadata(place)
    top = metadata["global"]
    try:
        _refuse_unknown_extensions(top)
        data = _data_file(base, top)
        form = parse_datatype(top["core:datatype"])
        channels = int(top.get("core:num_channels", 1))
        layout = lay_out(top, metadata["captures"], data.stat().st_size, channels * form.item_bytes)
        full_scale = _full_scale(top)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None
    if verify == "sha512":
        _verify(data, top.get("core:sha512"))
    if not layout.segments:
        note(f"{data}: no samples")
    marks, beside = place_marks(layout.segments, metadata["annotations"])
    for text in layout.notes:
        note(f"{place}: {text}")
    if beside:
        note(f"{place}: {beside} annotations lie on no sample and are left out")
    rate = top.get("core:sample_rate")
    return Recording(
        data, form, None if rate is None else float(rate), channels, full_scale, layout.segments, tuple(marks)
    )


def _read_metadata(place: Path) -> dict[str, Any]:
    """Return the metadata, once the schema of SigMF accepts them."""
    schema = _schema()
    try:
        metadata = json.loads(place.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # of bytes that are not UTF-8 too
        raise InputError(f"{place}: expected SigMF metadata, got no JSON: {error}") from None
    wrong = next(schema.iter_errors(metadata), None)
    if wrong is not None:
        where = " ".join(map(str, wrong.absolute_path)) or "the whole"
        raise InputError(f"{place}: expected SigMF {SPECIFICATION}: {where}: {_short(wrong.message)}")
    found: dict[str, Any] = metadata
    return found


@functools.cache
def _schema() -> Any:
    """The schema of SigMF's metadata, ready to check with."""
    try:
        import jsonschema
        from sigmf.schema import get_schema
    except ImportError:
        raise MissingExtra("radio/sigmf_source", "sigmf", "radio") from None
    return jsonschema.Draft202012Validator(get_schema())


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _short(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:100]} ... {message[-80:]}"


def _refuse_unknown_extensions(top: Mapping[str, Any]) -> None:
    needed = {one["name"] for one in top.get("core:extensions", ()) if not one["optional"]} - {EXTENSION["name"]}
    if needed:
        raise InputError(f"its samples cannot be read without the extension {', '.join(sorted(needed))}, unknown here")


def _data_file(base: Path, top: Mapping[str, Any]) -> Path:
    named = top.get("core:dataset")
    if named is None and top.get("core:metadata_only"):
        raise InputError("expected a recording, got metadata alone (core:metadata_only)")
    if named is not None and Path(named).name != named:
        raise InputError(f"expected the name of a file in the same folder as core:dataset, got {named}")
    data = base.with_name(named or f"{base.name}.sigmf-data")
    if not data.is_file():
        raise InputError(f"expected the samples in {data.name} beside it, got no such file")
    return data


def _full_scale(top: Mapping[str, Any]) -> float:
    given = top.get("semcom:full_scale", 1.0)
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given <= _HIGHEST:
        raise InputError(f"expected a number above 0 as semcom:full_scale, got {_short(str(given))}")
    return float(given)


def _verify(data: Path, stated: str | None) -> None:
    if stated is None:
        note(f"{data}: no hash is stated: nobody knows whether these are all samples, and the right ones")
        return
    with data.open("rb") as file:
        found = hashlib.file_digest(file, "sha512").hexdigest()
    if found != stated.lower():
        raise InputError(
            f"{data}: expected the SHA-512 {stated[:12]}..., got {found[:12]}...: truncated, or changed since it was "
            f"recorded; verify: none reads it as it is"
        )
