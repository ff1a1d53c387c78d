"""Configurations that cannot be, refused before anything trains. What each field may be is said beside it."""

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.memory import refuse_beyond
from netspace_jax.rules import check_fields

_NUMBER = 4  # bytes
_TRAINED = 4 * _NUMBER  # bytes of each parameter in training: itself, its gradient and Adam's two means
_ROW = 1024  # bytes of a member's row in the tables of a zoo, at least
_LINES = 10_000_000  # of metrics.jsonl: some 2 GB


def check_values(config: RunConfig) -> None:
    """Refuse what cannot be whatever the data is.

    Raises:
      InputError: names the field and what it has to be.
    """
    check_zoo(config.zoo)
    check_fields(config.netspace, "netspace")
    check_fields(config.refine, "refine")


def check_zoo(config: ZooConfig) -> None:
    """Refuse a zoo that cannot be.

    Raises:
      InputError: names the field and what it has to be.
    """
    check_fields(config, "zoo")
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
    if (config.decay == 1) == bool(config.decay_at):
        raise InputError("--zoo.decay and --zoo.decay-at have an effect only together: give both or neither")
    if config.stops == "log-uniform" and not 1 <= config.min_steps <= config.steps:
        raise InputError(
            f"log-uniform stops need 1 ≤ --zoo.min-steps ≤ --zoo.steps, not {config.min_steps} and {config.steps}"
        )
    refuse_beyond(sum(config.members) * _ROW, "the table of members", "lower --zoo.members")


def check_netspace(config: NetSpaceConfig, zoo: ZooConfig, sizes: dict[str, int]) -> None:
    """Refuse a NetSpace that does not fit its zoo.

    Raises:
      InputError: names the field and what it has to be.
    """
    check_space(config, {name: sizes[name] for name in zoo.architectures}, bool(zoo.teacher))
    _check_members(config, zoo)
    check_zoo_sizes(zoo, sizes)
    held = config.resident or config.train_members or max(zoo.members)
    refuse_beyond(
        min(held, max(zoo.members)) * max(sizes.values()) * _NUMBER,
        "the networks that train the space",
        "keep fewer in memory by --netspace.resident",
    )


def check_space(config: NetSpaceConfig, sizes: dict[str, int], has_teacher: bool) -> None:
    """Refuse a NetSpace that cannot be, whatever zoo it is for.

    Raises:
      InputError: names the field and what it has to be.
    """
    check_fields(config, "netspace")
    if config.steps // config.log_every > _LINES:
        raise InputError(
            f"--netspace.steps {config.steps} at one line each {config.log_every} steps are more than {_LINES:,} lines "
            f"of metrics: raise --netspace.log-every"
        )
    _check_modules(config, sizes)
    _check_architectures(config, tuple(sizes), has_teacher)
    _check_memory(config)


def check_zoo_sizes(config: ZooConfig, sizes: dict[str, int]) -> None:
    """Refuse a zoo of which one chunk does not fit into memory.

    Raises:
      InputError: names the flag to lower, the memory needed and that of the machine.
    """
    largest, each = max(sizes.values(), default=0), min(config.chunk or 1, max(config.members))
    refuse_beyond(each * largest * _TRAINED, "the networks of one chunk", "lower --zoo.chunk")


def _check_modules(config: NetSpaceConfig, sizes: dict[str, int]) -> None:
    rows, columns = config.prep
    for name in sizes:
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
    if config.encoder == config.decoder == "conv" and config.hidden != NetSpaceConfig.hidden:
        raise InputError(
            f"--netspace.hidden {config.hidden} has no effect with the conv encoder and decoder: leave it at "
            f"{NetSpaceConfig.hidden}"
        )


def _check_architectures(config: NetSpaceConfig, names: tuple[str, ...], has_teacher: bool) -> None:
    if config.interpolation and len(names) < 3:
        raise InputError(
            f"--netspace.interpolation needs at least 3 architectures, so that something lies between two; "
            f"this zoo has {len(names)}"
        )
    if config.teaching == "common" and not has_teacher:
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


def _check_memory(config: NetSpaceConfig) -> None:
    """Refuse what certainly does not fit into memory: the largest arrays of a training, each alone."""
    prep, z, hidden = config.prep[0] * config.prep[1], config.embedding, config.hidden
    wide = [z * hidden] * (config.encoder != "conv") + [hidden * (z + prep)] * (config.decoder == "mlp")
    modules = sum(wide) + config.skip * z * prep + config.rank**2
    refuse_beyond(
        modules * _TRAINED,
        "the modules of this space",
        "lower --netspace.embedding, --netspace.hidden, --netspace.rank or --netspace.prep",
    )
    refuse_beyond(config.networks * prep * _NUMBER, "the networks of one step", "lower --netspace.networks")
    refuse_beyond(config.networks * config.batch * _NUMBER, "the inputs of one step", "lower --netspace.batch")
    refuse_beyond(config.probes * _NUMBER, "the probes", "lower --netspace.probes")
