"""Every snippet of Python in README and docs runs, and every command that documents name exists."""

import dataclasses
import functools
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from netspace_jax import evaluations
from netspace_jax.domain import preset, presets
from netspace_jax.jobs import train
from netspace_jax.space.search import search
from tests import tiny
from tests.commands import ROOT, TINY, brief_sections, run

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
LEFT = {
    "README.md": ("my-space/space.json", "runs/tiny/report.html"),
    "CONTRIBUTING.md": ("runs/small/report.html",),
    "data.md": ("my_images.npz",),
    "networks.md": ("zoos/mine/members.csv", "runs/mine/report.html"),
    "population.md": ("sweep/networks.safetensors", "sweep/networks.csv", "zoos/sweep/members.csv"),
    "use-space.md": ("best-network",),
}
"""Files that a document says its snippets write."""
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def place(finished_run, tmp_path_factory):
    """A folder with a finished tiny run of `digits`, a space that reads examples, and small files of images."""
    place = tmp_path_factory.mktemp("documents")
    shutil.copytree(finished_run, place, dirs_exist_ok=True)
    random = np.random.default_rng(0)
    arrays = {f"{kind}_{split}": random.integers(0, 10 if kind == "y" else 256, (60,) if kind == "y" else (60, 8, 8))
              for split in ("train", "test") for kind in "xy"}  # fmt: skip
    pictures = tiny.dataset()
    tiny.set_reader(pictures).save(place / "runs" / "digits-tasks" / "space")
    x, y = (np.asarray(part)[:8] for part in pictures.examples("validation"))
    np.savez(place / "my_examples.npz", x=x, y=y)
    np.savez(place / "mine.npz", **{name: values.astype(np.uint8) for name, values in arrays.items()})
    return place


def small(config):
    """A preset as the snippets run it, in seconds, without coefficients and corrections."""
    zoo = config.zoo
    if not config.zoo_folder:  # what exists is as large as it is
        zoo = dataclasses.replace(zoo, members=(24,), steps=20, chunk=8, validation=4, test=4)
    netspace = dataclasses.replace(
        config.netspace, networks=4, batch=16, hidden=16, embedding=8, probes=8, steps=20, validations=1, rank=0,
        corrections=0,
    )  # fmt: skip
    refine = dataclasses.replace(config.refine, steps=10)
    return dataclasses.replace(config, zoo=zoo, netspace=netspace, refine=refine)


def brief_search(*arguments, config, **rest):
    """A search of 20 steps, whatever the snippet asks for."""
    return search(*arguments, config=dataclasses.replace(config, steps=20, validations=2), **rest)


LONG = ("CONTRIBUTING.md", "applications.md", "jax.md", "networks.md", "population.md", "shapes.md", "use-study.md")
"""Documents whose snippets train from nothing, for half a minute each."""


def snippets():
    for path in DOCUMENTS:
        blocks = BLOCK.findall(path.read_text())
        if blocks:
            marks = [pytest.mark.long] if path.name in LONG else []
            yield pytest.param(path, blocks, marks=marks, id=path.relative_to(ROOT).as_posix())


@pytest.mark.parametrize(("path", "blocks"), list(snippets()))
def test_snippets_run(path, blocks, place, monkeypatch):
    """The blocks of a document one after another, as one reader types them, presets made small."""
    monkeypatch.chdir(place)
    monkeypatch.setattr("netspace_jax.domain.preset", lambda *name, **zoo: small(preset(*name, **zoo)))
    monkeypatch.setattr("netspace_jax.jobs.train", functools.partial(train, explorer=False))
    monkeypatch.setattr("netspace_jax.jobs.sections", brief_sections)
    monkeypatch.setattr("netspace_jax.space.search.search", brief_search)
    namespace: dict = {}
    for block in blocks:
        exec(compile(block, str(path), "exec"), namespace)
    assert namespace.keys() > {"__builtins__"}
    assert all((place / left).exists() for left in LEFT.get(path.name, ()))


def test_a_preset_ends_with_its_fidelity(place):
    """The README's own example refines: its figures are there."""
    if not (place / "runs" / "tiny").exists():
        pytest.skip("the README's snippets did not run before")
    found = json.loads((place / "runs" / "tiny" / "metrics.json").read_text())
    assert {"refined/agreement_test", "refined/gap_test", "baseline/distilled/agreement_test"} <= found.keys()
    assert 0 <= found["refined/agreement_test_low"] <= found["refined/agreement_test_high"] <= 1


def test_commands_that_documents_name_exist():
    known = {*presets(), *evaluations.all_evaluations(), "waves", "fit"}
    for path in [*DOCUMENTS, ROOT / "benchmarks" / "RESULTS.md"]:
        for command in re.findall(r"python (?:train\.py|zoo\.py|eval) ([a-z][\w-]*)", path.read_text()):
            assert command in known or command in ("import", "show"), f"{path.name}: {command}"


@pytest.mark.long
def test_examples_are_domains_and_architectures_of_their_own(tmp_path):
    """The worked examples of CONTRIBUTING.md, as commands, each in processes of its own."""
    own = ["--modules", ROOT / "docs" / "examples" / "my_networks.py"]
    status, out, err = run(
        "train.py", "digits", *TINY, *own, "--zoo.architectures", "tiny", "--out", "runs/tiny", cwd=tmp_path
    )
    assert status == 0, err
    assert "runs/tiny" in out
    own = ["--modules", ROOT / "docs" / "examples" / "waves.py"]
    flags = ["--zoo.members", "32", "--zoo.steps", "100", "--netspace.steps", "40", "--netspace.validations", "2"]
    status, _, err = run("train.py", "waves", *own, *flags, "--no-explorer", cwd=tmp_path)
    assert status == 0, err
    status, out, err = run("eval", "fit", "runs/waves", *own, cwd=tmp_path)
    assert status == 0, err
    assert "fit/mean" in out
    status, _, err = run("eval", "reconstruct", "runs/tiny", cwd=tmp_path)
    assert status == 2
    assert "tiny" in err and "--modules" in err and "Traceback" not in err


def test_documents_name_no_private_place():
    for path in DOCUMENTS:
        assert "../shared" not in path.read_text(), path
    assert Path(ROOT / "CITATION.cff").exists()
