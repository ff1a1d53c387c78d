"""What a zoo and a space are made from: frozen dataclasses whose fields are the flags of the commands.

A domain adds fields of its own by subclassing `ZooConfig` and `NetSpaceConfig`. What a field may be is said beside it
(`netspace_jax.rules`).
"""

import dataclasses
import hashlib
import json
from typing import Annotated, Any, Literal, TypeVar

import tyro

from netspace_jax.rules import INSIDE, MOST, NOT_NEGATIVE, POSITIVE, SEED, Range, Share, Unless, faults

Products = Literal["float32", "tensorfloat32", "bfloat16"]
"""Formats of products of matrices."""

MOST_CHECKS = 1_000_000
"""The highest number of validation checks."""


@dataclasses.dataclass(frozen=True)
class ZooConfig:
    """A population of networks and how it is trained."""

    dataset: Annotated[str, tyro.conf.arg(prefix_name=False)] = "digits"
    """Name of a data set, or a path to one."""
    architectures: tuple[str, ...] = ("lenetlike",)
    """Architectures in order: neighbours in this list are neighbours in the latent space."""
    members: Annotated[tuple[int, ...], Range(1, MOST)] = (1024,)
    """Networks of each architecture."""
    teacher: str = ""
    """Architecture of one more network that teaches all others; empty for none."""
    validation: Annotated[float, Share()] = 1 / 8
    """Members that validate the space: a share below 1, or a number for each architecture."""
    test: Annotated[float, Share()] = 1 / 8
    """Members that test the space: a share below 1, or a number for each architecture."""
    shared_init: bool = False
    """Whether all members of an architecture have the same random initialisation."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Adam, or SGD with momentum 0.9."""
    learning_rate: Annotated[float, POSITIVE] = 3e-3
    """Learning rate at the first step."""
    weight_decay: Annotated[float, NOT_NEGATIVE] = 0.0
    """Weight decay, added to the gradient as PyTorch does."""
    schedule: Literal["steps", "cosine"] = "steps"
    """Whether the learning rate is cut at each of `decay_at`, or falls to a hundredth along a cosine over `steps`."""
    decay: Annotated[float, POSITIVE, Unless("schedule", "cosine")] = 1.0
    """Factor by which the learning rate is multiplied at each of `decay_at`."""
    decay_at: Annotated[tuple[float, ...], INSIDE, Unless("schedule", "cosine")] = ()
    """Shares of `steps` at which the learning rate decays."""
    batch: Annotated[int, Range(1, MOST)] = 64
    """Inputs of one training step of one network."""
    steps: Annotated[int, Range(1, MOST)] = 400
    """Maximum number of training steps of a member."""
    teacher_steps: Annotated[int, Range(0, MOST), Unless("teacher", "")] = 0
    """Training steps of the teacher; 0 for as many as members have at most."""
    stops: Literal["end", "log-uniform", "paper"] = "log-uniform"
    """Where members stop: at `steps`; log-uniformly between `min_steps` and `steps`; or as the 186 of the paper."""
    min_steps: Annotated[int, Range(0, MOST), Unless("stops", "end", "paper")] = 3
    """Minimum number of training steps of a member, where stops are log-uniform."""
    validations: Annotated[int, Range(0, MOST_CHECKS)] = 0
    """Validation checks from `validate_from` on, of which the best parameters are kept; 0 keeps the last parameters."""
    validate_from: Annotated[float, Range(0, 1, open_high=True), Unless("validations", 0)] = 0.7
    """Share of `steps` at which the first validation check is."""
    matmul: Products = "float32"
    """Format in which products of matrices are computed: NVIDIA cards are several times faster in `tensorfloat32`, TPUs
    in `bfloat16`, and less exact; CPUs know float32 alone."""
    seed: Annotated[int, SEED] = 0
    """Seed that every member's own key is folded from."""
    chunk: Annotated[int, Range(0, MOST)] = 0
    """Networks that train together, which bounds the memory and is what an interrupted zoo goes on from; 0 for as many
    as 16 MiB of parameters hold, from 64 to 4,096."""

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

    prep: Annotated[tuple[int, int], Range(1, MOST)] = (64, 64)
    """Rows and columns of a PRep; every architecture must fit."""
    embedding: Annotated[int, Range(1, MOST)] = 256
    """Size of an embedding."""
    encoder: Literal["probe", "conv"] = "probe"
    """`probe` reads a network's outputs on probe inputs and statistics of its PRep; `conv`, the paper's, its PRep."""
    decoder: Literal["mlp", "conv"] = "mlp"
    """`mlp` scales what it generates layer by layer; `conv` is the paper's."""
    hidden: Annotated[int, Range(1, MOST)] = 512
    """Width of the hidden layers of the `probe` encoder and the `mlp` decoder."""
    center: Annotated[Literal["mean", "network"], Unless("decoder", "conv")] = "mean"
    """What the `mlp` decoder adds to: the mean of the training members, or one network: a training member, or, of an
    architecture of which none trains the space, an untrained one."""
    initial_scale: Annotated[float, POSITIVE, Unless("decoder", "conv")] = 1.0
    """How far from the center decoded values start, in standard deviations of their layer over the zoo, times √½."""
    skip: Annotated[bool, Unless("decoder", "conv")] = False
    """Whether the `mlp` decoder also has a linear map from the embedding to what it generates."""
    rank: Annotated[int, Range(0, MOST), Unless("decoder", "conv")] = 0
    """Highest rank of a change of each parameter tensor whose coefficients are part of the embedding, beside its first
    `embedding` values; 0 for none."""
    corrections: Annotated[int, Range(0, MOST_CHECKS), Unless("teaching", "common")] = 0
    """Times that an embedding is corrected by what its decoded network gets wrong on the probes."""
    correct_share: Annotated[float, INSIDE, Unless("corrections", 0)] = 0.1
    """Share of `steps`, at the end, in which the corrections are trained too, at half of the learning rate."""
    probes: Annotated[int, Range(1, MOST), Unless("encoder", "conv")] = 128
    """Training inputs that the `probe` encoder runs each network on."""
    noise: Annotated[float, NOT_NEGATIVE] = 1.0
    """Maximum noise added to the networks of a step, as a share of each layer's standard deviation over the zoo."""
    train_architectures: tuple[str, ...] = ()
    """Architectures whose networks train the space; empty for all. The others are taught by interpolation alone."""
    teaching: Literal["self", "common"] = "self"
    """Whether each network is its own teacher, or one teacher and the labels teach all."""
    interpolation: bool = False
    """Whether embeddings between two architectures are taught to be the architectures in between."""
    label_weight: Annotated[float, Range(0, 1), Unless("teaching", "self")] = 0.1
    """Weight of the labels against distillation, where a common teacher teaches."""
    networks: Annotated[int, Range(1, MOST)] = 32
    """Networks of one step, the same number of each architecture."""
    train_members: Annotated[int, Range(0, MOST)] = 0
    """Members of each architecture to train on; 0 for all of the training split."""
    resident: Annotated[int, Range(0, MOST)] = 0
    """Training members of each architecture in memory at once, the others being read from disk in turn; 0 for all."""
    batch: Annotated[int, Range(1, MOST)] = 128
    """Inputs that each network sees in one step."""
    learning_rate: Annotated[float, POSITIVE] = 1e-3
    """Adam's learning rate after the warm-up."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """Whether the learning rate stays, or falls to a hundredth along a cosine after a warm-up."""
    steps: Annotated[int, Range(1, MOST)] = 4000
    """Training steps."""
    validations: Annotated[int, Range(1, MOST_CHECKS)] = 10
    """Validation checks; the checkpoint that is best at one is the one evaluated."""
    log_every: Annotated[int, Range(1, MOST)] = 20
    """Steps between two lines of metrics.jsonl."""
    select: Literal["gap", "agreement", "score"] = "gap"
    """Selection metric of checkpoints on validation members: the lowest gap, the highest agreement, or the highest
    score, less the share of members that are read as another architecture."""
    matmul: Products = "float32"
    """Format in which products of matrices are computed in training; evaluations are always in `float32`."""
    seed: Annotated[int, SEED] = 0
    """Seed of NetSpace's initialisation and of its batches."""

    def trains_on(self, architectures: tuple[str, ...]) -> tuple[int, ...]:
        """Ids (positions) of the architectures whose networks train the space."""
        wanted = self.train_architectures or architectures
        return tuple(i for i, name in enumerate(architectures) if name in wanted)


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """How embeddings are searched."""

    steps: Annotated[int, Range(1, MOST)] = 1000
    """Steps of Adam."""
    learning_rate: Annotated[float, POSITIVE] = 0.03
    """Adam's learning rate, in the embeddings' own standard deviations; it falls to a hundredth along a cosine."""
    trust: Annotated[float, NOT_NEGATIVE] = 0.01
    """Weight of the mean squared distance to the centre of real embeddings, in their standard deviations."""
    validations: Annotated[int, Range(1, MOST_CHECKS)] = 20
    """Validation checks; the best embedding at one is the result."""
    seed: Annotated[int, SEED] = 0
    """Seed of the batches that a search objective draws."""


