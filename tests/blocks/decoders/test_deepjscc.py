import subprocess
import sys

import numpy as np
import pytest
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.channels.rayleigh import Rayleigh
from semcom.blocks.decoders.deepjscc import Deepjscc
from semcom.blocks.encoders.deepjscc import Deepjscc as Encoder
from semcom.blocks.envelope import Header, Identity, State
from semcom.blocks.mappers.complex_to_real import ComplexToReal
from semcom.blocks.mappers.real_to_complex import RealToComplex
from semcom.errors import SignalError
from semcom.models.deepjscc.names import RATES, SHIPPED
from semcom.models.model_card import ModelCard, card_path
from semcom.sim.metrics.psnr import psnr_db
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.jscc_mode import JsccMode
from semcom.sim.side_information.model_id import ModelId
from skimage import data


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(data.astronaut()[:250, 100:360])


@pytest.fixture(scope="module")
def decoder() -> Deepjscc:
    block = Deepjscc(name="decoder")
    block.start()
    return block


def through(decoder: Deepjscc, photo: np.ndarray, channel: Awgn | Rayleigh, **encoding: object) -> np.ndarray:
    """The chain of blocks by hand."""
    encoder = Encoder(Encoder.Params.model_validate(encoding), name="encoder")
    encoder.start()
    encoded = encoder.work(photo)
    mapped = RealToComplex(name="map").work(encoded.value)
    received = channel.work(mapped.value, Identity())
    assert received.state is not None
    header = Header().with_fields(*encoded.header, *mapped.header)
    return decoder.work(ComplexToReal(name="unmap").work(received.value, header), header, received.state)


def small(decoder: Deepjscc, number: int = 1, weights: int | None = None) -> Header:
    """The header of a picture of 16 x 16 pixels."""
    model = ModelId(number, decoder._codecs["adaptive"].about.shared_weights if weights is None else weights)
    return Header().with_fields(ImageShape(16, 16), model, JsccMode(RATES.index("1/12"), 10))


def awgn(esn0_db: float) -> Awgn:
    return Awgn(Awgn.Params(esn0_db=esn0_db), name="channel", seed=7)


def rayleigh(esn0_db: float, coherence_symbols: int | None) -> Rayleigh:
    params = Rayleigh.Params(esn0_db=esn0_db, coherence_symbols=coherence_symbols)
    return Rayleigh(params, name="channel", seed=7)


def test_photographs_come_back(decoder: Deepjscc, photo: np.ndarray) -> None:
    out = through(decoder, photo, awgn(10), esn0_db=10)
    assert out.shape == photo.shape
    assert out.dtype == np.uint8
    assert psnr_db(photo, out) > 27


def test_more_rate_and_more_snr_are_better(decoder: Deepjscc, photo: np.ndarray) -> None:
    rates = [psnr_db(photo, through(decoder, photo, awgn(10), rate=r)) for r in ("1/48", "1/24", "1/12", "1/6")]
    assert rates == sorted(rates)
    levels = [psnr_db(photo, through(decoder, photo, awgn(db), esn0_db=db)) for db in (0, 5, 10, 20)]
    assert levels == sorted(levels)


def test_the_trained_network_beats_the_linear_code(decoder: Deepjscc, photo: np.ndarray) -> None:
    for esn0_db in (1, 10):
        linear, adaptive = (
            psnr_db(photo, through(decoder, photo, awgn(esn0_db), esn0_db=esn0_db, variant=variant))
            for variant in ("linear", "adaptive")
        )
        assert adaptive > linear + 0.5


def test_an_encoder_that_knows_nothing_still_gets_through(decoder: Deepjscc, photo: np.ndarray) -> None:
    for esn0_db in (2, 18):
        knowing = psnr_db(photo, through(decoder, photo, awgn(esn0_db), esn0_db=esn0_db))
        blind = psnr_db(photo, through(decoder, photo, awgn(esn0_db), csit="none"))
        assert knowing - 2.5 < blind < knowing + 0.3


