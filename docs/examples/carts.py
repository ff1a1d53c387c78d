"""A domain whose score is an episode's return: policies that push a cart to the middle of a slope.

    python train.py carts --modules docs/examples/carts.py

Each member has a world of its own: its mass, friction and slope. Nothing is labelled: a policy trains by gradients
through the world, and is scored by episodes whose starts are drawn from a random key.
"""

import dataclasses
from typing import ClassVar

import flax.linen as nn
import flax.struct
import jax
import jax.numpy as jnp
import optax

from netspace_jax import architectures
from netspace_jax.behaviour import Behaviour, Metric, register_behaviour
from netspace_jax.config import NetSpaceConfig, RefineConfig, RunConfig, ZooConfig
from netspace_jax.dataset import Batch, evaluation_key
from netspace_jax.domain import Domain, Loaded, register
from netspace_jax.population.network import Outcome, State, Trained, Training, by_steps

STEPS, SECONDS, EPISODES, NEAR = 60, 0.1, 16, 0.1


@register_behaviour
@dataclasses.dataclass(frozen=True)
class Pushing(Behaviour):
    """A policy: position and velocity in, a force from -1 to 1 out."""

    input_shape: tuple[int, ...] = (2,)
    name: ClassVar[str] = "pushing"
    metric: ClassVar[Metric] = Metric("return", "mean reward of a step", agreement=f"push alike within {NEAR}")

    def agreement(self, target_outputs, outputs):
        """Share of states in which both push alike."""
        return (jnp.abs(target_outputs - outputs) <= NEAR).mean()


@flax.struct.dataclass
class Worlds:
    """The data: mass, friction and slope of each member's world."""

    physics: jax.Array
    member: int = 0
    behaviour: Pushing = flax.struct.field(pytree_node=False, default=Pushing())

    @property
    def items(self):
        """Number of worlds."""
        return len(self.physics)

    def of(self, member):
        """One member's world."""
        return self.replace(member=member % self.items)

    def rollout(self, policy, start):
        """Mean reward of an episode: 1 in the middle, at no force."""
        mass, friction, slope = self.physics[self.member]

        def step(state, _):
            position, velocity = state
            force = policy(state[None])[0, 0]
            velocity += SECONDS * (2 * force - friction * velocity + slope) / mass
            state = jnp.clip(jnp.stack([position + SECONDS * velocity, velocity]), -3, 3)
            return state, jnp.exp(-4 * jnp.square(state[0])) - 0.05 * jnp.square(force)

        return jax.lax.scan(step, start, length=STEPS)[1].mean()

    def score(self, network, key, split):
        """Mean return of episodes; splits have other starts."""
        number = {"train": 0, "validation": 1, "test": 2}[split]
        starts = states(jax.random.fold_in(key, number), EPISODES)
        return jax.vmap(lambda start: self.rollout(network, start))(starts).mean()

    def sample(self, key, step, size):
        """States at random, without targets."""
        return unlabelled(states(jax.random.fold_in(key, step), size))

    def examples(self, split):
        """States on which two policies are compared; each split has its own."""
        return unlabelled(states(jax.random.key({"train": 1, "validation": 2, "test": 3}[split]), 256))

    def probes(self, count):
        """States in which the encoder observes policies."""
        return states(jax.random.key(0), 4096)[:count]

    def chance(self, split):
        """Return of doing nothing."""
        return float(self.score(lambda inputs: jnp.zeros((len(inputs), 1)), evaluation_key(), split))


def states(key, count):
    """Positions and velocities at random."""
    return jax.random.uniform(key, (count, 2), minval=-1.5, maxval=1.5)


def unlabelled(inputs):
    """A batch without targets."""
    return Batch(inputs, jnp.zeros((len(inputs), 0)))


def training(architecture, config):
    """How ONE policy trains: Adam on the return, through the world."""
    adam = optax.adam(config.learning_rate)

    def start(untrained, worlds):
        variables, nothing = architecture.init(untrained.init_key), jnp.full((), jnp.nan)
        state = adam.init(variables["params"])
        return State(untrained.key, untrained.member, untrained.stop, variables, state, nothing, (), nothing)

    def step(index, state, worlds, starts):
        def loss(params):
            policy = architecture.bind(architecture.finish({"params": params}))
            return -jax.vmap(lambda start: worlds.of(state.member).rollout(policy, start))(starts).mean()

        value, gradient = jax.value_and_grad(loss)(state.variables["params"])
        updates, memory = adam.update(gradient, state.optimizer)
        variables = {"params": optax.apply_updates(state.variables["params"], updates)}
        return dataclasses.replace(state, variables=variables, optimizer=memory, loss=value)

    def starts(index, state, worlds):
        return worlds.sample(state.key, index, config.batch).inputs

    def finish(state, worlds):
        flat, key = architecture.finish(state.variables), evaluation_key(state.member)
        scores = [worlds.of(state.member).score(architecture.bind(flat), key, s) for s in ("validation", "test")]
        return Trained(flat, Outcome(state.loss, jnp.isfinite(flat).all(), *scores))

    return Training(start, by_steps(step, starts), lambda state, worlds: state, finish)


class Policy(nn.Module):
    """A perceptron of one hidden layer."""

    outputs: int

    @nn.compact
    def __call__(self, x):
        return nn.tanh(nn.Dense(self.outputs)(nn.tanh(nn.Dense(16)(x))))


def load(config):
    """Physics of each member's world, from the zoo's seed."""
    low, high = jnp.array([0.5, 0.0, -0.8]), jnp.array([2.0, 1.0, 0.8])
    physics = jax.random.uniform(jax.random.key(config.seed), (config.members[0], 3), minval=low, maxval=high)
    names = tuple(f"mass {m:.2f}, friction {f:.2f}, slope {s:.2f}" for m, f, s in physics.tolist())
    return Loaded(Worlds(physics), names, config)


def carts():
    """256 policies, each of a world of its own. `python train.py carts`: a minute on two CPU cores."""
    zoo = ZooConfig(
        dataset="carts", architectures=("policy",), members=(256,), stops="end", steps=300, batch=16, learning_rate=1e-2
    )
    netspace = NetSpaceConfig(prep=(8, 16), embedding=8, hidden=128, probes=64, batch=64, steps=1500, noise=0.0)
    return RunConfig("carts", "carts", zoo, netspace, RefineConfig(steps=100))


architectures.register("policy", lambda input_shape, outputs: Policy(outputs))
register(Domain("carts", ZooConfig, NetSpaceConfig, load, {"carts": carts}, (), training=training))
