"""A tiny zoo that the tests of this folder read, and one that they may spoil."""

import shutil

import pytest

from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo import train_zoo
from tests import tiny


@pytest.fixture(scope="session")
def data():
    return tiny.dataset()


@pytest.fixture(scope="session")
def train(data):
    def train(directory, devices=1, on_progress=lambda done, total, loss: None, **changes):
        config, mesh = tiny.zoo_config(**changes), network_mesh(devices)
        return train_zoo(directory, config, data, mesh=mesh, domain="images", on_progress=on_progress)

    return train


@pytest.fixture(scope="session")
def undisturbed(train, tmp_path_factory):
    """A finished zoo, and how its training was reported."""
    reports = []
    directory = tmp_path_factory.mktemp("zoos") / "undisturbed"
    zoo = train(directory, on_progress=lambda *report: reports.append(report))
    return zoo, reports


@pytest.fixture
def copied(undisturbed, tmp_path):
    """A zoo that a test may spoil."""
    shutil.copytree(undisturbed[0].directory, tmp_path / "zoo")
    return tmp_path / "zoo"
