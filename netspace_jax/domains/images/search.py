"""Search in the latent space against what else the same gradient steps could have bought (reference, Latent space optimisation)."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax import architectures
from netspace_jax.config import SearchConfig
from netspace_jax.latent import search as latent
from netspace_jax.latent.objectives import Distil
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained, shown_kinds
from netspace_jax.space.behaviour import Rows, generate, predicted_kinds, score_networks
from netspace_jax.zoo.storage import Networks

STARTS = 8  # of the rows that begin at random
RATES = (3e-4, 1e-3, 3e-3)  # of Adam on weights: the best by validation is shown


def teacher_of(trained: Trained) -> tuple[str, Distil]:
    """Who teaches a search: the zoo's teacher, or else the zoo's best training member by validation.

    Labels count as much as the teacher where that is no better than what is sought, else a tenth, as in the reference.
    """
    zoo = trained.config.zoo
    if zoo.teacher:
        networks = trained.zoo.networks(zoo.teacher, "teacher")
        architecture = architectures.build(zoo.teacher, trained.task.input_shape, trained.task.outputs)
        label, row, weight = f"the zoo's teacher, a {zoo.teacher}", 0, 0.1
    else:
        networks, architecture = trained.networks(0, "train"), trained.netspace.architectures[0]
        row, weight = networks.best, 0.5
        label = f"the zoo's best {architecture.name} (by validation)"
    score = networks.members[row].score_test
    goal = Distil(trained.task, jnp.asarray(networks.parameters[row]), architecture, label_weight=weight)
    return f"{label}, test {trained.task.metric} {score:.3f}", goal


def region(trained: Trained) -> latent.Region:
    """Where the embeddings of shown training networks lie."""
    return latent.region_of(np.concatenate([reconstruct_split(trained, kind, "train").embedding for kind in shown_kinds(trained.config)]))


def _scores(trained: Trained, kind: int, flats: Float[Rows, "network size"], split: str) -> np.ndarray:
    return score_networks(trained.netspace.architectures[kind], flats, trained.task, np.zeros(len(flats), np.int32), split)


def decoded(trained: Trained, z: Float[Rows, "network embedding"], kind: int) -> Float[np.ndarray, "network size"]:
    """Flat parameters of the networks that embeddings stand for."""
    return generate(trained.netspace, trained.params, trained.constants, z, kind)


def lower_half(networks: Networks) -> int:
    """A member of the lower half: the one at the quarter of the order by validation score."""
    order = np.argsort([m.score_validation for m in networks.members], kind="stable")
    return int(order[len(order) // 4])


def _fine_tuned(architecture, goal: Distil, flats: Float[Array, "network size"], config: SearchConfig) -> latent.Found:
    """Each network fine-tuned at each of `RATES`; the best by validation."""
    tries = [latent.fine_tune(architecture, goal, flats, dataclasses.replace(config, learning_rate=rate)) for rate in RATES]
    winners = np.argmax([found.merit for found in tries], 0)
    return jax.tree.map(lambda *leaves: jnp.stack([leaves[winner][row] for row, winner in enumerate(winners)]), *tries)


def search(trained: Trained, config: SearchConfig = SearchConfig()) -> Section:
    """One table, with the gradient steps that each way took: by the space, by the weights, and by no gradient at all."""
    metric, kind = trained.task.metric, 0
    training, test = trained.networks(kind, "train"), trained.networks(kind, "test")
    label, goal = teacher_of(trained)
    here = region(trained)
    own = reconstruct_split(trained, kind, "test").embedding
    known = reconstruct_split(trained, kind, "train").embedding
    low, best = lower_half(test), training.best
    noise = jax.random.normal(jax.random.key(config.seed), (STARTS, own.shape[1]))
    starts = {f"embedding of a test member in the zoo's lower half ({metric} {test.members[low].score_test:.3f})": own[low:low + 1],
              "embedding of the zoo's best member": known[best:best + 1],
              f"{STARTS} draws from N(0, 1) of real embeddings' size": here.restore(noise),
              "mean of the embeddings": here.mean[None]}
    found = latent.search(trained.netspace, trained.params, trained.constants, here, goal,
                          jnp.concatenate([jnp.asarray(z) for z in starts.values()]), kind, config)
    before = _scores(trained, kind, decoded(trained, jnp.concatenate([jnp.asarray(z) for z in starts.values()]), kind), "test")
    after = _scores(trained, kind, decoded(trained, found.z, kind), "test")
    rows, results, begin = [], [], 0
    for name, z in starts.items():
        part = slice(begin, begin + len(z))
        begin += len(z)
        winner = part.start + int(np.argmax(found.merit[part]))
        results.append((float(before[winner]), float(after[winner])))
        if len(z) > 1:
            first = part.start
            rows.append(("search from one draw from N(0, 1) of real embeddings' size", str(config.steps), f"{before[first]:.3f}",
                         f"{found.merit[first]:.3f}", f"{after[first]:.3f}"))
        rows.append((f"search from the {name}" if len(z) == 1 else f"search from {name}, the best", str(config.steps * len(z)),
                     f"{before[winner]:.3f}", f"{found.merit[winner]:.3f}", f"{after[winner]:.3f}"))
    weights = jnp.asarray(np.stack([test.parameters[low], training.parameters[best]]))
    tuned = _fine_tuned(trained.netspace.architectures[kind], goal, weights, config)
    tuned_before, tuned_after = _scores(trained, kind, weights, "test"), _scores(trained, kind, tuned.z, "test")
    for i, name in enumerate(("the same member of the lower half", "the zoo's best member")):
        rows.append((f"fine-tuning the weights of {name}", f"{config.steps * len(RATES)}", f"{tuned_before[i]:.3f}",
                     f"{tuned.merit[i]:.3f}", f"{tuned_after[i]:.3f}"))
    for name, flat in (("the zoo's best member", training.parameters[best]), ("average of the training networks' weights", training.parameters.mean(0))):
        flat = flat[None]
        rows.append((name, "0", "–", f"{_scores(trained, kind, flat, 'validation')[0]:.3f}", f"{_scores(trained, kind, flat, 'test')[0]:.3f}"))
    metrics = {"search/start_accuracy": results[0][0], "search/best_accuracy": results[0][1],
               "search/zoo_best_accuracy": training.members[best].score_test, "search/random_accuracy": results[2][1],
               "search/fine_tune_accuracy": float(tuned_after[1])}
    text = (f"The teacher is {label}. Everything is chosen on validation images; test images are used once, for this table. "
            f"A step sees {goal.batch} images; the decoder is frozen.")
    header = ("way", "gradient steps", f"test {metric} before", f"validation {metric} after", f"test {metric} after")
    return Section("search", "Search in the space", text, metrics, None, (header, *rows))


def search_architectures(trained: Trained, config: SearchConfig = SearchConfig()) -> Section:
    """From a member of each architecture to a network of each other architecture, as asked for."""
    metric, built = trained.task.metric, trained.netspace.architectures
    label, goal = teacher_of(trained)
    here = region(trained)
    kinds = shown_kinds(trained.config)
    starts = {kind: reconstruct_split(trained, kind, "test").embedding[0] for kind in kinds}
    metrics, rows = {}, []
    for wanted, architecture in enumerate(built):
        own = trained.zoo.mean_score(architecture.name)
        found = latent.search(trained.netspace, trained.params, trained.constants, here, goal,
                              jnp.stack([jnp.asarray(z) for z in starts.values()]), wanted, config)
        scores = _scores(trained, wanted, decoded(trained, found.z, wanted), "test")
        named = predicted_kinds(trained.netspace, trained.params, found.z) == wanted
        for i, kind in enumerate(starts):
            if kind != wanted:
                name = f"search/{built[kind].name}_to_{architecture.name}"
                metrics |= {f"{name}/accuracy": float(scores[i]), f"{name}/named_right": float(named[i])}
                rows.append((built[kind].name, architecture.name, f"{scores[i]:.3f}", f"{own:.3f}", "yes" if named[i] else "no"))
    text = (f"Each search starts at the embedding of a test member of one architecture and asks for another, for {config.steps} "
            f"steps. The teacher is {label}.")
    header = ("starts at", "asked for", f"test {metric}", f"mean {metric} of the zoo", "named right")
    return Section("search_architectures", "Search for another architecture", text, metrics, None, (header, *rows))
