"""The reference's encoder, decoder and architecture head against its own figures and sizes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.space.observation import Observation
from netspace_jax.space.paper import EMBEDDING, ConvDecoder, ConvEncoder, ConvHead, _reread
from tests import parity, tiny

PREPS = {"single": (8, 10_000), "multi": (88, 10_000)}


def seen(prep):
    """What there is to see of a network of which only the PRep is looked at."""
    return Observation(jnp.zeros(0), jnp.zeros(0), prep, tiny.no_pairs())


def torch_layers(parameters):
    """Reference parameters by layer, in Flax's layouts."""
    layers = {}
    for name, values in parameters.items():
        layer, _, kind = name.rpartition(".")
        values = (
            values.transpose({4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[values.ndim])
            if kind in ("weight", "bias") and (not layer.startswith("scalelayer"))
            else values
        )
        layers.setdefault(layer.removesuffix(".0"), {})[{"weight": "kernel"}.get(kind, kind)] = jnp.asarray(values)
    return layers


def abstract(module, *inputs):
    return jax.eval_shape(lambda: module.init(jax.random.key(0), *inputs)["params"])


def count(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def decoder_inputs(prep):
    return jnp.zeros(EMBEDDING), jnp.zeros(prep), jnp.zeros(prep), jnp.int32(0)


@functools.cache
def encoder_params():
    """The same in both of the reference's autoencoders, as the next test shows."""
    layers = torch_layers(parity.reference_parameters("autoencoder_single/encoder"))
    return {f"Conv_{i}": layers[f"conv{i + 1}"] for i in range(4)}


def decoder_params(which):
    layers = torch_layers(parity.reference_parameters(f"autoencoder_{which}/decoder"))
    head = {"Conv_0": layers["arch_conv"], "Linear_0": layers["arch_classifier"]} if which == "multi" else None
    scaling = layers["scalelayer"]
    return {
        **{f"Conv_{i}": layers[f"conv{i + 1}"] for i in range(4)},
        "scale": scaling["scale"],
        "shift": scaling["bias"],
    }, head


def test_both_encoders_are_the_same():
    single, multi = (parity.reference_parameters(f"autoencoder_{which}/encoder") for which in PREPS)
    assert list(single) == list(multi)
    assert all((single[name] == multi[name]).all() for name in single)


BOTH = pytest.mark.parametrize("which", ["single", pytest.param("multi", marks=pytest.mark.long)])


@BOTH
def test_embeddings_are_the_references(which):
    params = encoder_params()
    encode = jax.jit(lambda prep: ConvEncoder(EMBEDDING).apply({"params": params}, seen(prep)))
    embeddings = np.stack([encode(jnp.asarray(prep)) for prep in parity.preps(*PREPS[which])])
    assert parity.difference(embeddings, f"autoencoder_{which}/embedding") <= parity.TOLERANCE


@BOTH
def test_decoded_preps_and_architectures_are_the_references(which):
    """One embedding at a time, since the larger decoder needs a gigabyte for each; of it the first does."""
    params, head = decoder_params(which)
    prep = PREPS[which]
    embeddings = jnp.asarray(parity.figures(f"autoencoder_{which}/embedding"))
    decode = jax.jit(lambda z: ConvDecoder(prep).apply({"params": params}, z, *decoder_inputs(prep)[1:]))
    for z, theirs in zip(
        embeddings[: 1 if head else 2], parity.figures(f"autoencoder_{which}/prep_every_997"), strict=False
    ):
        ours = np.asarray(decode(z)).reshape(-1)[:: parity.STRIDE]
        assert np.abs(ours - theirs).max() <= parity.TOLERANCE * np.abs(theirs).max()
    if head:
        logits = np.stack([ConvHead(4).apply({"params": head}, z) for z in embeddings])
        assert parity.difference(logits, f"autoencoder_{which}/arch_logits") <= parity.TOLERANCE


@pytest.mark.parametrize("prep", PREPS.values())
def test_the_encoder_has_one_size_whatever_the_preps(prep):
    assert count(abstract(ConvEncoder(EMBEDDING), seen(jnp.zeros(prep)))) == 6_788_352


def test_decoder_sizes_are_the_references():
    assert count(abstract(ConvDecoder((8, 10_000)), *decoder_inputs((8, 10_000)))) == 2_875_394
    decoder, head = (
        abstract(ConvDecoder((88, 10_000)), *decoder_inputs((88, 10_000))),
        abstract(ConvHead(4), jnp.zeros(EMBEDDING)),
    )
    assert count(decoder) + count(head) == parity.INDEX["autoencoder_multi"]["n_decoder"]


def test_smaller_preps_and_embeddings():
    z = jax.eval_shape(lambda: ConvEncoder(64).init_with_output(jax.random.key(0), seen(jnp.zeros((3, 50))))[0])
    assert z.shape == (64,)
    table = jax.eval_shape(
        lambda: ConvDecoder((4, 16)).init_with_output(jax.random.key(0), *decoder_inputs((4, 16)))[0]
    )
    assert table.shape == (4, 16)


def test_rereading_keeps_the_channel_first_buffer():
    x = np.arange(48.0, dtype=np.float32).reshape(4, 3, 4)  # channel, row, column
    ours = _reread(jnp.asarray(x).transpose(1, 0, 2)[..., None], 2, 6, 4)
    np.testing.assert_array_equal(ours[..., 0].transpose(1, 0, 2), x.reshape(2, 6, 4))


def test_learned_scale_and_shift_start_tiny():
    params = jax.jit(ConvDecoder((8, 80)).init)(jax.random.key(0), *decoder_inputs((8, 80)))["params"]
    assert abs(np.std(params["scale"]) / 1e-3 - 1) < 0.15 and abs(np.mean(params["scale"])) < 2e-4
    assert 0 <= np.min(params["shift"]) < 1e-3 and 9e-3 < np.max(params["shift"]) <= 1e-2
