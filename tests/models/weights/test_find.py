"""Published weights on this machine: found under every name, or told all at once what is missing."""

import sys
from pathlib import Path
from typing import Any

import pytest
from semcom.errors import UsageError, WeightsError
from semcom.models.sc_sic.published import PUBLICATION
from semcom.models.weights.find import find_parts


def where_is(part: str, *places: Path | str | None, variant: str = "lite") -> Path:
    return find_parts(PUBLICATION, (part,), *(places or (None,)), variant=variant)[part]


@pytest.mark.parametrize(
    ("part", "variant", "names"),
    [
        ("encoder", "lite", ["effnet_encoder.safetensors", "models/effnet_encoder.safetensors"]),
        ("stage_a", "lite", ["stage_a.safetensors", "vqgan/diffusion_pytorch_model.safetensors"]),
        ("stage_b", "lite", ["stage_b_lite.safetensors", "decoder_lite/diffusion_pytorch_model.bf16.safetensors"]),
        ("stage_b", "large", ["stage_b_bf16.safetensors", "decoder/diffusion_pytorch_model.safetensors"]),
    ],
)
def test_every_name_in_a_folder(part: Any, variant: Any, names: list[str], tmp_path: Path) -> None:
    for index, name in enumerate(names):
        file = tmp_path / str(index) / name
        file.parent.mkdir(parents=True)
        file.touch()
        assert where_is(part, tmp_path / str(index), variant=variant) == file
        assert where_is(part, str(tmp_path / str(index)), variant=variant) == file
        assert where_is(part, file, variant=variant) == file


def test_the_file_to_be_fetched_comes_first(tmp_path: Path) -> None:
    for name in PUBLICATION.names("stage_b", "lite"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert where_is("stage_b", tmp_path).name == "stage_b_lite_bf16.safetensors"


def test_all_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "stage_a.safetensors").touch()
    with pytest.raises(WeightsError) as caught:
        find_parts(PUBLICATION, ("encoder", "stage_a", "stage_b"), tmp_path, variant="lite")
    said = str(caught.value)
    assert said.startswith(f"sc-sic: no weights in {tmp_path}: expected for the semantic encoder effnet_encoder.saf")
    assert "; for stage B stage_b_lite_bf16.safetensors or stage_b_lite.safetensors or decoder_lite/" in said
    assert "stage A" not in said
    assert "`semcom fetch sc-sic --variant lite --out FOLDER`" in said
    assert (
        "(stabilityai/stable-cascade, 1.6 GB, Stability AI Non-Commercial Research Community License), or give a"
        in said
    )
    assert "\n" not in said
    with pytest.raises(WeightsError, match=r"--variant large .* 3\.3 GB"):
        find_parts(PUBLICATION, ("encoder", "stage_b"), tmp_path, variant="large")


def test_a_file_cannot_be_several_parts(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.touch()
    with pytest.raises(
        UsageError, match=r"is a file, and 2 parts are needed; give the folder it is in, or put the card of w"
    ):
        find_parts(PUBLICATION, ("stage_a", "stage_b"), file, variant="lite")


def cached(cache: Path, repository: str, revision: str, name: str) -> Path:
    """A file as the hub's tools keep it: snapshots by revision, and refs that name one."""
    top = cache / ("models--" + repository.replace("/", "--"))
    file = top / "snapshots" / revision / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    (top / "refs").mkdir(exist_ok=True)
    (top / "refs" / "main").write_text(revision)
    return file


def test_the_hubs_cache_is_used_without_the_network(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError, match=r"no weights of stabilityai/stable-cascade in the hub's cache on this machine:"
    ):
        where_is("stage_a")
    file = cached(tmp_path / "hub", PUBLICATION.repository, "0" * 40, "stage_a.safetensors")
    assert where_is("stage_a") == where_is("stage_a", PUBLICATION.repository) == file
    newer = cached(tmp_path / "hub", PUBLICATION.repository, PUBLICATION.revision, "stage_a.safetensors")
    assert where_is("stage_a") == newer
    d_sic_file = cached(tmp_path / "hub", "khalidr4/DSIC", "1" * 40, "models/stage_a.safetensors")
    assert where_is("stage_a", "khalidr4/DSIC") == d_sic_file
    with pytest.raises(
        WeightsError, match="no weights of some/thing in the hub's cache on this machine, and no folder some/thing: exp"
    ):
        where_is("stage_a", "some/thing")


def test_the_first_place_that_has_all_of_it(tmp_path: Path) -> None:
    for folder, names in (("some", ["stage_a"]), ("all", ["stage_a", "effnet_encoder"])):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / f"{name}.safetensors").touch()
    parts = ("stage_a", "encoder")
    found = find_parts(PUBLICATION, parts, tmp_path / "some", tmp_path / "all", variant="lite")
    assert {path.parent.name for path in found.values()} == {"all"}
    with pytest.raises(
        WeightsError, match=r"no weights in \S*some, nor of stabilityai/stable-cascade in the hub's cache"
    ):
        find_parts(PUBLICATION, parts, tmp_path / "some", None, variant="lite")


@pytest.mark.parametrize("name", ["none", "none/of/it.safetensors"])
def test_a_path_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"sc-sic: no weights in {tmp_path / name}, which is not there: expected"):
        find_parts(PUBLICATION, ("stage_a", "stage_b"), tmp_path / name, variant="lite")


def test_without_the_hubs_package_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WeightsError, match="semcom fetch sc-sic"):
        where_is("encoder")


def test_a_checkpoint_of_many_files_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    from semcom.models.latent_diffusion.published import PUBLICATION as MANY

    with pytest.raises(WeightsError) as caught:
        find_parts(MANY, tuple(MANY.parts), tmp_path, variant="sd-1.5")
    said = str(caught.value)
    assert said.startswith(f"latent-diffusion: no weights in {tmp_path}: expected for the autoencoder vae/diffusion_")
    assert "; for its sizes unet/config.json; and 7 files more; get them with `semcom fetch latent-diffusion" in said
