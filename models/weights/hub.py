"""The Hugging Face hub: what an earlier download left on this machine, and downloading where the user asks for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ...errors import MissingExtra, UsageError, WeightsError
from .file import sha256_of
from .publication import Publication, PublishedFile

__all__ = ["download", "in_cache", "offline_by_environment"]

OFFLINE = ("SEMCOM_OFFLINE", "HF_HUB_OFFLINE")


def offline_by_environment() -> bool:
    """Whether ``SEMCOM_OFFLINE`` or ``HF_HUB_OFFLINE`` forbid the network: set, and neither empty nor 0, no, false."""
    return any(os.environ.get(name, "").strip().lower() not in ("", "0", "no", "off", "false") for name in OFFLINE)


def in_cache(repository: str, names: Sequence[str], revisions: Sequence[str]) -> Path | None:
    """What an earlier download left, by whatever tool; without the hub's package there is no cache to speak of.

    Args:
        repository: On the hub, ``owner/name``.
        names: Of files in it, the preferred one first.
        revisions: Of the repository, the preferred one first.
    """
    try:
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError
    except ImportError:
        return None
    for revision in revisions:
        for name in names:
            try:
                path = try_to_load_from_cache(repository, name, revision=revision)
            except HFValidationError:
                return None
            if isinstance(path, str):
                return Path(path)
    return None


def download(publication: Publication, one: PublishedFile, out: Path) -> Path:
    """Download one file into a folder and check it.

    Args:
        publication: Of the file.
        one: Which.
        out: The folder.

    Returns:
        Where it is.

    Raises:
        UsageError: the environment forbids the network.
        WeightsError: it cannot be downloaded, or is not the published one; then it is deleted.
        MissingExtra: huggingface_hub is not installed.
    """
    system, repository = publication.system, publication.repository
    if offline_by_environment():
        raise UsageError(
            f"{system}: {one.name} would have to be downloaded, and {' or '.join(OFFLINE)} forbids it; unset it"
        )
    try:
        import huggingface_hub
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise MissingExtra("downloading weights", error.name or "huggingface_hub", "models") from None
    try:
        got = huggingface_hub.hf_hub_download(repository, one.name, revision=publication.revision, local_dir=out)
    except (EntryNotFoundError, HfHubHTTPError, HFValidationError, OSError, RuntimeError) as error:
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise WeightsError(
            f"{system}: {one.name} of {repository} cannot be downloaded: {first}; "
            f"try again, or fetch it by other means and give the folder"
        ) from None
    return _whole(Path(got), one)


def _whole(path: Path, one: PublishedFile) -> Path:
    if (digest := sha256_of(path)) != one.sha256:
        path.unlink()
        raise WeightsError(
            f"{path}: expected SHA-256 {one.sha256[:16]}..., got {digest[:16]}...: not the published file, or cut "
            f"short; it is deleted, fetch it again"
        )
    return path
