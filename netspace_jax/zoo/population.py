"""The training of one network mapped over a population, spread over the devices of a mesh."""

import functools
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Int

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Dataset
from netspace_jax.config import ZooConfig
from netspace_jax.ops.devices import agreed, everywhere, optimised, over_networks
from netspace_jax.ops.mapping import each_network
from netspace_jax.ops.platform import on_cpu, ways_of
from netspace_jax.zoo.plan import member_key
from netspace_jax.zoo.training import MakeTraining, State, Trained, Training

# Steps of one call on an accelerator, the first that fits what is left; the last leaves few steps that change nothing.
_LENGTHS = (64, 8)
# Elsewhere training returns to the host about this often, in seconds, so that progress can be shown.
_SEGMENT_SECONDS = 1.0


Report = Callable[[int, int, float], None]


def _done(stops: Int[np.ndarray, "network"], step: int, upto: int) -> int:
    """Networks·steps from one step to another."""
    return int(np.minimum(stops, upto).sum() - np.minimum(stops, step).sum())


def compiler_options(one: Training) -> dict[str, int]:
    """How steps are compiled for a core: with more optimisation where there are batch norms.

    Measured on two cores (benchmarks/RESULTS.md): ResNets then train 12 to 15 % faster and take 1 to 2 s longer to
    compile; LeNetLikes and VanillaCNNs train 25 to 30 % slower.
    """
    state = jax.eval_shape(one.start, jax.random.key(0), jnp.int32(0), jnp.int32(0))
    return optimised(3) if state.variables.keys() - {"params"} else {}


class Population:
    """The compiled training of one architecture's networks, a chunk at a time, spread over a mesh."""

    def __init__(self, architecture: Architecture, config: ZooConfig, mesh: Mesh, make_training: MakeTraining):
        one = make_training(architecture, config)
        self._config, self._mesh, self._length = config, mesh, 1

        def start(index, stop):
            return one.start(member_key(config, architecture.name, index), index, stop)

        # Not within `each_network`: parameters that start at zero and train in one shard_map would share gradients.
        self._start = jax.jit(jax.vmap(start), out_shardings=over_networks(mesh))
        self._loss = jax.jit(lambda state: jnp.nanmean(state.loss), out_shardings=everywhere(mesh))
        options = compiler_options(one)
        self._advance = {
            length: jax.jit(
                each_network(functools.partial(one.advance, length=length), mesh, 3),
                donate_argnums=0,
                compiler_options=options,
            )
            for length in (0, *_LENGTHS)
        }
        self._validate = jax.jit(each_network(one.validate, mesh, 1), donate_argnums=0)
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
        with ways_of(self._mesh), jax.default_matmul_precision(self._config.matmul):
            return self._train(indices, stops, dataset, on_progress)

    def _train(self, indices, stops, dataset, on_progress) -> Trained:
        end = int(stops.max(initial=0))
        checks = self._validation_steps()
        state, step = self._start(indices, stops), 0
        if step in checks:
            state = self._validate(state, dataset)
        walk = self._by_the_clock if on_cpu() else self._by_static_lengths
        for due in sorted({check for check in checks if 0 < check < end} | {end}) if end else ():
            state = walk(state, dataset, step, due, lambda a, b, loss: on_progress(_done(stops, a, b), loss))
            step = due
            if step in checks:
                state = self._validate(state, dataset)
        if checks and end not in checks:
            state = self._validate(state, dataset)
        return self._finish(state, dataset)

    def _by_the_clock(self, state: State, dataset: Dataset, step: int, due: int, report: Report) -> State:
        """Calls of about a second each, however long a step takes."""
        while step < due:
            upto = min(step + self._length, due)
            began = time.perf_counter()
            state = self._advance[0](state, dataset, step, upto)
            loss = float(self._loss(state))
            seconds = agreed(time.perf_counter() - began)
            self._length = max(1, min(2 * self._length, int((upto - step) * _SEGMENT_SECONDS / max(seconds, 1e-6))))
            report(step, upto, loss)
            step = upto
        return state

    def _by_static_lengths(self, state: State, dataset: Dataset, step: int, due: int, report: Report) -> State:
        """Calls of few lengths; what one came to is read when the next is under way."""
        waiting = None
        while step < due:
            length = next((each for each in _LENGTHS if each <= due - step), _LENGTHS[-1])
            upto = min(step + length, due)
            state = self._advance[length](state, dataset, step, due)
            loss = self._loss(state)
            if waiting:
                report(*waiting[:2], float(waiting[2]))
            waiting, step = (step, upto, loss), upto
        if waiting:
            report(*waiting[:2], float(waiting[2]))
        return state

    def _validation_steps(self) -> set[int]:
        config = self._config
        if not config.validations:
            return set()
        first = round(config.validate_from * config.steps) if config.validations > 1 else config.steps
        return {int(step) for step in np.rint(np.linspace(first, config.steps, config.validations))}
