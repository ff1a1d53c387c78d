"""What is made of a run, with options or without, and what becomes of a report when a section fails."""

import dataclasses
import inspect
import logging

import numpy as np
import pytest
from etils import epath

from netspace_jax import evaluations
from netspace_jax.domain import Evaluation, Lazy, domain, domains, register, several_architectures
from netspace_jax.errors import InputError
from netspace_jax.metrics import outputs
from netspace_jax.report import Section
from tests import tiny


@dataclasses.dataclass(frozen=True)
class Options:
    count: int = 3


def plain(run):
    return Section("plain", "Plain", run.config.name, {"plain/one": 1.0}, table=(("a", "b"),))


def counted(run, options: Options):
    return [run.config.name] * options.count


def broken(run):
    raise ValueError(f"no {run.config.name}")


PLAIN = Evaluation("plain", plain, "What is a run called?")
COUNTED = Evaluation("counted", counted, in_report=False)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A run of a domain whose sections are these, and no others."""
    monkeypatch.setattr("netspace_jax.domain._DOMAINS", {})
    monkeypatch.setattr(evaluations, "_FIRST", ())
    monkeypatch.setattr(evaluations, "_THEN", (Evaluation("broken", broken, "Why?"),))
    monkeypatch.setattr(evaluations, "_LAST", (COUNTED,))
    register(dataclasses.replace(domain_of_images, evaluations=(PLAIN,)))
    return tiny.again(tiny.trained(), path=epath.Path(tmp_path))


domain_of_images = domain("images")


def test_a_section_has_the_question_that_it_answers(run):
    assert evaluations.make(PLAIN, run) == dataclasses.replace(plain(run), question="What is a run called?")
    assert PLAIN.options is None


def test_options_are_those_of_the_second_parameter(run):
    assert COUNTED.options is Options
    assert evaluations.make(COUNTED, run) == ["tiny"] * 3 and evaluations.make(COUNTED, run, Options(1)) == ["tiny"]


def test_what_is_lazy_is_imported_when_it_is_called(run):
    lazy = Evaluation("lazy", Lazy("tests.tiny:trained"))
    assert lazy.make.function is tiny.trained
    assert Lazy("netspace_jax.report.words:listed")(["a", "b"]) == "a and b"


def test_a_section_that_fails_costs_no_other(run, caplog):
    began = []
    with caplog.at_level(logging.ERROR):
        failed, made = evaluations.sections(run, lambda name, total: began.append((name, total)))
    assert began == [("broken", 2), ("plain", 2)]
    assert failed.failed and "ValueError: no tiny" in failed.text and failed.question == "Why?"
    assert not made.failed and made.metrics == {"plain/one": 1.0}
    assert "section broken" in caplog.text and "ValueError" in caplog.text


def test_test_members_run_once_a_report_on_test_inputs(monkeypatch):
    """But for the ends of the line between the best two, which are these members themselves."""
    run, seen = tiny.again(tiny.trained(factor=-0.5)), []

    def noting(function):
        def noted(rows, *rest, **named):
            seen.extend(flat.tobytes() for flat in np.asarray(rows[0]))
            return function(rows, *rest, **named)

        return noted

    monkeypatch.setattr(outputs, "_evaluate", noting(outputs._evaluate))
    failed = [section.name for section in evaluations.sections(run, lambda *_: None) if section.failed]
    assert failed == ["zoo"]  # this zoo has no directory
    networks = run.networks(0, "test")
    runs = [seen.count(flat.tobytes()) for flat in networks.parameters]
    assert runs == [2 if row in networks.best_first[:2] else 1 for row in range(len(runs))]


def test_one_section_is_printed(run):
    assert evaluations.evaluate("plain", run) == ["Plain", "", "tiny", "", "a  b", "plain/one 1.0000"]
    assert evaluations.evaluate("counted", run, Options(2)) == ["tiny", "tiny"]
    with pytest.raises(InputError, match="no 'nonsense'; it has broken, plain, counted"):
        evaluations.evaluate("nonsense", run)
    with pytest.raises(ValueError, match="no tiny"):
        evaluations.evaluate("broken", run)


def test_what_a_run_can_have():
    assert not several_architectures(tiny.trained())
    assert several_architectures(tiny.trained((3, 4), teacher="perceptron5"))


def test_fidelity_is_for_networks_that_are_their_own_teachers():
    run, fidelity = tiny.trained(), evaluations.all_evaluations()["fidelity"]
    common = dataclasses.replace(run.config.netspace, teaching="common")
    unrefined = dataclasses.replace(run.config.refine, steps=0)
    others = ({"netspace": common}, {"refine": unrefined})
    assert fidelity.applies(run)
    assert not any(
        fidelity.applies(tiny.again(run, config=dataclasses.replace(run.config, **change))) for change in others
    )


def test_every_report_begins_and_ends_alike():
    for run_domain in domains():
        names = [one.name for one in evaluations.evaluations(run_domain) if not one.leads]
        assert names[:5] == ["zoo", "reconstruct", "fidelity", "embeddings", "prep"]
        assert names[-4:] == ["training", "export", "adapt", "explore"]


@pytest.mark.parametrize("name", evaluations.all_evaluations())
def test_every_evaluation_is_where_it_is_said_to_be(name):
    """Its place can be imported, its options are flags with defaults, and a list says what it is."""
    evaluation = evaluations.all_evaluations()[name]
    parameters = inspect.signature(evaluation.make.function).parameters
    assert (
        evaluation.summary and next(iter(parameters)) == "run" and len(parameters) == (2 if evaluation.options else 1)
    )
    assert evaluation.options is None or evaluation.options()


@pytest.mark.parametrize("run_domain", domains(), ids=lambda one: one.name)
def test_every_function_of_a_domain_is_where_it_is_said_to_be(run_domain):
    places = [value for value in vars(run_domain).values() if isinstance(value, Lazy)]
    assert places and all(callable(place.function) for place in places)
