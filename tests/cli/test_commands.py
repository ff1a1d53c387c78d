"""Commands within this process: what a preset is, what is listed, and what is refused."""

import os
import sys

import pytest

from netspace_jax import cli, evaluations
from netspace_jax.cli.commands import _preset_and_flags, relative
from netspace_jax.cli.modules import first_flags
from netspace_jax.domain import presets
from tests.commands import ROOT, start


def refused(capsys, command, *arguments):
    """The one line that a command ends with, status 2."""
    with pytest.raises(SystemExit) as ended:
        command(list(map(str, arguments)))
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1 and said.startswith("error: ")
    return said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("digits", [])),
        (["chairs"], ("chairs", [])),
        (["--fresh"], ("digits", ["--fresh"])),
        (["chairs", "--out", "x"], ("chairs", ["--out", "x"])),
        (["--out", "chairs"], ("digits", ["--out", "chairs"])),
    ],
)
def test_a_preset_may_come_before_the_flags(arguments, expected):
    assert _preset_and_flags(arguments) == expected


def test_paths_are_shown_as_seen_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(relative(tmp_path / "runs" / "a")) == os.path.join("runs", "a")
    assert relative(tmp_path.parent / "b") == tmp_path.parent / "b"


def test_all_evaluations_are_listed_with_what_they_are(capsys):
    cli.evaluate([])
    lines = capsys.readouterr().out.splitlines()
    found = evaluations.all_evaluations()
    assert {"reconstruct", "search", "meshes", "completion", "transfer"} <= found.keys()
    for name, evaluation in found.items():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert evaluation.summary and evaluation.summary in line
        assert ("(not in the report)" in line) == (not evaluation.in_report)


@pytest.mark.parametrize("arguments", [["-h"], ["--help"]])
def test_help_lists_the_same(capsys, arguments):
    cli.evaluate([])
    wanted = capsys.readouterr().out
    cli.evaluate(arguments)
    assert capsys.readouterr().out == wanted


def test_an_unknown_evaluation_is_one_line(capsys, tmp_path):
    said = refused(capsys, cli.evaluate, "nonsense", tmp_path)
    assert "unknown evaluation 'nonsense'" in said and "reconstruct" in said


def test_an_evaluation_of_no_run_is_one_line(capsys, tmp_path):
    assert "holds no run" in refused(capsys, cli.evaluate, "reconstruct", tmp_path / "nothing")


def test_a_module_that_is_not_there_is_one_line(capsys, tmp_path):
    assert "--modules" in refused(capsys, cli.train, "--modules", tmp_path / "mine.py", "--out", tmp_path / "run")


@pytest.mark.parametrize("flags", [["--modules", "{}"], ["--modules={}"]])
def test_modules_are_run_before_other_flags_are_looked_at(capsys, tmp_path, monkeypatch, flags):
    """What a file registers, the same command may name."""
    monkeypatch.setattr("netspace_jax.architectures.registry._BUILDERS", dict(_builders()))
    path = tmp_path / "module_of_a_test.py"
    path.write_text(
        "from netspace_jax import architectures as known\nknown.register('mine_of_a_test', lambda *_: None)\n"
    )
    with pytest.raises(SystemExit) as ended:
        cli.train([*(flag.format(path) for flag in flags), "digits", "--help"])
    assert ended.value.code == 0 and "mine_of_a_test" in capsys.readouterr().out
    sys.modules.pop("module_of_a_test", None)


def _builders():
    from netspace_jax.architectures import registry

    return registry._BUILDERS


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--help"], 0), (["trian"], 2)])
def test_without_a_command_the_commands_are_listed(capsys, arguments, status):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    shown = capsys.readouterr().out
    assert ended.value.code == status and all(f"netspace {name}" in shown for name in ("train", "zoo", "eval"))


def test_zoo_alone_trains_nothing_and_says_what_it_can_do(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cli.zoo([])
    shown = capsys.readouterr().out
    assert (
        all(f"netspace zoo {words}" in shown for words in ("PRESET", "import", "show", "export")) and "digits" in shown
    )
    assert not [*tmp_path.iterdir()]


def test_show_takes_one_directory(capsys, tmp_path):
    assert "show takes one directory" in refused(capsys, cli.zoo, "show")
    assert "no zoo" in refused(capsys, cli.zoo, "show", tmp_path)


def test_help_of_train_is_short_and_says_how_to_see_the_rest(capsys):
    cli.train(["--help"], program="train.py")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 60 and "train.py PRESET --help" in lines[-1]
    for name in presets():
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert len(line.split()) > 4
    assert any(line.split()[:2] == ["digits", "2.0"] for line in lines)


@pytest.mark.parametrize(
    ("command", "arguments", "hint"),
    [
        (cli.evaluate, ["fidelty", "runs/a"], "did you mean fidelity?"),
        (cli.evaluate, ["help"], "`python eval` alone"),
        (cli.evaluate, ["digits"], "python train.py digits"),
        (cli.evaluate, ["run", "fidelity"], "python eval fidelity run"),
        (cli.evaluate, ["run"], "python eval NAME run"),
        (cli.zoo, ["shwo", "zoo"], "did you mean show"),
        (cli.zoo, ["zoo"], "zoo.py show zoo"),
        (cli.zoo, ["show", "run"], "is a run, not a zoo: its zoo is z-1"),
        (cli.train, ["digts"], "did you mean digits"),
        (cli.train, ["show"], "zoo.py show"),
        (cli.train, ["fidelity"], "python eval fidelity RUN"),
        (cli.train, ["run"], "--out run"),
        (cli.train, ["imported", "--zoo", "run"], "its zoo is z-1"),
    ],
)
def test_a_mistaken_word_gets_what_was_meant(capsys, tmp_path, monkeypatch, command, arguments, hint):
    monkeypatch.chdir(tmp_path)
    for name in ("run", "zoo"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"netspace": {}, "zoo": {}, "zoo_folder": "z-1"}')
    (tmp_path / "zoo" / "members.csv").write_text("")
    assert hint in refused(capsys, command, *arguments)


def test_a_reader_that_has_read_enough_ends_a_command_quietly():
    process = start("train.py", "--help", cwd=ROOT)
    process.stdout.close()
    assert process.wait(60) == 141 and not process.stderr.read()
    process.stderr.close()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--modules", "a.py", "b.py:Net", "fit", "run"],
        ["fit", "--modules", "a.py", "b.py:Net", "run"],
        ["fit", "run", "--modules", "a.py", "b.py:Net"],
        ["fit", "--modules=a.py", "run", "--modules", "b.py:Net"],
    ],
)
def test_modules_stand_before_between_and_after(monkeypatch, arguments):
    registered = []
    monkeypatch.setattr("netspace_jax.cli.modules.register_module", registered.append)
    _, others = first_flags(arguments)
    assert registered == ["a.py", "b.py:Net"] and others == ["fit", "run"]
