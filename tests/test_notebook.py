"""The notebook, executed from start to end on its small setting."""

import json
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.name for path in NOTEBOOKS])
def test_every_cell_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv("NETSPACE_SMALL", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(path.parents[1]), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=400, resources={"metadata": {"path": str(tmp_path)}}).execute()
    chairs = tmp_path / "runs" / "chairs"
    values = json.loads((chairs / "metrics.json").read_text())
    assert {"shapes/within_0.01", "shapes/iou", "shapes/chamfer", "siren/iou", "shapes/whole_weights"} <= values.keys()
    assert (chairs / "figures" / "interpolate_shapes.png").exists()
    assert "webgl" in (chairs / "report.html").read_text().lower()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.name for path in NOTEBOOKS])
def test_outputs_are_cleared_and_nothing_asks_for_tensorflow(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None
        assert "tensorflow" not in cell.source.lower()
