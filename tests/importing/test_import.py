"""Networks of other formats become a zoo: what is read, what is left out and why, and what is written."""

import csv
import dataclasses
import json
import struct

import flax.serialization
import flax.traverse_util
import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest
import safetensors.numpy

from netspace_jax.architectures.parameters import unflatten
from netspace_jax.behaviour import Metric
from netspace_jax.domains.images.alternative_inputs import alternative_inputs
from netspace_jax.domains.images.dataset import Classification
from netspace_jax.errors import InputError
from netspace_jax.exchange import torch_names
from netspace_jax.importing import ImportOptions, examine, sources_of
from netspace_jax.importing.alternatives import better, score_alternatives
from netspace_jax.importing.build import import_zoo, lines_of
from netspace_jax.importing.examine import chance_threshold
from netspace_jax.metrics.outputs import outputs_on, scores_of
from netspace_jax.runs import finished_zoo
from netspace_jax.zoo import LeftOut, open_zoo, write_zoo
from tests import tiny
from tests.disk import assert_refused, content
from tests.zoo.members import everything

NAME = "perceptron3"


@pytest.fixture(scope="module")
def data():
    return tiny.dataset()


@pytest.fixture(scope="module")
def good(train_tiny):
    """Parameters of twelve networks that do better than chance."""
    zoo = train_tiny(steps=60, min_steps=50, members=(12,))
    return everything(zoo)


@pytest.fixture(scope="module")
def train_tiny(data, tmp_path_factory):
    from netspace_jax.ops.devices import network_mesh
    from netspace_jax.zoo import train_zoo

    def train(**changes):
        config = tiny.zoo_config(**changes)
        return train_zoo(tmp_path_factory.mktemp("zoo") / "zoo", config, data, mesh=network_mesh(1), domain="images")

    return train


def state_dict(flat, **renamed):
    """A network under PyTorch's names."""
    architecture = tiny.perceptron()
    parts = np.split(np.asarray(flat), architecture.spec.offsets[1:])
    return {
        renamed.get(name.replace(".", "_"), name): part.reshape(leaf.torch_shape)
        for name, part, leaf in zip(torch_names(architecture), parts, architecture.spec.leaves, strict=True)
    }


def tree(flat):
    """Its Flax parameters as NumPy arrays."""
    return jax.tree.map(np.asarray, unflatten(tiny.perceptron().spec, jax.numpy.asarray(flat)))


@pytest.fixture
def folder(good, tmp_path):
    """Five good networks in three formats and sub-folders, beside what is no network."""
    place = tmp_path / "networks"
    (place / "more").mkdir(parents=True)
    (place / ".hidden").mkdir()
    safetensors.numpy.save_file(state_dict(good[0]), place / "a.safetensors")
    safetensors.numpy.save_file(state_dict(good[1]), place / "more" / "b.safetensors")
    (place / "c.msgpack").write_bytes(flax.serialization.msgpack_serialize({"params": tree(good[2])}))
    training = {"step": 7, "params": tree(good[3]), "opt_state": {"0": {"mu": tree(good[3])}}}
    (place / "d.msgpack").write_bytes(flax.serialization.msgpack_serialize(training))
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(place / "e", {"params": tree(good[4])})
    (place / "README.md").write_text("mine")
    (place / ".hidden" / "f.safetensors").write_bytes(b"")
    return place


def looked(networks, data, **options):
    return examine(
        sources_of(networks),
        tiny.perceptron(),
        data,
        ImportOptions(**options),
        alternative_inputs=alternative_inputs,
        causes="normalisation",
    )


def reasons(examined):
    return dict(examined.left_out)


# what is read


def test_every_format_gives_the_same_parameters(folder, good, data):
    found = looked(folder, data)
    assert [network.name for network in found.networks] == [
        "a.safetensors",
        "c.msgpack",
        "d.msgpack",
        "e",
        "more/b.safetensors",
    ]
    for network, flat in zip(found.networks, good[[0, 2, 3, 4, 1]], strict=True):
        np.testing.assert_array_equal(network.flat, flat)
        assert len(network.sha256) == 64
    assert not found.left_out and not found.warnings
    assert any("1 other files" in line for line in found.compared)


