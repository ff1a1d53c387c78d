"""A step of NetSpace's training: ours against the paper's way of doing it in PyTorch.

    python benchmarks/netspace.py [--experiments single multi]

The paper's way: a PRep for each network of the batch through a convolutional autoencoder, then a Python loop over
the networks, each run functionally out of its generated PRep. Ours: the same autoencoder with all networks vmapped in
one compiled step, and the same step with this project's own encoder and decoder. Sizes are the paper's: 8 ResNet8s and
128 images (single), and two networks of four architectures, 128 images, a ResNet56 teacher and the interpolation loss
(multi; ours one of each architecture, so its step teaches four networks where the paper's teaches two: the table
gives the time for each network). Optimiser Adam, float32.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dataclasses
from typing import Literal

import tyro

from netspace_jax.ops.devices import prepare

prepare()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks.timing import Contender, Unavailable, alternate, as_record, report  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.config import NetSpaceConfig, RunConfig  # noqa: E402
from netspace_jax.data.images import Images, ImageSet  # noqa: E402
from netspace_jax.domain import preset  # noqa: E402
from netspace_jax.domains.images.dataset import image_data  # noqa: E402
from netspace_jax.domains.images.domain import DOMAIN  # noqa: E402
from netspace_jax.ops.devices import netspace_mesh, put_everywhere  # noqa: E402
from netspace_jax.space.build import make_constants, make_netspace  # noqa: E402
from netspace_jax.space.loss import Group  # noqa: E402
from netspace_jax.space.step import TrainData, make_training  # noqa: E402

MEMBERS = 4  # of each architecture on the device; how many there are does not change a step's time


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of benchmarks/netspace.py."""

    experiments: tuple[Literal["single", "multi"], ...] = ("single", "multi")
    """`single`: 8 ResNet8s; `multi`: four architectures with a teacher and interpolation."""
    steps: int = 1
    """Training steps of one turn."""
    batch: int = 128
    """Images that each network sees."""
    size: int = 32
    """Height and width of the images; PyTorch's side is written for 32."""
    networks: int = 0
    """Networks of a step of `single`; 0 for the paper's 8."""
    turns: int = 3
    """Turns of which the median counts."""
    hidden: int = 256
    """Width of this project's own decoder."""
    out: Path = Path("benchmarks/results")
    """Where the JSON goes."""


