"""Configurations that cannot be, refused before anything trains."""

import dataclasses
import math

from netspace_jax.config import NetSpaceConfig, RefineConfig, ZooConfig
from netspace_jax.errors import InputError

# Fields that one value of another field leaves without effect: (field, value) → fields.
_NETSPACE_UNUSED = {
    ("encoder", "conv"): ("probes",),
    ("decoder", "conv"): ("center", "initial_scale", "skip", "rank"),
    ("corrections", 0): ("correct_share",),
    ("teaching", "common"): ("corrections",),
    ("teaching", "self"): ("label_weight",),
}
_ZOO_UNUSED: dict[tuple[str, str | int], tuple[str, ...]] = {
    ("stops", "end"): ("min_steps",),
    ("schedule", "cosine"): ("decay", "decay_at"),
    ("stops", "paper"): ("min_steps",),
    ("validations", 0): ("validate_from",),
}


def flag(group: str, name: str) -> str:
    """A field as its flag, `--zoo.learning-rate`."""
    return f"--{group}.{name.replace('_', '-')}"


def _refuse_unused(
    config: ZooConfig | NetSpaceConfig, group: str, table: dict[tuple[str, str | int], tuple[str, ...]]
) -> None:
    """Refuse a value that has no effect, unless it is the field's default."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    for (name, value), unused in table.items():
        for other in unused:
            if getattr(config, name) == value and getattr(config, other) != defaults[other]:
                raise InputError(
                    f"{flag(group, other)} {getattr(config, other)} has no effect with {flag(group, name)} {value}: "
                    f"leave it at {defaults[other]}"
                )


def _refuse_below(config: ZooConfig | NetSpaceConfig | RefineConfig, group: str, minima: dict[str, int]) -> None:
    for name, minimum in minima.items():
        if getattr(config, name) < minimum:
            raise InputError(f"{flag(group, name)} must be at least {minimum}, not {getattr(config, name)}")


def _refuse_unless_positive(
    config: ZooConfig | NetSpaceConfig | RefineConfig, group: str, names: tuple[str, ...]
) -> None:
    for name in names:
        value = getattr(config, name)
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{flag(group, name)} must be positive, not {value}")


def check_zoo(config: ZooConfig) -> None:
    """Refuse a zoo that cannot be.

    Raises:
      InputError: names the field and what it has to be.
    """
    if not config.architectures:
        raise InputError("there are no networks to embed: name a finished zoo with --zoo DIR (docs/networks.md)")
    if len(config.architectures) != len(config.members):
        raise InputError(
            f"{len(config.architectures)} architectures need as many numbers of members, "
            f"not {len(config.members)}: give --zoo.members one number for each"
        )
    if config.teacher in config.architectures:
        raise InputError(
            f"the teacher {config.teacher} is also among the architectures: name another with --zoo.teacher"
        )
    if len(set(config.architectures)) != len(config.architectures):
        raise InputError(f"--zoo.architectures names one twice: {' '.join(config.architectures)}")
    _refuse_below(
        config, "zoo", {"steps": 1, "batch": 1, "chunk": 0, "min_steps": 0, "teacher_steps": 0, "validations": 0}
    )
    if min(config.members, default=0) < 1:
        raise InputError(f"--zoo.members must all be at least 1, not {' '.join(map(str, config.members))}")
    _refuse_unless_positive(config, "zoo", ("learning_rate", "decay"))
    if not (math.isfinite(config.weight_decay) and config.weight_decay >= 0):
        raise InputError(f"--zoo.weight-decay must be 0 or more, not {config.weight_decay}")
    if not all(0 < share < 1 for share in config.decay_at):
        raise InputError(f"--zoo.decay-at takes shares between 0 and 1, not {' '.join(map(str, config.decay_at))}")
    if (config.decay == 1) == bool(config.decay_at):
        raise InputError("--zoo.decay and --zoo.decay-at have an effect only together: give both or neither")
    if not 0 <= config.validate_from < 1:
        raise InputError(f"--zoo.validate-from is a share from 0 to below 1, not {config.validate_from}")
    if config.stops == "log-uniform" and not 1 <= config.min_steps <= config.steps:
        raise InputError(
            f"log-uniform stops need 1 ≤ --zoo.min-steps ≤ --zoo.steps, not {config.min_steps} and {config.steps}"
        )
    _refuse_unused(config, "zoo", _ZOO_UNUSED)
    if config.teacher_steps and not config.teacher:
        raise InputError(f"--zoo.teacher-steps {config.teacher_steps} is for a teacher: name one with --zoo.teacher")
    for name in ("validation", "test"):
        value = getattr(config, name)
        if not (math.isfinite(value) and value >= 0) or (value >= 1 and value != int(value)):
            raise InputError(f"--zoo.{name} is a share below 1 or a whole number of members, not {value}")


def check_netspace(config: NetSpaceConfig, zoo: ZooConfig, sizes: dict[str, int]) -> None:
    """Refuse a NetSpace that does not fit its zoo.

    Args:
      sizes: parameters of each architecture.

    Raises:
      InputError: names the field and what it has to be.
    """
    minima = ("embedding", "hidden", "probes", "networks", "batch", "steps", "validations", "log_every")
    none = ("train_members", "resident", "corrections", "rank")
    least: dict[str, int] = {**dict.fromkeys(minima, 1), **dict.fromkeys(none, 0)}
    _refuse_below(config, "netspace", least)
    _refuse_unless_positive(config, "netspace", ("learning_rate", "initial_scale"))
    for name, maximum in (("noise", math.inf), ("label_weight", 1.0)):
        if not (math.isfinite(getattr(config, name)) and 0 <= getattr(config, name) <= maximum):
            raise InputError(f"{flag('netspace', name)} must be from 0 to {maximum:g}, not {getattr(config, name)}")
    if not 0 < config.correct_share < 1:
        raise InputError(f"--netspace.correct-share must be between 0 and 1, not {config.correct_share}")
    _check_modules(config, zoo, sizes)
    _check_architectures(config, zoo)
    _check_members(config, zoo)


def check_refine(config: RefineConfig) -> None:
    """Refuse a refinement that cannot be.

    Raises:
      InputError: names the field and what it has to be.
    """
    _refuse_below(config, "refine", {"steps": 0, "batch": 1})
    _refuse_unless_positive(config, "refine", ("learning_rate",))
    if not (math.isfinite(config.trust) and config.trust >= 0):
        raise InputError(f"--refine.trust must be 0 or more, not {config.trust}")


def _check_modules(config: NetSpaceConfig, zoo: ZooConfig, sizes: dict[str, int]) -> None:
    rows, columns = config.prep
    for name in zoo.architectures:
        if rows < 1 or columns < 1 or sizes[name] > rows * columns:
            raise InputError(
                f"{name} has {sizes[name]} parameters and does not fit a PRep of {rows}×{columns} = "
                f"{rows * columns}: raise --netspace.prep"
            )
    if config.decoder == "conv" and (rows % 4 or columns % 8):
        raise InputError(f"the conv decoder needs a PRep whose rows divide by 4 and columns by 8, not {rows}×{columns}")
    if config.decoder == "conv" and config.embedding != 4096:
        raise InputError(f"the conv decoder reads an embedding of 4096 values, not {config.embedding}")
    if config.encoder == "conv" and config.embedding % 32:
        raise InputError(f"the conv encoder needs an embedding size that divides by 32, not {config.embedding}")
    _refuse_unused(config, "netspace", _NETSPACE_UNUSED)


def _check_architectures(config: NetSpaceConfig, zoo: ZooConfig) -> None:
    names = zoo.architectures
    if config.interpolation and len(names) < 3:
        raise InputError(
            f"--netspace.interpolation needs at least 3 architectures, so that something lies between two; "
            f"this zoo has {len(names)}"
        )
    if config.teaching == "common" and not zoo.teacher:
        raise InputError("--netspace.teaching common needs a teacher: name its architecture with --zoo.teacher")
    unknown = [name for name in config.train_architectures if name not in names]
    if unknown:
        raise InputError(
            f"--netspace.train-architectures names {' '.join(unknown)}, which the zoo does not have: {' '.join(names)}"
        )
    wanted = config.train_architectures or names
    if not config.interpolation and set(wanted) != set(names):
        raise InputError(
            "architectures that do not train the space are taught by interpolation: --netspace.interpolation"
        )
    if config.interpolation and {names[0], names[-1]} - set(wanted):
        raise InputError(
            f"interpolation needs the first and the last architecture among --netspace.train-architectures: "
            f"{names[0]} and {names[-1]}"
        )
    if config.networks % len(wanted):
        raise InputError(
            f"--netspace.networks {config.networks} must divide by the {len(wanted)} architectures that train"
        )


def _check_members(config: NetSpaceConfig, zoo: ZooConfig) -> None:
    wanted = config.train_architectures or zoo.architectures
    for name, count in zip(zoo.architectures, zoo.members, strict=True):
        held = sum(value if value >= 1 else value * count for value in (zoo.validation, zoo.test))
        if name in wanted and held >= count:
            raise InputError(
                f"of {count} members of {name} none is left to train on: lower --zoo.validation ({zoo.validation}) "
                f"or --zoo.test ({zoo.test})"
            )
    each = config.networks // len(wanted)
    if config.resident and (config.train_members or config.resident < each):
        raise InputError(
            f"--netspace.resident {config.resident} must be at least the {each} networks of an architecture in one "
            f"step, and takes the place of --netspace.train-members"
        )
