"""Downloading the published weights, once the user has said yes to their licence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from ...errors import MissingExtra, UsageError, WeightsError
from ..weights import sha256_of
from .pretrained import OFFLINE, offline_by_environment
from .sources import LICENCE, LICENCE_URL, REPOSITORY, REVISION, Published, Variant, fetched_files

__all__ = ["download", "fetch"]


def fetch(
    out: Path, *, variant: Variant = "lite", licence: Literal["unread", "accepted"], echo: Callable[[str], None]
) -> list[Path]:
    """Download encoder, stage A and stage B into a folder; what is there already, and whole, is left alone.

    Args:
        out: The folder; it is made.
        variant: Of stage B.
        licence: ``accepted`` when the user has said so; it is printed in any case, before anything is downloaded.
        echo: Prints a line.

    Returns:
        The files, in the order of `fetched_files`.

    Raises:
        UsageError: the licence is not accepted, the environment forbids the network, or the folder cannot be made.
        WeightsError: a file cannot be downloaded, or is not the published one.
        MissingExtra: huggingface_hub is not installed.
    """
    files = fetched_files(variant)
    echo(f"Weights of Stable Cascade, {variant}, from {REPOSITORY} at revision {REVISION[:7]}:")
    for one in files:
        echo(f"  {one.name}, {one.megabytes:g} MB, SHA-256 {one.sha256[:16]}...")
    echo(f"Licence: {LICENCE}: research and other non-commercial use alone.")
    echo(f"Read it at {LICENCE_URL}; what you train upon these weights stays under it.")
    if licence != "accepted":
        raise UsageError("sc-sic: nothing was downloaded; read the licence, and say --accept-licence if you accept it")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"sc-sic: {out}: expected a folder to write to: {error.strerror}") from None
    paths = []
    for one in files:
        path = out / one.name
        if path.is_file() and sha256_of(path) == one.sha256:
            echo(f"{path}: there already")
        else:
            path = download(one, out=out)
            echo(f"{path}: downloaded")
        paths.append(path)
    return paths


def download(one: Published, *, repository: str = REPOSITORY, out: Path | None = None) -> Path:
    """Download one file and check it.

    Args:
        one: Which; an empty ``sha256`` is not checked.
        repository: On the hub, ``owner/name``.
        out: Folder; None: the hub's own cache.

    Returns:
        Where it is.

    Raises:
        UsageError: the environment forbids the network.
        WeightsError: it cannot be downloaded, or is not the published one; then it is deleted.
        MissingExtra: huggingface_hub is not installed.
    """
    if offline_by_environment():
        raise UsageError(
            f"sc-sic: {one.name} would have to be downloaded, and {' or '.join(OFFLINE)} forbids it; unset it"
        )
    try:
        import huggingface_hub
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtra("downloading weights", error.name or "huggingface_hub", "models") from None
    revision = REVISION if repository == REPOSITORY else None
    try:
        path = Path(huggingface_hub.hf_hub_download(repository, one.name, revision=revision, local_dir=out))
    except (EntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, RuntimeError) as error:
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise WeightsError(
            f"sc-sic: {one.name} of {repository} cannot be downloaded: {first}; "
            f"try again, or fetch it by other means and give the folder"
        ) from None
    if one.sha256 and (digest := sha256_of(path)) != one.sha256:
        path.unlink()
        raise WeightsError(
            f"{path}: expected SHA-256 {one.sha256[:16]}..., got {digest[:16]}...: not the published file, or cut "
            f"short; it is deleted, fetch it again"
        )
    return path
