"""The smallest things that tests train: pictures, two architectures, configurations."""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from etils import epath

from netspace_jax import architectures
from netspace_jax.architectures import Architecture
from netspace_jax.architectures.layers import ConvNorm, Linear, flatten_maps, fold_batch_norm, leaky_relu, to_maps
from netspace_jax.config import RunConfig
from netspace_jax.data.images import Images, ImageSet
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig
from netspace_jax.domains.images.dataset import Classification, ImageData, image_data
from netspace_jax.fit import as_group
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.runs import Run
from netspace_jax.space import Constants, NetSpace, Space
from netspace_jax.space.build import initial_params, make_constants, make_netspace
from netspace_jax.space.loop import as_space
from netspace_jax.space.observation import Pairs
from netspace_jax.zoo import Members, Networks, Zoo

SHAPE, CLASSES = (4, 4, 1), 4


def dataset(crop_padding: int = 0) -> ImageData:
    """Noisy pictures of which one quarter is bright: the class is which."""
    random = np.random.default_rng(0)

    def images(count):
        y = np.arange(count) % CLASSES
        x = random.integers(0, 160, (count, *SHAPE))
        for corner in range(CLASSES):
            row, column = 2 * (corner // 2), 2 * (corner % 2)
            x[y == corner, row : row + 2, column : column + 2] += 90
        return Images(x.astype(np.uint8), y.astype(np.int32))

    found = ImageSet("quarters", CLASSES, images(50), images(30), images(40), (0.4,), (0.3,))
    return image_data(found, crop_padding=crop_padding)


def no_pairs() -> Pairs:
    """Of encoders that look at something else."""
    return Pairs(jnp.zeros((0, *SHAPE)), jnp.zeros((0, CLASSES)), jnp.zeros(0))


TASK = Classification(SHAPE, CLASSES, (0.4,), (0.3,))


class Perceptron(nn.Module):
    """One hidden layer."""

    hidden: int
    outputs: int

    @nn.compact
    def __call__(self, x):
        return Linear(self.outputs)(leaky_relu(Linear(self.hidden)(flatten_maps(to_maps(x)))))


class Normed(nn.Module):
    """A convolution with a batch norm, and a linear layer."""

    folded: bool

    @nn.compact
    def __call__(self, x, train=False):
        x = leaky_relu(ConvNorm(3, 3, 2, self.folded, name="stem")(to_maps(x), train))
        return Linear(CLASSES)(flatten_maps(x))


for _width in (3, 4, 5, 6):
    architectures.register(f"perceptron{_width}", lambda shape, outputs, width=_width: Perceptron(width, outputs))


def perceptron(width: int = 3) -> Architecture:
    """16·width + width + 4·width + 4 parameters."""
    return architectures.build(f"perceptron{width}", SHAPE, CLASSES)


def normed() -> Architecture:
    """An architecture that is folded when its training ends."""
    return Architecture("normed", Normed(True), SHAPE, Normed(False), fold_batch_norm)


def zoo_config(**changes) -> ImageZooConfig:
    """Twenty perceptrons in chunks of six."""
    return ImageZooConfig(
        **{
            "architectures": ("perceptron3",),
            "members": (20,),
            "validation": 4,
            "test": 5,
            "steps": 30,
            "min_steps": 1,
            "batch": 16,
            "chunk": 6,
            "learning_rate": 3e-2,
            **changes,
        }
    )


def netspace_config(**changes) -> ImageNetSpaceConfig:
    """A NetSpace of perceptrons with 67 parameters."""
    return ImageNetSpaceConfig(
        **{
            "prep": (8, 16),
            "embedding": 6,
            "hidden": 16,
            "probes": 8,
            "networks": 8,
            "batch": 16,
            "steps": 40,
            "validations": 4,
            "log_every": 5,
            "learning_rate": 1e-2,
            **changes,
        }
    )


def run_config(zoo: ImageZooConfig | None = None, netspace: ImageNetSpaceConfig | None = None) -> RunConfig:
    """A run of perceptrons."""
    return RunConfig("tiny", "images", zoo or zoo_config(), netspace or netspace_config())


class Copy(nn.Module):
    """An encoder whose embedding is the PRep itself."""

    embedding: int = 160

    @nn.compact
    def __call__(self, observation):
        return observation.prep.reshape(-1)


class Paste(nn.Module):
    """A decoder that gives back what `Copy` took, `factor` times as large."""

    prep: tuple[int, int]
    factor: float = 1.0

    @nn.compact
    def __call__(self, z, scale, shift, architecture):
        return self.factor * z.reshape(self.prep)


class Corner(nn.Module):
    """A head whose logits are the first values of an embedding."""

    architectures: int

    @nn.compact
    def __call__(self, z):
        return z[: self.architectures]


NO_PARAMS = {"encoder": {}, "decoder": {}, "head": {}}
PREP = (8, 20)


def constants(architectures: int = 1) -> Constants:
    """Constants that `unchanged` does not look at."""
    nothing = jnp.zeros((architectures, *PREP))
    return Constants(jnp.zeros((2, *SHAPE)), nothing, nothing)


def unchanged(widths: tuple[int, ...] = (3,), factor: float = 1.0) -> NetSpace:
    """A NetSpace of perceptrons that gives every network back, `factor` times as large."""
    return NetSpace(
        architectures=tuple(perceptron(width) for width in widths),
        prep=PREP,
        encoder=Copy(),
        decoder=Paste(PREP, factor),
        head=Corner(len(widths)),
        correction=None,
        corrections=0,
        behaviour=TASK,
        params=NO_PARAMS,
        constants=constants(len(widths)),
    )


def flats(count: int, width: int = 3, seed: int = 0) -> jax.Array:
    """Perceptrons with random parameters."""
    return jax.random.normal(jax.random.key(100 * width + seed), (count, perceptron(width).size))


def networks(count: int, width: int = 3, seed: int = 0, split: str = "test") -> Networks:
    """The same as members of a zoo."""
    return members_of(flats(count, width, seed), f"perceptron{width}", split)


def members_of(rows, name: str, split: str, data: ImageData | None = None) -> Networks:
    """Flat parameters as members of a zoo, scored on `data`, or 0."""
    scores = [np.zeros(len(rows))] * 2
    if data is not None:
        built = architectures.build(name, data.behaviour.input_shape, data.behaviour.outputs)
        scores = [scores_of(data, built, rows, split=which) for which in ("validation", "test")]
    count = len(rows)
    members = Members(
        {
            "architecture": [name] * count,
            "index": range(count),
            "item": [f"{split}{i}" for i in range(count)],
            "split": [split] * count,
            "status": ["finite"] * count,
            "steps": [0] * count,
            "score_validation": scores[0],
            "score_test": scores[1],
            "chunk": [0] * count,
            "row": range(count),
        }
    )
    return Networks(members, np.asarray(rows))


def set_reader(data: ImageData) -> Space:
    """A space with a set encoder, as it starts, calibrated by six networks."""
    config, members = netspace_config(encoder="set", probes=8), networks(6, 3, split="train")
    built = (perceptron(3),)
    netspace = make_netspace(config, built, data.behaviour, make_constants(config, built, data, (members.parameters,)))
    netspace = netspace.replace(params=jax.jit(initial_params)(netspace, jax.random.key(0)))
    groups = {0: as_group(members)}
    return as_space(netspace, groups, data, groups)


class Held(Zoo):
    """A zoo in memory of the networks of each (architecture, split), which a test may replace."""

    def __init__(self, held: dict[tuple[str, str], Networks], summary: dict | None = None):
        object.__setattr__(self, "held", held)
        members = Members.joined([networks.members for networks in held.values()])
        super().__init__(members, {}, summary or {}, self._rows_of)

    def networks(self, architecture, split):
        return self.held[architecture, split]

    def _rows_of(self, members):
        return self.held[members[0].architecture, members[0].split].parameters[members.row]


def held(data, networks) -> Held:
    """A zoo of the flat parameters of each (architecture, split), scored on a data set."""
    return Held({(name, split): members_of(rows, name, split, data) for (name, split), rows in networks.items()})


@functools.cache
def trained(widths: tuple[int, ...] = (3,), factor: float = 1.0, teacher: str = "") -> Run:
    """A run whose space gives networks back `factor` times as large, 12 training and 6 test networks of each width."""
    pictures, names = dataset(), tuple(f"perceptron{width}" for width in widths)
    config = run_config(
        zoo_config(architectures=names, members=(18,) * len(names), teacher=teacher),
        netspace_config(prep=PREP, embedding=PREP[0] * PREP[1]),
    )
    networks = {
        (name, split): flats(count, width, seed)
        for name, width in zip(names, widths, strict=True)
        for split, count, seed in (("train", 12, 0), ("test", 6, 1))
    }
    if teacher:
        networks[teacher, "teacher"] = flats(1, int(teacher[-1]), 2)
    netspace = unchanged(widths, factor)
    netspace = netspace.replace(constants=netspace.constants.replace(probes=pictures.probes(16)))
    fields = {field.name: getattr(netspace, field.name) for field in dataclasses.fields(NetSpace)}
    train = {
        name: jnp.pad(networks[name, "train"], ((0, 0), (0, PREP[0] * PREP[1] - networks[name, "train"].shape[1])))
        for name in names
    }
    return Run(config, epath.Path("nowhere"), held(pictures, networks), pictures, Space(**fields, embeddings=train), 0)


def again(run: Run, **changes) -> Run:
    """The same run, or one that differs in some of its parts; nothing has been computed of it yet."""
    parts = {name: getattr(run, name) for name in ("config", "path", "zoo", "dataset", "space", "step")}
    return Run(**{**parts, **changes})


def contrary(run: Run) -> Run:
    """The same run, but the better a member is on test inputs, the worse is its validation score."""

    def turned(networks):
        columns = {**networks.members.columns, "score_validation": 1 - networks.members.score_test}
        return Networks(Members(columns), networks.parameters)

    return again(run, zoo=Held({key: turned(networks) for key, networks in run.zoo.held.items()}))
