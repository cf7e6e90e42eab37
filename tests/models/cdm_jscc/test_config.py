from pathlib import Path

import pytest
import semcom.models.cdm_jscc
from semcom.errors import UsageError
from semcom.models.cdm_jscc.config import TrainConfig

CONFIGS = Path(semcom.models.cdm_jscc.__file__).parent / "configs"
DEEPJSCC = "backbone: {kind: deepjscc}"
NTSCC = "backbone: {kind: ntscc, network: {}}, unet: {unshuffle: 4}"
PHASE = "{name: a, until: 1, trains: [jscc], crop: 16, batch: 1}"


def test_the_papers_recipe_has_the_papers_figures() -> None:
    recipe = TrainConfig.read(CONFIGS / "paper.yaml")
    unet, backbone = recipe.model.unet, recipe.model.backbone
    assert unet.widths == tuple(64 * n for n in range(1, 7))
    assert backbone.kind == "ntc"
    assert (backbone.widths, backbone.blocks, backbone.heads) == ((64, 128, 192, 256), 3, 8)
    assert recipe.phases[0].bits_weight == 1e-6
    assert recipe.phases[0].perceptual_weight == 0
    assert {phase.bits_weight for phase in recipe.phases[1::2]} == {0.04}
    assert {phase.perceptual_weight for phase in recipe.phases[1:]} == {0.5}
    assert [phase.channel for phase in recipe.phases] == [False, False, True, True]
    assert recipe.phases[2].trains == ("jscc",)
    assert (recipe.esn0_db, recipe.fading_share) == ((10, 10), 0)
    assert (recipe.model.clip, recipe.model.start_noise) == (1.0, 0.8)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch: 1", "batch: 1, perceptual_weight: 0.5", "perceptual_weight: expected 0 where 'perceptual' is none"),
        ("batch: 1", "batch: 1, channel: false", "phase a: channel: expected true; 'deepjscc' cannot do without"),
        (DEEPJSCC, NTSCC, "phase a: trains: expected no 'jscc'; all of 'ntscc' is 'transform'"),
        (DEEPJSCC, NTSCC.replace("unshuffle: 4", ""), "unet.unshuffle: expected 4, as fine as what a backbone of kind"),
        ("[jscc]", "[jsc]", "phases.0.trains.0: Input should be"),
        ("crop: 16", "crop: 20", "phases.0.crop: Input should be a multiple"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    text = f"model: {{{DEEPJSCC}}}\nsteps: 1\nphases: [{PHASE}]\n"
    path.write_text(text.replace(old, new))
    with pytest.raises(UsageError) as caught:
        TrainConfig.read(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_the_papers_backbone_has_no_estimate_without_the_denoiser(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"model: {{backbone: {{kind: ntc}}}}\nsteps: 1\nphases: [{PHASE[:-1]}, denoise: false}}]")
    with pytest.raises(UsageError, match="phase a: denoise: expected true; 'ntc' has no other estimate"):
        TrainConfig.read(path)