def test_scores_are_those_of_the_data(folder, data):
    found = looked(folder, data).networks
    flats = np.stack([network.flat for network in found])
    for split, name in (("validation", "score_validation"), ("test", "score_test")):
        wanted = scores_of(data, tiny.perceptron(), flats, split=split)
        np.testing.assert_allclose([getattr(network, name) for network in found], wanted)


def test_networks_in_memory_are_taken_from_any_iterable(folder, good, data):
    given = iter([good[0], tree(good[1]), state_dict(good[2]), ("mine", good[3]), folder / "e"])
    found = looked(given, data).networks
    assert [network.name for network in found][:4] == ["network 0", "network 1", "network 2", "mine"]
    np.testing.assert_array_equal(np.stack([network.flat for network in found]), good[:5])


def test_a_list_of_paths_reads_what_a_folder_reads(folder, good, data):
    whole = looked(folder, data)
    paths = [folder / "a.safetensors", folder / "more", str(folder / "e"), folder / "nowhere.pt"]
    found = looked(paths, data)
    names = [str(folder / name) for name in ("a.safetensors", "more/b.safetensors", "e")]
    assert [network.name for network in found.networks] == names
    np.testing.assert_array_equal([network.flat for network in found.networks], good[[0, 1, 4]])
    assert [name for name, _ in found.left_out] == [str(folder / "nowhere.pt")]
    assert {network.sha256 for network in found.networks} < {network.sha256 for network in whole.networks}
    (alone,) = looked(folder / "more" / "b.safetensors", data).networks
    assert alone.name == "b.safetensors"


def test_networks_that_lie_in_one_file_are_read_one_by_one(good, data, tmp_path):
    stacked = np.stack([*good[:2], good[0], np.full_like(good[0], np.nan)])
    names = {".".join(leaf.path): leaf for leaf in tiny.perceptron().spec.leaves}
    trees = [flax.traverse_util.flatten_dict(tree(flat), sep=".") for flat in stacked]
    safetensors.numpy.save_file(
        {name: np.stack([one[name] for one in trees]) for name in names}, tmp_path / "all.safetensors"
    )
    found = looked(tmp_path, data)
    assert [network.name for network in found.networks] == ["all.safetensors[0]", "all.safetensors[1]"]
    np.testing.assert_array_equal([network.flat for network in found.networks], good[:2])
    assert reasons(found)["all.safetensors[2]"] == "the same parameters as all.safetensors[0]"
    assert "not finite" in reasons(found)["all.safetensors[3]"]


def test_a_state_dict_is_found_in_what_a_training_saves(good, data):
    saved = {
        "epoch": 3,
        "model": {f"module.{name}": value for name, value in state_dict(good[0]).items()},
        "optimizer": {},
    }
    (network,) = looked([saved], data).networks
    np.testing.assert_array_equal(network.flat, good[0])


def test_other_names_are_renamed_by_rules_that_a_warning_gives(good, data):
    other = {name.replace("Linear_0", "net.first.0").replace("Linear_1", "net.last"): value
             for name, value in state_dict(good[0]).items()}  # fmt: skip
    found = looked([("mine", other)], data)
    ((name, reason),) = found.left_out
    assert "has the shapes of perceptron3 under other names" in reason
    rules = [rule.strip("'") for rule in found.warnings[-1].partition("--rename ")[2].split("' '")]
    assert set(rules) == {"net.first.0=Linear_0", "net.last=Linear_1"}
    (network,) = looked([("mine", other)], data, rename=tuple(rules)).networks
    np.testing.assert_array_equal(network.flat, good[0])
    dropped = {f"net.{name}": value for name, value in state_dict(good[1]).items()}
    (network,) = looked([dropped], data, rename=("net=",)).networks
    np.testing.assert_array_equal(network.flat, good[1])


def test_one_name_that_differs_is_enough_for_the_advice(good, data):
    other = {name.replace("Linear_0", "net.last"): value for name, value in state_dict(good[0]).items()}
    assert looked([other], data).warnings[-1].endswith("--rename 'net.last=Linear_0'")


def test_names_of_files_stay_on_one_line(good, data, tmp_path):
    safetensors.numpy.save_file(state_dict(good[0]), tmp_path / "two\nlines.safetensors")
    (network,) = looked(tmp_path, data).networks
    assert network.name == "two�lines.safetensors"


