"""Latent search against other ways to spend the same gradient steps (docs/method.md, Latent search)."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Split
from netspace_jax.config import SearchConfig
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.domains.images.objectives import Distil
from netspace_jax.latent import Minimum
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import Rows
from netspace_jax.report import Section
from netspace_jax.report.words import relation
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
        architecture_id = run.trained_ids[0]
        networks, architecture = run.networks(architecture_id, "train"), run.space.architectures[architecture_id]
        row, weight = networks.best, 0.5
        label = f"the zoo's best {architecture.name} (by validation)"
    score = networks.members[row].score_test
    objective = Distil(run.dataset, jnp.asarray(networks.parameters[row]), architecture, label_weight=weight)
    return Teacher(f"{label}, test {run.metric.title} {score:.3f}", objective)


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
    architecture_id, metric = run.trained_ids[0], run.metric.title
    training, test = run.networks(architecture_id, "train"), run.networks(architecture_id, "test")
    teacher, low, best = teacher_of(run), lower_half(test), training.best
    searched = _searches(run, teacher.objective, config, low, best)
    flats = np.stack([test.parameters[low], training.parameters[best]])
    tuned = _fine_tunings(run, teacher.objective, config, flats)
    idle = _untrained(run, training.parameters[best], training.parameters.mean(0))
    start, reached, zoo_best = searched[0].before, searched[0].after, training.members[best].score_test
    assert start is not None  # only what takes no steps has no score before them
    metrics = {
        "search/start_accuracy": start,
        "search/best_accuracy": reached,
        "search/zoo_best_accuracy": zoo_best,
        "search/random_accuracy": next(row.after for row in searched if f"from {STARTS} draws" in row.way),
        "search/fine_tune_accuracy": tuned[1].after,
    }
    text = (
        f"The teacher is {teacher.label}. Everything is chosen on validation images; test images are used once, for "
        f"this table. A step sees {teacher.objective.batch} images; the decoder is frozen. From a member of the lower "
        f"half the search went from {metric} {start:.3f} to {reached:.3f}: beside the zoo's best member, "
        f"{zoo_best:.3f}, that is {relation(reached, zoo_best)}; beside the weights of the same member, fine-tuned to "
        f"{tuned[0].after:.3f}, {relation(reached, tuned[0].after)}."
    )
    header = ("way", "gradient steps", f"test {metric} before", f"validation {metric} after", f"test {metric} after")
    rows = tuple(row.cells() for row in (*searched, *tuned, *idle))
    return Section("search", "Search in the space", text, metrics, None, (header, *rows))


def _searches(run: Run, objective: Distil, config: SearchConfig, low: int, best: int) -> list[Row]:
    """Searches from a member of the lower half, the best member, random draws, and the mean."""
    space, architecture_id, statistics = run.space, run.trained_ids[0], run.embedding_statistics()
    test = run.reconstruction(architecture_id, "test").embedding
    training = space.embeddings[space.names[architecture_id]]
    noise = jax.random.normal(key_of(config.seed, Purpose.SEARCH), (STARTS, test.shape[1]))
    score = run.networks(architecture_id, "test").members[low].score_test
    starts = {
        f"the embedding of a test member in the zoo's lower half ({run.metric.title} {score:.3f})": test[low][None],
        "the embedding of the zoo's best member": training[best][None],
        f"{STARTS} draws from N(0, 1) of real embeddings' size": statistics.restore(noise),
        "the mean of the embeddings": statistics.mean[None],
    }
    z = jnp.concatenate([jnp.asarray(part) for part in starts.values()])
    found = latent_search.search(space, statistics, objective, z, architecture_id=architecture_id, config=config)
    before, after = (_scores(run, architecture_id, generate_many(space, architecture_id, at)) for at in (z, found.z))
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


def _fine_tunings(run: Run, objective: Distil, config: SearchConfig, flats: np.ndarray) -> list[Row]:
    """The same steps on the weights: of the same member of the lower half, and of the best member."""
    architecture_id = run.trained_ids[0]
    tuned = _fine_tuned(run.space.architectures[architecture_id], objective, jnp.asarray(flats), config)
    before, after = _scores(run, architecture_id, flats), _scores(run, architecture_id, tuned.z)
    names, steps = ("the same member of the lower half", "the zoo's best member"), config.steps * len(RATES)
    return [
        Row(f"fine-tuning the weights of {name}", steps, float(before[i]), float(tuned.score[i]), float(after[i]))
        for i, name in enumerate(names)
    ]


def _untrained(run: Run, best: Float[np.ndarray, "size"], average: Float[np.ndarray, "size"]) -> list[Row]:
    """Networks that take no step."""
    flats = np.stack([best, average])
    validation, test = (_scores(run, run.trained_ids[0], flats, split) for split in ("validation", "test"))
    names = ("the zoo's best member", "average of the training networks' weights")
    return [Row(name, 0, None, float(validation[i]), float(test[i])) for i, name in enumerate(names)]


def _fine_tuned(
    architecture: Architecture, objective: Distil, flats: Float[Array, "network size"], config: SearchConfig
) -> Minimum:
    """Each network fine-tuned at each of `RATES`; the best by validation."""
    configs = [dataclasses.replace(config, learning_rate=rate) for rate in RATES]
    tries = [latent_search.fine_tune(architecture, objective, flats, one) for one in configs]
    winners = np.argmax([one.score for one in tries], 0)
    rows = list(enumerate(winners))
    return jax.tree.map(lambda *leaves: jnp.stack([leaves[winner][row] for row, winner in rows]), *tries)


def search_architectures(run: Run[ImageData], config: SearchConfig) -> Section:
    """Search for another architecture: from a member of each to a network of each other, as asked for."""
    metric, teacher, statistics = run.metric.title, teacher_of(run), run.embedding_statistics()
    z = jnp.stack([jnp.asarray(run.reconstruction(start, "test").embedding[0]) for start in run.trained_ids])
    metrics, rows = {}, []
    for target, architecture in enumerate(run.space.architectures):
        zoo_mean = float(run.zoo.scores(architecture.name).mean())
        found = latent_search.search(run.space, statistics, teacher.objective, z, architecture_id=target, config=config)
        scores = _scores(run, target, generate_many(run.space, target, found.z))
        read_right = classify_many(run.space, found.z) == target
        for start, score, right in zip(run.trained_ids, scores, read_right, strict=True):
            if start != target:
                origin = run.space.names[start]
                name = f"search/{origin}_to_{architecture.name}"
                metrics |= {f"{name}/accuracy": float(score), f"{name}/read_right": float(right)}
                figures = (f"{score:.3f}", f"{zoo_mean:.3f}", "yes" if right else "no")
                rows.append((origin, architecture.name, *figures))
    text = (
        f"Each search starts at the embedding of a test member of one architecture and asks for another, for "
        f"{config.steps} steps. The teacher is {teacher.label}. Of {len(rows)} searches "
        f"{sum(row[-1] == 'yes' for row in rows)} end where the head reads what was asked for, and "
        f"{sum(float(row[2]) >= float(row[3]) for row in rows)} reach the mean {metric} of the zoo's own networks."
    )
    header = ("starts at", "asked for", f"test {metric}", f"mean {metric} of the zoo", "read as asked for")
    return Section("search_architectures", "Search for another architecture", text, metrics, None, (header, *rows))


def _scores(
    run: Run, architecture_id: int, flats: Float[Rows, "network size"], split: Split = "test"
) -> Float[np.ndarray, "network"]:
    return scores_of(run.dataset, run.space.architectures[architecture_id], flats, split=split)
