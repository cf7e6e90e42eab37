"""The receiver at speed gives what the plain loop gives."""

import functools
from typing import Any

import pytest
import torch
from semcom.errors import SignalError, UsageError
from semcom.models.compiled import compiled
from semcom.models.sc_sic.config import StageBConfig
from semcom.models.sc_sic.network import ScSic
from semcom.models.sc_sic.packed_stage_a import PackedStageA
from semcom.models.sc_sic.packed_unet import PackedUnet
from semcom.models.sc_sic.receiver import Receiver
from semcom.models.sc_sic.sampler import sample
from semcom.models.sc_sic.sizes import SIZES
from semcom.models.sc_sic.stage_b import UNHEARD, Conditioning
from torch import Tensor

SIZE = 8, 16


def built(dtype: torch.dtype = torch.float32, **changes: Any) -> ScSic:
    """With weights at random everywhere, those that start at zero as well; three levels, so that skips meet repeats."""
    torch.manual_seed(0)
    sizes = {
        "widths": (16, 32, 32),
        "heads": (0, 2, 4),
        "down_layers": (1, 2, 1),
        "up_layers": (2, 1, 1),
        "up_repeats": (1, 2, 2),
        "dropout": (0.0, 0.1, 0.1),
        "text_width": 32,
    }
    tiny = SIZES["tiny"]
    network = ScSic(tiny.model_copy(update={"stage_b": StageBConfig.model_validate({**sizes, **changes})})).eval()
    with torch.no_grad():
        for value in network.parameters():
            value.add_(0.1 * torch.randn_like(value))
    return network.requires_grad_(requires_grad=False).to(dtype)


def drawing(seed: int, batch: int = 2) -> Any:
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randn(batch, 4, *SIZE, generator=generator)


def heard(network: ScSic, batch: int = 2) -> tuple[Conditioning, Conditioning]:
    generator = torch.Generator().manual_seed(5)
    embedding = torch.randn(batch, 16, 1, 2, generator=generator)
    n0 = torch.tensor([0.1, 0.5])[:batch, None, None, None].expand_as(embedding)
    stage_b = network.stage_b
    nothing = stage_b.condition(torch.zeros_like(embedding), torch.full_like(embedding, UNHEARD), SIZE)
    return stage_b.condition(embedding, n0, SIZE), nothing