@dataclasses.dataclass(frozen=True)
class RefineConfig:
    """How embeddings are refined."""

    steps: Annotated[int, Range(0, MOST)] = 300
    """Steps of Adam; 0 for none, and for a report without it."""
    learning_rate: Annotated[float, POSITIVE] = 0.1
    """Adam's learning rate, in the embeddings' own standard deviation; it falls to a fiftieth along a cosine."""
    trust: Annotated[float, NOT_NEGATIVE] = 0.0
    """Weight of the mean squared distance to the embedding that refinement begins at, in standard deviations."""
    batch: Annotated[int, Range(1, MOST)] = 256
    """Inputs of one step, drawn anew for each; all of them where there are fewer."""
    seed: Annotated[int, SEED] = 0
    """Seed of the draws."""
    judged_on: Literal["train", "validation"] = "train"
    """Inputs on which it is judged how far an embedding moves: those that the steps draw from, all the way or not at
    all; or the validation split's, which no step sees, in eighths of the way. The latter pays where networks are sure
    of all training inputs."""


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """One run, from a zoo to a report."""

    name: tyro.conf.Suppress[str]
    """What the run is called: of a preset, its name."""
    domain: tyro.conf.Suppress[str]
    """Name of the domain that its networks belong to."""
    zoo: ZooConfig
    netspace: NetSpaceConfig
    refine: RefineConfig = RefineConfig()
    zoo_folder: tyro.conf.Suppress[str] = ""
    """Directory of a finished zoo to embed as it is; empty for the one that `zoo` describes, trained where missing."""


# Fields of a zoo that change none of its networks: where its data lies, and how many train together.
WITHOUT_EFFECT = ("data_dir", "chunk")


def digest(config: ZooConfig | NetSpaceConfig | RefineConfig, *extra: str) -> str:
    """Eight hexadecimal digits that stand for every field of a configuration that can change a result.

    Fields that have their default do not count, so that a field added later does not change the digest, and 128 is
    128.0, since flags make the one of what presets write as the other.
    """
    fields = {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(config)
        if field.name not in WITHOUT_EFFECT and getattr(config, field.name) != field.default
    }
    text = json.dumps([fields, *extra], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


Config = TypeVar("Config", bound=ZooConfig | NetSpaceConfig | RefineConfig)


def rebuild(config_class: type[Config], values: Any) -> Config:
    """A configuration from the dict that JSON holds of it.

    Raises:
      TypeError: the values are not those of a `config_class`: a field is unknown, or against its type or its rule.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{type(values).__name__} where fields and their values belong")
    lists_as_tuples: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    config = config_class(**lists_as_tuples)
    for name, fault in faults(config):
        raise TypeError(f"{name} {fault}")
    return config
