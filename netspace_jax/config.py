"""What a zoo and a run are made from: frozen dataclasses whose fields are the flags of the commands."""

import dataclasses
import hashlib
import json
import math
from typing import Annotated, Any, Literal

import tyro

from netspace_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class ZooConfig:
    """A population of networks and how it is trained."""

    task: tyro.conf.Suppress[Literal["classification", "fields"]] = "classification"
    """What the networks compute: class logits of images, or values of a field at coordinates."""
    dataset: Annotated[str, tyro.conf.arg(prefix_name=False)] = "digits"
    """Name of a dataset, or a path: a .npz of images, a folder of meshes or of DeepSDF .npz files."""
    data_dir: Annotated[str, tyro.conf.arg(prefix_name=False)] = ""
    """Where prepared TFDS datasets lie; empty means TFDS's own default."""
    architectures: tuple[str, ...] = ("lenetlike",)
    """Architectures in order: neighbours in this list are neighbours in the latent space."""
    members: tuple[int, ...] = (1024,)
    """Networks of each architecture."""
    teacher: str = ""
    """Architecture of one more network that teaches all others; empty for none."""
    validation: float = 1 / 8
    """Members that validate the embedding: a share below 1, or a number for each architecture."""
    test: float = 1 / 8
    """Members that test the embedding: a share below 1, or a number for each architecture."""
    shared_start: bool = False
    """Whether all members of an architecture start from the same random parameters."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Adam, or SGD with momentum 0.9 and PyTorch's coupled weight decay."""
    learning_rate: float = 3e-3
    """Learning rate at the first step."""
    weight_decay: float = 0.0
    """Weight decay, for SGD."""
    decay: float = 1.0
    """Factor by which the learning rate is multiplied at each of `decay_at`."""
    decay_at: tuple[float, ...] = ()
    """Shares of `steps` at which the learning rate decays."""
    batch: int = 64
    """Images, or points, of one training step of one network."""
    steps: int = 400
    """Most training steps of a member."""
    teacher_steps: int = 0
    """Training steps of the teacher; 0 for as many as members have at most."""
    stops: Literal["end", "log-uniform", "reference"] = "log-uniform"
    """Where members stop: at `steps`; log-uniformly between `min_steps` and `steps`; or as the 186 of the reference."""
    min_steps: int = 3
    """Fewest training steps of a member, where stops are log-uniform."""
    looks: int = 0
    """Times that validation images are looked at after `looks_from`, to keep the best; 0 keeps the last parameters."""
    looks_from: float = 0.7
    """Share of `steps` at which the looks begin."""
    images: int = 0
    """Images of each split to use, drawn once; 0 for all."""
    points: int = 0
    """Training points sampled of each shape, half of them outside and half inside."""
    crop_padding: int = 0
    """Black pixels around an image before it is cropped at random; 0 for no crop."""
    flip: bool = False
    """Whether images are flipped at random."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of activations and products while image classifiers train; parameters, statistics and losses stay float32."""
    seed: int = 0
    """Seed that every member's own key is folded from."""
    chunk: int = 64
    """Networks that train together; bounds the memory, and is what an interrupted zoo goes on from."""

    @property
    def populations(self) -> tuple[tuple[str, int], ...]:
        """(architecture, members), the teacher's own population of one at the end."""
        own = tuple(zip(self.architectures, self.members, strict=True))
        return own + (((self.teacher, 1),) if self.teacher else ())

    def of(self, architecture: str) -> "ZooConfig":
        """How the networks of one architecture are trained: the teacher always to its own end."""
        if architecture != self.teacher:
            return self
        return dataclasses.replace(self, steps=self.teacher_steps or self.steps, stops="end")