def apart(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


CASES: list[dict[str, Any]] = [
    {"steps": 1},
    {"steps": 4, "eta": 0.0},
    {"steps": 4, "temperature": 0.8},
    {"steps": 3, "guidance": 1.3},
    {"steps": 3, "guidance": 1.1, "rescale": 0.0, "eta": 0.5},
]


@pytest.mark.parametrize("prior", ["none", "linear"])
@pytest.mark.parametrize("told", ["nothing", "noise"])
def test_same_latents_as_the_plain_loop(prior: str, told: str) -> None:
    network = built(prior=prior, told=told)
    receiver = Receiver(network)
    known, unknown = heard(network)
    for options in CASES:
        plain = sample(network.stage_b, known, drawing(1), unconditional=unknown, **options)
        ours = receiver.sample(known, drawing(1), unconditional=unknown, **options)
        assert apart(ours, plain) < 1e-4, options


def test_same_pictures_as_stage_a() -> None:
    network = built()
    latents = drawing(2)()
    assert apart(Receiver(network).decode(latents), network.stage_a.decode(latents)) < 1e-5


@pytest.mark.parametrize("prior", ["none", "linear"])
def test_bfloat16_is_near(prior: str) -> None:
    # 8 bits of mantissa: 0.4 % a rounding; the closed form around the network keeps the errors of steps from adding up
    network = built(prior=prior, told="noise")
    receiver = Receiver(network, precision="bfloat16")
    known, _ = heard(network)
    plain = sample(network.stage_b, known, drawing(3), steps=4)
    ours = receiver.sample(known, drawing(3), steps=4)
    assert ours.dtype == torch.float32
    assert 1e-5 < apart(ours, plain) < 0.03
    assert apart(receiver.decode(plain), network.stage_a.decode(plain)) < 0.03


def test_condition_is_the_networks() -> None:
    network = built(prior="linear", told="noise")
    embedding = torch.randn(1, 16, 1, 2)
    ours, theirs = (one.condition(embedding, 0.1 + 0 * embedding, SIZE) for one in (Receiver(network), network.stage_b))
    for got, expected in zip(ours, theirs, strict=True):
        assert torch.equal(got, expected)  # type: ignore[arg-type]


def test_pictures_of_a_batch_do_not_meet() -> None:
    network = built(told="noise")
    receiver = Receiver(network)
    known, _ = heard(network)
    whole = receiver.sample(known, drawing(4), steps=2)
    for index in range(2):
        part = slice(index, index + 1)
        draw, alone = drawing(4), Conditioning(*(None if one is None else one[part] for one in known))

        def own(draw: Any = draw, part: slice = part) -> Tensor:
            return draw()[part]

        assert apart(receiver.sample(alone, own, steps=2), whole[part]) < 1e-4
        assert apart(receiver.decode(whole[part]), receiver.decode(whole)[part]) < 1e-4


def test_repeatable_and_keeps_what_it_returned() -> None:
    network = built()
    receiver = Receiver(network)
    known, _ = heard(network)
    first = receiver.sample(known, drawing(1), steps=2)
    held = first.clone()
    assert not torch.equal(receiver.sample(known, drawing(2), steps=2), held)
    assert torch.equal(first, held)
    assert torch.equal(receiver.sample(known, drawing(1), steps=2), held)


def test_in_inference_mode() -> None:
    network = built()
    with torch.inference_mode():
        receiver = Receiver(network, graphs="on")
        known, _ = heard(network)
        inside = receiver.sample(known, drawing(1), steps=2)
    assert torch.equal(receiver.sample(known, drawing(1), steps=2), inside)


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_blocks_are_traced_without_a_break(monkeypatch: pytest.MonkeyPatch) -> None:
    network = built(widths=(16,), heads=(2,), down_layers=(1,), up_layers=(1,), up_repeats=(1,), dropout=(0.0,))
    known, _ = heard(network)
    graphs: list[Any] = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend, fullgraph=True))
    start = drawing(1)()
    traced, plain = (Receiver(network, compile=how) for how in ("on", "off"))  # type: ignore[arg-type]
    assert apart(*(one.sample(known, lambda: start, steps=1) for one in (traced, plain))) < 1e-5
    assert len(graphs) == 2  # a residual block and attention; of the same shapes, all layers share them


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_more_shapes_than_the_compilers_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs: list[Any] = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    def twice(x: Tensor) -> Tensor:
        return 2 * x

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=backend))
    call = compiled(twice, "on")
    for size in range(2, 14):
        assert call(torch.ones(size)).sum() == 2 * size
    assert len(graphs) == 12


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("compile", ["off", "on"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_graphs_are_the_same(compile: Any, precision: Any) -> None:
    network = built(prior="linear", told="noise")
    known, unknown = heard(network)
    plain = [sample(network.stage_b, known, drawing(1), unconditional=unknown, **options) for options in CASES]
    network.cuda()
    known, unknown = (Conditioning(*(one.cuda() for one in two)) for two in (known, unknown))  # type: ignore[union-attr]
    receiver = Receiver(network, compile=compile, graphs="on", precision=precision)
    for _ in range(2):  # recorded, then replayed
        for options, expected in zip(CASES, plain, strict=True):
            ours = receiver.sample(known, drawing(1), unconditional=unknown, **options).cpu()
            assert apart(ours, expected) < (2e-3 if precision == "float32" else 0.05)


def test_what_it_refuses() -> None:
    network = built()
    receiver = Receiver(network)
    known, _ = heard(network)
    with pytest.raises(ValueError, match="steps: expected 1 to 50, got 51"):
        receiver.sample(known, drawing(1), steps=51)
    with pytest.raises(ValueError, match="guidance: expected an unconditional conditioning"):
        receiver.sample(known, drawing(1), guidance=2.0)
    with pytest.raises(SignalError, match="multiples of 8, got 8 x 9"):
        receiver.condition(torch.zeros(1, 16, 1, 1), torch.zeros(1, 16, 1, 1), (8, 9))
    with pytest.raises(UsageError, match="precision: expected float32 or bfloat16, got int8"):
        Receiver(network, precision="int8")  # type: ignore[arg-type]


def test_sums_of_shifted_products_are_convolutions() -> None:
    network = built()
    known, _ = heard(network)
    noisy, t = drawing(6)(), torch.tensor([0.4])
    plain, sums = (PackedUnet(network.stage_b.unet, depthwise=how) for how in ("convolution", "sums"))  # type: ignore[arg-type]
    said, added = plain.modulations(t, known.level)[0], known.added.permute(0, 2, 3, 1)
    assert apart(sums(noisy, said, added), plain(noisy, said, added)) < 1e-5
    stages = [PackedStageA(network.stage_a.vqgan, depthwise=how) for how in ("convolution", "sums")]  # type: ignore[arg-type]
    assert apart(*(one(noisy) for one in stages)) < 1e-5
