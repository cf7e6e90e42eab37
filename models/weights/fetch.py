"""Downloading published weights, once the user has said yes to their licence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ...errors import UsageError
from .file import sha256_of
from .hub import download
from .publication import Publication

__all__ = ["fetch"]


def fetch(
    publication: Publication,
    out: Path,
    *,
    variant: str,
    licence: Literal["unread", "accepted"],
    echo: Callable[[str], None],
) -> list[Path]:
    """Download the published weights of a system into a folder; what is there already, and whole, is left alone.

    Args:
        publication: What is published.
        out: The folder; it is made.
        variant: Of the system.
        licence: ``accepted`` when the user has said so; it is printed in any case, before anything is downloaded.
        echo: Prints a line.

    Returns:
        The files, in the order of `Publication.fetched`.

    Raises:
        UsageError: the licence is not accepted, the environment forbids the network, or the folder cannot be made.
        WeightsError: a file cannot be downloaded, or is not the published one.
        MissingExtra: huggingface_hub is not installed.
    """
    system = publication.system
    _announce(publication, variant, echo)
    if licence != "accepted":
        raise UsageError(
            f"{system}: nothing was downloaded; read the licence, and say --accept-licence if you accept it"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{system}: {out}: expected a folder to write to: {error.strerror}") from None
    paths = []
    for one in publication.fetched(variant):
        path = out / one.name
        if path.is_file() and sha256_of(path) == one.sha256:
            echo(f"{path}: there already")
        else:
            path = download(publication, one, out)
            echo(f"{path}: downloaded")
        paths.append(path)
    return paths


def _announce(publication: Publication, variant: str, echo: Callable[[str], None]) -> None:
    revision = publication.revision[:7]
    echo(f"Weights of {publication.title}, {variant}, from {publication.repository} at revision {revision}:")
    for one in publication.fetched(variant):
        echo(f"  {one.name}, {one.megabytes:g} MB, SHA-256 {one.sha256[:16]}...")
    echo(f"Licence: {publication.licence}: {publication.terms}.")
    echo(f"Read it at {publication.licence_url}; what you train upon these weights stays under it.")
