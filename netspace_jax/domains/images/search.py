"""Latent search against other ways to spend the same gradient steps (docs/method.md, Latent search)."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from netspace_jax.config import SearchConfig
from netspace_jax.dataset import Split
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.domains.images.objectives import Distil
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import Rows
from netspace_jax.report import Section
from netspace_jax.report.words import relation
from netspace_jax.runs import Run
from netspace_jax.space import search as latent_search
from netspace_jax.space.batched import classify_many, generate_many
from netspace_jax.zoo import Networks

STARTS = 8  # of the rows that begin at random
RATES = (3e-4, 1e-3, 3e-3)  # of Adam on weights: the best by validation is shown


class TeacherObjective(NamedTuple):
    """Who teaches a search, and the search objective of imitating it."""

    label: str
    objective: Distil


def teacher_of(run: Run[ImageData]) -> TeacherObjective:
    """The zoo's teacher, or else the zoo's best training member by validation.

    Labels count as much as the teacher where that is no better than what is sought, else a tenth, as in the paper.
    """
    zoo = run.config.zoo
    if zoo.teacher:
        networks = run.zoo.networks(zoo.teacher, "teacher")
        architecture = run.dataset.behaviour.architecture(zoo.teacher)
        label, row, weight = f"the zoo's teacher, a {zoo.teacher}", 0, 0.1
    else:
        architecture = run.space.architectures[run.trained_ids[0]]
        networks = run.networks(run.trained_ids[0], "train")
        row, weight = networks.best, 0.5
        label = f"the zoo's best {architecture.name} (by validation)"
    score = networks.members[row].score_test
    objective = Distil(run.dataset, jnp.asarray(networks.parameters[row]), architecture, label_weight=weight)
    return TeacherObjective(f"{label}, test {run.metric.title} {score:.3f}", objective)


def lower_half(networks: Networks) -> int:
    """A member of the lower half: the one at the quarter of the order by validation score."""
    order = np.argsort([m.score_validation for m in networks.members], kind="stable")
    return int(order[len(order) // 4])


class Way(NamedTuple):
    """One way of spending gradient steps, and the scores that it came to."""

    label: str
    steps: int
    before: float
    validation: float
    after: float

    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        before = "–" if np.isnan(self.before) else f"{self.before:.3f}"
        return self.label, str(self.steps), before, f"{self.validation:.3f}", f"{self.after:.3f}"


def search(run: Run[ImageData], config: SearchConfig) -> Section:
    """Search in the space: one table, with the gradient steps of each way: by the space, by the weights, by neither."""
    architecture_id, metric, teacher = run.trained_ids[0], run.metric.title, teacher_of(run)
    training, test = run.networks(architecture_id, "train"), run.networks(architecture_id, "test")
    low, best = lower_half(test), training.best
    searches = _searches(run, teacher.objective, config, low, best)
    flats = np.stack([test.parameters[low], training.parameters[best]])
    tunings = _fine_tunings(run, teacher.objective, config, flats)
    flats = np.stack([training.parameters[best], training.parameters.mean(0)])
    labels = ("the zoo's best member", "average of the training networks' weights")
    scores = zip(*(_scores(run, architecture_id, flats, split) for split in ("validation", "test")), strict=True)
    untouched = [Way(label, 0, np.nan, *map(float, both)) for label, both in zip(labels, scores, strict=True)]
    start, reached, tuned = searches[0].before, searches[0].after, tunings[0].after
    zoo_best = training.members[best].score_test
    metrics = {
        "search/start_accuracy": start,
        "search/best_accuracy": reached,
        "search/zoo_best_accuracy": zoo_best,
        "search/random_accuracy": searches[3].after,
        "search/fine_tune_accuracy": tunings[1].after,
    }
    text = (
        f"The teacher is {teacher.label}. Everything is chosen on validation images; test images are used once, for "
        f"this table. A step sees {teacher.objective.batch} images; the decoder is frozen. From a member of the lower "
        f"half the search went from {metric} {start:.3f} to {reached:.3f}: beside the zoo's best member, "
        f"{zoo_best:.3f}, that is {relation(reached, zoo_best)}; beside the weights of the same member, fine-tuned to "
        f"{tuned:.3f}, {relation(reached, tuned)}."
    )
    header = ("way", "gradient steps", f"test {metric} before", f"validation {metric} after", f"test {metric} after")
    rows = tuple(way.cells() for way in (*searches, *tunings, *untouched))
    return Section("search", "Search in the space", text, metrics, None, (header, *rows))


def _searches(run: Run, objective: Distil, config: SearchConfig, low: int, best: int) -> list[Way]:
    """Searches from a member of the lower half, the best member, random draws, and the mean."""
    architecture_id, statistics = run.trained_ids[0], run.space.statistics
    test = run.reconstruction(architecture_id, "test").embedding
    training = run.space.embeddings[run.space.names[architecture_id]]
    draws = statistics.sample(key_of(config.seed, Purpose.SEARCH), STARTS)
    z = jnp.concatenate([test[low : low + 1], training[best : best + 1], draws, statistics.mean[None]])
    result = latent_search.search(run.space, statistics, objective, z, architecture_id=architecture_id, config=config)
    before, after = (
        _scores(run, architecture_id, generate_many(run.space, architecture_id, points)) for points in (z, result.point)
    )
    score = run.networks(architecture_id, "test").members[low].score_test
    places = {
        f"the embedding of a test member in the zoo's lower half ({run.metric.title} {score:.3f})": (0, 1),
        "the embedding of the zoo's best member": (1, 2),
        "one draw from N(0, 1) of real embeddings' size": (2, 3),
        f"{STARTS} draws from N(0, 1) of real embeddings' size, the best": (2, 2 + STARTS),
        "the mean of the embeddings": (2 + STARTS, 3 + STARTS),
    }
    ways = []
    for label, (begin, end) in places.items():
        winner = begin + int(np.argmax(result.score[begin:end]))
        scores = (float(values[winner]) for values in (before, result.score, after))
        ways.append(Way(f"search from {label}", config.steps * (end - begin), *scores))
    return ways


def _fine_tunings(
    run: Run, objective: Distil, config: SearchConfig, flats: Float[np.ndarray, "network size"]
) -> list[Way]:
    """The same steps on the weights, at each of `RATES`, the best by validation: of a member of the lower half, and of
    the best member."""
    architecture_id = run.trained_ids[0]
    architecture, start = run.space.architectures[architecture_id], jnp.asarray(flats)
    configs = [dataclasses.replace(config, learning_rate=rate) for rate in RATES]
    tried = [latent_search.fine_tune(architecture, objective, start, each) for each in configs]
    winners = [tried[rate] for rate in np.argmax([result.score for result in tried], 0)]
    tuned = jnp.stack([result.point[row] for row, result in enumerate(winners)])
    before, after = _scores(run, architecture_id, start), _scores(run, architecture_id, tuned)
    return [
        Way(f"fine-tuning the weights of {label}", config.steps * len(RATES), float(before[row]),
            float(winners[row].score[row]), float(after[row]))
        for row, label in enumerate(("the same member of the lower half", "the zoo's best member"))
    ]  # fmt: skip


def search_architectures(run: Run[ImageData], config: SearchConfig) -> Section:
    """Search for another architecture: from a member of each to a network of each other, as asked for."""
    metric, teacher, space = run.metric.title, teacher_of(run), run.space
    z = jnp.stack([jnp.asarray(run.reconstruction(start, "test").embedding[0]) for start in run.trained_ids])
    metrics, rows = {}, []
    for target, architecture in enumerate(space.architectures):
        zoo_score = float(run.zoo.scores(architecture.name).mean())
        shared = (space, space.statistics, teacher.objective)
        points = latent_search.search(*shared, z, architecture_id=target, config=config).point
        scores = _scores(run, target, generate_many(space, target, points))
        read_right = np.asarray(classify_many(space, points)) == target
        for start, score, right in zip(run.trained_ids, scores, read_right, strict=True):
            if start != target:
                name = f"search/{space.names[start]}_to_{architecture.name}"
                metrics |= {f"{name}/accuracy": float(score), f"{name}/read_right": float(right)}
                shown = (f"{score:.3f}", f"{zoo_score:.3f}", "yes" if right else "no")
                rows.append((space.names[start], architecture.name, *shown))
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
