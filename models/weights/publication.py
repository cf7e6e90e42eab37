"""Weights that others have published: where they are, under which licence, and their check sums. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["Publication", "PublishedFile"]


class PublishedFile(NamedTuple):
    """One file of a repository.

    Attributes:
        part: What of the system it holds the weights of.
        variant: Of the system; None: the file serves all.
        name: Path in the repository.
        megabytes: Size, 10^6 bytes, as the repository's pages state it.
        sha256: Of the file; what the hub states of its large files.
    """

    part: str
    variant: str | None
    name: str
    megabytes: float
    sha256: str


@dataclass(frozen=True)
class Publication:
    """What is published for a system.

    Args:
        system: Name of the system.
        title: What the weights are called.
        repository: On the Hugging Face hub, ``owner/name``.
        revision: Of the repository, 40 hexadecimal digits.
        licence: Its name.
        terms: What it allows, in a sentence without its stop.
        licence_url: Where it can be read.
        parts: Of the system, in the order in which they are fetched, each with what messages call it.
        files: Of the repository; of several that serve one part the preferred one first.
        other_names: Further names under which a folder may hold a part, by part and variant.
        folders: What names may begin with in a folder or repository: nothing, or the name of a folder with its slash.
    """

    system: str
    title: str
    repository: str
    revision: str
    licence: str
    terms: str
    licence_url: str
    parts: Mapping[str, str]
    files: tuple[PublishedFile, ...]
    other_names: Mapping[tuple[str, str | None], tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[str, ...] = ("",)

    def names(self, part: str, variant: str) -> tuple[str, ...]:
        """Names under which a folder may hold a part, the preferred one first."""
        names = [one.name for one in self._serve(part, variant)]
        return (*names, *self.other_names.get((part, variant), ()), *self.other_names.get((part, None), ()))

    def fetched(self, variant: str) -> tuple[PublishedFile, ...]:
        """What is downloaded: the preferred file of each part."""
        return tuple(self._serve(part, variant)[0] for part in self.parts)

    def _serve(self, part: str, variant: str) -> list[PublishedFile]:
        return [one for one in self.files if one.part == part and one.variant in (None, variant)]
