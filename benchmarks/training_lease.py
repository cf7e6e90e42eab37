r"""Train on a machine that is lent for minutes: a trial, then steps to the last minute, and a checkpoint that travels.

    python benchmarks/training_lease.py SYSTEM/RECIPE DATA [--minutes M] [--out DIR]

For example `cdm-jscc/small-d photographs --minutes 9 --out run`; RECIPE may be a file too. What is in DIR already is
gone on with, so a training takes as many leases as it needs; anywhere else it goes on by
`semcom train SYSTEM --config RECIPE --data DATA --out DIR --resume`, on a GPU or without one. On CPUs a training of so
many steps that was cut into leases ends with the same bytes as one that was not.

The machine needs this checkout (no installation), torch, numpy, pillow and safetensors, and the small packages
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
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def importable() -> None:
    """Let `import semcom` find this checkout, whatever its folder is called."""
    where = Path(tempfile.mkdtemp(prefix="semcom-"))
    (where / "semcom").symlink_to(Path(__file__).resolve().parents[1], target_is_directory=True)
    sys.path.insert(0, str(where))


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
    return parser.parse_args()


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
        system = find_system(name)
        training = system.load("training", "training_lease.py")
        recipe = training.recipe.read(system.recipe_file(config))
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
