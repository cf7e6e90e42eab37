"""A recording that grows: its two files are SigMF at any moment, also when the run is killed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import RunError, SignalError
from ...sim.sigmf.marks import Mark, annotation, read_mark
from ...sim.sigmf.metadata import capture, compose
from ...sim.sigmf.sample_format import encode, finite, parse_datatype
from .._measuring.files import write_atomic
from ..envelope import Stream

__all__ = ["SigmfWriter", "Written"]

_REWRITE_SHARE = 16  # annotations: the metadata are written anew when so many times fewer are new than there are
_CHUNK = 1 << 22
_CLIPPED, _NON_FINITE = "semcom:clipped_samples", "semcom:non_finite_samples"


class Written(NamedTuple):
    """What became of a chunk.

    Attributes:
        samples: Written.
        clipped: Of these, beyond the full scale.
        non_finite: Of these, written as zeros.
    """

    samples: int
    clipped: int
    non_finite: int


class SigmfWriter:
    """Writes a stream of samples as `.sigmf-data`, and `.sigmf-meta` beside it.

    A gap is in the metadata before the samples behind it are in the data; of the annotations the last few per cent may
    be missing where nobody could call `close`. The hash is stated by `close` alone.

    Args:
        base: What both files have in common; emptied if they are there.
        top: The global object: ``core:datatype`` and what else is known at the beginning.
        more: Further fields of every capture.
        full_scale: Value of a part that the code 2^(bits - 1) stands for.
        go_on: An earlier start of this place wrote the first samples: add to them.

    Attributes:
        samples, clipped, non_finite: As of `Written`, so far.

    Raises:
        RunError: a file cannot be written, or another sink or run is writing it.
    """

    def __init__(
        self,
        base: Path,
        top: Mapping[str, Any],
        more: Mapping[str, Any],
        full_scale: float,
        *,
        go_on: bool = False,
    ) -> None:
        self.paths = [base.with_name(f"{base.name}.sigmf-{kind}") for kind in ("meta", "data")]
        self.top = dict(top)
        self.samples = self.clipped = self.non_finite = 0
        self._more, self._full_scale = dict(more), full_scale
        self._form = parse_datatype(top["core:datatype"])
        self._captures: list[dict[str, Any]] = []
        self._open: list[Mark] = []  # annotations that begin or hold beyond what is written
        self._settled: list[tuple[int, str]] = []  # the others: number of the sample, text
        self._unsaid = 0  # annotations that the file on disk lacks
        self._cut = False  # a new capture is due, with other fields
        self._hash = hashlib.sha512()
        self._file = self._locked()
        if go_on:
            self._take_up()
        self._write_metadata()  # before the data change: at no moment do a hash or captures tell of other data
        os.ftruncate(self._file, self.samples * self._form.item_bytes)

    def reopen(self, top: Mapping[str, Any], more: Mapping[str, Any], full_scale: float) -> None:
        """Go on after `close`; arguments as of the constructor.

        Raises:
            SignalError: the recording has another format.
            RunError: a file cannot be written, or another sink or run is writing it.
        """
        if (top["core:datatype"], full_scale) != (self._form.datatype, self._full_scale):
            raise SignalError(
                f"{self.paths[1]}: expected datatype {self._form.datatype} with full_scale {self._full_scale:g}, in "
                f"which this recording began, got {top['core:datatype']} with {full_scale:g}: give it another 'name'"
            )
        self.top |= top
        self._cut, self._more = more != self._more, dict(more)
        self._file = self._locked()
        self._write_metadata()

    def _take_up(self) -> None:
        """Take what an earlier process left, if it is a recording of the same kind: whole samples, and their hash."""
        try:
            metadata = json.loads(self.paths[0].read_bytes())
            top, captures = metadata["global"], metadata["captures"]
            marks = [read_mark(one) for one in metadata["annotations"]]
        except (OSError, ValueError, KeyError):
            return
        if any(top.get(key) != self.top.get(key) for key in ("core:datatype", "semcom:full_scale")):
            return
        self.top = {**top, **self.top}
        self.top.pop("core:sha512", None)
        self.samples = os.fstat(self._file).st_size // self._form.item_bytes
        self._captures = [one for one in captures if one["core:sample_start"] < self.samples]
        self._open = [mark for mark in marks if mark.offset < self.samples]
        self.clipped = self.top.pop(_CLIPPED, 0)
        self.non_finite = self.top.pop(_NON_FINITE, 0)
        end = self.samples * self._form.item_bytes
        for at in range(0, end, _CHUNK):
            self._hash.update(os.pread(self._file, min(_CHUNK, end - at), at))

    @property
    def next_offset(self) -> int | None:
        """Number of the sample that comes next if none is lost; None at the beginning."""
        if not self._captures:
            return None
        last = self._captures[-1]
        return int(last["core:global_index"] + self.samples - last["core:sample_start"])

    def add(self, samples: NDArray[np.complex64], stream: Stream, born_s: float) -> Written:
        """Write a chunk.

        What an earlier writer of this recording has written already is left out.

        Args:
            samples: complex64 ``[n]``.
            stream: Where they lie, and what is said of them.
            born_s: When their source made them, seconds of the host's clock; 0 when unknown.

        Raises:
            SignalError: they have another sample rate than those before.
            RunError: they could not be written; those before are kept.
        """
        rate = self.top.setdefault("core:sample_rate", stream.sample_rate_hz)
        if rate != stream.sample_rate_hz:
            raise SignalError(
                f"expected samples at {rate:g} Hz, as those before in this recording, got {stream.sample_rate_hz:g} Hz"
            )
        done = max(0, (self.next_offset or 0) - stream.offset) if self._captures else 0
        samples, offset = samples[done:], stream.offset + done
        if samples.size and (self._cut or self.next_offset != offset):
            self._cut = False
            self._captures.append(capture(self.samples, offset, born_s, self._more))
            self._write_metadata()
        new = [Mark(*mark) for mark in stream.annotations if mark.offset >= offset]
        self._open += [mark._replace(offset=mark.offset - offset + self.samples) for mark in new]
        written = self._write(samples)
        self._unsaid += len(new)
        if self._unsaid * _REWRITE_SHARE > len(self._settled):
            self._write_metadata()
        return written

    def close(self, more: Mapping[str, Any]) -> None:
        """State the hash and what else is known at the end, and let the files go; a second call does nothing.

        Args:
            more: Further fields of the global object.

        Raises:
            RunError: the metadata could not be written.
        """
        if self._file < 0:
            return
        self.top |= more
        counts = {_CLIPPED: self.clipped, _NON_FINITE: self.non_finite}
        try:
            self._write_metadata(
                **{"core:sha512": self._hash.hexdigest()}, **{key: count for key, count in counts.items() if count}
            )
        finally:
            os.close(self._file)
            self._file = -1

    def _locked(self) -> int:
        try:
            file = os.open(self.paths[1], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise RunError(f"{self.paths[1]}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise RunError(
                f"{self.paths[1]}: another sink or run is writing this recording; give each its own 'out' or 'name'"
            ) from None
        return file

    def _write_metadata(self, **last: Any) -> None:
        """Write the metadata file anew, whole or not at all."""
        settled = [mark for mark in self._open if mark.offset + max(mark.length, 1) <= self.samples]
        self._settled += [(mark.offset, json.dumps(annotation(mark))) for mark in settled]
        self._open = [mark for mark in self._open if mark.offset + max(mark.length, 1) > self.samples]
        begun = [  # what is to hold beyond the samples ends with them, for now
            (mark.offset, json.dumps(annotation(mark._replace(length=self.samples - mark.offset))))
            for mark in self._open
            if mark.offset < self.samples
        ]
        lines = [text for _, text in sorted([*self._settled, *begun], key=lambda entry: entry[0])]
        write_atomic(self.paths[0], compose({**self.top, **last}, map(json.dumps, self._captures), lines).encode())
        self._unsaid = 0

    def _write(self, samples: NDArray[np.complex64]) -> Written:
        good, wrong = finite(samples)
        parts, clipped = encode(good, self._form, self._full_scale)
        content = memoryview(parts.tobytes())
        begin, done = self.samples * self._form.item_bytes, 0
        try:
            while done < len(content):
                done += os.pwrite(self._file, content[done:], begin + done)
        except OSError as error:
            os.ftruncate(self._file, begin)
            raise RunError(
                f"{self.paths[1]}: cannot be written: {error.strerror}; what was recorded before is kept"
            ) from None
        self._hash.update(content)
        self.samples += samples.size
        self.clipped += clipped
        self.non_finite += wrong
        return Written(samples.size, clipped, wrong)