def test_flax_names_are_renamed_too(good, data):
    params = {"first": tree(good[0])["Linear_0"], "Linear_1": tree(good[0])["Linear_1"]}
    (network,) = looked([{"params": params}], data, rename=("first=Linear_0",)).networks
    np.testing.assert_array_equal(network.flat, good[0])


# what is left out


LAST = "Linear_0.bias"  # of the outputs

BAD = {
    "short": (lambda state: {name: value for name, value in state.items() if name != LAST}, f"missing {LAST}"),
    "long": (lambda state: {**state, "Linear_2.bias": np.zeros(4, np.float32)}, "unexpected Linear_2.bias"),
    "shape": (lambda state: {**state, LAST: np.zeros(5, np.float32)}, f"{LAST} has shape (5,), expected (4,)"),
    "integers": (lambda state: {**state, LAST: np.zeros(4, np.int64)}, f"{LAST} is int64, expected floating point"),
    "nan": (lambda state: {**state, LAST: np.full(4, np.nan, np.float32)}, "4 of 4 values that are not finite"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_does_not_fit_is_left_out_by_name_with_the_reason(good, data, tmp_path, fault):
    spoil, said = BAD[fault]
    safetensors.numpy.save_file(spoil(state_dict(good[0])), tmp_path / f"{fault}.safetensors")
    safetensors.numpy.save_file(state_dict(good[1]), tmp_path / "good.safetensors")
    found = looked(tmp_path, data)
    assert [network.name for network in found.networks] == ["good.safetensors"]
    ((name, reason),) = found.left_out
    assert name == f"{fault}.safetensors" and said in reason and "\n" not in reason and str(tmp_path) not in reason


def test_sixteen_bits_are_widened(good, data):
    halves = {name: value.astype(np.float16) for name, value in state_dict(good[0]).items()}
    (network,) = looked([halves], data).networks
    np.testing.assert_array_equal(network.flat, good[0].astype(np.float16).astype(np.float32))


def test_duplicates_chance_and_damage_are_named(good, data, tmp_path):
    safetensors.numpy.save_file(state_dict(good[0]), tmp_path / "a.safetensors")
    (tmp_path / "b.msgpack").write_bytes(flax.serialization.msgpack_serialize(tree(good[0])))
    constant = np.zeros_like(good[0])
    constant[-1] = 1
    safetensors.numpy.save_file(state_dict(constant), tmp_path / "c.safetensors")
    whole = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "d.safetensors").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "e.safetensors").write_bytes(struct.pack("<Q", 1 << 60) + whole)
    (tmp_path / "f.msgpack").write_bytes(b"\xdf\xff\xff\xff\xff")
    (tmp_path / "g.safetensors").write_bytes(b"")
    before = content(tmp_path)
    found = looked(tmp_path, data)
    said = reasons(found)
    assert [network.name for network in found.networks] == ["a.safetensors"]
    assert said["b.msgpack"] == "the same parameters as a.safetensors"
    assert said["c.safetensors"].startswith("at chance: accuracy 0.2")
    for name in ("d.safetensors", "e.safetensors", "g.safetensors"):
        assert said[name] == "is not a readable safetensors file"
    assert said["f.msgpack"] == "is not a readable msgpack file of Flax"
    assert any("usual causes" in text and "normalisation" in text for text in found.warnings)
    assert content(tmp_path) == before


def test_a_thousand_files_of_which_three_are_good(good, data, tmp_path):
    for number in range(1000):
        (tmp_path / f"{number:04d}.safetensors").write_bytes(b"nothing")
    for number in (7, 500, 999):
        safetensors.numpy.save_file(state_dict(good[number % 12]), tmp_path / f"{number:04d}.safetensors")
    found = looked(tmp_path, data)
    assert [network.name for network in found.networks] == ["0007.safetensors", "0500.safetensors", "0999.safetensors"]
    assert len(found.left_out) == 997
    lines = [line for line in lines_of(found, data.behaviour.metric) if not line.startswith(("compared", "warning"))]
    assert len(lines) == 1000 and not any("\n" in line for line in lines)


# function, not shape


