"""The training of one network mapped over a population, spread over the devices of a mesh."""

import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Int

from netspace_jax.architectures import Architecture
from netspace_jax.config import ZooConfig
from netspace_jax.ops.devices import agreed, everywhere, over_networks
from netspace_jax.ops.mapping import each_network
from netspace_jax.task import Dataset
from netspace_jax.zoo.plan import member_key
from netspace_jax.zoo.training import MakeTraining, Trained

# Training returns to the host about this often, in seconds, so that progress can be shown.
_SEGMENT_SECONDS = 1.0


class Population:
    """The compiled training of one architecture's networks, a chunk at a time, spread over a mesh."""

    def __init__(self, architecture: Architecture, config: ZooConfig, mesh: Mesh, make_training: MakeTraining):
        one = make_training(architecture, config)
        self._config = config

        def start(index, stop):
            return one.start(member_key(config, architecture.name, index), index, stop)

        # Not within `each_network`: parameters that start at zero and train in one shard_map would share gradients.
        self._start = jax.jit(jax.vmap(start), out_shardings=over_networks(mesh))
        self._loss = jax.jit(lambda state: jnp.nanmean(state.loss), out_shardings=everywhere(mesh))
        self._advance = jax.jit(each_network(one.advance, mesh, 3), donate_argnums=0)
        self._validate = jax.jit(each_network(one.validate, mesh, 1))
        self._finish = jax.jit(each_network(one.finish, mesh, 1))

    def train(
        self,
        indices: Int[np.ndarray, "network"],
        stops: Int[np.ndarray, "network"],
        dataset: Dataset,
        on_progress: Callable[[int, float], None],
    ) -> Trained:
        """Train networks together; their number must divide by the mesh.

        Args:
          indices: of the members; each one's randomness comes from its own.
          stops: steps that each trains for.
          on_progress: called with the networks·steps done since the last call and the mean of the latest losses.
        """
        end = int(stops.max(initial=0))
        checks = self._validation_steps()
        state, step, length = self._start(indices, stops), 0, 1
        if step in checks:
            state = self._validate(state, dataset)
        while step < end:
            upto = min(step + length, end, *(check for check in checks if check > step))
            began = time.perf_counter()
            state = self._advance(state, dataset, step, upto)
            loss = float(self._loss(state))
            seconds = agreed(time.perf_counter() - began)
            length = max(1, min(2 * length, int((upto - step) * _SEGMENT_SECONDS / max(seconds, 1e-6))))
            on_progress(int(np.minimum(stops, upto).sum() - np.minimum(stops, step).sum()), loss)
            step = upto
            if step in checks:
                state = self._validate(state, dataset)
        if checks and end not in checks:
            state = self._validate(state, dataset)
        return self._finish(state, dataset)

    def _validation_steps(self) -> set[int]:
        config = self._config
        if not config.validations:
            return set()
        first = round(config.validate_from * config.steps) if config.validations > 1 else config.steps
        return {int(step) for step in np.rint(np.linspace(first, config.steps, config.validations))}
