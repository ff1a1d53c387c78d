"""What is kept by embeddings and zoos of growing size."""

import dataclasses
import importlib

import pytest

from netspace_jax.domains.images.redundancy import RedundancyOptions, redundancy
from netspace_jax.errors import InputError
from tests import tiny

module = importlib.import_module("netspace_jax.domains.images.redundancy")


def changed(**changes):
    trained = tiny.trained()
    netspace = dataclasses.replace(trained.config.netspace, **changes)
    return tiny.again(trained, config=dataclasses.replace(trained.config, netspace=netspace))


@pytest.mark.long
def test_each_point_is_trained_on_what_it_says(monkeypatch):
    seen = []
    train = module.fit_space

    def noted(zoo, behaviour, data, settings):
        seen.append(
            (settings.embedding, settings.train_members, settings.steps, settings.resident, settings.validations)
        )
        return train(zoo, behaviour, data, settings)

    monkeypatch.setattr(module, "fit_space", noted)
    trained = changed(resident=10, embedding=5)
    monkeypatch.setitem(trained.zoo.held, ("perceptron3", "validation"), trained.networks(0, "test"))
    section = redundancy(trained, RedundancyOptions(embeddings=(2,), members=(4, 50), steps=2))
    # Of 12 training members 10 are shown, so that 50 are as many as 10.
    assert seen == [(2, 10, 2, 0, 1), (5, 4, 2, 0, 1), (5, 10, 2, 0, 1)]
    names = ("embedding_2", "members_4", "members_10")
    assert section.metrics.keys() == {
        f"redundancy/{name}_{figure}" for name in names for figure in ("gap", "agreement")
    }
    assert all(0 <= value <= 1 for value in section.metrics.values()) and len(section.table) == 4


def test_a_size_that_the_autoencoder_does_not_take_is_refused_before_anything_trains(monkeypatch):
    monkeypatch.setattr(module, "fit_space", lambda *_, **named: pytest.fail("trained"))
    with pytest.raises(InputError, match="4096 values, not 2"):
        redundancy(changed(decoder="conv", prep=(8, 24)), RedundancyOptions(embeddings=(2,), members=(4,)))
