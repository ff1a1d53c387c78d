"""Every domain, the package's own and those of the examples, keeps what a domain promises; broken ones are found."""

import dataclasses

import flax.struct
import jax.numpy as jnp
import pytest

from netspace_jax import testing
from netspace_jax.cli.modules import register_module
from netspace_jax.domain import domain, domains, preset
from netspace_jax.domains.images.dataset import Classification
from tests import tiny
from tests.commands import ROOT

EXAMPLES = ("carts", "symbols", "waves")
SHAPES = {"points": 1024, "batch": 64}
SMALL = {
    "digits": lambda: testing.shrink(preset("digits"), architectures=("perceptron4",)),
    "digits-tasks": lambda: testing.shrink(preset("digits-tasks"), architectures=("perceptron4",)),
    "signals": lambda: testing.shrink(preset("signals")),
    "chairs": lambda: testing.shrink(preset("chairs"), members=(10,), validation=2, test=2, **SHAPES),
    "pictures": lambda: testing.shrink(preset("pictures"), validation=1 / 8, test=1 / 8),
    "tables": lambda: testing.shrink(preset("tables"), dataset="made"),
    **{name: lambda name=name: testing.shrink(preset(name)) for name in EXAMPLES},
}


@pytest.fixture(scope="module", autouse=True)
def examples():
    """The domains of docs/examples, registered for these tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netspace_jax.domain._DOMAINS", {own.name: own for own in domains()})
        for name in EXAMPLES:
            register_module(str(ROOT / "docs" / "examples" / f"{name}.py"))
        yield


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=[pytest.mark.long] if name in ("chairs", "digits", "digits-tasks", "pictures", "signals") else [],
        )
        for name in SMALL
    ],
)
def test_a_domain_keeps_its_promises(name):
    config = SMALL[name]()
    own = domain(config.domain)
    dataset = own.load(config.zoo).dataset
    testing.check_dataset(dataset)
    behaviour = own.behaviour_of(config.netspace, dataset.behaviour)
    testing.check_behaviour(behaviour, dataset, config.zoo.architectures[0])
    testing.check_training(config, dataset)


@pytest.mark.long
@pytest.mark.parametrize("name", SMALL)
def test_a_domain_comes_from_nothing_to_a_report(name, tmp_path):
    run = testing.check_run(SMALL[name](), tmp_path)
    assert run.config.name == name


def test_every_domain_is_checked():
    assert {SMALL[name]().domain for name in SMALL} == {own.name for own in domains()}


@dataclasses.dataclass(frozen=True)
class Contrary(Classification):
    """A behaviour by which a network agrees with others rather than with itself."""

    def agreement(self, target_outputs, outputs):
        return (target_outputs.argmax(-1) != outputs.argmax(-1)).mean()


@dataclasses.dataclass(frozen=True)
class Distant(Classification):
    """A behaviour whose loss is least where a network differs."""

    def imitation_loss(self, target_outputs, outputs):
        return -jnp.square(target_outputs - outputs).mean()


@flax.struct.dataclass
class Forgetful:
    """Data whose probes depend on how many there are."""

    data: object

    def __getattr__(self, name):
        return getattr(self.data, name)

    def of(self, member):
        return self

    def probes(self, count):
        return self.data.probes(count)[::-1]


@pytest.mark.parametrize(
    ("kind", "promise"), [(Contrary, "agrees with itself"), (Distant, "imitates a network better")]
)
def test_a_behaviour_that_breaks_a_promise_is_told_which(kind, promise, monkeypatch):
    broken = kind(**dataclasses.asdict(tiny.TASK))
    monkeypatch.setattr(testing, "behaviour_from", lambda description: broken)
    with pytest.raises(AssertionError, match=promise):
        testing.check_behaviour(broken, tiny.dataset(), "perceptron3")


def test_data_that_breaks_a_promise_is_told_which():
    testing.check_dataset(tiny.dataset())
    with pytest.raises(AssertionError, match="fewer probes are the first of more"):
        testing.check_dataset(Forgetful(tiny.dataset()))
    leaking = tiny.dataset()
    leaking = leaking.replace(test=leaking.train.replace(x=leaking.train.x[:7], y=leaking.train.y[:7]))
    with pytest.raises(AssertionError, match="in both train and test"):
        testing.check_dataset(leaking)
