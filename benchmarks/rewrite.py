"""The main job against a straightforward rewrite of it in PyTorch: a zoo of LeNetLikes on digits, then its space.

    python benchmarks/rewrite.py [--share 0.05]

The same work on both sides: as many networks, each as many steps of Adam on batches of 64 digits; then an encoder of
logits on 128 probes, a decoder, and as many steps on 32 networks and 128 digits (the preset without coefficients, skip
and corrections). PyTorch trains one network after another, and its space by `torch.func.vmap` over the networks of a
step. Of PyTorch a share of the steps is timed and scaled up; ours are timed whole, compilation included.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import dataclasses  # noqa: E402
import json  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402
import tyro  # noqa: E402

from netspace_jax.ops.devices import prepare  # noqa: E402

prepare()

from benchmarks.timing import report  # noqa: E402
from netspace_jax import jobs  # noqa: E402
from netspace_jax.cli.errors import one_line_errors  # noqa: E402
from netspace_jax.config import RunConfig  # noqa: E402
from netspace_jax.domain import preset  # noqa: E402
from netspace_jax.errors import InputError  # noqa: E402
from netspace_jax.runs import Run, open_run  # noqa: E402
from netspace_jax.zoo.plan import stops_of  # noqa: E402


@dataclasses.dataclass(frozen=True)
class Arguments:
    """Flags of this benchmark."""

    members: int = 1024
    """Networks of the zoo."""
    steps: int = 2150
    """Training steps of the space."""
    share: float = 0.05
    """Share of PyTorch's steps that is timed."""
    out: Path = Path("benchmarks/results")
    """Where the JSON goes."""


