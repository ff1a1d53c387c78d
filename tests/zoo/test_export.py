"""A zoo as one file: what others read is what is in the zoo."""

import csv
import io
import json

import numpy as np
import pytest
from safetensors import safe_open

from netspace_jax import cli
from netspace_jax.errors import InputError
from netspace_jax.zoo import export_zoo


def test_a_zoo_is_one_file_with_its_table(undisturbed, tmp_path):
    zoo, _ = undisturbed
    path = export_zoo(zoo, tmp_path / "zoo.safetensors")
    with safe_open(path, "numpy") as file:
        parameters = file.get_tensor("perceptron3")
        rows = list(csv.DictReader(io.StringIO(file.metadata()["members.csv"])))
        assert json.loads(file.metadata()["config.json"]) == zoo.description
    assert len(rows) == len(parameters) == 20
    for split in ("train", "validation", "test"):
        found = zoo.networks("perceptron3", split)
        mine = [row for row, member in enumerate(rows) if member["split"] == split]
        np.testing.assert_array_equal(parameters[mine], found.parameters)
        assert [int(rows[row]["index"]) for row in mine] == list(found.indices)


def test_the_command_writes_it_and_harms_nothing(undisturbed, tmp_path, capsys):
    zoo, _ = undisturbed
    cli.zoo(["export", str(zoo.directory), str(tmp_path / "zoo.safetensors")])
    assert (tmp_path / "zoo.safetensors").exists()
    with pytest.raises(InputError, match="exists already"):
        export_zoo(zoo, tmp_path / "zoo.safetensors")
    with pytest.raises(SystemExit):
        cli.zoo(["export", str(zoo.directory)])
    assert "a directory and a new file" in capsys.readouterr().err
