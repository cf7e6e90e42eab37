"""Receivers made for the look of pictures, on pictures that were held out of their training, over AWGN at 10 dB.

    python benchmarks/perceptual_held_out.py --data DIR [--pictures N] [--only NAME ...] [--weights VARIANT=FILE ...]
        [--files DIR]

``DIR`` is the folder of the training. Prints a table a rate: means over the centre crops of 256 pixels of N held-out
pictures, evenly spread by name, by PSNR and by distances that nothing here was trained with. Each system pays for its
whole header out of the CBR, but for DeepJSCC, whose header comes on top. Frames of HEVC and VVC are those of an adapted
link and taken as received, which 99 of 100 are. ``--only`` names beginnings of rows. ``FILE`` is other weights for a
variant. ``--files`` keeps coded files, which for VVC take seconds each.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ntscc_held_out import held_out, over_awgn
from semcom.blocks.block import Block
from semcom.blocks.decoders.codec_diffusion import CodecDiffusion
from semcom.blocks.decoders.image_codec import ImageCodec
from semcom.blocks.encoders.image_codec import ImageCodec as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.models.codec import PictureCodec
from semcom.models.codec_diffusion.config import CoderName
from semcom.models.lookup import find_system
from semcom.models.ntscc.config import TrainConfig
from semcom.models.ntscc.system import SYSTEM
from semcom.sim.codecs.codec import CodecName
from semcom.sim.metrics.haarpsi import haarpsi
from semcom.sim.metrics.high_frequency import high_frequency_error_db
from semcom.sim.metrics.mdsi import mdsi
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.metrics.sliced_wasserstein import sliced_wasserstein

CBRS = ("1/48", "1/24", "1/12")
ESN0_DB = 10.0
TAKEN = ("gan", "ntscc-p", "hevc-d", "hevc-p", "vvc-d", "vvc-p")  # variants of which other weights may be given
MEASURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "PSNR in dB": psnr_db,
    "HaarPSI, more is better": haarpsi,
    "MDSI, less": mdsi,
    "SWD, less": sliced_wasserstein,
    "detail in dB, 0 best": high_frequency_error_db,
}


Sent = Callable[[np.ndarray, str, int], np.ndarray]  # picture, CBR and its number to what is received


class Row(NamedTuple):
    """A receiver."""

    title: str
    load: Callable[[], Sent]

    def measured(self, cbr: str, pictures: dict[int, np.ndarray]) -> list[float]:
        """Means of all measures."""
        send, found = self.load(), []
        for number, sent in pictures.items():
            made = send(sent, cbr, number)
            found.append([measure(sent, made) for measure in MEASURES.values()])
        means: list[float] = np.mean(found, 0).tolist()
        return means


def over_symbols(system: str, variant: str, rate: str, file: str | None = None, **receiving: Any) -> Callable[[], Sent]:
    """A system whose features cross AWGN; ``rate`` is the name of its setting of the rate."""

    def load() -> Sent:
        codec: PictureCodec[Any, Any, Any] = find_system(system).load("engine", "this benchmark")(variant, file)
        told = codec.receiving(**receiving)

        def send(picture: np.ndarray, cbr: str, number: int) -> np.ndarray:
            sending = codec.sending(**{rate: cbr, "esn0_db": ESN0_DB})
            return over_awgn(codec, codec.encode(picture, sending), ESN0_DB, number, told)

        return send

    return load


def over_link(codec: CodecName, files: str | None, decoder: type[Block], **params: Any) -> Callable[[], Sent]:
    """Files of a coder over an adapted link, received whole."""
    told = {"codec": codec, "parameter_sets": "agreed", "scales": (0.25, 0.5, 1), "files": files}

    def load() -> Sent:
        receiver = decoder(decoder.Params(**params), name="decoder")
        receiver.start()
        work: Callable[..., Any] = receiver.work  # type: ignore[attr-defined]

        def send(picture: np.ndarray, cbr: str, number: int) -> np.ndarray:
            encoder = Encoder(Encoder.Params.model_validate({"cbr": cbr, "esn0_db": ESN0_DB, **told}))
            encoder.start()
            frame = encoder.work(picture)
            header = Header().with_fields(*frame.header)
            extra = (Identity(seq=number),) if decoder is CodecDiffusion else ()
            made: np.ndarray = work(frame.value, header, State(), *extra).value
            return made

        return send

    return load


def rows_of(weights: dict[str, str], files: str | None) -> list[Row]:
    """All receivers."""
    cdm, ntscc_p = "cdm-jscc", weights.get("ntscc-p")
    return [
        Row("DeepJSCC perceptual", over_symbols("deepjscc", "perceptual", "rate")),
        Row("GAN-JSCC", over_symbols("deepjscc", "gan", "rate", weights.get("gan"))),
        Row("CDM-JSCC D", over_symbols(cdm, "d", "cbr")),
        *(Row(f"CDM-JSCC P, steps: {steps}", over_symbols(cdm, "p", "cbr", steps=steps)) for steps in (1, 4)),
        Row("NTSCC midi, the estimate of ntscc-p", over_symbols(cdm, "ntscc-p", "cbr", ntscc_p, guidance=0)),
        *(
            Row(f"CDM-JSCC ntscc-p, steps: {steps}", over_symbols(cdm, "ntscc-p", "cbr", ntscc_p, steps=steps))
            for steps in (1, 4)
        ),
        *coded_rows("hevc", weights, files),
        *coded_rows("vvc", weights, files),
    ]


def coded_rows(codec: CoderName, weights: dict[str, str], files: str | None) -> list[Row]:
    """A coder, and what diffusion makes of its pictures."""
    title = codec.upper()

    def diffusion(variant: str, **how: Any) -> Callable[[], Sent]:
        name = f"{codec}-{variant}"
        return over_link(codec, files, CodecDiffusion, variant=name, weights=weights.get(name), **how)

    return [
        Row(title, over_link(codec, files, ImageCodec)),
        Row(f"{title} diffusion D", diffusion("d")),
        *(
            Row(
                f"{title} diffusion P, steps: {steps}, guidance {guidance}",
                diffusion("p", steps=steps, guidance=guidance),
            )
            for steps, guidance in ((1, 0.5), (1, 1), (4, 1))
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training")
    parser.add_argument("--pictures", type=int, default=6, help="how many of those held out")
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="rows whose names begin so")
    parser.add_argument("--weights", nargs="+", default=[], metavar="VARIANT=FILE", help="other weights")
    parser.add_argument("--files", help="folder that keeps coded files")
    options = parser.parse_args()
    pictures = held_out(options.data, TrainConfig.read(SYSTEM.recipes["mini"]), options.pictures)
    weights = dict(given.partition("=")[::2] for given in options.weights)
    if not all(weights.values()) or weights.keys() - set(TAKEN):
        parser.error(f"--weights: expected VARIANT=FILE with one of {', '.join(TAKEN)}, got {options.weights}")
    every = rows_of(weights, options.files)
    rows = [row for row in every if row.title.startswith(tuple(options.only))]
    if not rows:
        parser.error(f"--only: expected beginnings of {', '.join(row.title for row in every)}, got {options.only}")
    for cbr in CBRS:
        print(f"| {cbr} | {' | '.join(MEASURES)} |\n|---|{'---:|' * len(MEASURES)}")
        for row in rows:
            print(
                f"| {row.title} | {' | '.join(f'{value:.4g}' for value in row.measured(cbr, pictures))} |", flush=True
            )
        print()


if __name__ == "__main__":
    main()
