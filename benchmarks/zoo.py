"""Training a zoo: networks·steps a second, ours against PyTorch: a loop, two processes, vmapped, compiled.

    python benchmarks/zoo.py [--architectures lenetlike …] [--networks N] [--steps S]

Both sides train the same architecture in float32 with SGD, momentum 0.9, on batches of 128 CIFAR-10-sized images that
they draw, normalise and label themselves from the same uint8 arrays (SIRENs: 2,048 points).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dataclasses
import functools

import tyro

from netspace_jax.ops.devices import prepare

prepare()

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402

from benchmarks.rivals import POINTS, Data, torch_compiled, torch_processes, torch_sequential, torch_vmapped  # noqa: E402
from benchmarks.timing import Contender, alternate, as_record, matmul_rate, report  # noqa: E402
from netspace_jax import architectures  # noqa: E402
from netspace_jax.architectures.layers import Conv, Linear  # noqa: E402
from netspace_jax.architectures.parameters import unflatten  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.config import ZooConfig  # noqa: E402
from netspace_jax.data.images import Images, ImageSet  # noqa: E402
from netspace_jax.domains.fields.dataset import FieldData, Samples, ShapeTruth  # noqa: E402
from netspace_jax.domains.images.dataset import image_data  # noqa: E402
from netspace_jax.ops.devices import network_mesh, over_networks, padded, put_everywhere  # noqa: E402
from netspace_jax.ops.mapping import each_network  # noqa: E402
from netspace_jax.ops.platform import on_cpu  # noqa: E402
from netspace_jax.population.trainer import compiler_options  # noqa: E402
from netspace_jax.zoo import recipe  # noqa: E402
from netspace_jax.zoo.plan import untrained  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of benchmarks/zoo.py."""

    architectures: tuple[str, ...] = ("lenetlike", "vanilla_cnn", "resnet8", "resnet32", "siren")
    """What to train."""
    networks: int = 16
    """Networks of a zoo that is compared with PyTorch."""
    resnets: int = 4
    """The same for ResNets, whose activations take the most memory when PyTorch vmaps them."""
    steps: int = 8
    """Training steps of each network in one turn; few give much weight to the memory that a call takes afresh."""
    sizes: tuple[int, ...] = (1, 4, 16, 64, 256, 1024)
    """Sizes of the LeNetLike zoo whose cost is shown as it grows."""
    chunk: int = 64
    """Networks of a chunk, which bound the memory as a zoo grows."""
    batch: int = 128
    """Images of a step."""
    turns: int = 3
    """Turns of which the median counts."""
    out: Path = Path("benchmarks/results")
    """Where the JSON goes."""


def dataset_of(data: Data, name: str):
    if name == "siren":
        rows = jnp.asarray(data.points)
        part, few = Samples(rows[..., :3], rows[..., 3:]), Samples(rows[:, :64, :3], rows[:, :64, 3:])
        return FieldData((part, part), few, ShapeTruth(rows[:, :64], rows[:, :64, :3]))
    images = Images(data.x, data.y)
    small = Images(data.x[:64], data.y[:64])
    return image_data(ImageSet("random", 10, images, small, small, MEAN, STD))


def ours(name: str, data: Data, networks: int, steps: int, batch: int, record: dict):
    """A run of `steps` steps of all networks with this project, one chunk."""
    dataset = dataset_of(data, name)
    mesh = network_mesh()
    built = dataset.behaviour.architecture(name)
    config = ZooConfig(
        architectures=(name,),
        members=(networks,),
        optimizer="sgd",
        learning_rate=1e-3,
        stops="end",
        steps=10**6,
        batch=POINTS if name == "siren" else batch,
    )
    one = recipe(built, config)
    start = jax.jit(jax.vmap(one.start, (0, None)), out_shardings=over_networks(mesh))
    data_here = put_everywhere(dataset, mesh)
    state = start(untrained(config, name, padded(networks, mesh)), data_here)
    # An accelerator's loop has a static length.
    walk = functools.partial(one.advance, length=0 if on_cpu() else steps)
    steps_of_all = jax.jit(each_network(walk, mesh, 3), donate_argnums=0, compiler_options=compiler_options(built))
    advance = steps_of_all.lower(state, data_here, 0, steps).compile()
    memory = advance.memory_analysis()
    record["megabytes"] = (memory.argument_size_in_bytes + memory.temp_size_in_bytes) / 1e6 if memory else None
    record["bytes"] = (advance.cost_analysis() or {}).get("bytes accessed", 0.0)
    held = [state]

    def run():
        held[0] = jax.block_until_ready(advance(held[0], data_here, 0, steps))

    return run


