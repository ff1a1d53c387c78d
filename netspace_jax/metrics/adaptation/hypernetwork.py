"""A hypernetwork: the same set encoder and decoder, trained end to end on the tasks' own labelled data, with no zoo.

It is the rival in idea (HyperNetworks, Ha et al. 2017, arXiv 1609.09106; conditional neural processes, Garnelo et al.
2018, arXiv 1807.01613): it needs the true targets of every training task, where a space needs their networks.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from netspace_jax.behaviour import as_supervised
from netspace_jax.config import NetSpaceConfig
from netspace_jax.dataset import Dataset
from netspace_jax.space.build import initial_params
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs, log_uniform_count
from netspace_jax.space.schedule import make_optimizer


def fit_hypernetwork(
    key: PRNGKeyArray,
    netspace: NetSpace,
    dataset: Dataset,
    tasks: Int[np.ndarray, "task"],
    *,
    config: NetSpaceConfig,
    architecture_id: int = 0,
) -> NetSpace:
    """A NetSpace whose encoder and decoder learned from true targets alone, for as many steps as the space did.

    Args:
      netspace: the space's own, for its modules and the sizes of layers that its decoder knows; its parameters are not
        looked at.
      config: of the space: steps, rate, tasks and examples of a step are the same.
    """
    arguments = key, dataclasses.replace(netspace, params=None), dataset, jnp.asarray(tasks)
    params = _fit(*arguments, config=dataclasses.replace(config, seed=0), architecture_id=architecture_id)
    return dataclasses.replace(netspace, params=params)


@functools.partial(jax.jit, static_argnames=("config", "architecture_id"))
def _fit(
    key: PRNGKeyArray,
    netspace: NetSpace,
    dataset: Dataset,
    tasks: Int[Array, "task"],
    *,
    config: NetSpaceConfig,
    architecture_id: int,
) -> PyTree:
    optimizer, (init_key, key) = make_optimizer(config), jax.random.split(key)
    params = initial_params(netspace, init_key)

    def step(carry, number):
        params, state = carry
        keys = jax.random.split(jax.random.fold_in(key, number), config.networks)

        def loss(params):
            trained = dataclasses.replace(netspace, params=params)
            one = functools.partial(_loss, netspace=trained, dataset=dataset, tasks=tasks, config=config)
            return jax.vmap(lambda key: one(key, number, architecture_id=architecture_id))(keys).mean()

        updates, state = optimizer.update(jax.grad(loss)(params), state, params)
        return (optax.apply_updates(params, updates), state), None

    return jax.lax.scan(step, (params, optimizer.init(params)), jnp.arange(config.steps))[0][0]


def _loss(
    key: PRNGKeyArray,
    number: Int[Array, ""],
    *,
    netspace: NetSpace,
    dataset: Dataset,
    tasks: Int[Array, "task"],
    config: NetSpaceConfig,
    architecture_id: int,
) -> Float[Array, ""]:
    """Loss on some training data of ONE task, under the network decoded from other data of it."""
    task_key, count_key, given_key, asked_key = jax.random.split(key, 4)
    data = dataset.of(tasks[jax.random.randint(task_key, (), 0, len(tasks))])
    behaviour, architecture = as_supervised(netspace.behaviour), netspace.architectures[architecture_id]
    given, asked = data.sample(given_key, number, config.pairs), data.sample(asked_key, number, config.batch)
    weight = log_uniform_count(count_key, len(given.inputs))
    z = netspace.embed_task(Pairs(given.inputs, behaviour.target_answers(given.targets), weight))
    outputs = architecture.apply(netspace.generate(z, architecture_id), asked.inputs)
    return behaviour.fit_loss(outputs, asked.targets)
