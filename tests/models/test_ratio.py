import pytest
from pydantic import TypeAdapter, ValidationError
from semcom.models.ratio import Ratio


@pytest.mark.parametrize("value", ["1/24", 0.5, "0.25", 1000, 1e-9])
def test_numbers_and_fractions_stay_as_they_are(value: float | str) -> None:
    assert TypeAdapter(Ratio).validate_python(value) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1/0", "expected a number or a fraction such as 1/12, got '1/0'"),
        ("a third", "expected a number or a fraction such as 1/12, got 'a third'"),
        (0, "expected a ratio above 0 and up to 1000, got 0"),
        ("-1/2", "expected a ratio above 0 and up to 1000, got '-1/2'"),
        (1001, "expected a ratio above 0 and up to 1000, got 1001"),
    ],
)
def test_other_values_are_named(value: float | str, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        TypeAdapter(Ratio).validate_python(value)
