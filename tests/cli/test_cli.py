from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from semcom.cli import main
from semcom.errors import RunError
from semcom.flowgraphs.runtime.language.check import load_graph
from semcom.flowgraphs.runtime.language.shipped import shipped_flowgraphs
from semcom.models.lookup import find_system

GOOD = """\
semcom: 1
name: good
seed: 7
vars: {snr_db: 10}
blocks:
  zeros: {use: sources/zeros, chunk: 1024}
  channel: {use: channels/awgn_samples, snr_db: $snr_db}
  end: {use: sinks/null}
connect:
  - zeros -> channel -> end
"""
HEAVY = {"torch", "diffusers", "matplotlib", "torchmetrics", "sionna", "onnxruntime", "skimage", "av"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    (tmp_path / "f.yaml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEMCOM_DEBUG", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def semcom(*args: str, code: int = 0):
    """Run the command in this process."""
    result = CliRunner().invoke(main, list(args))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


# Speed and imports


def loaded_by(*args: str) -> set[str]:
    """Return the top-level modules that a command loads."""
    code = (
        "import sys\nfrom semcom.cli import main\n"
        f"try:\n    main({list(args)!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n' + ' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy():
    assert not loaded_by("--help") & {*HEAVY, "numpy", "pydantic", "yaml", "zmq", "rich"}


@pytest.fixture(scope="module")
def loaded_by_check():
    """What `semcom check` loads: in a fork of a new process that has only the command and its check, for each file."""
    code = """
import contextlib, io, os, sys
import semcom.flowgraphs.runtime.language.check
from semcom.cli import main
for line in sys.stdin:
    if os.fork() == 0:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                main(["check", line.strip()])
        except SystemExit as end:
            if end.code:
                os._exit(1)
        print(*sorted({name.split(".")[0] for name in sys.modules}), flush=True)
        os._exit(0)
    if os.wait()[1]:
        print("failed", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as new:

        def loaded(name):
            print(name, file=new.stdin, flush=True)
            return set(new.stdout.readline().split())

        yield loaded
        new.stdin.close()


@pytest.mark.parametrize("name", ["f.yaml", *sorted(shipped_flowgraphs())])
def test_check_loads_nothing_heavy(loaded_by_check, folder, name):
    loaded = loaded_by_check(folder / name if name == "f.yaml" else name)
    assert {"semcom", "pydantic"} <= loaded
    assert not loaded & HEAVY


def test_a_check_that_fails_is_seen(loaded_by_check):
    assert loaded_by_check("none.yaml") == {"failed"}


@pytest.mark.parametrize("command", ["schema", "blocks", "systems", "train --help", "export sc-sic --help"])
def test_listing_loads_nothing_heavy(command):
    assert not loaded_by(*command.split()) & HEAVY


def test_help_takes_half_a_second_of_a_processor_at_most():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "semcom", "--help"], check=True, capture_output=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_a_command_ends_without_a_search_for_garbage():
    code = "import atexit, gc\natexit.register(lambda: print(len(gc.get_objects())))\nimport semcom.cli"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) < 100  # objects that Python would look at; some 20 000 without


def test_every_command_has_help():
    for name in sorted(main.commands):
        assert semcom(name, "--help").output.startswith("Usage: ")


def test_version():
    assert semcom("--version").output.startswith("gr-semcom 0.")


# Errors


def test_an_error_is_one_message_and_its_exit_code():
    result = semcom("check", "f.yaml", "--set", "channel.snr=3", code=2)
    assert result.stderr == "--set channel.snr=3: block 'channel': snr: no such parameter (did you mean 'snr_db'?)\n"
    assert result.stdout == ""
    result = semcom("run", "none.yaml", code=2)
    assert result.stderr.startswith("no flowgraph 'none.yaml': expected a file or one of the shipped: ")


def test_debug_brings_the_traceback(monkeypatch):
    monkeypatch.setenv("SEMCOM_DEBUG", "1")
    done = subprocess.run(
        [sys.executable, "-m", "semcom", "check", "x.yaml"], capture_output=True, text=True, timeout=60
    )
    assert done.stderr.startswith("Traceback")
    assert "UsageError: no flowgraph 'x.yaml'" in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["runn"], "No such command 'runn'"),
        (["run"], "Missing argument 'FILE'"),
        (["run", "f.yaml", "--executor", "cloud"], "'cloud' is not one of 'inline', 'threads', 'processes'"),
        (["run", "f.yaml", "--items", "0"], "0 is not in the range x>=1"),
        (["check", "f.yaml", "--seed", "x"], "'x' is not a valid integer"),
        (["check", "f.yaml", "--var", "x"], "--var x: expected name=value"),
        (["set", "channel"], "--set channel: expected block.parameter=value"),
        (["swap", "channel"], "--swap channel: expected block=blocks/name"),
        (["blocks", "channels/agwn"], "no block 'channels/agwn' (did you mean 'channels/awgn'?)"),
        (["new-block", "A"], "new-block A: expected folder/name in small letters"),
        (["graph", "f.yaml", "--svg", "f.yaml/x.svg"], "f.yaml/x.svg: cannot be written: "),
        (["export", "deepjscc"], "Missing option '--out'"),
        (["export", "depjscc", "--out", "o"], "no system 'depjscc' (did you mean 'deepjscc'?); `semcom systems` lists"),
        (
            ["fetch", "deepjscc"],
            "system.py names no published; expected one of latent-diffusion, sc-sic, or a",
        ),
        (["export", "codec-diffusion"], "system.py names no export; expected one of cdm-jscc, deepjscc, "),
        (["fetch", "sc-sic", "--out", "o", "--variant", "tiny"], "'tiny' is not one of 'lite', 'large'"),
        (["train", "./none", "--out", "o"], "no system ./none: expected a folder with a file system.py, found none at"),
        (
            ["export", "deepjscc", "--out", "o", "--variant", "x"],
            "'x' is not one of 'adaptive', 'linear', 'quantised', 'perceptual', 'gan'",
        ),
        (["export", "cdm-jscc", "--out", "o", "--variant", "x"], "'x' is not one of 'd', 'p'"),
        (
            ["train", "deepjscc", "--data", "d", "--out", "o", "--config", "no"],
            "--config no: expected a file or one of the",
        ),
        (
            ["train", "cdm-jscc", "--data", "d", "--out", "o", "--config", "no"],
            "--config no: expected a file or one of the shipped: large-d, ntscc-d, ntscc-p, paper, small-d, ",
        ),
    ],
)
def test_wrong_use_ends_with_2(args, message):
    assert message in semcom(*args, code=2).stderr


@pytest.mark.parametrize(("model", "config"), [("cdm-jscc", "tiny-ntc"), ("deepjscc", "quantised")])
def test_training_gets_what_the_command_line_says(monkeypatch, model, config):
    told = {}

    def train(training, recipe, data, out, **options):
        told.update(options, system=training.system.name, recipe=recipe, data=data, out=out)
        return SimpleNamespace(weights=out / "best.safetensors")

    monkeypatch.setattr("semcom.models.training.train.train", train)
    places = ["--data", "d", "--out", "o", "--perceptual-weights", "w.npz"]
    result = semcom("train", model, "--config", config, *places, "--device", "cpu", "--resume")
    assert result.stdout == f"weights: {Path('o') / 'best.safetensors'}\n"
    recipe = told.pop("recipe")
    assert recipe.phases
    expected = {
        "system": model,
        "data": Path("d"),
        "out": Path("o"),
        "perceptual_weights": Path("w.npz"),
        "device": "cpu",
        "compile": "off",
        "resume": True,
    }
    assert told == expected


@pytest.mark.parametrize(
    "command", [["status"], ["stop"], ["stop", "--when-idle", "a"], ["set", "a.b=1"], ["swap", "a=channels/awgn"]]
)
def test_commands_to_a_run_that_is_not_there(command):
    assert "no flowgraph is running" in semcom(*command, code=1).stderr.lower()


def test_the_blocks_for_gnuradio_are_listed_and_written(monkeypatch, tmp_path):
    monkeypatch.setenv("GRC_HIER_PATH", str(tmp_path / "grc"))
    assert "semcom_channel" in semcom("grc").stdout
    assert semcom("grc", "--install").stdout.splitlines()[-1] == f"{tmp_path}/grc/semcom_grc.py"
    said = semcom("grc", "--install", "elsewhere").stdout.splitlines()
    assert said[-1] == f"GNU Radio Companion reads them with GRC_BLOCKS_PATH={tmp_path}/elsewhere"
    Path("file").touch()
    assert "file/x: cannot write: Not a directory" in semcom("grc", "--install", "file/x", code=2).stderr


def test_ctrl_c_ends_with_130(monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("semcom.flowgraphs.runtime.language.block_pages.block_list", interrupt)
    assert semcom("blocks", code=130).stderr == "interrupted\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_standard_output_is_one_message():
    command = [sys.executable, "-m", "semcom", "check", "f.yaml"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "standard output: No space left on device; free space there, or choose another place\n"


# Commands


def test_check_says_that_all_is_well():
    assert semcom("check", "f.yaml").stdout == "f.yaml: good: 3 blocks, 2 edges: in order\n"


def test_check_shows_notes_and_the_resolved_file():
    result = semcom("check", "f.yaml", "--swap", "channel=channels/copy", "--resolved")
    assert result.stderr == (
        "note: --swap channel=channels/copy: channels/copy has no snr_db: dropped what the file says of it\n"
    )
    Path("again.yaml").write_text(result.stdout)
    assert load_graph("again.yaml").block("channel").use == "channels/copy"


def test_graph_draws_mermaid_and_svg():
    assert semcom("graph", "f.yaml").stdout.startswith("flowchart LR\n")
    assert semcom("graph", "f.yaml", "--svg", "sub/g.svg").stdout == "sub/g.svg\n"
    assert Path("sub/g.svg").read_text().startswith("<svg ")


def test_schema_is_json():
    Draft202012Validator.check_schema(json.loads(semcom("schema").stdout))


def test_blocks_lists_all_and_shows_one():
    listed = semcom("blocks").stdout
    assert "channels/awgn " in listed
    assert "BROKEN" not in listed
    page = semcom("blocks", "channels/awgn").stdout
    assert "Adds circularly symmetric complex Gaussian noise." in page
    assert "in   symbols: Symbols (complex64 [n])" in page
    assert "out  out: Symbols (complex64 [n])" in page
    assert "esn0_db  default 10.0, live  Es/N0 in dB; Es = 1. (number ≥ -30, ≤ 60)" in page
    assert "Table of TR 38.901; D, E: line of sight. (A, B, C, D, E)" in semcom("blocks", "channels/tdl").stdout
    assert "(list of mapping)" in semcom("blocks", "channels/cascade").stdout
    assert "(whole number ≥ 1 or null)" in semcom("blocks", "channels/rayleigh").stdout
    assert "header: writes PowerScale" in semcom("blocks", "mappers/real_to_complex").stdout
    assert "may stay open" in semcom("blocks", "sinks/null").stdout


def test_blocks_lists_broken_ones_as_broken(monkeypatch, tmp_path):
    bad = tmp_path / "mylab" / "channels"
    bad.mkdir(parents=True)
    (tmp_path / "mylab" / "__init__.py").touch()
    (bad / "bad.py").write_text("class Bad(Block:\n")

    class Entry:
        name, value = "mylab", "mylab"

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("semcom.blocks.lookup.entry_points", lambda group: [Entry()])
    lines = semcom("blocks").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("mylab/channels/bad")]
    assert "BROKEN: SyntaxError" in line
    assert "channels/awgn" in "\n".join(lines)


def test_systems_tells_of_each_and_holds_records_against_folders():
    shown = semcom("systems").stdout
    assert "BROKEN" not in shown
    for line in ("deepjscc  ", "  weights   d (11.7 MB), p (2.9 MB)", "  licence   Apache-2.0", "  paper     Khalid "):
        assert f"\n{line}" in f"\n{shown}"
    about = json.loads(semcom("systems", "--json").stdout)
    assert about.keys() >= {"cdm-jscc", "deepjscc", "sc-sic"}
    assert about["deepjscc"]["variants"]["linear"] == {"number": 2, "megabytes": 0.8, "licence": "Apache-2.0"}
    assert about["deepjscc"]["recipe"] in about["deepjscc"]["recipes"]
    assert json.loads(semcom("systems", "deepjscc", "--json").stdout) == {"deepjscc": about["deepjscc"]}
    assert "no system 'deepjsc' (did you mean 'deepjscc'?)" in semcom("systems", "deepjsc", code=2).stderr


def test_records_that_lie_are_listed_and_break_nothing_else(monkeypatch, tmp_path):
    lab, deepjscc = tmp_path / "systems_cli", find_system("deepjscc")
    record = (
        "from semcom.models.system import System\nSYSTEM = System(\n    module=__name__, doc='A toy.', paper='none',"
    )
    record += "\n    numbers={'one': NUMBER}, training='training:Toy', weights=('one',)\n)\n"
    for name, text in {"lies": record.replace("NUMBER", "200"), "odd": "SYSTEM = System("}.items():
        (lab / name).mkdir(parents=True)
        (lab / name / "system.py").write_text(text)
    entries = [EntryPoint(name, f"systems_cli.{name}", "semcom.systems") for name in ("lies", "odd")]
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("semcom.models.lookup.entry_points", lambda group: entries)
    shown = semcom("systems").stdout
    assert f"\nodd\n  BROKEN    {lab / 'odd' / 'system.py'}: does not load: SyntaxError: '(' was never closed" in shown
    assert f'  BROKEN    {lab / "lies" / "system.py"}: training="training:Toy": expected a file ' in shown
    assert f"  BROKEN    {lab / 'lies' / 'system.py'}: weights of one: expected a file " in shown
    assert "lies  A toy.\n  paper     none\n  weights   one\n" in shown
    assert deepjscc.doc in shown
    helped = semcom("train", "--help").stdout
    assert "BROKEN: " in helped
    assert "sc-sic" in helped
    assert "'(' was never closed" in semcom("train", "odd", "--data", "d", "--out", "o", code=2).stderr
    semcom("export", "deepjscc", "--help")


def test_env_names_versions():
    shown = semcom("env").stdout
    for name in ("python", "gr-semcom", "numpy", "torch", "gpu", "cores"):
        assert name in shown


def test_new_block_says_what_it_wrote():
    assert semcom("new-block", "channels/mine").stdout == "block: mine.py\ntest:  test_mine.py\nuse:   ./mine.py\n"
    assert "is there already" in semcom("new-block", "channels/mine", code=2).stderr


@pytest.mark.parametrize("executor", ["inline", "threads"])
def test_run_ends_with_one_json_object(executor):
    result = semcom("run", "f.yaml", "--items", "20", "--executor", executor, "--json", "--out", "there")
    record = json.loads(result.stdout.splitlines()[-1])
    assert record["status"] == "ok"
    assert record["edges"]["zeros.out -> channel.samples"]["in"] == 20
    assert record["metrics"]["items"] == 20


def test_run_ends_with_a_summary():
    result = semcom("run", "f.yaml", "--items", "20")
    assert result.stdout.startswith("good: done in ")
    assert semcom("run", "f.yaml", "--items", "20", "--quiet").output == ""


def test_the_summary_names_the_report_first():
    from semcom.cli.summary import summary

    record = {
        "status": "ok",
        "duration_s": 2.5,
        "metrics": {"psnr_db": 31.234, "cbr": 1 / 12, "other": 3},
        "edges": {"a.out -> b.in": {"in": 9, "out": 7, "dropped": 2}},
        "files": ["o/report.html", *(f"o/{index}.png" for index in range(9))],
    }
    assert summary("quickstart", record) == [
        "quickstart: done in 2.5 s",
        "  mean over the items: PSNR 31.23 dB, CBR 0.08333",
        "  dropped 2 items: a.out -> b.in",
        "  report: o/report.html",
        "  9 files: o",
    ]


def test_the_summary_says_what_was_lost_and_leaves_out_what_is_not_finite():
    from semcom.cli.summary import summary

    metrics = {"psnr_db": None, "ssim": None, "cbr": 0.5, "failed": 1 / 3}
    assert summary("hevc-ldpc", {"status": "ok", "metrics": metrics, "edges": {}}) == [
        "hevc-ldpc: done",
        "  mean over the items: PSNR infinite (equal pictures), CBR 0.50000",
        "  not decoded: 33.3 % of the pictures; what stands for them is in these means",
    ]


def test_the_summary_tells_what_was_not_sent_from_what_the_channel_broke():
    from semcom.cli.summary import summary

    told = {"unsent": 0.25, "budget_bytes": 13.0, "least_bytes": 103.4, "least_cbr": 0.26}
    record = {"status": "ok", "metrics": {"failed": 0.75, **told}, "edges": {}}
    assert summary("x", record, "hevc")[1:] == [
        "  not decoded: 75 % of the pictures; what stands for them is in these means",
        "    not sent: 25 %: the budget, 13 bytes, is below the least file of hevc, 103 bytes; "
        "a CBR of some 0.26 would do",
        "    broken by the channel: 50 %",
    ]
    record["metrics"] |= {"failed": 0.25, "least_cbr": None}
    assert summary("x", record)[2:] == [
        "    not sent: 25 %: the budget, 13 bytes, is below the least file of the codec, 103 bytes; no CBR would do",
    ]
    assert summary("x", {"status": "ok", "metrics": {"failed": 0.5, "unsent": 0.0}, "edges": {}})[2:] == [
        "    broken by the channel: 50 %"
    ]


def test_a_picture_too_small_for_its_budget_is_said_to_be_so():
    small = ("run", "hevc-ldpc", "--executor", "inline", "--items", "1", "--set", "photos.size=[17,33]")
    said = semcom(*small, "--out", "a").stdout
    found = re.search(r"not sent: 100 %: the budget, (\d+) bytes, .* of hevc, (\d+) bytes; a CBR of some (\S+) w", said)
    assert found is not None
    assert int(found[1]) < int(found[2])
    assert "broken by the channel" not in said
    assert "of them were not sent: the budget" in Path("a/report.html").read_text()
    assert "not decoded" not in semcom(*small, "--out", "b", "--set", f"encoder.cbr={found[3]}").stdout
    broken = semcom(*small, "--out", "c", "--set", f"encoder.cbr={found[3]}", "--set", "channel.esn0_db=-10").stdout
    assert "broken by the channel: 100 %" in broken
    assert "not sent" not in broken


def test_the_summary_keeps_several_reports_apart():
    from semcom.cli.summary import summary

    sinks = {"coded": {"psnr_db": 9.0, "failed": 1.0}, "learned": {"psnr_db": 25.5, "cbr": 0.04}}
    record = {"status": "ok", "metrics": sinks["coded"], "metrics_by_sink": sinks, "edges": {}}
    assert summary("demo", record) == [
        "demo: done",
        "  coded: PSNR 9.00 dB",
        "  not decoded: 100 % of the pictures; what stands for them is in these means",
        "  learned: PSNR 25.50 dB, CBR 0.04000",
    ]


def test_sheet_names_what_it_wrote_or_what_is_missing(folder):
    from PIL import Image

    Image.new("RGB", (8, 8)).save(folder / "a-0000.png")
    (folder / "run.json").write_text('{"blocks": {"report": {"files": ["a-0000.png"]}}}')
    assert semcom("sheet", ".").stdout == "sheet-a-0000.png\n"
    assert semcom("sheet", ".", "--out", "there").stdout == "there/sheet-a-0000.png\n"
    assert "expected the record of a run" in semcom("sheet", "nowhere", code=1).stderr


def test_a_failed_run_still_ends_with_json(monkeypatch):
    def fail(*args):
        raise RunError("block 'channel' at item 3: no")

    monkeypatch.setattr("semcom.flowgraphs.runtime.run.run", fail)
    result = semcom("run", "f.yaml", "--json", code=1)
    assert json.loads(result.stdout.splitlines()[-1]) == {"status": "failed", "error": "block 'channel' at item 3: no"}
    assert result.stderr == "block 'channel' at item 3: no\n"


def test_a_running_flowgraph_answers(tmp_path):
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "semcom", "run", "f.yaml", "--quiet", "--json"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            for _ in range(100):
                answer = CliRunner().invoke(main, ["status", "--run", "good", "--json"])
                if answer.exit_code == 0 and json.loads(answer.stdout)["blocks"].get("end", {}).get("items"):
                    break
                time.sleep(0.1)
            assert "channel" in semcom("status").stdout
            assert semcom("set", "channel.snr_db=3").stdout == "channel.snr_db = 3\n"
            assert "expected a number of at most 100" in semcom("set", "channel.snr_db=999", code=1).stderr
            assert semcom("swap", "channel=channels/copy").stdout == "channel is channels/copy now\n"
            assert semcom("stop").stdout == "stopping\n"
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["status"] == "stopped"


@pytest.mark.skipif(shutil.which("semcom", path=str(Path(sys.executable).parent)) is None, reason="not installed")
def test_the_command_is_installed():
    command = str(Path(sys.executable).parent / "semcom")
    done = subprocess.run([command, "check", "f.yaml"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "f.yaml: good: 3 blocks, 2 edges: in order\n")
