"""The whole pipeline: what is refused before anything trains, and where a zoo lies."""

import dataclasses

import pytest

from netspace_jax import evaluations, jobs
from netspace_jax.domain import domain
from netspace_jax.domains.images.config import ImageZooConfig
from netspace_jax.errors import InputError
from netspace_jax.runs import open_run
from tests import tiny

CONFIG = tiny.run_config(tiny.zoo_config(members=(24,)))


def changed(**changes):
    return dataclasses.replace(CONFIG, zoo=dataclasses.replace(CONFIG.zoo, **changes))


def test_unknown_architectures_are_refused_with_the_nearest_names():
    with pytest.raises(InputError, match="unknown architecture 'perceptron33'.*perceptron3"):
        jobs.check_run(changed(architectures=("perceptron33",)), tiny.TASK)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"test": 0}, "'test'.*at least 2.*--zoo.test"),
        ({"test": 1}, "'test'.*at least 2"),
        ({"test": 0.001}, "'test'"),
        ({"validation": 0}, "'validation'.*at least 1"),
        ({"validation": 12, "test": 11}, "'train'.*at least 2.*--zoo.members"),
    ],
)
def test_splits_that_are_too_small_are_refused_before_anything_trains(change, said):
    with pytest.raises(InputError, match=said):
        jobs.check_run(changed(**change), tiny.TASK)


def test_an_unknown_domain_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="unknown domain 'sounds'"):
        jobs.train(dataclasses.replace(CONFIG, domain="sounds"), tmp_path / "run", tmp_path / "zoos")
    with pytest.raises(InputError, match="unknown domain 'sounds'"):
        jobs.make_zoo(CONFIG.zoo, "sounds", tmp_path / "zoos")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", [{"images": -3}, {"crop_padding": -1}])
def test_a_zoo_alone_is_checked_by_its_domain_too(tmp_path, change):
    with pytest.raises(InputError, match="must be at least 0"):
        jobs.make_zoo(ImageZooConfig(**change), "images", tmp_path)
    assert not list(tmp_path.iterdir())


def test_what_is_no_run_is_not_opened(tmp_path):
    with pytest.raises(InputError, match="holds no run"):
        open_run(tmp_path)


@pytest.mark.parametrize("name", ["images", "fields"])
def test_names_of_evaluations_are_unique_and_each_says_what_it_is(name):
    found = evaluations.evaluations(domain(name))
    assert len({evaluation.name for evaluation in found}) == len(found)
    assert all(evaluation.summary for evaluation in found)
