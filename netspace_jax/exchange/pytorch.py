"""What PyTorch calls a network's parameters, and the module there that computes the same, as Python source.

Both come from the architecture's list of layers (`netspace_jax.architectures.chain`); any other Flax module has its own
paths joined by dots as names, with `kernel` called `weight`, and no source. A `state_dict` alone does not say how its
layers follow one another; a guess loads without complaint and computes something else.
"""

import dataclasses
from typing import Any

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.chain import Function, LayerList, Residual, batch_norms, parametrised
from netspace_jax.architectures.parameters import Leaf

_NORM = {
    "weight": ("params", "scale"),
    "bias": ("params", "bias"),
    "running_mean": ("batch_stats", "mean"),
    "running_var": ("batch_stats", "var"),
}


def layer_list(architecture: Architecture) -> LayerList | None:
    """The layers of the final form, where its module says them."""
    return getattr(architecture.module, "layer_list", None)


def torch_names(architecture: Architecture) -> tuple[str, ...]:
    """PyTorch's name of each parameter of the final form, in the order of `architecture.spec.leaves`.

    Raises:
      ValueError: a user's own list of layers is not that of the module, or gives two layers one name.
    """
    leaves, layers = architecture.spec.leaves, layer_list(architecture)
    paths = list(dict.fromkeys(leaf.path[:-1] for leaf in leaves))
    prefixes = [".".join(path) for path in paths] if layers is None else [layer.name for layer in parametrised(layers)]
    if len(prefixes) != len(paths) or len(set(prefixes)) != len(prefixes):
        raise ValueError(
            f"architecture {architecture.name}: {len(paths)} layers with parameters, and {len(prefixes)} layers with "
            f"{len(set(prefixes))} names in its list"
        )
    prefix_of = dict(zip(paths, prefixes, strict=True))
    kinds = {"kernel": "weight"}
    return tuple(
        ".".join(filter(None, (prefix_of[leaf.path[:-1]], kinds.get(leaf.path[-1], leaf.path[-1])))) for leaf in leaves
    )


def batch_norm_names(architecture: Architecture) -> dict[str, str]:
    """PyTorch's name of the batch norm that trains after a convolution and is folded into it, by the convolution's."""
    return batch_norms(layer_list(architecture) or ()) if architecture.fold else {}


def leaves_in_training(architecture: Architecture) -> dict[str, Leaf]:
    """Parameters and statistics among the Flax variables of the form that trains, by PyTorch's names.

    Each batch norm stands beside its convolution, as `norm` beside `conv` (`architectures.layers.ConvNorm`).
    """
    leaves, norms = {}, batch_norm_names(architecture)
    for name, leaf in zip(torch_names(architecture), architecture.spec.leaves, strict=True):
        layer, _, kind = name.rpartition(".")
        if layer not in norms or kind == "weight":
            leaves[name] = dataclasses.replace(leaf, path=("params", *leaf.path))
            continue
        for kind, (collection, ours) in _NORM.items():
            path = (collection, *leaf.path[:-2], "norm", ours)
            leaves[f"{norms[layer]}.{kind}"] = dataclasses.replace(leaf, path=path)
    return leaves


def torch_module(architecture: Architecture) -> str | None:
    """Source of a file with one class, `Network`, whose parameters have the names of `torch_names`.

    It takes inputs as this library does, images channels last. None for an architecture without a list of layers.
    """
    layers = layer_list(architecture)
    if layers is None:
        return None
    weights = [leaf for leaf in architecture.spec.leaves if leaf.path[-1] == "kernel"]
    tree: dict[str, Any] = {}
    for layer, weight in zip(parametrised(layers), weights, strict=True):
        *parents, last = layer.name.split(".")
        node = tree
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = layer.torch(weight.shape[-2])
    lines, result = _forward(layers, "x", "x")
    shape = ", ".join(map(str, architecture.input_shape))
    note = ", images channels last" if len(architecture.input_shape) == 3 else ""
    head = f'"""{architecture.name} in PyTorch: inputs of shape (batch, {shape}){note}."""\n\n'
    head += "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\n\n"
    init = [f"self.{name} = {_container(child, ' ' * 8)}" for name, child in tree.items()]
    return head + "\n".join([
        "class Network(nn.Module):", "    def __init__(self):", "        super().__init__()",
        *(f"        {line}" for line in init), "",
        "    def forward(self, x):", *(f"        {line}" for line in lines), f"        return {result}", "",
    ])  # fmt: skip


def _container(child: str | dict[str, Any], indent: str) -> str:
    """A layer, or layers by their names within the one that holds them."""
    if isinstance(child, str):
        return child
    rows = "".join(f'{indent}    "{name}": {_container(part, indent + "    ")},\n' for name, part in child.items())
    return f"nn.ModuleDict({{\n{rows}{indent}}})"


def _forward(layers: LayerList, source: str, target: str) -> tuple[list[str], str]:
    """Statements that lead from the variable `source` by way of `target`, and the expression of what comes out."""
    lines: list[str] = []
    value = source
    for layer in layers:
        starts = not isinstance(layer, Function) or layer.torch.count("{x}") > 1
        if starts and value not in (source, target):
            lines.append(f"{target} = {value}")
            value = target
        if isinstance(layer, Function):
            value = layer.torch.format(x=value)
        elif isinstance(layer, Residual):
            inner, body = _forward(layer.body, value, "y")
            beside, shortcut = _forward(layer.shortcut, value, "z")
            lines += [*inner, *beside, f"{target} = {shortcut} + {body}"]
            value = target
        else:
            first, *others = layer.name.split(".")
            place = "".join([f"self.{first}", *(f'["{name}"]' for name in others)])
            value = f"{place}({value})"
    return lines, value
