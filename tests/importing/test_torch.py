"""Twenty networks trained in PyTorch, three of them broken: imported, embedded, decoded, exported, read back by it.

Logits are equal at each border.
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import netspace_jax
from netspace_jax import architectures, cli, exchange
from netspace_jax.zoo import open_zoo

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402  (only where there is PyTorch)

SHAPE, CLASSES, COUNT = (32, 32, 3), 4, 20


class Net(nn.Module):
    """The module as PyTorch's tutorial writes it, for fewer classes."""

    def __init__(self):
        super().__init__()
        self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, CLASSES)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))
        x = torch.flatten(self.pool(torch.relu(self.conv2(x))), 1)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))


def pictures(count, seed):
    """Noise of which one quarter of one channel is brighter: the class is which. All are dark."""
    random = np.random.default_rng(seed)
    y = np.arange(count) % CLASSES
    x = random.integers(0, 60, (count, *SHAPE))
    for corner in range(CLASSES):
        row, column = 16 * (corner // 2), 16 * (corner % 2)
        x[y == corner, row : row + 16, column : column + 16, corner % 3] += 12
    return x.astype(np.uint8), y.astype(np.int64)


def as_torch(x):
    """Images as the tutorial gives them to its network."""
    return torch.from_numpy(((x / 255 - 0.5) / 0.5).astype(np.float32).transpose(0, 3, 1, 2).copy())


def logits_of(net, x):
    with torch.no_grad():
        return net(as_torch(x)).numpy()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The data, and twenty files of networks that PyTorch trained, in both of its formats."""
    place = tmp_path_factory.mktemp("torch")
    (x, y), (x_val, y_val), (x_test, y_test) = pictures(200, 0), pictures(80, 1), pictures(80, 2)
    np.savez(place / "mine.npz", x_train=x, y_train=y, x_val=x_val, y_val=y_val, x_test=x_test, y_test=y_test)
    (place / "nets").mkdir()
    torch.set_num_threads(1)
    inputs, labels, expected = as_torch(x), torch.from_numpy(y), {"inputs": as_torch(x_test).numpy()}
    for number in range(COUNT):
        torch.manual_seed(number)
        net = Net()
        optimizer = torch.optim.Adam(net.parameters(), 2e-3)
        for step in range(40 + 2 * number):
            chosen = torch.arange(16) + 16 * step
            loss = nn.functional.cross_entropy(net(inputs[chosen % 200]), labels[chosen % 200])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        name, state = f"cifar_net_{number:02}.pth", net.state_dict()
        if number == 3:
            state = net  # the whole module: code
        elif number == 7:
            del state["fc3.bias"]
        elif number == 11:
            state["conv1.weight"][0, 0, 0, 0] = float("nan")
        elif number == 13:
            expected[name] = logits_of(net, x_test)
        torch.save(state, place / "nets" / name, _use_new_zipfile_serialization=bool(number % 2))
    np.savez(place / "expect.npz", **expected)
    return place


def originals(zoo):
    """The module of each member, in the order of the zoo's table."""
    for member in zoo.members:
        net = Net()
        net.load_state_dict(torch.load(zoo.directory.parent.parent / "nets" / member.file, weights_only=True))
        yield member, net


@pytest.fixture(scope="module")
def imported(place):
    """The zoo, and what the command said."""
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        cli.zoo(
            ["import", str(place / "nets"), "--architecture", "tutorial", "--dataset", str(place / "mine.npz"),
             "--zoo.normalise", "0.5", "0.5", "--expect", str(place / "expect.npz"), "--out", str(place / "zoos/mine")]
        )  # fmt: skip
    return open_zoo(place / "zoos" / "mine"), said.getvalue()


def test_seventeen_are_imported_and_three_named(imported, place):
    zoo, said = imported
    assert len(zoo.members) == COUNT - 3
    left = {line.partition(":")[0]: line for line in said.splitlines() if "left out" in line and ".pth" in line}
    assert left.keys() == {f"cifar_net_{number:02}.pth" for number in (3, 7, 11)}
    assert "holds code" in left["cifar_net_03.pth"] and "Net" in left["cifar_net_03.pth"]
    assert "missing fc3.bias" in left["cifar_net_07.pth"]
    assert "conv1.weight has 1 of" in left["cifar_net_11.pth"]
    assert "outputs with those of the original: 1 networks" in said
    assert "none of them better" in said and "warning" not in said
    assert f"17 of {COUNT} networks imported (13 train, 2 validation, 2 test)" in said


def test_imported_networks_compute_what_pytorch_computes(imported, place):
    zoo, _ = imported
    architecture = architectures.build("tutorial", SHAPE, CLASSES)
    x, y = pictures(80, 2)
    members, chunk = next(zoo.chunks("tutorial"))
    assert members == list(zoo.members)
    apply = jax.jit(architecture.apply)
    for (member, net), flat in zip(originals(zoo), chunk, strict=True):
        wanted = logits_of(net, x)
        found = apply(jnp.asarray(flat), as_torch(x).numpy().transpose(0, 2, 3, 1))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        assert member.score_test == pytest.approx((wanted.argmax(1) == y).mean(), abs=1e-6)


def test_they_are_embedded_decoded_and_exported(imported, place, tmp_path, monkeypatch):
    zoo, _ = imported
    monkeypatch.chdir(tmp_path)
    flags = {
        "zoo": zoo.directory, "netspace.networks": 4, "netspace.batch": 16, "netspace.hidden": 16, "netspace.steps": 8,
        "netspace.embedding": 8, "netspace.probes": 8, "netspace.validations": 1, "refine.steps": 0, "out": "runs/mine",
    }  # fmt: skip
    cli.train(["imported", *(word for name, value in flags.items() for word in (f"--{name}", str(value)))])
    figures = json.loads((tmp_path / "runs" / "mine" / "metrics.json").read_text())
    assert figures["zoo/members"] == COUNT - 3 and 0 <= figures["reconstruct/agreement_test"] <= 1
    space = netspace_jax.load("runs/mine")
    assert space.behaviour.mean == (0.5, 0.5, 0.5) and space.behaviour.std == (0.5, 0.5, 0.5)
    x, _ = pictures(20, 3)
    _, net = next(originals(zoo))
    z = space.encode(net.state_dict())
    np.testing.assert_allclose(z, space.encode(place / "nets" / zoo.members[0].file), atol=1e-6)
    network = space.decode(z)
    card = exchange.ModelCard(
        "A generated network", "A test.", "pictures", "logits", space.behaviour.mean, space.behaviour.std
    )
    files = exchange.export_network(tmp_path / "exported", network.architecture, network.flat, card)
    back = Net()
    back.load_state_dict(torch.load(files / "network.pt", weights_only=True))
    np.testing.assert_allclose(logits_of(back, x), network(x), atol=1e-5)
    run = netspace_jax.open_run("runs/mine")
    assert {member.file for member in run.networks(0, "test").members} <= {member.file for member in zoo.members}


def test_the_wrong_reading_is_loud(place, tmp_path, capsys):
    """The same files read as a LeNetLike with ImageNet's normalisation: its names and shapes are the same."""
    cli.zoo(
        ["import", str(place / "nets"), "--architecture", "lenetlike", "--dataset", str(place / "mine.npz"),
         "--min-score", "0", "--out", str(tmp_path / "zoo")]
    )  # fmt: skip
    (warning,) = [line for line in capsys.readouterr().out.splitlines() if "TRAINED AS SOMETHING ELSE" in line]
    assert warning.endswith("--architecture tutorial --zoo.normalise 0.5 0.5")


def test_nothing_of_a_file_runs(tmp_path):
    """A pickle that would make a file when it is opened."""
    import pickle

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "it-ran"), "w"))

    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.pkl").write_bytes(pickle.dumps(Trap()))
    torch.save({"fc3.bias": Trap()}, tmp_path / "nets" / "b.pth")
    found = netspace_jax.importing.sources_of(tmp_path / "nets").sources
    for source in found:
        with pytest.raises(netspace_jax.errors.InputError, match="refused: it"):
            source.read()
    assert len(found) == 2 and not (tmp_path / "it-ran").exists()


def test_a_bit_that_flipped_in_the_file_is_found(place, tmp_path):
    """PyTorch would load it, with another value."""
    path = tmp_path / "net.pth"
    torch.save(Net().state_dict(), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(netspace_jax.errors.InputError, match="is damaged: what it holds does not have its checksums"):
        exchange.load_network(path, architectures.build("tutorial", SHAPE, CLASSES))
