"""Networks of a run as files: read back, they compute what the run's own networks compute."""

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import exchange
from netspace_jax.errors import InputError
from netspace_jax.report.export import ExportOptions, export
from netspace_jax.space import Network
from tests.compiles import nothing_compiles
from tests.tiny import trained

onnxruntime = pytest.importorskip("onnxruntime", reason="reading ONNX needs onnxruntime")


def test_twins_of_members_are_written_with_what_was_measured(tmp_path):
    run = trained()
    lines = export(run, ExportOptions(indices=(4, 2), out=tmp_path))
    found, inputs = run.reconstruction(0, "test"), run.dataset.examples("test").inputs
    assert [line.split(":")[0] for line in lines] == [str(tmp_path / f"perceptron3-{i}") for i in (4, 2)]
    for index in (4, 2):
        folder = tmp_path / f"perceptron3-{index}"
        flat = exchange.load_network(folder / "network.safetensors", run.space.architectures[0])
        np.testing.assert_array_equal(flat, found.generated[index])
        wanted = run.space.architectures[0].apply(jnp.asarray(flat), inputs)
        session = onnxruntime.InferenceSession(folder / "network.onnx", providers=["CPUExecutionProvider"])
        (outputs,) = session.run(None, {"inputs": np.asarray(inputs)})
        np.testing.assert_allclose(outputs, wanted, rtol=1e-5, atol=1e-5)
        card = (folder / "README.md").read_text()
        for words in (
            f"| accuracy | {found.generated_score[index]:.4g} |",
            f"| accuracy of the original | {found.score[index]:.4g} |",
            f"| agreement with the original | {found.agreement[index]:.4g} |",
            "never trained on",
            "subtract 0.4, then divide by 0.3",
            "Linear_0.weight",
        ):
            assert words in card


def test_sampled_and_searched_networks_are_written(tmp_path):
    run = trained()
    assert len(export(run, ExportOptions("sample", count=2, out=tmp_path))) == 2
    (line,) = export(run, ExportOptions("search", steps=5, out=tmp_path))
    assert "accuracy on test inputs" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "perceptron3-sample-0-0",
        "perceptron3-sample-0-1",
        "perceptron3-search-0",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ExportOptions(indices=(77,)), "--indices 77: no perceptron3 of split 'test'"),
        (ExportOptions("train", refined=True), "--refined is for --which test"),
        (ExportOptions(architecture="lenetlike"), "lenetlike"),
    ],
)
def test_bad_requests_are_refused(options, message, tmp_path):
    with pytest.raises(InputError, match=message):
        export(trained(), ExportOptions(**{**vars(options), "out": tmp_path / "out"}))
    assert not (tmp_path / "out").exists()


def test_searches_of_other_seeds_and_steps_compile_nothing_anew(monkeypatch, tmp_path):
    run = trained()
    monkeypatch.setattr(Network, "export", lambda *_, **__: None)
    export(run, ExportOptions("search", steps=30, out=tmp_path))
    with nothing_compiles():
        export(run, ExportOptions("search", steps=25, seed=3, count=2, out=tmp_path))
