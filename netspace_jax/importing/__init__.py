"""Networks that others trained, as a zoo like any other: read, checked by what they compute, written."""

from netspace_jax.importing.build import Imported, import_zoo
from netspace_jax.importing.examine import Examined, ImportOptions, examine
from netspace_jax.importing.sources import Source, sources_of

__all__ = ["Examined", "ImportOptions", "Imported", "Source", "examine", "import_zoo", "sources_of"]