def test_outputs_of_the_original_have_to_be_equal(good, data, tmp_path):
    inputs = np.asarray(data.examples("test").inputs[:7])
    outputs = outputs_on(tiny.perceptron(), good[:2], inputs)
    np.savez(tmp_path / "expect.npz", inputs=inputs, **{"network 0": outputs[0], "network 1": outputs[1] + 0.01})
    found = looked(list(good[:3]), data, expect=str(tmp_path / "expect.npz"))
    assert [network.name for network in found.networks] == ["network 0", "network 2"]
    assert reasons(found)["network 1"].startswith("computes something else than the original")
    assert any("outputs with those of the original: 2 networks" in line for line in found.compared)
    np.savez(tmp_path / "one.npz", inputs=inputs, outputs=outputs[0])
    assert len(looked([good[0]], data, expect=str(tmp_path / "one.npz")).networks) == 1


@pytest.mark.parametrize(("arrays", "said"), [
    ({"outputs": np.zeros((2, 4))}, "no array 'inputs'"),
    ({"inputs": np.zeros((2, 4, 4, 1))}, "no array is the name"),
    ({"inputs": np.zeros((2, 5, 4, 1)), "outputs": np.zeros((2, 4))}, "inputs have shape"),
    ({"inputs": np.zeros((2, 4, 4, 1)), "theirs": np.zeros((2, 4))}, "theirs is the name of none"),
    ({"inputs": np.zeros((2, 4, 4, 1)), "outputs": np.zeros((2, 5))}, "outputs has shape|network 0 has shape"),
])  # fmt: skip
def test_expectations_that_are_none_are_refused(good, data, tmp_path, arrays, said):
    np.savez(tmp_path / "expect.npz", **arrays)
    with pytest.raises(InputError, match=said):
        looked([good[0]], data, expect=str(tmp_path / "expect.npz"))


def test_a_claim_that_is_far_from_what_is_measured_is_a_warning(good, data):
    assert not looked(list(good[:3]), data, claimed=0.1).warnings
    (warning,) = looked(list(good[:3]), data, claimed=1.0).warnings
    assert "of 3 networks score far below the 1 that is claimed" in warning and "normalisation" in warning
    with pytest.raises(InputError, match="--claimed"):
        looked(list(good[:3]), data, claimed=54.0)


def test_a_score_below_which_networks_are_left_out(good, data):
    found = looked(list(good[:5]), data, min_score=1.0)
    assert all("below --min-score 1" in reason for reason in reasons(found).values())


def test_another_reading_that_is_better_is_named(good, data):
    """Networks that learned from other inputs than those they are given."""
    wrong = data.replace(behaviour=dataclasses.replace(data.behaviour, mean=(0.9,), std=(-0.5,)))
    scored = score_alternatives(tiny.perceptron(), list(good), wrong, {"--right": data.examples("validation")})
    best = better(scored, 1.0)
    assert best is not None and best.flags == "--right" and best.mean > scored[0].mean + 0.02
    assert better(scored, 100.0) is None
    others = {"--wrong": wrong.examples("validation")}
    assert better(score_alternatives(tiny.perceptron(), list(good), data, others), 1.0) is None


def test_luck_is_measured_in_the_bounds_of_a_score(data):
    chance, count = data.chance("validation"), len(data.validation.y)
    assert chance_threshold(data, "validation") == pytest.approx(chance + 3 * np.sqrt(chance * (1 - chance) / count))

    @dataclasses.dataclass(frozen=True)
    class Returns(Classification):
        metric = Metric("return", low=-10.0, high=10.0)

    class Decibels(Returns):
        metric = Metric("psnr", high=np.inf, unit="dB")

    returns, decibels = (
        data.replace(behaviour=kind(**dataclasses.asdict(data.behaviour))) for kind in (Returns, Decibels)
    )
    wide = 3 * np.sqrt((chance + 10) * (10 - chance) / count)
    assert chance_threshold(returns, "validation") == pytest.approx(chance + wide)
    assert chance_threshold(decibels, "validation") == chance


def test_a_claim_lies_in_the_bounds_of_the_score(good, data):
    @dataclasses.dataclass(frozen=True)
    class Returns(Classification):
        metric = Metric("return", low=-10.0, high=10.0)

    returns = data.replace(behaviour=Returns(**dataclasses.asdict(data.behaviour)))
    (warning,) = looked(list(good[:3]), returns, claimed=9.0, min_score=-10.0).warnings
    assert "score far below the 9 that is claimed" in warning
    with pytest.raises(InputError, match="--claimed is the return from -10 to 10, not 54"):
        looked(list(good[:3]), returns, claimed=54.0)


