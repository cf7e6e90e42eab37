import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from semcom.blocks._measuring.files import picture_name, write_atomic
from semcom.blocks.block import RunContext
from semcom.blocks.envelope import Identity
from semcom.blocks.sinks.images import ImageFolder
from semcom.errors import RunError


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Files of this process may not grow beyond 4 KiB: what a full disk looks like, half-way through a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_pictures_come_back_exactly_and_are_named_by_source_and_number(tmp_path, delivery, run_sink):
    items = [delivery(0, side=40, label="chelsea"), delivery(12, side=40, label="a/b c")]
    sink = run_sink(ImageFolder(ImageFolder.Params(out=str(tmp_path / "new" / "folder"))), items)
    assert [path.name for path in sink.files] == ["chelsea-0000.png", "a_b_c-0012.png"]
    for path, item in zip(sink.files, items, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), item.received)
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "a_b_c-0012.png",
        "chelsea-0000.png",
    ]


def test_equal_pictures_give_equal_bytes(tmp_path, delivery, run_sink):
    files = [
        run_sink(ImageFolder(ImageFolder.Params(out=str(tmp_path / name))), [delivery(3, side=40)]).files
        for name in ("one", "two")
    ]
    (first,), (second,) = files
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("label", "identity", "name"),
    [
        ("", Identity(7), "picture-0007"),
        ("../../etc/passwd", Identity(1), "etc_passwd-0001"),
        (".hidden", Identity(2), "hidden-0002"),
        ("a\x00b\nc", Identity(3), "a_b_c-0003"),
        ("Żółw 2", Identity(4), "Żółw_2-0004"),
        ("x", Identity(123456), "x-123456"),
        ("x", Identity(5, part=1, last=False), "x-0005-01"),
        ("x", Identity(5, part=2, last=True), "x-0005-02"),
        ("\udcff", Identity(6), "picture-0006"),
    ],
)
def test_file_names_are_safe(label, identity, name):
    assert picture_name(label, identity) == name


def test_long_labels_fit_a_file_system():
    assert len(f"{picture_name('ü' * 500, Identity(1))}.png".encode()) < 200


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_an_error_and_leaves_nothing_that_looks_whole(tmp_path, delivery, run_sink):
    with pytest.raises(RunError, match=r"photo1-0001\.png: cannot be written: File too large; what was finished"):
        run_sink(ImageFolder(ImageFolder.Params(out=str(tmp_path))), [delivery(0, side=16), delivery(1, side=64)])
    assert [path.name for path in tmp_path.iterdir()] == ["photo0-0000.png"]


@pytest.mark.usefixtures("small_disk")
def test_a_failed_write_keeps_the_file_that_was_there(tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"old")
    with pytest.raises(RunError, match="File too large"):
        write_atomic(path, bytes(10_000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_folders_place_is_an_error_at_start(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(RunError, match=r"out: expected a folder to write to, got: File exists"):
        ImageFolder(ImageFolder.Params(out=str(tmp_path / "out"))).start()


def test_a_picture_without_pixels_is_an_error(tmp_path, delivery, run_sink):
    item = delivery(0, side=16)._replace(received=np.zeros((0, 5, 3), np.uint8))
    with pytest.raises(RunError, match=r"photo0-0000\.png: expected a picture of at least 1 x 1, got \[0, 5, 3\]"):
        run_sink(ImageFolder(ImageFolder.Params(out=str(tmp_path))), [item], run=RunContext())
    assert list(Path(tmp_path).iterdir()) == []
