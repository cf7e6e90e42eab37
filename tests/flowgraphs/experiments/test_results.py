import json
from pathlib import Path

from semcom.flowgraphs.experiments.results import write_json


def test_a_record_names_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"folder": "out/caf\udce9", "é": 1})
    assert json.loads((tmp_path / "a.json").read_text()) == {"folder": "out/caf\udce9", "é": 1}
