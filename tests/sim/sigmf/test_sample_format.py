"""Formats of samples: against the package `sigmf`, whose reader scales integers to a full scale of 1."""

from __future__ import annotations

import io

import numpy as np
import pytest
import sigmf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from semcom.errors import InputError
from semcom.sim.sigmf.sample_format import decode, encode, finite, parse_datatype

INTEGERS = ["ci8", "ci16_le", "ci16_be", "ci32_le", "ci32_be", "cu8", "cu16_le", "cu16_be", "cu32_le", "cu32_be"]
FLOATS = ["cf32_le", "cf32_be", "cf64_le", "cf64_be"]
WRITTEN = ["ci8", "ci16_le"]


def read_by_sigmf(content: bytes, datatype: str) -> np.ndarray:
    made = sigmf.SigMFFile(global_info={"core:datatype": datatype})
    made.add_capture(0)
    made.set_data_file(data_buffer=io.BytesIO(content))
    return made.read_samples()


@pytest.mark.parametrize("datatype", [*INTEGERS, *FLOATS])
def test_every_complex_format_reads_as_the_package_sigmf_reads_it(datatype):
    form = parse_datatype(datatype)
    rng = np.random.default_rng(5)
    if form.levels:
        limits = np.iinfo(form.part)
        parts = rng.integers(limits.min, limits.max, (100, 2), endpoint=True, dtype=form.part.newbyteorder("="))
        parts[:2] = [[limits.min, limits.max], [0, limits.max // 2 + 1]]
    else:
        parts = rng.standard_normal((100, 2))
    parts = parts.astype(form.part)
    samples = decode(parts, form, 1.0)
    assert samples.dtype == np.complex64
    # 32 bits are more than single precision holds: the package rounds before it takes the middle of unsigned codes off
    tolerance = 1e-7 if "u32" in datatype else 0.0
    np.testing.assert_allclose(samples, read_by_sigmf(parts.tobytes(), datatype), rtol=0, atol=tolerance)


@pytest.mark.parametrize("datatype", ["rf32_le", "ri16_le", "cf16_le", "cf8", "ci64_le", "ci16_xe", "ci16_lee", ""])
def test_what_is_not_complex_or_not_known_is_refused(datatype):
    with pytest.raises(InputError, match=f"expected complex samples, core:datatype cf32, .*, got {datatype}$"):
        parse_datatype(datatype)


samples_of_any_size = arrays.arrays(
    np.complex64, st.integers(0, 40), elements=st.complex_numbers(max_magnitude=100, width=64, allow_nan=False)
)


@given(samples_of_any_size, st.sampled_from(["cf32_le", "cf32_be"]))
def test_floating_point_keeps_every_bit(samples, datatype):
    form = parse_datatype(datatype)
    parts, clipped = encode(samples, form, 1.0)
    assert clipped == 0
    assert decode(parts, form, 1.0).tobytes() == samples.tobytes()


@given(samples_of_any_size, st.sampled_from(WRITTEN), st.floats(0.1, 200))
def test_integers_keep_half_a_code_and_what_is_clipped_is_counted(samples, datatype, full_scale):
    form = parse_datatype(datatype)
    levels = 128 if datatype == "ci8" else 32768
    step = full_scale / levels
    parts, clipped = encode(samples, form, full_scale)
    back = decode(parts, form, full_scale)
    # half a code beyond the last ones, round to even included: told without our code
    values = samples.astype(np.complex128).view(np.float64).reshape(-1, 2) / step
    outside = ((values > levels - 0.5) | (values < -levels - 0.5)).any(axis=1)
    near = (np.abs(np.abs(values + 0.5) - levels) < 1e-6 * levels).any(axis=1)
    assert np.count_nonzero(outside & ~near) <= clipped <= np.count_nonzero(outside | near)
    error = (back.astype(np.complex128) - samples).view(np.float64).reshape(-1, 2)[~outside & ~near]
    single = np.spacing(np.float32(full_scale))  # what comes back is of single precision
    assert (np.abs(error) <= step / 2 + single).all()
    assert parts.min(initial=0) >= -levels
    assert parts.max(initial=0) <= levels - 1


@pytest.mark.parametrize(("value", "code"), [(1.0, 127), (-1.0, -128), (0.5, 64), (127.4 / 128, 127), (9.0, 127)])
def test_codes_of_eight_bits(value, code):
    parts, clipped = encode(np.array([value + 0j], np.complex64), parse_datatype("ci8"), 1.0)
    assert parts.tolist() == [[code, 0]]
    assert clipped == (value in (1.0, 9.0))  # +1 is one code beyond the last


def test_samples_that_are_not_finite_become_zeros_in_their_places():
    samples = np.array([1, np.nan, 2, complex(0, np.inf), -np.inf, 3], np.complex64)
    found, wrong = finite(samples)
    assert found.tolist() == [1, 0, 2, 0, 0, 3]
    assert wrong == 3
    assert finite(found) == (found, 0) or finite(found)[0] is found


def test_double_precision_beyond_single_becomes_infinite_without_a_warning():
    form = parse_datatype("cf64_le")
    assert np.isinf(decode(np.array([[1e300, 0]], form.part), form, 1.0)).all()
