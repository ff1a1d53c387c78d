"""From networks that exist to a report, and back to each file: the road does not know where a zoo came from."""

import dataclasses
import json

import numpy as np
import pytest
import safetensors.numpy

import netspace_jax
from netspace_jax import architectures, cli, evaluations
from netspace_jax.architectures import registry
from netspace_jax.domain import on_zoo, preset
from netspace_jax.exchange import torch_names
from netspace_jax.zoo import open_zoo
from tests import tiny
from tests.cli.test_commands import refused
from tests.commands import brief_sections
from tests.disk import assert_refused, content

NETWORKS = """
import flax.linen as nn

class Small(nn.Module):
    outputs: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.outputs)(nn.relu(nn.Dense(3)(x.reshape(len(x), -1))))

class Wide(nn.Module):
    width: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.width)(x.reshape(len(x), -1))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Pictures as a file, fourteen networks whose answers are right more often than not, and a user's modules."""
    place, data = tmp_path_factory.mktemp("road"), tiny.dataset()
    splits = {"train": data.train, "val": data.validation, "test": data.test}
    np.savez(place / "mine.npz", **{f"{kind}_{name}": np.asarray(getattr(split, kind))
                                    for name, split in splits.items() for kind in "xy"})  # fmt: skip
    (place / "my_nets.py").write_text(NETWORKS)
    architecture = tiny.perceptron()
    (place / "nets").mkdir()
    for number, flat in enumerate(np.asarray(tiny.flats(14))):
        parts = np.split(flat, architecture.spec.offsets[1:])
        names = [name.replace("Linear_", "Dense_") for name in torch_names(architecture)]
        tensors = {name: part.reshape(leaf.torch_shape)
                   for name, part, leaf in zip(names, parts, architecture.spec.leaves, strict=True)}  # fmt: skip
        safetensors.numpy.save_file(tensors, place / "nets" / f"{number:02}.safetensors")
    (place / "nets" / "half.pth").write_bytes(b"\x80\x02half")
    return place


FLAGS = ["--netspace.prep", "8", "16", "--netspace.embedding", "4", "--netspace.hidden", "8", "--netspace.probes", "8",
         "--netspace.networks", "4", "--netspace.batch", "8", "--netspace.steps", "4", "--netspace.validations", "1",
         "--refine.steps", "2"]  # fmt: skip


@pytest.fixture(autouse=True)
def own_registry(monkeypatch):
    monkeypatch.setattr(registry, "_BUILDERS", dict(registry._BUILDERS))


def import_them(place, out, capsys, *flags):
    cli.zoo(
        ["import", str(place / "nets"), "--architecture", f"{place / 'my_nets.py'}:Small", "--dataset",
         str(place / "mine.npz"), "--min-score", "0", "--out", str(out), *flags]
    )  # fmt: skip
    return capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize("whole", [False, True], ids=["brief", "whole"])
def test_a_folder_becomes_a_zoo_a_space_and_a_report(place, tmp_path, capsys, monkeypatch, whole):
    """With two sections of the report, or all of them and the explorer."""
    monkeypatch.chdir(tmp_path)
    if not whole:
        monkeypatch.setattr("netspace_jax.jobs.sections", brief_sections)
    said = import_them(place, "zoos/mine", capsys, "--zoo.normalise", "0.25", "0.5", "--zoo.seed", "3")
    assert "half.pth: left out: " in said and "14 of 15 networks imported (10 train, 2 validation, 2 test)" in said
    cli.zoo(["show", "zoos/mine"])
    shown = capsys.readouterr().out
    assert "14 networks" in shown and "1 left out" in shown and "unknown" in shown
    cli.train(["imported", "--zoo", "zoos/mine", "--out", "runs/mine", *FLAGS, *([] if whole else ["--no-explorer"])])
    run = netspace_jax.open_run("runs/mine", zoos="elsewhere")
    assert run.space.behaviour.mean == (0.25,) and run.space.behaviour.std == (0.5,)
    assert run.config.zoo.seed == 3 and run.zoo.imported
    figures = json.loads((tmp_path / "runs" / "mine" / "metrics.json").read_text())
    assert figures["zoo/members"] == 14 and "refined/agreement_test" in figures
    assert "trained elsewhere" in (tmp_path / "runs" / "mine" / "report.html").read_text()
    z = run.space.encode(place / "nets" / "00.safetensors")
    np.testing.assert_allclose(run.space.decode(z).embedding, z)
    lines = evaluations.evaluate("strangers", run, _options(folder=str(place / "nets")))
    assert any(line.startswith("strangers/networks 14") for line in lines)
    (tmp_path / "zoos").rename(tmp_path / "moved")  # the run finds it again where it is told to look
    assert netspace_jax.open_run("runs/mine", zoos="moved").zoo.members == run.zoo.members
    assert_refused(lambda: netspace_jax.open_run("runs/mine"), "holds no zoo")


