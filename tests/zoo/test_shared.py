"""Networks that share parameters: what they share trains nothing, is a program's argument, and is stored once."""

import flax.linen as nn
import jax
import numpy as np
import pytest
from jax.extend import core

from netspace_jax import architectures
from netspace_jax.ops.devices import network_mesh
from netspace_jax.population.trainer import Trainer
from netspace_jax.zoo import fit_zoo, open_zoo, recipe, save_zoo, train_zoo
from netspace_jax.zoo.plan import untrained
from tests import tiny

BASE = np.random.default_rng(0).normal(size=(16, 7)).astype(np.float32)
CONFIG = tiny.zoo_config(architectures=("adapted",), members=(5,), test=1, validation=1, stops="end")


class Adapted(nn.Module):
    """A layer on a frozen base."""

    outputs: int

    @nn.compact
    def __call__(self, x):
        base = self.variable("shared", "base", lambda: None).value
        return nn.Dense(self.outputs)(nn.tanh(x.reshape(len(x), -1) @ base))


architectures.register(
    "adapted", lambda shape, outputs: Adapted(outputs), make_shared=lambda shape, outputs: {"base": BASE}
)


@pytest.fixture(scope="module")
def zoo(data):
    return fit_zoo(CONFIG, data, mesh=network_mesh(2))


def test_networks_hold_their_own_parameters_alone(zoo, data):
    assert zoo.size == 7 * 4 + 4 and zoo.members.score_test.mean() > 0.4
    np.testing.assert_array_equal(zoo.shared["adapted"]["base"], BASE)
    inputs, targets = data.examples("test")
    apply = jax.jit(data.behaviour.architecture("adapted").apply)
    networks = zoo.networks("adapted", "train")
    for member, flat in zip(networks.members, networks.parameters, strict=True):
        score = (np.asarray(apply(flat, inputs)).argmax(-1) == targets).mean()
        assert member.score_test == pytest.approx(float(score), abs=1e-6)


def test_what_is_shared_is_stored_once(zoo, data, tmp_path):
    trained = train_zoo(tmp_path / "trained", CONFIG, data, mesh=network_mesh(2))
    for found in (trained, save_zoo(zoo, tmp_path / "saved")):
        assert found.members == zoo.members
        np.testing.assert_array_equal(open_zoo(found.directory).shared["adapted"]["base"], BASE)


def test_what_is_shared_is_no_constant_of_a_program(data):
    built = data.behaviour.architecture("adapted")
    trainer = Trainer(lambda architecture: recipe(architecture, CONFIG), network_mesh(1))
    state = jax.eval_shape(trainer._start, untrained(CONFIG, "adapted", 5), data, built)
    traced = trainer._advance[0].trace(state, data, 0, 8, built).jaxpr
    assert isinstance(traced, core.ClosedJaxpr)
    assert not any(np.shape(constant) == BASE.shape for constant in traced.consts)
    assert sum(value.aval.shape == BASE.shape for value in traced.jaxpr.invars) == 1
