"""Seconds of the parts of a job, by the wall and of all cores together."""

import contextlib
import time

import jax
from etils import epath

from netspace_jax.domain import Loaded, domain
from netspace_jax.ops.devices import network_mesh
from netspace_jax.population.trainer import Trainer
from netspace_jax.zoo import fit, train_zoo


class Clock:
    """Seconds of parts of the work, by the wall and of all cores together; the latter do not mind other work."""

    def __init__(self):
        self.wall: dict[str, float] = {}
        self.cores: dict[str, float] = {}

    @contextlib.contextmanager
    def part(self, name: str):
        began = time.perf_counter(), time.process_time()
        yield
        for spent, first, now in zip(
            (self.wall, self.cores), began, (time.perf_counter(), time.process_time()), strict=True
        ):
            spent[name] = spent.get(name, 0.0) + now - first

    def train_zoo(self, domain_name: str, loaded: Loaded, directory: epath.Path) -> None:
        """Train a zoo; its seconds are those of training and, apart, of planning and storing."""
        clock = self
        own = domain(domain_name)

        class Timed(Trainer):
            def train(self, *rest, **keywords):
                with clock.part("train"):
                    return jax.block_until_ready(super().train(*rest, **keywords))

        fit.Trainer = Timed
        with clock.part("plan and store"):
            train_zoo(
                directory,
                loaded.config,
                loaded.dataset,
                mesh=network_mesh(),
                domain=own.name,
                item_names=loaded.items,
                item_splits=loaded.splits,
                make_training=own.training,
            )
        for spent in (clock.wall, clock.cores):
            spent["plan and store"] -= spent["train"]
