"""Which inputs a space of tasks may be trained on: the networks' own, some kept with each, or a pool that is public.

    python train.py digits-tasks                          (its zoo is used)
    python benchmarks/whose_data.py zoos/digits-…         writes results/digits-tasks-inputs.json

The pool shows the same digits under conditions of no network's. From it each network reads what is drawn, or what it is
surest of, of each class that it names as many.
"""

import dataclasses
import datetime
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from jaxtyping import Array, Float, Int

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import netspace_jax  # noqa: E402
from benchmarks.evidence import machine  # noqa: E402
from netspace_jax.dataset import Batch, SupervisedDataset  # noqa: E402
from netspace_jax.domain import domain  # noqa: E402
from netspace_jax.domains.images.task_data import TaskImages  # noqa: E402
from netspace_jax.fit import as_group, fit_groups  # noqa: E402
from netspace_jax.metrics.adaptation.curves import task_scores  # noqa: E402
from netspace_jax.metrics.adaptation.space import SpaceNetwork  # noqa: E402
from netspace_jax.ops.devices import netspace_mesh  # noqa: E402
from netspace_jax.ops.keys import Purpose, key_of  # noqa: E402
from netspace_jax.ops.shuffle import batch_of_epoch  # noqa: E402
from netspace_jax.space.loop import MemoryStore  # noqa: E402
from netspace_jax.zoo import Networks, open_zoo  # noqa: E402

COUNTS = (1, 3, 5, 10, 20, 50)
POOL, CHOSEN = 4096, 200


@flax.struct.dataclass
class Inputs(SupervisedDataset):
    """Inputs without labels, of which each network has some.

    Attributes:
      rows: which, for each network.
    """

    inputs: Float[Array, "input h w c"]
    rows: Int[Array, "network n"]
    behaviour: Any = flax.struct.field(pytree_node=False)
    items: int = flax.struct.field(pytree_node=False)
    member: Any = None

    def of(self, member) -> "Inputs":
        return dataclasses.replace(self, member=member)

    def sample(self, key, step, size) -> Batch:
        return self._batch(batch_of_epoch(key, step, size, self.rows.shape[1]))

    def examples(self, split) -> Batch:
        return self._batch(jnp.arange(CHOSEN))

    def probes(self, count) -> Array:
        return self.inputs[:count] if self.member is None else self._batch(jnp.arange(count)).inputs

    def chance(self, split) -> float:
        return 1 / self.behaviour.classes

    def _batch(self, chosen) -> Batch:
        inputs = self.inputs[self.rows[self.member][chosen]]
        return Batch(inputs, jnp.zeros(len(inputs), jnp.int32))


def tasks_of(config: Any) -> TaskImages:
    """The tasks of a zoo."""
    return cast(TaskImages, domain("images").load(config).dataset)


def own_inputs(data: TaskImages, networks: Networks) -> Float[np.ndarray, "input h w c"]:
    """The training images of each network's task, one network after another."""
    one = jax.jit(lambda member: data.of(member).examples("train").inputs)
    return np.concatenate([np.asarray(one(int(member))) for member in networks.indices])


def pool_of(data: TaskImages, config: Any) -> Float[np.ndarray, "input h w c"]:
    """Training images, each under a condition of its own that is no task's."""
    other = tasks_of(dataclasses.replace(config, seed=config.seed + 1000))
    images = jax.random.randint(jax.random.key(1), (POOL,), 0, data.count("train"))
    one = jax.jit(jax.vmap(lambda task, image: other.of(task).chosen_examples("train", image[None]).inputs[0]))
    return np.asarray(one(jnp.arange(POOL) % other.items, images))


