"""The domain of networks that classify images."""

from netspace_jax.domain import Domain, section, several_architectures
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig, check
from netspace_jax.domains.images.presets import PRESETS
from netspace_jax.lazy import Lazy

_HERE = "netspace_jax.domains.images"
_REPORT = "netspace_jax.report"


def has_one_task(run) -> bool:
    """Whether all networks of a run learned the same, so that one may stand for another."""
    return run.config.zoo.tasks == "one"


def has_one_between(run) -> bool:
    """Whether a run has an architecture that lies between two others, whose networks learned the same."""
    return has_one_task(run) and len(run.space.architectures) > 2


def has_tasks(run) -> bool:
    """Whether each network of a run has a task of its own."""
    return not has_one_task(run)


def has_one_task_and_several_architectures(run) -> bool:
    """Whether networks of several architectures learned the same."""
    return has_one_task(run) and several_architectures(run)


DOMAIN = Domain(
    name="images",
    zoo_config=ImageZooConfig,
    netspace_config=ImageNetSpaceConfig,
    load=Lazy(f"{_HERE}.loading:load"),
    presets=PRESETS,
    behaviours=(f"{_HERE}.dataset",),
    evaluations=(
        section(f"{_HERE}.task_section:tasks", "What does each network learn?", has_tasks, leads=True),
        section(
            f"{_REPORT}.adaptation:adaptation", "What does a new task get from a few examples?", has_tasks, leads=True
        ),
        section(
            f"{_REPORT}.adaptation:adaptation_baselines",
            "The same beside rivals that are trained and tuned: minutes",
            has_tasks,
            in_report=False,
        ),
        section(
            f"{_REPORT}.interpolation:interpolation",
            "Do the networks between two networks work?",
            has_one_task,
            name="interpolate",
        ),
        section(
            f"{_REPORT}.interpolation:interpolate_architectures",
            "What lies between two architectures?",
            has_one_between,
        ),
        section(
            f"{_REPORT}.architectures:unseen", "Can it make an architecture that it was never shown?", has_one_between
        ),
        section(
            f"{_REPORT}.architectures:architectures",
            "Does each architecture come back as itself?",
            several_architectures,
        ),
        section(f"{_HERE}.prediction:prediction", "How good is a network, from its embedding alone?"),
        section(f"{_HERE}.ensemble:ensemble", "Are networks together better than alone?", has_one_task),
        section(f"{_HERE}.novelty:novelty", "Are the generated networks new, or copies?", has_one_task),
        section(
            f"{_HERE}.search:search",
            "What does a search in the space find, beside as many gradient steps on weights?",
            has_one_task,
            in_report=False,
        ),
        section(
            f"{_HERE}.search:search_architectures",
            "Does a search find a network of another architecture?",
            has_one_task_and_several_architectures,
            in_report=False,
        ),
        section(
            f"{_HERE}.transfer:transfer",
            "Are generated networks a good start for another task?",
            has_one_task,
            in_report=False,
        ),
        section(
            f"{_HERE}.out_of_distribution:out_of_distribution",
            "Where in this space are networks that others trained?",
            has_one_task,
            name="strangers",
            in_report=False,
        ),
        section(
            f"{_HERE}.redundancy:redundancy",
            "How small may an embedding be, and how few the networks that train the space?",
            in_report=False,
        ),
    ),
    behaviour_of=Lazy(f"{_HERE}.loading:behaviour_of"),
    data_of=Lazy(f"{_HERE}.loading:data_of"),
    check=check,
    training=Lazy(f"{_HERE}.loading:training"),
    data_flags=("dataset", "data_dir", "images", "held_images", "size", "normalise"),
    alternative_inputs=Lazy(f"{_HERE}.alternative_inputs:alternative_inputs"),
    read_examples=Lazy(f"{_HERE}.task_folder:read_examples"),
    import_causes="the inputs' normalisation (--zoo.normalise), RGB against BGR",
    view=Lazy(f"{_HERE}.explorer:view"),
)
