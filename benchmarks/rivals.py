"""The same training in PyTorch, in the ways that someone without this project would do it."""

import dataclasses
import multiprocessing

import numpy as np

from benchmarks.timing import Unavailable

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
POINTS = 2048


@dataclasses.dataclass(frozen=True)
class Data:
    """Random images and points; what they show does not change the time."""

    x: np.ndarray
    y: np.ndarray
    points: np.ndarray

    @classmethod
    def make(cls) -> "Data":
        rng = np.random.default_rng(0)
        return cls(
            rng.integers(0, 256, (1024, 32, 32, 3)).astype(np.uint8),
            (np.arange(1024) % 10).astype(np.int32),
            rng.uniform(-1, 1, (1, 16384, 4)).astype(np.float32),
        )


def _torch(name: str, networks: int, running_statistics: bool = True):
    try:
        import torch
    except ImportError as error:
        raise Unavailable("PyTorch is not installed") from error
    from benchmarks import torch_networks as nets

    norm = torch.nn.BatchNorm2d if running_statistics else nets.without_running_statistics
    make = {"lenetlike": nets.lenetlike, "vanilla_cnn": nets.vanilla_cnn, "siren": nets.siren}.get(
        name, lambda: nets.resnet(int(name.removeprefix("resnet")), norm=norm)
    )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch, [make().to(device) for _ in range(networks)], device


def _torch_batches(torch, name: str, data: Data, batch: int, device: str):
    """A function from a step to a batch, as a user keeps a small data set on the device."""
    if name == "siren":
        rows = torch.from_numpy(data.points[0]).to(device)

        def draw(step):
            first = torch.randint(0, len(rows) - POINTS + 1, ()).item()
            return rows[first : first + POINTS, :3], rows[first : first + POINTS, 3:]

        return draw, torch.nn.functional.mse_loss
    x = torch.from_numpy(data.x).to(device).permute(0, 3, 1, 2).contiguous()
    y = torch.from_numpy(data.y).long().to(device)
    mean, std = (torch.tensor(v, device=device).view(1, 3, 1, 1) for v in (MEAN, STD))

    def draw(step):
        chosen = torch.randint(0, len(y), (batch,), device=device)
        return (x[chosen].float() / 255 - mean) / std, y[chosen]

    return draw, torch.nn.functional.cross_entropy


def torch_sequential(name: str, data: Data, networks: int, steps: int, batch: int, compiled: bool = False):
    """PyTorch, one network after another, as the paper trains its zoos."""
    torch, models, device = _torch(name, networks)
    draw, loss = _torch_batches(torch, name, data, batch, device)
    optimizers = [torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9) for model in models]
    forward = [torch.compile(model) if compiled else model for model in models]

    def run():
        for model, optimizer in zip(forward, optimizers, strict=True):
            for step in range(steps):
                x, y = draw(step)
                optimizer.zero_grad()
                loss(model(x), y).backward()
                optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def torch_compiled(name: str, data: Data, networks: int, steps: int, batch: int):
    """The same with `torch.compile`."""
    run = torch_sequential(name, data, networks, steps, batch, compiled=True)
    try:
        run()
    except Exception as error:  # the compiler beneath fails in many ways; the table shows which.
        raise Unavailable(f"torch.compile: {type(error).__name__}") from error
    return run


def torch_vmapped(name: str, data: Data, networks: int, steps: int, batch: int):
    """PyTorch with `torch.func.vmap` over stacked parameters; batch norms without running statistics."""
    torch, models, device = _torch(name, networks, running_statistics=False)
    draw, loss = _torch_batches(torch, name, data, batch, device)
    params, buffers = torch.func.stack_module_state(models)
    params = {key: value.detach() for key, value in params.items()}
    momentum = {key: torch.zeros_like(value) for key, value in params.items()}
    base = models[0]

    def loss_of(params, buffers, x, y):
        return loss(torch.func.functional_call(base, (params, buffers), (x,)), y)

    gradient = torch.func.vmap(torch.func.grad(loss_of), in_dims=(0, 0, 0, 0), randomness="different")

    def run():
        for step in range(steps):
            batches = [draw(step) for _ in models]
            found = gradient(
                params, buffers, torch.stack([x for x, _ in batches]), torch.stack([y for _, y in batches])
            )
            for key in params:
                momentum[key].mul_(0.9).add_(found[key])
                params[key].sub_(momentum[key], alpha=1e-3)
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def torch_processes(name: str, data: Data, networks: int, steps: int, batch: int, processes: int = 2):
    """Processes of one thread each, side by side, each with its share of the networks one after another."""
    device = _torch(name, 0)[2]
    if device == "cuda":
        raise Unavailable("for CPUs")
    context = multiprocessing.get_context("spawn")
    pipes = []
    for share in np.array_split(np.arange(networks), processes):
        ours, theirs = context.Pipe()
        size = (name, data, len(share), steps, batch)
        context.Process(target=_worker, args=(theirs, size), daemon=True).start()
        pipes.append(ours)

    def run():
        for pipe in pipes:
            pipe.send(None)
        for pipe in pipes:
            pipe.recv()

    return run


def _worker(pipe, size) -> None:
    import torch

    torch.set_num_threads(1)
    run = torch_sequential(*size)
    while True:
        try:
            pipe.recv()
        except EOFError:  # the benchmark has ended
            return
        run()
        pipe.send(None)
