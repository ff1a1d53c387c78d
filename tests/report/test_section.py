"""Evaluations: what is made of a run, with options or without."""

import dataclasses

from netspace_jax.report import Evaluation, Section
from netspace_jax.report.section import always, several_architectures
from tests import tiny


@dataclasses.dataclass(frozen=True)
class Options:
    count: int = 3


def plain(run):
    """What a run is called.

    More that a list does not show.
    """
    return Section("plain", "Plain", run.config.name, {})


def counted(run, options):
    return [run.config.name] * options.count


def test_a_section_is_made_of_the_run():
    run = tiny.trained()
    found = Evaluation("plain", plain)
    assert found(run) == Section("plain", "Plain", "tiny", {}) and found.in_report and found.applies(run)
    assert found.summary == "What a run is called."


def test_options_are_handed_on_or_are_the_defaults():
    run, found = tiny.trained(), Evaluation("counted", counted, in_report=False, options=Options)
    assert found(run) == ["tiny"] * 3 and found(run, Options(1)) == ["tiny"] and found.summary == ""


def test_what_a_run_can_have():
    one, two = tiny.trained(), tiny.trained((3, 4), teacher="perceptron5")
    assert always(one) and always(two)
    assert not several_architectures(one) and several_architectures(two)
