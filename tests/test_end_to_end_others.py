"""The commands on other tasks than the tests of interruption: what is refused, architectures of one's own, unseen ones.

Chairs are trained by the notebook's test.
"""

import json

import pytest

from netspace_jax import cli
from tests.commands import TINY, metrics, run

MINE = """
import flax.linen as nn
from netspace_jax import architectures


class Mine(nn.Module):
    outputs: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.outputs)(nn.tanh(nn.Dense(8)(x.reshape(len(x), -1))))


architectures.register("mine", lambda shape, outputs: Mine(outputs))
"""


@pytest.mark.long
def test_an_architecture_of_ones_own(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    flags = ("--modules", "mine.py")
    status, _, err = run("train.py", *TINY, "--zoo.architectures", "mine", "--out", "runs/own", *flags, cwd=tmp_path)
    assert status == 0, err
    status, out, err = run("eval", "reconstruct", "runs/own", *flags, cwd=tmp_path)
    assert status == 0, err
    wanted = json.loads((tmp_path / "runs" / "own" / "metrics.json").read_text())["reconstruct/gap_test"]
    assert f"reconstruct/gap_test {wanted:.4f}" in out
    status, _, err = run("eval", "reconstruct", "runs/own", cwd=tmp_path)
    assert status == 2 and "Traceback" not in err
    assert "'mine'" in err and "--modules" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["digitz"], ["unknown preset 'digitz'", "digits"]),
        (["--zoo.stepz", "3"], ["--zoo.stepz", "--zoo.steps"]),
        (["--dataset", "cifarten"], ["cifarten", "cifar10"]),
        (["--zoo.architectures", "lenet"], ["unknown architecture 'lenet'", "lenetlike"]),
        (["--netspace.prep", "8", "8"], ["3718", "64"]),
        (["--zoo.members", "3", "3"], ["1 architectures", "2"]),
        (["--zoo.learning-rate", "nan"], ["--zoo.learning-rate"]),
        (["--zoo.stops", "end", "--zoo.min-steps", "9"], ["--zoo.min-steps 9", "no effect", "--zoo.stops end"]),
        (["--netspace.encoder", "conv", "--netspace.probes", "64"], ["--netspace.probes"]),
        (["--zoo.decay", "0.1"], ["--zoo.decay-at"]),
        (
            ["digits-multi", "--zoo.architectures", "lenetlike", "resnet8", "--zoo.members", "4", "4"],
            ["interpolation", "2"],
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.train(arguments)
    said = capsys.readouterr()
    assert ended.value.code == 2 and "Traceback" not in said.err
    assert all(word in said.err + said.out for word in words)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        cli.train([*TINY, "--out", "file/run"])
    assert ended.value.code != 0
    assert "file" in capsys.readouterr().err


@pytest.mark.long
def test_unseen_architectures_come_out_of_the_space_between(tmp_path):
    status, _, err = run(
        "train.py",
        "digits-unseen",
        *TINY,
        "--zoo.architectures",
        "lenetlike",
        "vanilla_cnn",
        "resnet8",
        "--zoo.members",
        "10",
        "4",
        "10",
        "--zoo.validation",
        "2",
        "--zoo.test",
        "2",
        "--zoo.teacher",
        "resnet14",
        "--netspace.prep",
        "64",
        "80",
        "--netspace.train-architectures",
        "lenetlike",
        "resnet8",
        "--netspace.steps",
        "10",
        cwd=tmp_path,
    )
    assert status == 0, err
    values = metrics(tmp_path / "runs" / "digits-unseen")
    assert {
        "unseen/vanilla_cnn/accuracy",
        "unseen/vanilla_cnn/scratch_accuracy",
        "architecture/accuracy_test",
        "reconstruct/lenetlike/accuracy_test",
        "reconstruct/resnet8/accuracy_test",
        "zoo/resnet8/accuracy_mean",
    } <= values.keys()
    assert "reconstruct/vanilla_cnn/accuracy_test" not in values