@dataclasses.dataclass(frozen=True)
class NetSpaceConfig:
    """The autoencoder over networks and how it is trained."""

    prep: tuple[int, int] = (64, 64)
    """Rows and columns of a PRep; every architecture must fit."""
    embedding: int = 256
    """Size of an embedding."""
    encoder: Literal["probe", "conv"] = "probe"
    """`probe` sees what a network does on probe inputs and statistics of its PRep; `conv` is the reference's, on the PRep."""
    decoder: Literal["mlp", "conv"] = "mlp"
    """`mlp` scales what it generates layer by layer; `conv` is the reference's."""
    hidden: int = 512
    """Width of the hidden layers of the `probe` encoder and the `mlp` decoder."""
    center: Literal["mean", "network"] = "mean"
    """What the `mlp` decoder adds to: the mean of the training members, or one network: a training member, or, of an
    architecture of which none is shown, an untrained one."""
    spread: float = 1.0
    """How far from the center decoded values start, in deviations of their layer over the zoo, times √½."""
    probes: int = 128
    """Training inputs that the `probe` encoder runs each network on."""
    noise: float = 1.0
    """Largest noise added to the networks shown in training, as a share of each layer's deviation over the zoo."""
    shown: tuple[str, ...] = ()
    """Architectures whose networks are shown; empty for all. The others are taught by interpolation alone."""
    teaching: Literal["self", "common"] = "self"
    """Whether each network is its own teacher, or one teacher and the labels teach all."""
    interpolation: bool = False
    """Whether embeddings between two architectures are taught to be the architectures in between."""
    temperature: float = 1.0
    """Temperature of the distillation; 4 in the reference."""
    label_weight: float = 0.1
    """Weight of the labels against distillation, where a common teacher teaches."""
    networks: int = 32
    """Networks of one step, the same number of each architecture."""
    train_members: int = 0
    """Members of each architecture to train on; 0 for all of the training split."""
    resident: int = 0
    """Training members of each architecture that are in memory at once, the others being read from disk in turn; 0 for all."""
    batch: int = 128
    """Images, or points, that each network sees in one step."""
    learning_rate: float = 1e-3
    """Adam's learning rate after the warm-up."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """Whether the learning rate stays or falls to a hundredth along a cosine, after 100 steps of warm-up."""
    steps: int = 4000
    """Training steps."""
    evaluations: int = 10
    """Times that the validation members are looked at; the checkpoint that is best then is the one evaluated."""
    log_every: int = 20
    """Steps between two lines of metrics.jsonl."""
    select: Literal["gap", "agreement", "score"] = "gap"
    """What the best checkpoint has on validation members: the smallest gap, the highest agreement, or the highest score, less
    the share of members that are named another architecture."""
    seed: int = 0
    """Seed of NetSpace's start and of its batches."""


# Epochs after which starts for another task are compared.
START_EPOCHS = (0, 1, 5, 20)


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """How embeddings are searched."""

    steps: int = 1000
    """Steps of Adam."""
    learning_rate: float = 0.03
    """Adam's learning rate, in units of the embeddings' own deviation; it falls to a hundredth along a cosine."""
    trust: float = 0.01
    """Weight of the mean squared distance to the centre of real embeddings, in their deviations."""
    looks: int = 20
    """Times that the goal's merit is measured; the best embedding seen is the result."""
    seed: int = 0
    """Seed of the batches that a goal draws."""


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """One run, from a zoo to a report."""

    name: tyro.conf.Suppress[str]
    """Name of the preset it comes from."""
    zoo: ZooConfig
    netspace: NetSpaceConfig


