"""Metrics handed on to other libraries, for which fakes stand, and to the caller of a job."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from netspace_jax.cli import curves as module
from netspace_jax.cli.curves import curves
from netspace_jax.config import NetSpaceConfig
from netspace_jax.errors import InputError
from netspace_jax.runs import RunDirectory

CONFIG = {"netspace": {"steps": 4}}


class Recorder:
    """Takes the place of wandb's run and of tensorboardX's writer."""

    def __init__(self):
        self.points, self.ended = [], False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.ended = True

    def log(self, metrics, step):
        self.points += [(name, value, step) for name, value in metrics.items()]

    def add_scalar(self, name, value, step):
        self.points.append((name, value, step))


@pytest.fixture
def library(monkeypatch):
    """Installs a fake package; returns what was begun, in order."""
    begun = []

    def begin(*arguments, **settings):
        begun.append(SimpleNamespace(recorder=Recorder(), arguments=arguments, settings=settings))
        return begun[-1].recorder

    for name in ("wandb", "tensorboardX"):
        fake = ModuleType(name)
        fake.init = fake.SummaryWriter = begin
        fake.Error = type("Error", (Exception,), {})
        monkeypatch.setitem(sys.modules, name, fake)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: object())
    return begun


@pytest.mark.parametrize("destination", ["wandb", "tensorboard"])
def test_metrics_reach_the_library(library, tmp_path, destination):
    with curves(destination, tmp_path / "run", CONFIG) as on_metrics:
        assert not library  # an unused run directory stays as it is
        on_metrics(2, {"total": 0.5})
        on_metrics(4, {"total": 0.25, "validation_gap": 0.1})
    (begun,) = library
    assert begun.recorder.points == [("total", 0.5, 2), ("total", 0.25, 4), ("validation_gap", 0.1, 4)]
    assert begun.recorder.ended
    place = str(tmp_path / "run")
    assert begun.settings.get("dir") == place or begun.arguments == (f"{place}/tensorboard",)
    assert begun.settings.get("config", CONFIG) == CONFIG


def test_without_a_destination_nothing_happens(library, tmp_path):
    with curves(None, tmp_path, CONFIG) as on_metrics:
        on_metrics(1, {"total": 1.0})
    assert not library


@pytest.mark.parametrize(("destination", "package"), [("wandb", "wandb"), ("tensorboard", "tensorboardX")])
def test_a_library_that_is_missing_is_named(monkeypatch, tmp_path, destination, package):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=f"pip install {package}"), curves(destination, tmp_path, CONFIG):
        raise AssertionError


def test_a_library_that_refuses_is_one_line(library, monkeypatch, tmp_path):
    def refuse(**settings):
        raise sys.modules["wandb"].Error("api_key not configured")

    monkeypatch.setattr(sys.modules["wandb"], "init", refuse)
    with pytest.raises(InputError, match="WANDB_MODE=offline"), curves("wandb", tmp_path, CONFIG) as on_metrics:
        on_metrics(1, {"total": 1.0})


def test_a_run_hands_on_what_it_writes(tmp_path):
    points = []
    description = {"zoo": {}, "netspace": {"steps": NetSpaceConfig.steps}}
    run = RunDirectory(tmp_path, description, on_metrics=lambda step, metrics: points.append((step, metrics)))
    run.log({"step": 2, "total": 0.5})
    run.write_metrics({"reconstruct/gap_test": 0.02}, step=4)
    assert points == [(2, {"total": 0.5}), (4, {"reconstruct/gap_test": 0.02})]