def _images(size: int) -> ImageSet:
    rng = np.random.default_rng(0)

    def some(count):
        return Images(
            rng.integers(0, 256, (count, size, size, 3)).astype(np.uint8), (np.arange(count) % 10).astype(np.int32)
        )

    return ImageSet("random", 10, some(512), some(16), some(16), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def ours(config: RunConfig, args: Arguments):
    """`steps` steps of this project's training."""
    data = image_data(_images(args.size))
    behaviour = DOMAIN.behaviour_of(config.netspace, data.behaviour)
    names = config.zoo.architectures
    built = tuple(behaviour.architecture(name) for name in names)
    rng = np.random.default_rng(0)

    def drawn(architecture, count):
        return (0.05 * rng.standard_normal((count, architecture.size))).astype(np.float32)

    members = tuple(drawn(architecture, MEMBERS) for architecture in built)
    netspace = make_netspace(config.netspace, built, behaviour, make_constants(config.netspace, built, data, members))
    teacher = None
    if config.netspace.teaching == "common":
        architecture = behaviour.architecture(config.zoo.teacher)
        teacher = architecture, jnp.asarray(drawn(architecture, 1)[0])
    groups = {which: Group(jnp.asarray(rows), jnp.arange(MEMBERS)) for which, rows in enumerate(members)}
    mesh = netspace_mesh()
    data = put_everywhere(TrainData(data, netspace, groups, teacher, jax.random.key(0)), mesh)
    training = make_training(config.netspace, tuple(groups), mesh)
    held = [training.init(data)]

    def run():
        state, _ = training.advance(held[0], data, args.steps, False)
        held[0] = jax.block_until_ready(state)

    return run


def reference(multi: bool, config: NetSpaceConfig, args: Arguments):
    """`steps` steps as the paper's implementation does them: a Python loop over the networks of the batch."""
    prep = config.prep
    try:
        import torch
    except ImportError as error:
        raise Unavailable("PyTorch is not installed") from error
    if args.size != 32:
        raise Unavailable("written for images of 32×32")
    from torch.func import functional_call
    from torch.nn import functional as F

    from benchmarks import torch_networks as nets

    device = "cuda" if torch.cuda.is_available() else "cpu"
    models = [nets.lenetlike(), nets.vanilla_cnn(), nets.resnet(8, norm=None), nets.resnet(32, norm=None)]
    models = [model.to(device) for model in (models if multi else models[2:3])]
    sizes = [sum(p.numel() for p in model.parameters()) for model in models]
    encoder, decoder, head = (
        nets.Encoder().to(device),
        nets.Decoder(*prep).to(device),
        nets.Head(max(len(models), 2)).to(device),
    )
    teacher = nets.resnet(56, norm=None).to(device) if multi else None
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters(), *head.parameters()], lr=1e-4)
    images = _images(32).train
    x_all = torch.from_numpy(images.x).to(device).permute(0, 3, 1, 2).float() / 255 - 0.45
    y_all = torch.from_numpy(images.y).long().to(device)
    # The two that are interpolated, so that every part of the loss is there.
    kinds = [0, 3] if multi else [0] * config.networks

    def prep_of(kind):
        flat = 0.05 * torch.randn(sizes[kind], device=device)
        return F.pad(flat, (0, prep[0] * prep[1] - sizes[kind])).view(1, *prep)

    preps = torch.stack([prep_of(kind) for kind in kinds])

    def read(kind, prep, x):
        return functional_call(models[kind], nets.from_prep(models[kind], prep), (x,))

    def taught(kind, z, x, y, wanted):
        """Loss of the network of one kind that an embedding is read as."""
        out = read(kind, decoder(z[None])[0], x)
        label = torch.tensor([kind], device=device)
        return (
            F.cross_entropy(head(z[None]), label) + 0.9 * nets.distillation(wanted, out) + 0.1 * F.cross_entropy(out, y)
        )

    def step():
        chosen = torch.randint(0, len(y_all), (args.batch,), device=device)
        x, y = x_all[chosen], y_all[chosen]
        z = encoder(preps)
        if multi:
            with torch.no_grad():
                wanted = teacher(x)
            loss = sum(taught(kind, z[i], x, y, wanted) for i, kind in enumerate(kinds))
            loss = loss + sum(taught(k, (1 - k / 3) * z[0] + k / 3 * z[1], x, y, wanted) for k in (1, 2))
        else:
            generated = decoder(z)
            loss = 0
            for i, kind in enumerate(kinds):
                with torch.no_grad():
                    wanted = read(kind, preps[i], x)
                loss = loss + nets.distillation(wanted, read(kind, generated[i], x)) / len(kinds)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def run():
        for _ in range(args.steps):
            step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def own(config: RunConfig, hidden: int) -> RunConfig:
    """The same experiment with this project's encoder and decoder."""
    base: NetSpaceConfig = config.netspace
    return dataclasses.replace(
        config,
        netspace=dataclasses.replace(base, encoder="probe", decoder="mlp", embedding=256, hidden=hidden, probes=64),
    )


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/netspace.py")
    command = " ".join(["python benchmarks/netspace.py", *arguments])
    rows, record = [], []
    for experiment in args.experiments:
        multi = experiment == "multi"
        config = preset("cifar10-multi" if multi else "cifar10-single")
        networks = config.netspace.networks if multi or not args.networks else args.networks
        config = dataclasses.replace(
            config, netspace=dataclasses.replace(config.netspace, batch=args.batch, networks=networks)
        )
        found = alternate(
            [
                Contender("ours", lambda config=config: ours(config, args), args.steps * networks),
                Contender(
                    "ours, own autoencoder",
                    lambda config=config: ours(own(config, args.hidden), args),
                    args.steps * networks,
                ),
                Contender(
                    "paper's way",
                    lambda multi=multi, config=config: reference(multi, config.netspace, args),
                    args.steps * (2 if multi else networks),
                ),
            ],
            args.turns,
        )
        theirs = found[2]
        for timing in found:
            ratio = f"{theirs.seconds / timing.seconds:.2f}" if theirs.seconds and timing.seconds else "–"
            time = timing.failure or f"{timing.seconds:.3f}"
            rows.append((experiment, timing.name, time, ratio, f"{timing.warm_seconds:.1f}" if timing.seconds else "–"))
        record.append({"experiment": experiment, "timings": as_record(found)})
    header = ("experiment", "way", "seconds for each network of a step", "times the paper's way", "seconds to warm")
    report("A step of NetSpace", command, header, rows, {"rows": record, "batch": args.batch}, args.out)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