def digest(config: Any, *extra: str) -> str:
    """Eight hexadecimal digits that stand for every field of a configuration that can change a result.

    Fields that have their default do not count, so that a field that is added later leaves what lies on disk where it is.
    """
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)
              if field.name != "data_dir" and getattr(config, field.name) != field.default}
    text = json.dumps([fields, *extra], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def rebuild(kind: type, values: Any) -> Any:
    """A configuration from what JSON made of it.

    Raises:
      TypeError: it is not one of `kind`: a field is unknown or has another type.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{type(values).__name__} where fields and their values belong")
    config = kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
    for field in dataclasses.fields(kind):
        value = getattr(config, field.name)
        if type(value) is not type(field.default) and not (isinstance(field.default, float) and type(value) is int):
            raise TypeError(f"{field.name} is {value!r}")
    return config


def check_zoo(config: ZooConfig) -> None:
    """Refuse, before anything trains, a zoo that cannot be.

    Raises:
      InputError: names the field and what it has to be.
    """
    if len(config.architectures) != len(config.members):
        raise InputError(f"{len(config.architectures)} architectures need as many numbers of members, "
                         f"not {len(config.members)}: give --zoo.members one number for each")
    if config.teacher in config.architectures:
        raise InputError(f"the teacher {config.teacher} is also among the architectures: name another with --zoo.teacher")
    if len(set(config.architectures)) != len(config.architectures):
        raise InputError(f"--zoo.architectures names one twice: {' '.join(config.architectures)}")
    for name, least in (("steps", 1), ("batch", 1), ("chunk", 1), ("min_steps", 0), ("images", 0), ("teacher_steps", 0)):
        if getattr(config, name) < least:
            raise InputError(f"--zoo.{name.replace('_', '-')} must be at least {least}, not {getattr(config, name)}")
    if min(config.members, default=0) < 1:
        raise InputError(f"--zoo.members must all be at least 1, not {' '.join(map(str, config.members))}")
    if not (math.isfinite(config.learning_rate) and config.learning_rate > 0):
        raise InputError(f"--zoo.learning-rate must be positive, not {config.learning_rate}")
    if config.stops == "log-uniform" and not 1 <= config.min_steps <= config.steps:
        raise InputError(f"log-uniform stops need 1 ≤ --zoo.min-steps ≤ --zoo.steps, not {config.min_steps} and {config.steps}")
    if config.teacher_steps and not config.teacher:
        raise InputError(f"--zoo.teacher-steps {config.teacher_steps} is for a teacher: name one with --zoo.teacher")
    if config.precision != "float32" and config.task != "classification":
        raise InputError(f"--zoo.precision {config.precision} is for images: fields need coordinates in float32")
    for name in ("validation", "test"):
        value = getattr(config, name)
        if value < 0 or (value >= 1 and value != int(value)):
            raise InputError(f"--zoo.{name} is a share below 1 or a whole number of members, not {value}")


def check_netspace(config: NetSpaceConfig, zoo: ZooConfig, sizes: dict[str, int]) -> None:
    """Refuse, before anything trains, a NetSpace that does not fit its zoo.

    Args:
      sizes: parameters of each architecture.

    Raises:
      InputError: names the field and what it has to be.
    """
    rows, columns = config.prep
    for name in zoo.architectures:
        if sizes[name] > rows * columns:
            raise InputError(f"{name} has {sizes[name]} parameters and does not fit a PRep of {rows}×{columns} = "
                             f"{rows * columns}: raise --netspace.prep")
    if config.interpolation and len(zoo.architectures) < 3:
        raise InputError(f"--netspace.interpolation needs at least 3 architectures, so that something lies between two; "
                         f"this zoo has {len(zoo.architectures)}")
    if config.teaching == "common" and not zoo.teacher:
        raise InputError("--netspace.teaching common needs a teacher: name its architecture with --zoo.teacher")
    if config.decoder == "conv" and (rows % 4 or columns % 8):
        raise InputError(f"the conv decoder needs a PRep whose rows divide by 4 and columns by 8, not {rows}×{columns}")
    if config.decoder == "conv" and config.embedding != 4096:
        raise InputError(f"the conv decoder reads an embedding of 4096 values, not {config.embedding}")
    if config.encoder == "conv" and config.embedding % 32:
        raise InputError(f"the conv encoder needs an embedding size that divides by 32, not {config.embedding}")
    unknown = [name for name in config.shown if name not in zoo.architectures]
    if unknown:
        raise InputError(f"--netspace.shown names {' '.join(unknown)}, which the zoo does not have: {' '.join(zoo.architectures)}")
    shown = config.shown or zoo.architectures
    if config.shown and not config.interpolation and set(shown) != set(zoo.architectures):
        raise InputError("architectures that are not shown are taught by interpolation: --netspace.interpolation")
    if config.interpolation and {zoo.architectures[0], zoo.architectures[-1]} - set(shown):
        raise InputError(f"interpolation needs the first and the last architecture shown: {zoo.architectures[0]} and "
                         f"{zoo.architectures[-1]}")
    if config.networks % len(shown):
        raise InputError(f"--netspace.networks {config.networks} must divide by the {len(shown)} architectures shown")
    for name, count in zip(zoo.architectures, zoo.members, strict=True):
        held = sum(value if value >= 1 else value * count for value in (zoo.validation, zoo.test))
        if name in shown and held >= count:
            raise InputError(f"of {count} members of {name} none is left to train on: lower --zoo.validation ({zoo.validation}) "
                             f"or --zoo.test ({zoo.test})")
    if config.resident and (config.train_members or config.resident < config.networks // len(shown)):
        raise InputError(f"--netspace.resident {config.resident} must be at least the {config.networks // len(shown)} networks of an "
                         f"architecture in one step, and takes the place of --netspace.train-members")
    for name in ("embedding", "hidden", "probes", "networks", "batch", "steps", "evaluations", "log_every"):
        if getattr(config, name) < 1:
            raise InputError(f"--netspace.{name.replace('_', '-')} must be at least 1, not {getattr(config, name)}")
    for name in ("learning_rate", "spread"):
        if not (math.isfinite(getattr(config, name)) and getattr(config, name) > 0):
            raise InputError(f"--netspace.{name.replace('_', '-')} must be positive, not {getattr(config, name)}")
