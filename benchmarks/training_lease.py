r"""Train on a machine that is lent for minutes: a trial, then steps to the last minute, and a checkpoint that travels.

    python benchmarks/training_lease.py SYSTEM/RECIPE DATA [--minutes M] [--out DIR]

For example `cdm-jscc/small-d photographs --minutes 9 --out run`; RECIPE may be a file too. What is in DIR already is
gone on with, so a training takes as many leases as it needs; anywhere else it goes on by
`semcom train SYSTEM --config RECIPE --data DATA --out DIR --resume`, on a GPU or without one. On CPUs a training of so
many steps that was cut into leases ends with the same bytes as one that was not.

`--pack FILE.tar` writes what travels instead: the code, the weights that the recipe starts from, and DATA, a few MB
beside the pictures. There: `tar xf FILE.tar && python semcom/benchmarks/training_lease.py SYSTEM/RECIPE data`.

The machine needs this code (no installation), torch, numpy, pillow and safetensors, and the small packages
pydantic, PyYAML and msgspec with what they need. Where those are missing, have them travel as wheels of its Python:

    pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_17_x86_64 \
        --platform manylinux2014_x86_64 -d wheels pydantic pydantic-core annotated-types typing-inspection \
        typing-extensions PyYAML msgspec
    python3 -m pip install --no-index --no-deps --target /tmp/site wheels/*.whl && export PYTHONPATH=/tmp/site

No file in DIR is larger than 16 MB but weights of more than 8 million parameters, which a checkpoint holds as well.
With AdamW a checkpoint takes 16 bytes a parameter: 64 MB for 4 million.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def importable() -> None:
    """Let `import semcom` find this checkout, whatever its folder is called."""
    where = Path(tempfile.mkdtemp(prefix="semcom-"))
    (where / "semcom").symlink_to(ROOT, target_is_directory=True)
    sys.path.insert(0, str(where))


def pack(file: Path, training: Any, recipe: Any, given: argparse.Namespace, opened: set[Path]) -> None:
    """Write code, data and what a training opened of this checkout as it began."""
    from semcom.models.training.train import made

    run = made(training, recipe, device="cpu", perceptual_weights=given.perceptual_weights)
    run.start(run.read(given.data)[0])
    code = {ROOT / name for name in ("__init__.py", "errors.py", "py.typed")} | {Path(__file__).resolve()}
    for floor in ("models", "sim"):
        code |= {path for path in (ROOT / floor).rglob("*") if path.suffix in (".py", ".yaml", ".csv")}
    with tarfile.open(file, "w") as tar:
        for path in sorted(code | opened):
            tar.add(path, Path("semcom") / path.relative_to(ROOT))
        if given.data.is_dir():
            tar.add(given.data, "data")
        if given.perceptual_weights:
            tar.add(given.perceptual_weights, given.perceptual_weights.name)
    size = file.stat().st_size / 1e6
    print(f"{file}: {size:.1f} MB; there: tar xf {file.name} && python semcom/benchmarks/{Path(__file__).name} ...")


def asked() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", metavar="SYSTEM/RECIPE", help="A system, and the name or the file of a recipe of it.")
    parser.add_argument("data", type=Path, help="Folder of photographs, or builtin:photos.")
    parser.add_argument("--minutes", type=float, default=14.0, help="From here to the end of the lease (14).")
    parser.add_argument("--out", type=Path, default=Path("lease"), help="Folder of results (lease).")
    parser.add_argument("--trial-seconds", type=float, default=30.0, help="Of the trial; 0: none (30).")
    parser.add_argument("--compile", action="store_true", help="With torch.compile, whose minutes count.")
    parser.add_argument("--device", help="A torch device; the GPU where there is one, if not said.")
    parser.add_argument("--perceptual-weights", type=Path, help="Of the network that a perceptual loss looks through.")
    parser.add_argument("--pack", type=Path, metavar="FILE.tar", help="Write what has to travel, and train nothing.")
    return parser.parse_args()


def watched() -> set[Path]:
    """Files of this checkout that are opened from now on, but for code."""
    opened: set[Path] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | os.PathLike):
            path = Path(arguments[0]).resolve()
            if path.is_relative_to(ROOT) and path.suffix in (".safetensors", ".json", ".npz"):
                opened.add(path)

    sys.addaudithook(hook)
    return opened


def main() -> None:
    """Trial, training, what is there."""
    begin = time.monotonic()
    importable()
    given = asked()
    from semcom.errors import SemcomError
    from semcom.models.lookup import find_system
    from semcom.models.training.throughput import measure_throughput
    from semcom.models.training.train import train

    name, _, config = given.recipe.partition("/")
    how: dict[str, Any] = {
        "device": given.device,
        "perceptual_weights": given.perceptual_weights,
        "compile": "on" if given.compile else "off",
    }
    try:
        opened = watched() if given.pack else set()
        system = find_system(name)
        training = system.load("training", "training_lease.py")
        recipe = training.recipe.read(system.recipe_file(config))
        if given.pack:
            return pack(given.pack, training, recipe, given, opened)
        given.out.mkdir(parents=True, exist_ok=True)
        if given.trial_seconds:
            speed = measure_throughput(training, recipe, given.data, seconds=given.trial_seconds, **how)
            print("\n".join(speed.lines()), flush=True)
            (given.out / "throughput.json").write_text(json.dumps(speed.as_json()) + "\n")
        left = (
            60 * given.minutes - min(60, 6 * given.minutes) - (time.monotonic() - begin)
        )  # the last minute is for files
        if left <= 0:
            raise SystemExit(f"no time is left of {given.minutes:g} minutes; a shorter trial: --trial-seconds")
        print(f"training for {left:.0f} s", flush=True)
        result = train(training, recipe, given.data, given.out, seconds=left, **how)
    except SemcomError as error:
        raise SystemExit(str(error)) from None
    best = "none yet" if math.isinf(result.best_score) else f"{result.best_score:.4f}"
    print(f"step {result.steps}, {result.seconds / 60:.1f} minutes of training over all leases, best score {best}")
    for path in sorted(given.out.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    print(f"go on with it: semcom train {name} --config {config} --data {given.data} --out {given.out} --resume")


if __name__ == "__main__":
    main()
