"""Fetching: against a stand-in for the hub, since tests have no network."""

import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from semcom.errors import MissingExtra, UsageError, WeightsError
from semcom.models.sc_sic.published import PUBLICATION
from semcom.models.weights.fetch import fetch
from semcom.models.weights.find import find_parts
from semcom.models.weights.hub import offline_by_environment
from semcom.models.weights.publication import Publication


def get(
    out: Path, echo: Callable[[str], None] = lambda line: None, publication: Publication = PUBLICATION
) -> list[Path]:
    return fetch(publication, out, variant="lite", licence="accepted", echo=echo)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What the hub has; asking for anything else fails as the hub's package does."""
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    has: dict[str, bytes] = {}

    def hf_hub_download(repository: str, name: str, *, revision: str | None, local_dir: Path) -> str:
        assert (repository, revision) == (PUBLICATION.repository, PUBLICATION.revision)
        if name not in has:
            raise LocalEntryNotFoundError("An error happened while trying to locate the file on the Hub\nand more")
        path = Path(local_dir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(has[name])
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hf_hub_download)
    return has


def test_the_licence_comes_before_any_download(tmp_path: Path) -> None:
    lines: list[str] = []
    with pytest.raises(UsageError, match="nothing was downloaded; read the licence, and say --accept-licence"):
        fetch(PUBLICATION, tmp_path / "out", variant="large", licence="unread", echo=lines.append)
    assert not (tmp_path / "out").exists()
    said = "\n".join(lines)
    assert "stage_b_bf16.safetensors, 3130 MB, SHA-256 2c8d58b267678aec..." in said
    assert "Licence: Stability AI Non-Commercial Research Community License" in said
    assert "https://huggingface.co/stabilityai/stable-cascade/blob/main/LICENSE" in said


def test_fetched_whole_and_only_once(hub: dict[str, bytes], tmp_path: Path) -> None:
    contents = {one.name: one.name.encode() for one in PUBLICATION.fetched("lite")}
    files = [one._replace(sha256=sha256(contents[one.name]).hexdigest()) for one in PUBLICATION.fetched("lite")]
    published = replace(PUBLICATION, files=tuple(files))
    hub |= contents
    lines: list[str] = []
    out = tmp_path / "a" / "b"
    paths = get(out, lines.append, published)
    assert paths == [out / name for name in contents]
    assert [line for line in lines if line.endswith(": downloaded")] == [f"{path}: downloaded" for path in paths]
    parts = ("encoder", "stage_a", "stage_b")
    assert find_parts(PUBLICATION, parts, out, variant="lite") == dict(zip(parts, paths, strict=True))
    del hub["stage_a.safetensors"]  # there already
    paths[2].write_bytes(b"cut")
    lines.clear()
    get(out, lines.append, published)
    assert [line.rpartition(": ")[2] for line in lines[-3:]] == ["there already", "there already", "downloaded"]


def test_another_file_than_the_published_is_deleted(hub: dict[str, bytes], tmp_path: Path) -> None:
    hub["effnet_encoder.safetensors"] = b"another"
    with pytest.raises(WeightsError, match=r"expected SHA-256 e23c1fe17ba8cdd6\.\.\., got .* it is deleted, fetch it"):
        get(tmp_path)
    assert not (tmp_path / "effnet_encoder.safetensors").exists()


def test_a_hub_that_does_not_answer(hub: dict[str, bytes], tmp_path: Path) -> None:
    said = r"effnet_encoder.safetensors of .* cannot be downloaded: An error happened .* on the Hub; try again, or"
    with pytest.raises(WeightsError, match=said) as caught:
        get(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_environment_forbids_a_download(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMCOM_OFFLINE", "yes")
    with pytest.raises(UsageError, match="would have to be downloaded, and SEMCOM_OFFLINE or HF_HUB_OFFLINE forbids"):
        get(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="expected a folder to write to"):
        get(tmp_path / "file")


def test_without_the_hubs_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(
        MissingExtra, match=r'downloading weights needs huggingface_hub: pip install "gr-semcom\[models'
    ):
        get(tmp_path)


def test_what_says_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not offline_by_environment()
    for name in ("SEMCOM_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
        assert offline_by_environment()
        monkeypatch.setenv(name, "0")
    assert not offline_by_environment()