def config_of(args: Arguments) -> RunConfig:
    base = preset("digits")
    held = min(128, max(args.members // 8, 2))
    zoo = dataclasses.replace(base.zoo, members=(args.members,), validation=held, test=held)
    netspace = dataclasses.replace(base.netspace, rank=0, skip=False, corrections=0, steps=args.steps, validations=1)
    return dataclasses.replace(base, zoo=zoo, netspace=netspace)


def ours(config: RunConfig) -> tuple[float, float, Run]:
    """Seconds of zoo and of space; the run in which it was done."""
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        jobs.make_zoo(config.zoo, config.domain, f"{place}/zoos")
        made = time.perf_counter()
        refine = dataclasses.replace(config.refine, steps=0)
        jobs.train(dataclasses.replace(config, refine=refine), f"{place}/run", f"{place}/zoos")
        run = open_run(f"{place}/run", f"{place}/zoos")
        metrics = json.loads((Path(place) / "run" / "metrics.json").read_text())
        return made - began, metrics["seconds/netspace"], run


def theirs(config: RunConfig, run: Run, share: float) -> tuple[float, float]:
    """Seconds of zoo and of space in PyTorch, from a share of the steps."""
    try:
        import torch
    except ImportError as error:
        raise InputError("PyTorch is not installed: pip install -e '.[benchmarks]'") from error
    from torch import nn
    from torch.nn import functional as F

    images, labels = (np.array(values) for values in run.dataset.examples("train"))
    x, y = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels).long()

    def lenetlike():
        slope = nn.LeakyReLU(0.01)
        convolutions = [nn.Conv2d(1, 6, 3, 2, 1), slope, nn.Conv2d(6, 16, 3, 2, 1), slope, nn.Flatten()]
        return nn.Sequential(*convolutions, nn.Linear(64, 32), slope, nn.Linear(32, 16), slope, nn.Linear(16, 10))

    stops = stops_of(config.zoo, "lenetlike", config.zoo.members[0])
    timed = np.random.default_rng(0).permutation(stops)[: max(round(share * len(stops)), 1)]
    members, done, began = [], 0, time.perf_counter()
    for stop in timed:
        model = lenetlike()
        optimizer = torch.optim.Adam(model.parameters(), lr=config.zoo.learning_rate)
        order = torch.randperm(len(y))
        for step in range(int(stop)):
            at = step * config.zoo.batch % (len(y) - config.zoo.batch)
            if at < config.zoo.batch:
                order = torch.randperm(len(y))
            chosen = order[at : at + config.zoo.batch]
            optimizer.zero_grad()
            F.cross_entropy(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
            done += 1
        members.append(torch.nn.utils.parameters_to_vector(model.parameters()).detach())
    zoo = (time.perf_counter() - began) * float(stops.sum()) / max(done, 1)

    flats, base, settings = torch.stack(members), lenetlike(), config.netspace
    names, sizes = zip(*((name, p.shape) for name, p in base.named_parameters()), strict=True)
    ends = np.cumsum([size.numel() for size in sizes])[:-1].tolist()

    def run_one(flat, inputs):
        parts = [part.view(size) for part, size in zip(flat.tensor_split(ends), sizes, strict=True)]
        return torch.func.functional_call(base, dict(zip(names, parts, strict=True)), (inputs,))

    run_all = torch.func.vmap(run_one, (0, None))
    probes, hidden, count = x[: settings.probes], settings.hidden, flats.shape[1]
    seen = settings.probes * 21 + len(sizes)
    encoder = nn.Sequential(
        nn.Linear(seen, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, settings.embedding)
    )
    decoder = nn.Sequential(
        nn.Linear(settings.embedding, hidden), nn.LayerNorm(hidden), nn.ReLU(), nn.Linear(hidden, count)
    )
    both = [*encoder.parameters(), *decoder.parameters()]
    optimizer = torch.optim.Adam(both, lr=settings.learning_rate)
    shift, scale = flats.mean(0), flats.std() + 1e-6

    def divergence(wanted, outputs, temperature):
        wanted, outputs = F.log_softmax(wanted / temperature, -1), F.log_softmax(outputs / temperature, -1)
        return (wanted.exp() * (wanted - outputs)).sum(-1).mean(1)

    def described(chosen):
        logits = run_all(chosen, probes)
        centred = logits - logits.mean(-1, keepdim=True)
        spread = centred.square().mean((1, 2), keepdim=True).sqrt() + 1e-6
        each = 0.5 * (centred.square().mean(-1) + 1e-6).log()
        parts = [0.5 * (part.square().mean(1) + 1e-6).log() for part in chosen.tensor_split(ends, 1)]
        return torch.cat([(centred / spread).flatten(1), each, logits.softmax(-1).flatten(1), torch.stack(parts, 1)], 1)

    steps = max(round(share * settings.steps), 1)
    began = time.perf_counter()
    for _ in range(steps):
        chosen = flats[torch.randint(len(flats), (settings.networks,))]
        inputs = x[torch.randint(len(y), (settings.batch,))]
        generated = shift + scale * decoder(encoder(described(chosen)))
        wanted, outputs = run_all(chosen, inputs), run_all(generated, inputs)
        own = (wanted - wanted.mean(-1, keepdim=True)).square().mean((1, 2), keepdim=True).sqrt() / 3 + 1e-6
        loss = (divergence(wanted, outputs, 1.0) + divergence(wanted, outputs, own)).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(both, 1.0)
        optimizer.step()
    return zoo, (time.perf_counter() - began) * settings.steps / steps


def main(arguments: list[str]) -> None:
    args = tyro.cli(Arguments, args=arguments, prog="benchmarks/rewrite.py")
    config = config_of(args)
    zoo, space, run = ours(config)
    their_zoo, their_space = theirs(config, run, args.share)
    parts = (("zoo", zoo, their_zoo), ("space", space, their_space), ("both", zoo + space, their_zoo + their_space))
    rows = [(name, f"{own:.1f}", f"{other:.1f}", f"{other / own:.2f}") for name, own, other in parts]
    record = {"seconds": {name: {"ours": own, "theirs": other} for name, own, other in parts}, "share": args.share}
    header = ("part", "ours (s)", "PyTorch, scaled up (s)", "PyTorch ÷ ours")
    command = " ".join(["python benchmarks/rewrite.py", *arguments])
    report("The main job against a rewrite", command, header, rows, record, args.out)


if __name__ == "__main__":
    with one_line_errors():
        main(sys.argv[1:])
