from pathlib import Path

import pytest
import semcom.models.training
from semcom.errors import UsageError
from semcom.models.lookup import find_system
from semcom.models.training.recipe import LearningPhase, Recipe

MODELS = Path(semcom.models.training.__file__).parents[1]
SHIPPED = sorted(MODELS.glob("*/configs/*.yaml"))
PHASE = "{until: 1, crop: 16, batch: 1}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_shipped_recipes_are_valid_and_two_processes_share_their_batches_where_they_say_so(path: Path) -> None:
    system = find_system(path.parents[1].name.replace("_", "-"))
    recipe = system.load("training", "this test").recipe.read(path)
    assert recipe.variant
    if "--nproc-per-node 2" in path.read_text():
        assert not any(phase.batch % (2 * phase.accumulate) for phase in recipe.phases)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("steps: 1", "steps: 0", "r.yaml:1: steps: Input should be greater than or equal to 1"),
        ("steps: 1", "steps: 1\nsteeps: 2", "r.yaml:2: steeps: no such key (did you mean 'steps'?)"),
        ("steps: 1", "", "expected one of 'steps' and 'minutes'"),
        ("until: 1", "until: 0.5", "expected 'until' to rise up to 1"),
        (PHASE, f"{PHASE}, {PHASE}", "expected 'until' to rise up to 1"),
        ("crop: 16", "crop: 4", "r.yaml:2: phases.0.crop: Input should be greater than or equal to 8"),
        ("crop: 16", "corp: 16", "r.yaml:2: phases.0.corp: no such key (did you mean 'crop'?)"),
        ("crop: 16", "kind: 16", "r.yaml:2: phases.0.crop: Field required"),
        (PHASE, "1", "r.yaml:2: phases.0: Input should be"),
        ("steps: 1", "- 1", "expected a YAML file of a training recipe"),
        ("steps: 1", "a: [", "expected a YAML file of a training recipe"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"steps: 1\nphases: [{PHASE}]\n".replace(old, new))
    with pytest.raises(UsageError) as caught:
        Recipe.read(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml: expected a YAML file of a training recipe"):
        Recipe.read(tmp_path / "none.yaml")


def test_phases_follow_each_other() -> None:
    ends = {"a": 0.25, "b": 0.5, "c": 1.0}
    phases = tuple(LearningPhase(name=name, until=end, crop=8, batch=1) for name, end in ends.items())
    found = [Recipe(steps=1, phases=phases).phase_at(share) for share in (0, 0.24, 0.25, 0.375, 0.5, 0.99, 1.0)]
    assert [phase.name for phase, _ in found] == ["a", "a", "b", "b", "c", "c", "c"]
    assert [done for _, done in found] == pytest.approx([0, 0.96, 0, 0.5, 0, 0.98, 1])