def operations(name: str, batch: int) -> float:
    """Operations of one training step: two for each multiplication and addition, forward and twice that backward."""
    siren = name == "siren"
    built = architectures.build(name, (3,) if siren else (32, 32, 3), 1 if siren else 10)
    count = POINTS if siren else batch

    def outputs(flat, x):
        variables = {"params": unflatten(built.spec, flat)}
        return built.module.apply(
            variables,
            x,
            capture_intermediates=lambda module, _: isinstance(module, (Conv, Linear)),
            mutable=["intermediates"],
        )[1]["intermediates"]

    found = jax.eval_shape(outputs, jnp.zeros(built.size), jnp.zeros((count, *built.input_shape)))
    total = 0.0
    for leaf in built.spec.leaves:
        if leaf.path[-1] == "kernel":
            node = found
            for part in leaf.path[:-1]:
                node = node[part]
            positions = node["__call__"][0].size / leaf.shape[-1]
            total += 2.0 * positions * leaf.size
    return 3 * total


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/zoo.py")
    data = Data.make()
    command = " ".join(["python benchmarks/zoo.py", *arguments])
    rate = matmul_rate()
    rows, record = [], []
    for name in args.architectures:
        memory: dict = {}
        networks = args.resnets if name.startswith("resnet") else args.networks
        size = (name, data, networks, args.steps, args.batch)
        units = networks * args.steps
        found = alternate(
            [
                Contender("ours", lambda size=size, memory=memory: ours(*size, memory), units),
                Contender("one after another", lambda size=size: torch_sequential(*size), units),
                Contender("two processes", lambda size=size: torch_processes(*size), units),
                Contender("torch.func.vmap", lambda size=size: torch_vmapped(*size), units),
                Contender("torch.compile", lambda size=size: torch_compiled(*size), units),
            ],
            args.turns,
        )
        floor = rate / operations(name, args.batch)
        mine, theirs = found[0], [timing.seconds for timing in found[1:] if timing.seconds]
        ratio = f"{min(theirs) / mine.seconds:.2f}" if theirs else "–"
        rows.append(
            (
                name,
                *(timing.per_second() for timing in found),
                ratio,
                f"{floor:,.4g}",
                f"{1 / mine.seconds / floor:.0%}",
                f"{mine.warm_seconds:.1f}",
            )
        )
        record.append(
            {
                "architecture": name,
                "networks": networks,
                "timings": as_record(found),
                "floor_per_second": floor,
                **memory,
            }
        )
        print(" | ".join(rows[-1]), flush=True)
    header = (
        "architecture",
        "ours",
        "PyTorch one after another",
        "two processes of one thread",
        "torch.func.vmap",
        "torch.compile",
        "ours ÷ the best of the others",
        "at the machine's matmul rate",
        "share of it",
        "ours: seconds to warm",
    )
    report("Training a zoo", command, header, rows, {"rows": record, "matmul_operations_per_second": rate}, args.out)
    rows, record = [], []
    for total in args.sizes:
        memory = {}
        together = min(total, args.chunk)
        rounds = -(-total // together)

        def prepare(together=together, rounds=rounds, memory=memory):
            run = ours("lenetlike", data, together, args.steps, args.batch, memory)
            return lambda: [run() for _ in range(rounds)]

        (timing,) = alternate([Contender("ours", prepare, total * args.steps)], args.turns)
        rows.append((f"{total:,}", timing.per_second(), f"{memory['megabytes']:,.0f}", f"{timing.warm_seconds:.1f}"))
        record.append({"networks": total, "timings": as_record([timing]), **memory})
    header = ("LeNetLikes", "networks·steps a second", "megabytes of a chunk", "seconds to warm")
    report("A zoo as it grows", command, header, rows, {"rows": record}, args.out)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