@pytest.mark.parametrize("coherence_symbols", [1, 64, None])
def test_fading_with_known_state(decoder: Deepjscc, photo: np.ndarray, coherence_symbols: int | None) -> None:
    out = through(decoder, photo, rayleigh(10, coherence_symbols), esn0_db=10)
    assert psnr_db(photo, out) > 21


def test_knowing_each_symbols_noise_helps_in_fast_fading(decoder: Deepjscc, photo: np.ndarray) -> None:
    encoder = Encoder(name="encoder")
    encoder.start()
    encoded = encoder.work(photo)
    mapped = RealToComplex(name="map").work(encoded.value)
    received = rayleigh(10, 1).work(mapped.value, Identity())
    assert received.state is not None
    assert isinstance(received.state.n0, np.ndarray)
    header = Header().with_fields(*encoded.header, *mapped.header)
    features = ComplexToReal(name="unmap").work(received.value, header)
    told = psnr_db(photo, decoder.work(features, header, received.state))
    not_told = psnr_db(photo, decoder.work(features, header, State(n0=float(np.median(received.state.n0)))))
    assert told > not_told + 3


def test_same_input_same_bytes_in_another_process(decoder: Deepjscc) -> None:
    code = (
        "import sys, hashlib, numpy as np, torch; torch.set_num_threads(1)\n"
        "from semcom.models.deepjscc.codec import Receiving, Sending\n"
        "from semcom.models.deepjscc.engine import load\n"
        "codec = load()\n"
        "image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)\n"
        "x = codec.encode(image, Sending(rate='1/12'))\n"
        "y = codec.decode(x.heard(0.1), Receiving())\n"
        "print(hashlib.sha256(x.features.tobytes() + y.tobytes()).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert len(runs[0].stdout) == 65
    assert runs[0].stdout == runs[1].stdout


def test_the_number_picks_the_network_and_other_weights_are_refused(decoder: Deepjscc, photo: np.ndarray) -> None:
    tags = {name: int(ModelCard.read(card_path(SHIPPED.path(name))).sha256[:4], 16) for name in ("adaptive", "linear")}
    with pytest.raises(SignalError) as caught:
        decoder.work(np.zeros(128, np.float32), small(decoder, 2), State(n0=0.1))
    assert str(caught.value) == (
        f"deepjscc: expected a frame for linear with weights {tags['linear']:04x}, got one of linear with "
        f"weights {tags['adaptive']:04x}; give encoder and decoder the same variant, and weights of one training"
    )
    decoder.work(np.zeros(128, np.float32), small(decoder, 2, tags["linear"]), State(n0=0.1))
    with pytest.raises(SignalError) as caught:
        decoder.work(np.zeros(128, np.float32), small(decoder, 16), State(n0=0.1))
    assert str(caught.value) == (
        "deepjscc: expected a frame of one of the models 1 (adaptive), 2 (linear), 3 (quantised), 4 (perceptual), "
        "5 (gan), got model 16; connect the decoder that belongs to the encoder"
    )


def test_without_a_channel_it_says_what_is_missing(decoder: Deepjscc) -> None:
    header = small(decoder)
    with pytest.raises(SignalError, match="expected n0 in the receiver's state, got none; connect a channel"):
        decoder.work(np.zeros(128, np.float32), header, State())
    with pytest.raises(SignalError, match="expected 128 features for 16 x 16 pixels"):
        decoder.work(np.zeros(5, np.float32), header, State(n0=0.1))


@pytest.mark.parametrize("symbols", [0, 63, 65, 127])
def test_noise_of_another_number_of_symbols_is_refused(decoder: Deepjscc, symbols: int) -> None:
    header = small(decoder)
    with pytest.raises(SignalError, match=f"expected n0 of 64 symbols for 127 features, got {symbols}"):
        decoder.work(np.zeros(127, np.float32), header, State(n0=np.ones(symbols, np.float32)))


def test_the_files_load_no_torch() -> None:
    code = (
        "import sys, semcom.blocks.decoders.deepjscc; sys.exit('torch' in sys.modules or 'safetensors' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
