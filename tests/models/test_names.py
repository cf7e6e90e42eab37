import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import semcom.models
from semcom.models.deepjscc.names import RATES

MODELS = Path(semcom.models.__file__).parent
SYSTEMS = sorted(path.parent.name for path in MODELS.glob("*/names.py"))


def test_every_system_has_names() -> None:
    folders = {info.name for info in pkgutil.iter_modules(semcom.models.__path__) if info.ispkg}
    assert set(SYSTEMS) == {name for name in folders if (MODELS / name / "system.py").is_file()}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_variant_has_a_number_that_is_not_a_users_own(system: str) -> None:
    names = importlib.import_module(f"semcom.models.{system}.names")
    assert set(names.NUMBERS) == set(get_args(names.Variant))
    assert all(0 <= number < 192 for number in names.NUMBERS.values())


def test_no_two_models_share_a_number() -> None:
    numbers = [
        number
        for system in SYSTEMS
        for number in importlib.import_module(f"semcom.models.{system}.names").NUMBERS.values()
    ]
    assert len(numbers) == len(set(numbers)) >= 11


def test_two_bits_name_every_rate() -> None:
    assert len(RATES) <= 4


def test_names_need_no_torch() -> None:
    imports = "".join(f"import semcom.models.{system}.names\n" for system in SYSTEMS)
    code = f"import sys\n{imports}assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