def surest(data: TaskImages, networks: Networks, pool: np.ndarray) -> Int[np.ndarray, "network n"]:
    """For each network the inputs of which it is surest, of each class that it names as many."""
    architecture = data.behaviour.architecture(networks.members.architecture[0])
    run = jax.jit(lambda flat: jax.nn.softmax(architecture.apply(flat, jnp.asarray(pool))))
    rows, each = [], CHOSEN // data.behaviour.classes
    for flat in networks.parameters:
        shares = np.asarray(run(flat))
        named = [np.where(shares.argmax(1) == label, -shares[:, label], 1) for label in range(shares.shape[1])]
        rows.append(np.concatenate([np.argsort(one)[:each] for one in named]))
    return np.stack([np.random.default_rng(0).permutation(row) for row in rows])


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of this command."""

    zoo: tyro.conf.Positional[Path]
    """Folder of a zoo of digits-tasks."""
    members: int = 512
    """Networks that train a space."""
    steps: int = 1500
    """Steps of its training."""
    networks: int = 16
    """Networks of a step."""
    hidden: int = 256
    """Width of encoder and decoder."""


def main(args: Arguments) -> None:
    """Train a space by each way, and write what a new task gets from a few examples of it."""
    base = netspace_jax.preset("digits-tasks", args.zoo)
    zoo, data = open_zoo(args.zoo), tasks_of(base.zoo)
    behaviour = data.behaviour
    networks = zoo.networks("lenetlike", "train").first(args.members)
    count, pool = data.count("train"), pool_of(data, base.zoo)
    inputs = jnp.asarray(np.concatenate([own_inputs(data, networks), pool]))
    first, start = np.arange(args.members)[:, None] * count, args.members * count
    ways = {
        "own": lambda: first + np.arange(count),
        "kept_300": lambda: first + np.arange(300),
        "kept_30": lambda: first + np.arange(30),
        "pool": lambda: start + np.tile(np.arange(POOL)[:count], (args.members, 1)),
        "pool_surest": lambda: start + surest(data, networks, pool),
    }
    config = dataclasses.replace(
        base.netspace, steps=args.steps, networks=args.networks, hidden=args.hidden, batch=32, pairs=32, validations=1
    )
    group = dataclasses.replace(as_group(networks), indices=jnp.arange(args.members))
    new, figures = zoo.networks("lenetlike", "test").indices[:64], {}
    for name, make in ways.items():
        began = time.perf_counter()
        rows = np.resize(make().T, (count, args.members)).T  # all of one shape, so that nothing compiles anew
        space, _ = fit_groups(
            {0: group}, [behaviour.architecture("lenetlike")], behaviour,
            Inputs(inputs, jnp.asarray(rows), behaviour, args.members), config=config, key=jax.random.key(0),
            select=lambda netspace: 0.0, validation={}, mesh=netspace_mesh(1, args.networks, config.batch),
            store=MemoryStore(lambda *_: None),
        )  # fmt: skip
        adapter = SpaceNetwork(space.architectures[0], space.netspace, 0)
        scores = task_scores(key_of(0, Purpose.EXAMPLES), data, adapter, new, COUNTS).mean((0, 2))
        figures |= {f"inputs/{k}/{name}": float(score) for k, score in zip(COUNTS, scores, strict=True)}
        print(name, *(f"{score:.3f}" for score in scores), f"{time.perf_counter() - began:.0f} s", flush=True)
        write(args, figures)


def write(args: Arguments, figures: dict[str, float]) -> None:
    """The figures so far, in the form of the other files of results."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    found = {
        "command": f"python benchmarks/whose_data.py zoos/{args.zoo.name} --members {args.members} "
        f"--steps {args.steps}; 64 new tasks",
        "seeds": [0],
        "date": datetime.date.today().isoformat(),
        "commit": commit.strip(),
        "machine": machine(),
        "quiet": False,
        "figures": {
            key: {"mean": round(v, 4), "std": None, "min": v, "max": v, "seeds": 1, "values": [v]}
            for key, v in figures.items()
        },
    }
    (ROOT / "results" / "digits-tasks-inputs.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
