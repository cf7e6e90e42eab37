from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import zmq
from semcom.errors import ControlError
from semcom.flowgraphs.runtime.engine.control import ControlServer, request, running


@pytest.fixture
def context():
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


def base():
    return Path(os.environ["XDG_RUNTIME_DIR"]) / "semcom"


def test_the_folder_is_private_and_goes_with_the_server(context):
    server = ControlServer(context, "demo")
    assert base().stat().st_mode & 0o777 == 0o700
    assert server.folder.stat().st_mode & 0o777 == 0o700
    assert running() == {os.getpid(): ("demo", server.folder)}
    server.close()
    assert running() == {}
    assert not server.folder.exists()


def test_what_a_killed_process_left_is_removed(context):
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = base() / f"{int(child.stdout)}-left"
    left.mkdir(parents=True)
    base().chmod(0o700)
    (base() / "note").mkdir()
    (base() / ("9" * 40 + "-odd")).mkdir()
    assert running() == {}
    server = ControlServer(context, "demo")
    assert not left.exists()
    assert (base() / "note").exists()
    server.close()


def test_a_folder_that_others_may_enter_is_refused(context):
    base().mkdir()
    base().chmod(0o755)
    with pytest.raises(ControlError, match=r"semcom: expected a folder of mode 0700 that you own; remove it or set"):
        ControlServer(context, "demo")


def test_a_link_in_its_place_is_refused(context, tmp_path):
    (tmp_path / "private").mkdir(mode=0o700)
    base().symlink_to(tmp_path / "private")
    with pytest.raises(ControlError, match="expected a folder of mode 0700 that you own"):
        ControlServer(context, "demo")
    assert list((tmp_path / "private").iterdir()) == []


def test_a_runtime_folder_that_cannot_be_is_named(context, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "file"))
    with pytest.raises(ControlError, match=r"file/semcom: Not a directory; set XDG_RUNTIME_DIR to a folder that you"):
        ControlServer(context, "demo")


def test_a_path_too_long_for_a_socket_is_named_and_leaves_nothing(context, monkeypatch, tmp_path):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    with pytest.raises(ControlError, match=r"cannot make a socket here: .*; set XDG_RUNTIME_DIR to a short path"):
        ControlServer(context, "demo")
    assert list((long / "semcom").iterdir()) == []


def test_a_client_is_told_when_the_flowgraph_ends_before_it_answers(context):
    server = ControlServer(context, "demo")
    answers = []

    def ask():
        try:
            request("demo", {"do": "status"})
        except ControlError as error:
            answers.append(str(error))

    client = threading.Thread(target=ask)
    client.start()
    while server.receive() is None:
        time.sleep(0.01)
    server.close()
    client.join(5)
    assert answers == ["the flowgraph ended before it answered"]


def test_a_flowgraph_that_does_not_answer_is_not_waited_for_for_ever(context):
    server = ControlServer(context, "demo")
    with pytest.raises(ControlError, match=r"did not answer within 0.1 s; is its process stopped\?"):
        request("demo", {"do": "status"}, timeout_ms=100)
    server.close()