def _options(**changes):
    from netspace_jax.domains.images.out_of_distribution import ForeignOptions

    return ForeignOptions(**changes)


def test_any_zoo_that_exists_can_be_embedded_again(place, tmp_path, capsys):
    """Settings of one preset on the zoo of another; the PRep grows if it has to."""
    import_them(place, tmp_path / "zoo", capsys)
    config = on_zoo(preset("digits"), tmp_path / "zoo")
    assert config.zoo.architectures == ("Small",) and config.zoo.members == (14,)
    assert config.netspace == preset("digits").netspace
    tight = dataclasses.replace(preset("digits"), netspace=tiny.netspace_config(prep=(1, 64)))
    rows, columns = on_zoo(tight, tmp_path / "zoo").netspace.prep
    assert rows * columns >= open_zoo(tmp_path / "zoo").size > 64
    assert_refused(lambda: on_zoo(preset("chairs"), tmp_path / "zoo"), "of the domain images")


@pytest.mark.long
def test_from_python_in_three_lines(place, tmp_path):
    vectors = np.asarray(tiny.flats(6))
    found = netspace_jax.import_zoo(
        vectors, "perceptron3", tmp_path / "zoo", dataset=str(place / "mine.npz"), validation=0.2,
        options=netspace_jax.ImportOptions(min_score=0.0),
    )  # fmt: skip
    assert len(found.zoo.members) == 6 and "6 of 6 networks imported (3 train, 1 validation, 2 test)" in str(found)
    assert_refused(
        lambda: netspace_jax.import_zoo(vectors, "perceptron3", tmp_path / "other", stepz=3), "knows no 'stepz'"
    )


@pytest.mark.parametrize(("flags", "said"), [
    (["--architecture", "nonsense"], "unknown architecture 'nonsense'"),
    (["--architecture", "{}:Missing"], "has no Flax module Missing"),
    (["--architecture", "{}:Wide"], "Wide cannot be made from nothing"),
    (["--architecture", "perceptron3", "--rename", "a"], "a rule is OLD=NEW"),
    (["--architecture", "perceptron3", "--zoo.normalise", "0.5"], "--zoo.normalise takes means"),
    (["--architecture", "perceptron3", "--zoo.normalise", "0", "0", "1", "1"], "images of 1 channels take"),
    (["--architecture", "perceptron3", "--zoo.normalise", "0", "-1"], "--zoo.normalise takes means"),
    (["--architecture", "perceptron3"], "none of 15 networks can be imported"),
])  # fmt: skip
def test_bad_flags_are_one_line_and_write_nothing(place, tmp_path, capsys, flags, said):
    flags = [word.format(place / "my_nets.py") for word in flags]
    before = content(place)
    out = ["--dataset", str(place / "mine.npz"), "--out", str(tmp_path / "zoo")]
    assert said in refused(capsys, cli.zoo, "import", place / "nets", *flags, *out)
    assert not list(tmp_path.iterdir()) and content(place) == before


def test_a_folder_without_networks_and_a_preset_without_a_zoo_are_one_line(place, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    flags = ["--architecture", "perceptron3", "--dataset", str(place / "mine.npz"), "--out", str(tmp_path / "zoo")]
    assert "holds no networks" in refused(capsys, cli.zoo, "import", tmp_path / "empty", *flags)
    assert "not a folder" in refused(capsys, cli.zoo, "import", tmp_path / "nowhere", *flags)
    assert "--zoo DIR" in refused(capsys, cli.train, "imported", "--out", tmp_path / "run")
    assert "--zoo takes the directory" in refused(capsys, cli.train, "imported", "--zoo")
    assert "holds no zoo" in refused(capsys, cli.train, "imported", "--zoo", tmp_path / "nowhere")
    assert architectures.names()