def test_images_are_also_read_as_others_normalise_them(data):
    found = alternative_inputs(data, 5)
    inputs = np.asarray(data.validation.x[:5]) / 255
    np.testing.assert_allclose(found["--zoo.normalise 0.5 0.5"].inputs, (inputs - 0.5) / 0.5, atol=1e-5)
    np.testing.assert_allclose(found["--zoo.normalise 0 1"].inputs, inputs, atol=1e-5)
    assert not any("BGR" in flags for flags in found)


# what is written


def written(directory, good, data, count=9, **changes):
    found = looked(list(good[:count]), data)
    config = tiny.zoo_config(members=(count,), validation=2, test=2, chunk=4, **changes)
    left = [LeftOut("bad.pth", 'holds "code", that is')]
    return write_zoo(directory, config, found.networks, domain="images", data_sha256="1f", left_out=left)


def test_a_zoo_of_imported_networks_is_a_zoo(good, data, tmp_path):
    zoo = written(tmp_path / "zoo", good, data)
    np.testing.assert_array_equal(everything(open_zoo(tmp_path / "zoo")), good[:9])
    splits = [member.split for member in zoo.members]
    assert (splits.count("train"), splits.count("validation"), splits.count("test")) == (5, 2, 2)
    assert zoo.imported and zoo.size == tiny.perceptron().size
    member = zoo.members[3]
    assert (member.file, member.steps, member.learning_rate, member.initialisation) == (
        "network 3",
        None,
        None,
        "unknown",
    )
    with open(tmp_path / "zoo" / "left_out.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [{"name": "bad.pth", "reason": 'holds "code", that is'}]
    assert json.loads((tmp_path / "zoo" / "zoo.json").read_text())["format"] == 2


def test_nothing_is_written_where_something_lies_or_when_interrupted(good, data, tmp_path, monkeypatch):
    (tmp_path / "zoo").mkdir()
    (tmp_path / "zoo" / "mine.txt").write_text("mine")
    before = content(tmp_path)
    assert_refused(lambda: written(tmp_path / "zoo", good, data), "is not an empty directory")
    monkeypatch.setattr("netspace_jax.zoo.storage.summary_of", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path / "other", good, data)
    assert content(tmp_path) == before and [path.name for path in tmp_path.iterdir()] == ["zoo"]


def test_an_older_table_is_still_read_and_a_newer_one_refused(train_tiny):
    zoo = train_tiny(members=(6,), steps=2)
    table, summary = zoo.directory / "members.csv", zoo.directory / "zoo.json"
    rows = list(csv.reader(table.read_text().splitlines()))
    assert rows[0][-2:] == ["file", "sha256"]
    with open(table, "w", newline="") as file:
        csv.writer(file).writerows(row[:-2] for row in rows)
    summary.write_text(
        json.dumps({key: value for key, value in zoo.summary.items() if key not in ("format", "checksum", "table")})
    )
    assert open_zoo(zoo.directory).members == zoo.members
    summary.write_text(json.dumps({**zoo.summary, "format": 3}))
    assert_refused(lambda: open_zoo(zoo.directory), "format 3")


def test_a_zoo_whose_data_changed_is_not_embedded(good, data, tmp_path):
    written(tmp_path / "zoo", good, data)
    assert_refused(lambda: finished_zoo(tmp_path / "zoo", data), "the data is not what", tmp_path / "zoo")


def test_where_none_can_be_imported_the_first_reason_and_its_count_are_said(tmp_path, good):
    broken = [("a", {"fc1.weight": np.zeros((2, 2))}), ("b", {"fc1.weight": np.zeros((2, 2))})]
    with pytest.raises(
        InputError, match=r"none of 2 networks can be imported: .*missing .*\(the first, a, and so for 2"
    ):
        import_zoo(broken, NAME, tmp_path / "zoo", dataset="digits")
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "model.keras").write_bytes(b"")
    with pytest.raises(InputError, match=r"none of its 1 files ends as one that is read, in \.bin, .*\.safetensors"):
        import_zoo(tmp_path / "networks", NAME, tmp_path / "zoo", dataset="digits")
