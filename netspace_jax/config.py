"""What a zoo and a space are made from: frozen dataclasses whose fields are the flags of the commands.

A domain adds fields of its own by subclassing `ZooConfig` and `NetSpaceConfig`. What a field may be is said beside it
(`netspace_jax.rules`).
"""

import dataclasses
import math
from typing import Annotated, Literal

import tyro
from annotated_types import Interval

from netspace_jax.rules import Count, Fraction, Inside, Natural, NotNegative, Positive, Seed, Share, Unless

Products = Literal["float32", "tensorfloat32", "bfloat16"]
"""Formats of products of matrices."""

Lowering = Literal["auto", "cpu", "accelerator"]
"""`auto` is what suits the devices: those of the mesh that a program runs on, or else JAX's default ones."""

MOST_CHECKS = 1_000_000
"""The highest number of validation checks."""

Curves = Literal["wandb", "tensorboard"]
"""Where metrics are handed on to: Weights & Biases or TensorBoard."""


@dataclasses.dataclass(frozen=True)
class ZooConfig:
    """A population of networks and how it is trained."""

    dataset: Annotated[str, tyro.conf.arg(prefix_name=False)] = "digits"
    """Name of a data set, or a path to one."""
    architectures: tuple[str, ...] = ("lenetlike",)
    """Architectures in order: neighbours in this list are neighbours in the latent space."""
    members: tuple[Count, ...] = (1024,)
    """Networks of each architecture."""
    teacher: str = ""
    """Architecture of one more network, the teacher that all others may imitate; empty for none."""
    validation: Share = 1 / 8
    """Members that validate the space: a share below 1, or a number for each architecture."""
    test: Share = 1 / 8
    """Members that test the space: a share below 1, or a number for each architecture."""
    shared_init: bool = False
    """Whether all members of an architecture start from the same random initialisation."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Adam, or SGD with momentum 0.9."""
    learning_rate: Positive = 3e-3
    """Learning rate at the first step."""
    weight_decay: NotNegative = 0.0
    """Weight decay, added to the gradient (L2, as PyTorch's optimizers have it)."""
    schedule: Literal["steps", "cosine"] = "steps"
    """Step decay at each of `decay_at`, or cosine decay to a hundredth over `steps`."""
    decay: Annotated[Positive, Unless("schedule", "cosine")] = 1.0
    """Factor by which the learning rate is multiplied at each of `decay_at`."""
    decay_at: Annotated[tuple[Inside, ...], Unless("schedule", "cosine")] = ()
    """Shares of `steps` at which the learning rate decays."""
    batch: Count = 64
    """Batch size of one network."""
    steps: Count = 400
    """Maximum number of training steps of a member."""
    teacher_steps: Annotated[Natural, Unless("teacher", "")] = 0
    """Training steps of the teacher; 0 for as many as members have at most."""
    stops: Literal["end", "log-uniform", "paper"] = "log-uniform"
    """Steps of each member: `steps`; log-uniform between `min_steps` and `steps`; or those of the paper's 186."""
    min_steps: Annotated[Natural, Unless("stops", "end", "paper")] = 3
    """Minimum number of training steps of a member, where they are log-uniform."""
    validations: Annotated[int, Interval(ge=0, le=MOST_CHECKS)] = 0
    """Validation checks from `validate_from` on, of which the best parameters are kept; 0 keeps the last parameters."""
    validate_from: Annotated[float, Interval(ge=0, lt=1), Unless("validations", 0)] = 0.7
    """Share of `steps` at which the first validation check is."""
    matmul: Products = "float32"
    """Format in which products of matrices are computed: NVIDIA cards are several times faster in `tensorfloat32`, TPUs
    in `bfloat16`, and less exact; CPUs know float32 alone."""
    seed: Seed = 0
    """Seed of the zoo."""
    chunk: Natural = 0
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

    prep: tuple[Count, Count] = (64, 64)
    """Rows and columns of a PRep; every architecture must fit."""
    embedding: Count = 256
    """Values of an embedding, beside the coefficients of --netspace.rank."""
    encoder: Literal["probe", "set", "conv"] = "probe"
    """`probe` reads a network's outputs on probe inputs and statistics of its PRep; `set` any number of its answers on
    any inputs, and so labelled examples of a new task as well; `conv`, the paper's, reads its PRep."""
    decoder: Literal["mlp", "conv"] = "mlp"
    """`mlp` scales what it generates layer by layer; `conv` is the paper's."""
    hidden: Count = 512
    """Width of the hidden layers of the `probe` and `set` encoders and the `mlp` decoder."""
    center: Annotated[Literal["mean", "network"], Unless("decoder", "conv")] = "mean"
    """Network that the `mlp` decoder generates differences from: the mean of the training members, or one of them (of
    an architecture without training members, an untrained network)."""
    initial_scale: Annotated[Positive, Unless("decoder", "conv")] = 1.0
    """Initial spread of decoded weights (1 = as in the zoo)."""
    skip: Annotated[bool, Unless("decoder", "conv")] = False
    """Whether the `mlp` decoder has a linear skip connection from the embedding to the weights."""
    rank: Annotated[Natural, Unless("decoder", "conv")] = 0
    """Rank, at most, of a change of each weight tensor, whose coefficients are part of the embedding; 0 for none."""
    corrections: Annotated[
        int, Interval(ge=0, le=MOST_CHECKS), Unless("teaching", "common"), Unless("encoder", "set")
    ] = 0
    """Times that the encoder corrects an embedding by the errors of its decoded network on the probes."""
    correct_share: Annotated[Inside, Unless("corrections", 0)] = 0.1
    """Share of `steps`, the last ones, that also train the corrections, at half of the learning rate."""
    probes: Annotated[Count, Unless("encoder", "conv")] = 128
    """Training inputs on which the `probe` encoder sees a network's outputs, and the `set` encoder by default."""
    pairs: Annotated[Count, Unless("encoder", "probe", "conv")] = 32
    """Answers of a network, at most, that a step of training shows the `set` encoder: from 1, log-uniformly."""
    noise: NotNegative = 1.0
    """Maximum noise on the input networks, as a share of each layer's standard deviation over the zoo."""
    train_architectures: tuple[str, ...] = ()
    """Architectures of the training networks; empty for all. The others are learned by interpolation alone."""
    teaching: Literal["self", "common"] = "self"
    """Targets of a decoded network: the outputs of its input network, or those of the zoo's teacher and the labels."""
    interpolation: bool = False
    """Whether embeddings between two architectures are trained to decode to the architectures in between."""
    label_weight: Annotated[Fraction, Unless("teaching", "self")] = 0.1
    """Weight of the labels against distillation, with --netspace.teaching common."""
    networks: Count = 32
    """Networks of a batch, the same number of each architecture."""
    train_members: Natural = 0
    """Members of each architecture to train on; 0 for all of the training split."""
    resident: Natural = 0
    """Training members of each architecture in memory at once, the others being read from disk in turn; 0 for all."""
    batch: Count = 128
    """Inputs of a batch, for each of its networks."""
    learning_rate: Positive = 1e-3
    """Adam's learning rate after the warm-up."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """Constant learning rate, or warm-up and cosine decay to a hundredth."""
    steps: Count = 4000
    """Training steps."""
    validations: Annotated[int, Interval(ge=1, le=MOST_CHECKS)] = 10
    """Validation checks, of which the best checkpoint is evaluated."""
    log_every: Count = 20
    """Steps between two lines of metrics.jsonl."""
    select: Literal["gap", "agreement", "score"] = "gap"
    """Selection metric of checkpoints on validation members: the lowest gap, the highest agreement, or the highest
    score, less the share of members that are read as another architecture."""
    matmul: Products = "float32"
    """Format in which products of matrices are computed in training; evaluations are always in `float32`."""
    seed: Seed = 0
    """Seed of the space."""

    def trains_on(self, architectures: tuple[str, ...]) -> tuple[int, ...]:
        """Ids (positions) of the architectures whose networks train the space."""
        wanted = self.train_architectures or architectures
        return tuple(i for i, name in enumerate(architectures) if name in wanted)


def fitting_prep(config: NetSpaceConfig, size: int) -> NetSpaceConfig:
    """The configuration with a PRep that holds networks of `size` parameters: its own, or a larger one."""
    rows, columns = config.prep
    if size <= rows * columns:
        return config
    columns = max(columns, math.isqrt(size) // 64 * 64)
    return dataclasses.replace(config, prep=(-(-size // columns), columns))


@dataclasses.dataclass(frozen=True)
class SearchConfig:
    """How embeddings are searched."""

    steps: Count = 1000
    """Steps of Adam."""
    learning_rate: Positive = 0.03
    """Adam's learning rate, in standard deviations of the embeddings; cosine decay to a hundredth."""
    trust: NotNegative = 0.01
    """Weight of the mean squared distance to the centre of the training embeddings, in their standard deviations."""
    validations: Annotated[int, Interval(ge=1, le=MOST_CHECKS)] = 20
    """Validation checks, of which the best embedding is the result."""
    seed: Seed = 0
    """Seed of the batches."""


@dataclasses.dataclass(frozen=True)
class RefineConfig:
    """How embeddings are refined."""

    steps: Natural = 300
    """Steps of Adam on each embedding; 0 for no refinement, and a report without it."""
    learning_rate: Positive = 0.1
    """Adam's learning rate, in standard deviations of the embeddings; cosine decay to a fiftieth."""
    trust: NotNegative = 0.0
    """Weight of the mean squared distance to the embedding that refinement begins at, in standard deviations."""
    batch: Count = 256
    """Batch size; all inputs where there are fewer."""
    seed: Seed = 0
    """Seed of the batches."""
    judged_on: Literal["train", "validation"] = "train"
    """Inputs that decide how far an embedding moves: the training inputs, all the way or not at all; or the validation
    inputs, in eighths of the way. The latter pays where networks are sure of all training inputs."""


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


@dataclasses.dataclass(frozen=True)
class Hosts:
    """Processes that work on one job together, each with its own devices, over a file system that all of them see."""

    coordinator: str = ""
    """Address host:port of the first process; `auto` on clusters that JAX knows (TPU pods, SLURM); empty for one
    process alone."""
    processes: int = 0
    """Number of processes; found out with `auto`."""
    process: int = -1
    """Index of this process, from 0; found out with `auto`."""
