"""What diffusion brings: each diffusion receiver beside a regression of its own network, trained alike.

    python benchmarks/regression_twins.py --train DIR --data DIR [--squeezenet FILE]

Twins are one network: the same parameters, the same start, the same steps on the same crops over the same channel, the
same recipe. One learns by diffusion and samples; the other is told the noisiest level and no noise, learns the picture
at once (``objective: regression``), and decodes in one pass. Transmitter and estimate before the denoiser are shipped
ones (or HEVC) and stay as they are; the denoiser starts afresh. The folder of ``--train`` trains, its held-out tenth
validates, and the Kodak pictures of ``--data`` are sent once. With the weights of SqueezeNet the pairs of variants P
are trained too.

Goes on where it was stopped: trainings, rows and pictures are kept under ``--out``. Writes ``docs/regression-twins.md``
and ``.csv``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import torch
from curves import pictures_of
from measured_pictures import Point, System, Wanted, measure
from regression_twins_page import Compared, Training, page, write_rows
from semcom.models.cdm_jscc.system import SYSTEM as CDM_JSCC
from semcom.models.cdm_jscc.training import CdmJsccRun
from semcom.models.codec_diffusion.system import SYSTEM as CODEC_DIFFUSION
from semcom.models.codec_diffusion.training import CodecDiffusionRun
from semcom.models.model_card import ModelCard, card_path
from semcom.models.objective import Objective
from semcom.models.sc_sic.system import SYSTEM as SC_SIC
from semcom.models.sc_sic.training import ScSicRun
from semcom.models.training.pictures import Pictures
from semcom.models.training.run import Run
from semcom.models.training.train import train

RATES = ("1/48", "1/24")
OBJECTIVES: tuple[Objective, ...] = ("diffusion", "regression")


class _CdmAfresh(CdmJsccRun):
    """Shipped weights, and the denoiser as it was before any training."""

    def start(self, pictures: Pictures) -> None:
        _start_afresh(super(), self.model.unet, pictures)


class _ScSicAfresh(ScSicRun):
    """Shipped weights with the linear estimate, and the network that corrects it as it was before any training."""

    def start(self, pictures: Pictures) -> None:
        _start_afresh(super(), self.model.stage_b.unet, pictures)


def _start_afresh(run: Any, network: torch.nn.Module, pictures: Pictures) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    run.start(pictures)
    network.load_state_dict(before)


class Pair(NamedTuple):
    """Two networks that differ in what they learn by.

    Attributes:
        name: What tables call it.
        training: Which starts afresh.
        recipe: File of the shipped one.
        changes: To it, by key.
        steps: Of each training.
        samplers: Receivers of the diffusion, by name: settings of its decoder.
        flowgraph: Which sends.
        cbrs: At which CBRs.
        one_network: Both ends hold it, so that the transmitter needs the weights, too.
        has_estimate: The receiver makes a picture before it denoises, which is measured by itself.
    """

    name: str
    training: type[Run[Any, Any]]
    recipe: Path
    changes: dict[str, Any]
    steps: int
    samplers: dict[str, tuple[str, ...]]
    flowgraph: str
    cbrs: tuple[str, ...]
    one_network: bool = True
    has_estimate: bool = True


def pairs(squeezenet: Path | None) -> list[Pair]:
    """Those that can be trained."""
    of_cdm = {"trains": ["denoiser"], "crop": 128, "name": "denoiser", "until": 1, "batch": 4, "learning_rate": 1e-3}
    of_sc_sic = {
        **{"name": "channel", "until": 1, "trains": ["stage_b"], "crop": 128, "batch": 4, "noise": "white"},
        **{"end_share": 0.3, "pixel_weight": 0.5, "learning_rate": 1e-3, "final_share": 0.03},
        "embedding_dropout": 0,  # neither is guided
    }
    steps = {f"{n} step{'s' * (n > 1)}": (f"decoder.steps={n}",) for n in (1, 4)}
    found = [
        Pair(
            "CDM-JSCC D",
            _CdmAfresh,
            CDM_JSCC.recipe_file("small-d"),
            {"start_from": "d", "phases": [of_cdm]},
            240,
            steps,
            "cdm-jscc",
            RATES,
        ),
        Pair(
            "SC-SIC mini",
            _ScSicAfresh,
            SC_SIC.recipe_file("mini-48"),
            {"start_from": "mini-48", "phases": [of_sc_sic], "perceptual": "none"},
            240,
            {
                "10 steps": ("decoder.steps=10",),
                "1 step": ("decoder.steps=1", "decoder.temperature=0"),
                "10 steps DDPM": ("decoder.steps=10", "decoder.eta=1", "decoder.temperature=1"),
            },
            "sc-sic-mini",
            ("1/96",),
            has_estimate=False,
        ),
    ]
    if squeezenet is not None:
        of_p = {**of_cdm, "perceptual_weight": 0.7, "learning_rate": 8e-4}
        changes = {"start_from": "d", "phases": [of_p]}
        small_p, behind_hevc = CDM_JSCC.recipe_file("small-p"), CODEC_DIFFUSION.recipe_file("hevc-p")
        found.append(Pair("CDM-JSCC P", _CdmAfresh, small_p, changes, 240, steps, "cdm-jscc", RATES))
        found.append(
            Pair(
                "HEVC diffusion P",
                CodecDiffusionRun,
                behind_hevc,
                {"start_from": None},
                400,
                steps,
                "hevc-diffusion",
                RATES,
                one_network=False,
            )
        )
    return found


def recipe_of(pair: Pair, objective: Objective, steps: int | None) -> Any:
    """The recipe of one of a pair."""
    recipe = pair.training.recipe
    told = {**recipe.read(pair.recipe).model_dump(), **pair.changes}
    told |= {"minutes": None, "steps": steps or pair.steps, "threads": 1}
    told |= {"validate_minutes": 600, "validation_pictures": 4}  # at the end alone
    if pair.training is _ScSicAfresh:
        told["model"]["stage_b"] |= {"objective": objective}
        return recipe.model_validate(told)
    told["model"] |= {"objective": objective}
    if objective == "regression":
        told["model"] |= {"start_noise": 0}
        told |= {"own_share": 0}
    return recipe.model_validate(told)


def trained(pair: Pair, given: argparse.Namespace) -> dict[Objective, Path]:
    """Weights of both, trained as far as they are not."""
    found: dict[Objective, Path] = {}
    for objective in OBJECTIVES:
        out = given.out / pair.name.lower().replace(" ", "-") / objective
        out.mkdir(parents=True, exist_ok=True)
        recipe = recipe_of(pair, objective, given.steps)
        result = train(pair.training, recipe, given.train, out, perceptual_weights=given.squeezenet, device="cpu")
        print(f"{pair.name}, {objective}: {result.steps} steps, {result.seconds / 60:.1f} minutes", file=sys.stderr)
        found[objective] = result.weights.resolve()
    return found


def compared(pair: Pair, weights: dict[Objective, Path]) -> Compared:
    """Its receivers, where they are measured, and what was trained."""
    rate = ("encoder.cbr={cbr}",) if len(pair.cbrs) > 1 else ()

    def receiver(name: str, objective: Objective, *sets: str) -> System:
        path = weights[objective]
        holders = ("encoder", "decoder") if pair.one_network else ("decoder",)
        weigh = (f"{block}.weights={path}" for block in holders)
        return System(f"{pair.name} {name}", pair.flowgraph, (), (*weigh, *rate, *sets), (path,))

    systems = [receiver(f"diffusion {name}", "diffusion", *sets) for name, sets in pair.samplers.items()]
    twin = receiver("regression", "regression", "decoder.steps=1")
    bare = [receiver("without denoiser", "regression", "decoder.guidance=0")] if pair.has_estimate else []
    cards = {objective: ModelCard.read(card_path(path)) for objective, path in weights.items()}
    phase = recipe_of(pair, "diffusion", None).phases[0]
    return Compared(
        pair.name,
        [*systems, twin, *bare],
        twin.name,
        [Point("awgn", cbr, 10) for cbr in pair.cbrs],
        [
            Training(objective, card.training.steps, card.training.minutes, phase.batch, phase.crop, card.metrics)
            for objective, card in cards.items()
        ],
    )


def main() -> None:
    """Train what is not trained yet, measure what is not measured yet, and write the page."""
    docs = Path(__file__).resolve().parents[1] / "docs"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="folder of photographs; every tenth is held out")
    parser.add_argument("--data", type=Path, required=True, help="folder with the 24 Kodak pictures as PNG")
    parser.add_argument("--out", type=Path, default=Path("out/regression-twins"), help="folder of weights and rows")
    parser.add_argument("--docs", type=Path, default=docs, help="folder of the page (default: docs)")
    parser.add_argument("--steps", type=int, help="of each training (default: each pair its own)")
    parser.add_argument("--images", type=int, default=6, help="so many pictures, evenly spread (default: 6)")
    parser.add_argument("--pairs", default="", help="only those whose name holds this")
    parser.add_argument("--squeezenet", type=Path, help="npz file of SqueezeNet v1.0: trains the pairs of P, too")
    parser.add_argument("--jobs", type=int, default=1, help="processes that measure, one thread each (default: 1)")
    given = parser.parse_args()
    paths, table = pictures_of(given.data), given.out / "rows.csv"
    networks = {} if given.squeezenet is None else {"squeezenet_distance": given.squeezenet.resolve()}
    chosen = [pair for pair in pairs(given.squeezenet) if given.pairs in pair.name]
    if not chosen:
        sys.exit(f"--pairs: expected a part of {', '.join(pair.name for pair in pairs(None))}, got {given.pairs!r}")
    found: list[Compared] = []
    rows: list[dict[str, Any]] = []
    for pair in chosen:
        one = compared(pair, trained(pair, given))
        wanted = [Wanted(system, point, given.images) for point in one.points for system in one.systems]
        rows += measure(wanted, paths, table, jobs=given.jobs, networks=networks, keep={})
        found.append(one)
        for row in rows:
            row["detail_off_db"] = abs(row["high_frequency_error_db"])
        text = page(found, rows, given.docs / "training-free-kodak.csv")  # as far as it is: the next pair takes long
        (given.docs / "regression-twins.md").write_text(text, encoding="utf-8")
        write_rows(given.docs / "regression-twins.csv", rows)
    print(text)


if __name__ == "__main__":
    main()
