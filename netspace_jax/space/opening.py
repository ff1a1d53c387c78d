"""A space out of the folder that `Space.save` wrote."""

from typing import Any

from etils import epath

from netspace_jax.errors import InputError
from netspace_jax.space import artefact
from netspace_jax.space.adaptation import Calibration
from netspace_jax.space.netspace import Constants
from netspace_jax.space.space import Space


def load(folder: epath.PathLike) -> Space:
    """The space in a folder that `Space.save` wrote.

    Raises:
      InputError: there is none, it is damaged or of another format, or one of its architectures is not registered here.
    """
    description, tree = artefact.read(folder)
    try:
        return _built(description, tree, folder)
    except InputError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder} holds no readable space ({type(error).__name__}: {error})") from error


def _built(description: dict[str, Any], tree: dict[str, Any], folder: epath.PathLike) -> Space:
    architectures = artefact.architectures_of(description, tree.get("shared", {}), folder)
    parts = ("encoder", "decoder", "head")
    encoder, decoder, head = (artefact.module_of(description, part, folder) for part in parts)
    correction = artefact.module_of(description, "correction", folder) if description.get("correction") else None
    height, width = (int(size) for size in description["prep"])
    return Space(
        architectures=architectures,
        prep=(height, width),
        encoder=encoder,
        decoder=decoder,
        head=head,
        correction=correction,
        corrections=description.get("corrections", 0),
        behaviour=artefact.behaviour_of(description, folder),
        params=tree["params"],
        constants=Constants(**{"probes": None, **tree["constants"]}),
        # In the order in which they were saved, which the file of arrays does not keep.
        embeddings={name: tree["embeddings"][name] for name in description.get("embeddings", {})},
        calibration=Calibration(**tree["calibration"]) if "calibration" in tree else None,
    )
