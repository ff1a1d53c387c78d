"""Latent search against other ways to spend the same gradient steps (docs/method.md, Latent search)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax import architectures
from netspace_jax.behaviour import Split
from netspace_jax.config import SearchConfig
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.domains.images.objectives import Distil
from netspace_jax.latent import Minimum
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import Rows
from netspace_jax.report import Section
from netspace_jax.report.words import relation, score_name
from netspace_jax.runs import Run
from netspace_jax.space import search as latent_search
from netspace_jax.space.many import classify_many, generate_many
from netspace_jax.zoo import Networks

STARTS = 8  # of the rows that begin at random
RATES = (3e-4, 1e-3, 3e-3)  # of Adam on weights: the best by validation is shown


class Teacher(NamedTuple):
    """Who teaches a search, and the search objective of imitating it."""

    label: str
    objective: Distil


def teacher_of(run: Run[ImageData]) -> Teacher:
    """The zoo's teacher, or else the zoo's best training member by validation.

    Labels count as much as the teacher where that is no better than what is sought, else a tenth, as in the paper.
    """
    zoo = run.config.zoo
    if zoo.teacher:
        networks = run.zoo.networks(zoo.teacher, "teacher")
        architecture = run.dataset.behaviour.architecture(zoo.teacher)
        label, row, weight = f"the zoo's teacher, a {zoo.teacher}", 0, 0.1
    else:
        which = run.trained_ids[0]
        networks, architecture = run.networks(which, "train"), run.space.architectures[which]
        row, weight = networks.best, 0.5
        label = f"the zoo's best {architecture.name} (by validation)"
    score = networks.members[row].score_test
    objective = Distil(run.dataset, jnp.asarray(networks.parameters[row]), architecture, label_weight=weight)
    return Teacher(f"{label}, test {score_name(run.metric)} {score:.3f}", objective)


def lower_half(networks: Networks) -> int:
    """A member of the lower half: the one at the quarter of the order by validation score."""
    order = np.argsort([m.score_validation for m in networks.members], kind="stable")
    return int(order[len(order) // 4])


class Row(NamedTuple):
    """One way of spending gradient steps, and what it came to."""

    way: str
    steps: int
    before: float | None
    validation: float
    after: float

    def cells(self) -> tuple[str, ...]:
        """The row as text."""
        before = "–" if self.before is None else f"{self.before:.3f}"
        return self.way, str(self.steps), before, f"{self.validation:.3f}", f"{self.after:.3f}"


def search(run: Run[ImageData], config: SearchConfig) -> Section:
    """Search in the space: one table, with the gradient steps of each way: by the space, by the weights, by neither."""
    which = run.trained_ids[0]
    training, test = run.networks(which, "train"), run.networks(which, "test")
    teacher = teacher_of(run)
    low, best = lower_half(test), training.best
    searched = _searches(run, which, teacher.objective, config, low, best)
    tuned = _fine_tunings(
        run, which, teacher.objective, config, np.stack([test.parameters[low], training.parameters[best]])
    )
    idle = [
        Row(
            name,
            0,
            None,
            float(_scores(run, which, flat[None], "validation")[0]),
            float(_scores(run, which, flat[None])[0]),
        )
        for name, flat in (
            ("the zoo's best member", training.parameters[best]),
            ("average of the training networks' weights", training.parameters.mean(0)),
        )
    ]
    metrics = {
        "search/start_accuracy": searched[0].before,
        "search/best_accuracy": searched[0].after,
        "search/zoo_best_accuracy": training.members[best].score_test,
        "search/random_accuracy": next(row.after for row in searched if f"from {STARTS} draws" in row.way),
        "search/fine_tune_accuracy": tuned[1].after,
    }
    metric, start, reached = score_name(run.metric), metrics["search/start_accuracy"], metrics["search/best_accuracy"]
    text = (
        f"The teacher is {teacher.label}. Everything is chosen on validation images; test images are used once, for "
        f"this table. A step sees {teacher.objective.batch} images; the decoder is frozen. From a member of the lower "
        f"half the search went from {metric} {start:.3f} to {reached:.3f}: beside the zoo's best member, "
        f"{metrics['search/zoo_best_accuracy']:.3f}, that is {relation(reached, metrics['search/zoo_best_accuracy'])}; "
        f"beside the weights of the same member, fine-tuned to {tuned[0].after:.3f}, "
        f"{relation(reached, tuned[0].after)}."
    )
    header = ("way", "gradient steps", f"test {metric} before", f"validation {metric} after", f"test {metric} after")
    rows = tuple(row.cells() for row in (*searched, *tuned, *idle))
    return Section("search", "Search in the space", text, metrics, None, (header, *rows))


def _searches(run: Run, which: int, objective: Distil, config: SearchConfig, low: int, best: int) -> list[Row]:
    """Searches from a member of the lower half, the best member, random draws, and the mean."""
    region = run.space.region()
    own, known = (run.reconstruction(which, split).embedding for split in ("test", "train"))
    noise = jax.random.normal(key_of(config.seed, Purpose.SEARCH), (STARTS, own.shape[1]))
    score = run.networks(which, "test").members[low].score_test
    starts = {
        f"the embedding of a test member in the zoo's lower half ({score_name(run.metric)} {score:.3f})": own[
            low : low + 1
        ],
        "the embedding of the zoo's best member": known[best : best + 1],
        f"{STARTS} draws from N(0, 1) of real embeddings' size": region.restore(noise),
        "the mean of the embeddings": region.mean[None],
    }
    z = jnp.concatenate([jnp.asarray(part) for part in starts.values()])
    found = latent_search.search(run.space, region, objective, z, architecture_id=which, config=config)
    before, after = (_scores(run, which, generate_many(run.space, which, points)) for points in (z, found.z))
    rows, begin = [], 0
    for name, part in starts.items():
        first, begin = begin, begin + len(part)
        winner = first + int(np.argmax(found.score[first:begin]))

        def row(way, place, searches):
            steps = config.steps * searches
            return Row(way, steps, float(before[place]), float(found.score[place]), float(after[place]))

        if len(part) > 1:
            rows.append(row("search from one draw from N(0, 1) of real embeddings' size", first, 1))
        best_of = ", the best" if len(part) > 1 else ""
        rows.append(row(f"search from {name}{best_of}", winner, len(part)))
    return rows


def _fine_tunings(run: Run, which: int, objective: Distil, config: SearchConfig, flats: np.ndarray) -> list[Row]:
    """The same steps on the weights: of the same member of the lower half, and of the best member."""
    tuned = _fine_tuned(run.space.architectures[which], objective, jnp.asarray(flats), config)
    before, after = _scores(run, which, flats), _scores(run, which, tuned.z)
    return [
        Row(f"fine-tuning the weights of {name}", config.steps * len(RATES), float(before[i]), float(tuned.score[i]),
            float(after[i]))
        for i, name in enumerate(("the same member of the lower half", "the zoo's best member"))
    ]  # fmt: skip


def _fine_tuned(
    architecture: architectures.Architecture,
    objective: Distil,
    flats: Float[Array, "network size"],
    config: SearchConfig,
) -> Minimum:
    """Each network fine-tuned at each of `RATES`; the best by validation."""
    configs = [dataclasses.replace(config, learning_rate=rate) for rate in RATES]
    tries = [latent_search.fine_tune(architecture, objective, flats, each) for each in configs]
    winners = np.argmax([found.score for found in tries], 0)
    rows = list(enumerate(winners))
    return jax.tree.map(lambda *leaves: jnp.stack([leaves[winner][row] for row, winner in rows]), *tries)


def search_architectures(run: Run[ImageData], config: SearchConfig) -> Section:
    """Search for another architecture: from a member of each to a network of each other, as asked for."""
    metric, teacher, region = score_name(run.metric), teacher_of(run), run.space.region()
    starts = {which: run.reconstruction(which, "test").embedding[0] for which in run.trained_ids}
    metrics, rows = {}, []
    for wanted, architecture in enumerate(run.space.architectures):
        own = float(run.zoo.scores(architecture.name).mean())
        z = jnp.stack([jnp.asarray(start) for start in starts.values()])
        found = latent_search.search(run.space, region, teacher.objective, z, architecture_id=wanted, config=config)
        scores = _scores(run, wanted, generate_many(run.space, wanted, found.z))
        read_right = classify_many(run.space, found.z) == wanted
        for i, which in enumerate(starts):
            if which != wanted:
                origin = run.space.names[which]
                name = f"search/{origin}_to_{architecture.name}"
                metrics |= {f"{name}/accuracy": float(scores[i]), f"{name}/read_right": float(read_right[i])}
                rows.append(
                    (origin, architecture.name, f"{scores[i]:.3f}", f"{own:.3f}", "yes" if read_right[i] else "no")
                )
    text = (
        f"Each search starts at the embedding of a test member of one architecture and asks for another, for "
        f"{config.steps} steps. The teacher is {teacher.label}. Of {len(rows)} searches "
        f"{sum(row[-1] == 'yes' for row in rows)} end where the head reads what was asked for, and "
        f"{sum(float(row[2]) >= float(row[3]) for row in rows)} reach the mean {metric} of the zoo's own networks."
    )
    header = ("starts at", "asked for", f"test {metric}", f"mean {metric} of the zoo", "read as asked for")
    return Section("search_architectures", "Search for another architecture", text, metrics, None, (header, *rows))


def _scores(run: Run, which: int, flats: Float[Rows, "network size"], split: Split = "test") -> np.ndarray:
    return scores_of(run.dataset, run.space.architectures[which], flats, split=split)
