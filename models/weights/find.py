"""Finding published weights on this machine: in a folder, or in the hub's cache. The network is never touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from ...errors import UsageError, WeightsError
from .hub import in_cache
from .publication import Publication

__all__ = ["find_parts"]

Part = TypeVar("Part", bound=str)
_NAMED = 4  # a message names so many files at most; who has none needs no list of them


def find_parts(
    publication: Publication, parts: Sequence[Part], *places: Path | str | None, variant: str
) -> dict[Part, Path]:
    """Find the files of some parts of a system, and say what is missing at once.

    Args:
        publication: What is published for the system.
        parts: Which are needed.
        places: Where to look, in this order; the first that has them all is taken. A folder; a file, where one part is
            needed; a repository of the hub, ``owner/name``, in the cache of this machine; None: the publication's own.
        variant: Of the system.

    Returns:
        A path for each part.

    Raises:
        WeightsError: no place has them all.
        UsageError: a file was given for several parts.
    """
    for place in places:
        if place is not None and Path(place).is_file():
            if len(parts) > 1:
                raise UsageError(
                    f"{publication.system}: {place} is a file, and {len(parts)} parts are needed; give the folder it "
                    "is in, or put the card of weights of your own beside it"
                )
            return {parts[0]: Path(place)}
        found = {part: _look(publication, publication.names(part, variant), place) for part in parts}
        if all(found.values()):
            return {part: path for part, path in found.items() if path is not None}
    missing = [part for part, path in found.items() if path is None]  # in the last place
    where = ", nor ".join(_where(publication, place) for place in places)
    raise WeightsError(f"{publication.system}: no weights {where}: {_get_them(publication, missing, variant)}")


def _get_them(publication: Publication, missing: Sequence[str], variant: str) -> str:
    named = missing[:_NAMED]
    expected = [f"for {publication.parts[part]} {' or '.join(publication.names(part, variant))}" for part in named]
    if len(missing) > _NAMED:
        expected.append(f"and {len(missing) - _NAMED} files more")
    gigabytes = sum(one.megabytes for one in publication.fetched(variant)) / 1000
    return (
        f"expected {'; '.join(expected)}; get them with `semcom fetch {publication.system} --variant {variant} "
        f"--out FOLDER` ({publication.repository}, {gigabytes:.1f} GB, {publication.licence}), or give a folder that "
        "holds them"
    )


def _is_folder(place: Path | str) -> bool:
    is_repository = isinstance(place, str) and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", place)
    return Path(place).is_dir() or not is_repository


def _look(publication: Publication, names: Sequence[str], place: Path | str | None) -> Path | None:
    names = [folder + name for name in names for folder in publication.folders]
    if place is not None and _is_folder(place):
        return next((path for name in names if (path := Path(place) / name).is_file()), None)
    if place is None or place == publication.repository:
        return in_cache(publication.repository, names, (publication.revision, "main"))
    return in_cache(str(place), names, ("main",))


def _where(publication: Publication, place: Path | str | None) -> str:
    if place is not None and _is_folder(place):
        return f"in {place}" if Path(place).is_dir() else f"in {place}, which is not there"
    cached = f"of {place or publication.repository} in the hub's cache on this machine"
    return cached if place is None else f"{cached}, and no folder {place}"
