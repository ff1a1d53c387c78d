"""The training of one network mapped over many, spread over the devices of a mesh."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.dataset import Dataset
from netspace_jax.ops.devices import agreed, everywhere, optimised, over_networks, padded
from netspace_jax.ops.mapping import each_network
from netspace_jax.ops.platform import lowering_of, on_cpu
from netspace_jax.population.network import State, Trained, Training, Untrained

# Steps of one call on an accelerator, the first that fits what is left; the last leaves few steps that change nothing.
_LENGTHS = (64, 8)
# Elsewhere training returns to the host about this often, in seconds, so that progress can be shown.
_SEGMENT_SECONDS = 1.0

OnSteps = Callable[[int, float], None]
"""Called with networks·steps done since the last call and the mean of the latest losses."""

_Advance = Callable[[int, State, int, int], State]
_Report = Callable[[int, int, Float[Array, ""] | float], None]

MakeOne = Callable[[Architecture], Training]
"""How ONE network trains, from what it is: what networks share may be traced."""


def compiler_options(architecture: Architecture) -> dict[str, int]:
    """How steps are compiled for a core: with more optimisation where there are batch norms.

    Measured on two cores (benchmarks/RESULTS.md): ResNets then train 12 to 15 % faster and take 1 to 2 s longer to
    compile; LeNetLikes and VanillaCNNs train 25 to 30 % slower.
    """
    return optimised(3) if jax.eval_shape(architecture.init, jax.random.key(0)).keys() - {"params"} else {}


class Trainer:
    """The compiled training of many networks, spread over a mesh.

    Args:
      make: how ONE network trains.
      checks: steps after which the best parameters by validation inputs are kept.
      matmul: format in which products of matrices are computed.
    """

    def __init__(
        self,
        make: MakeOne,
        mesh: Mesh,
        *,
        checks: Iterable[int] = (),
        matmul: str = "float32",
        options: Mapping[str, int] | None = None,
    ):
        def one(name: str, **static) -> Callable[..., Any]:
            # What networks share is an argument of the programs, and no constant in them.
            return lambda *given: getattr(make(given[-1]), name)(*given[:-1], **static)

        self._mesh, self._checks, self._matmul, self._length = mesh, tuple(checks), matmul, 1
        # Not within `each_network`: parameters that start at zero and train in one shard_map would share gradients.
        self._start = jax.jit(jax.vmap(one("start"), (0, None, None)), out_shardings=over_networks(mesh))
        self._loss = jax.jit(lambda state: jnp.nanmean(state.loss), out_shardings=everywhere(mesh))
        self._advance = {
            length: jax.jit(
                each_network(one("advance", length=length), mesh, 4),
                donate_argnums=0,
                compiler_options=dict(options or {}),
            )
            for length in (0, *_LENGTHS)
        }
        self._validate = jax.jit(each_network(one("validate"), mesh, 2), donate_argnums=0)
        self._finish = jax.jit(each_network(one("finish"), mesh, 2))

    def train(
        self,
        networks: Untrained,
        architecture: Architecture,
        dataset: Dataset,
        on_steps: OnSteps = lambda done, loss: None,
        *,
        width: int = 0,
    ) -> Trained:
        """Train networks together.

        Args:
          architecture, dataset: on the devices of the mesh.
          width: rows that train, at least as many as networks, so that other numbers of networks are not compiled anew.

        Returns:
          A row for each network, and then rows of no meaning that fill up the devices.
        """
        count = len(networks.stop)
        rows = np.arange(padded(max(width, count), self._mesh)) % count
        filled = jax.tree.map(lambda leaf: leaf[rows], networks)
        stops = np.where(np.arange(len(rows)) < count, np.asarray(filled.stop), 0).astype(np.int32)

        def report(step: int, upto: int, loss: Array | float) -> None:
            on_steps(int(np.minimum(stops, upto).sum() - np.minimum(stops, step).sum()), float(loss))

        def advance(length: int, state: State, begin: int, end: int) -> State:
            return self._advance[length](state, dataset, begin, end, architecture)

        with lowering_of(self._mesh), jax.default_matmul_precision(self._matmul):
            walk = self._by_the_clock if on_cpu() else self._by_static_lengths
            step, end = 0, int(stops.max())
            state = self._start(dataclasses.replace(filled, stop=jnp.asarray(stops)), dataset, architecture)
            for due in sorted({check for check in self._checks if check < end} | {end}):
                state, step = walk(advance, state, step, due, report), due
                if self._checks:
                    state = self._validate(state, dataset, architecture)
            return self._finish(state, dataset, architecture)

    def _by_the_clock(self, advance: _Advance, state: State, step: int, due: int, report: _Report) -> State:
        """Calls of about a second each, however long a step takes."""
        while step < due:
            upto = min(step + self._length, due)
            began = time.perf_counter()
            state = advance(0, state, step, upto)
            loss = float(self._loss(state))
            seconds = agreed(time.perf_counter() - began)
            self._length = max(1, min(2 * self._length, int((upto - step) * _SEGMENT_SECONDS / max(seconds, 1e-6))))
            report(step, upto, loss)
            step = upto
        return state

    def _by_static_lengths(self, advance: _Advance, state: State, step: int, due: int, report: _Report) -> State:
        """Calls of few lengths; what one came to is read when the next is under way."""
        waiting = None
        while step < due:
            length = next((length for length in _LENGTHS if length <= due - step), _LENGTHS[-1])
            upto = min(step + length, due)
            state = advance(length, state, step, due)
            last, waiting, step = waiting, (step, upto, self._loss(state)), upto
            if last:
                report(*last)
        if waiting:
            report(*waiting)
        return state
