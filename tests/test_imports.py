"""What is imported, and when: help comes at once, a space opens without the libraries of reports, rooms stand alone."""

import os
import pkgutil
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import netspace_jax
from tests import tiny

ROOT = Path(__file__).resolve().parents[1]
REPORTS = {"matplotlib", "skimage", "trimesh", "sklearn", "tensorflow_datasets"}
TOP = sorted(
    module.name
    for module in pkgutil.iter_modules(netspace_jax.__path__, "netspace_jax.")
    if module.name != "netspace_jax.__main__"
)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder that holds a space."""
    place = tmp_path_factory.mktemp("saved") / "space"
    data, config = tiny.dataset(), tiny.netspace_config(steps=1, validations=1, corrections=0)
    flats = np.random.default_rng(0).normal(size=(24, data.behaviour.architecture("lenetlike").size), scale=0.1)
    netspace_jax.fit_space({"lenetlike": flats}, data.behaviour, data, config).save(place)
    return str(place)


def python(*arguments):
    """What a command prints, in a Python of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported(code):
    """Names of the packages that code imports, those of Python's own left out."""
    names = python("-c", f"{code}\nimport sys; print(*sys.modules, sep='\\n')").split()
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


@pytest.mark.parametrize("arguments", [["train.py", "--help"], ["zoo.py"], ["eval"]], ids=["train", "zoo", "eval"])
def test_help_imports_neither_jax_nor_what_reports_need(arguments):
    code = f"import runpy, sys; sys.argv = {arguments}\ntry: runpy.run_path({arguments[0]!r}, run_name='__main__')\n"
    found = imported(code + "except SystemExit as end: assert not end.code, end.code")
    assert not found & {"jax", "flax", "optax", "orbax", "scipy", *REPORTS}


@pytest.mark.parametrize("arguments", [["train.py", "--help"], ["zoo.py"], ["eval"]], ids=["train", "zoo", "eval"])
def test_help_takes_at_most_a_second(arguments):
    def seconds():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = seconds()
    python(*arguments)
    assert seconds() - before < 1.0


def test_a_space_opens_without_the_libraries_of_reports(saved):
    code = f"import netspace_jax; space = netspace_jax.load({saved!r}); print(space.names)"
    assert not imported(code) & REPORTS


def test_the_package_alone_imports_nothing():
    assert not imported("import netspace_jax") & {"jax", "numpy", "etils", "tyro"}
    assert set(netspace_jax.__all__) <= set(dir(netspace_jax))


# Libraries are imported once; of ours, each is imported where nothing of ours is.
ALONE = """
import importlib, sys
for name in sys.argv[1:]:
    for ours in [one for one in sys.modules if one.partition(".")[0] == "netspace_jax"]:
        del sys.modules[ours]
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(name, error)
"""


def test_each_room_can_be_imported_alone():
    assert python("-c", ALONE, *TOP) == ""


@pytest.mark.parametrize("opener", ["netspace_jax.space", pytest.param("netspace_jax.jobs", marks=pytest.mark.long)])
def test_rooms_know_the_domains_of_spaces_that_they_open(saved, opener):
    code = f"import {opener}, netspace_jax.space; print(netspace_jax.space.load({saved!r}).behaviour)"
    assert "Classification" in python("-c", code)
