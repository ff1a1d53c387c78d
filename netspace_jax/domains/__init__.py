"""Domains: everything that belongs to a kind of behaviour, a folder each. A new one is one more line here."""

from netspace_jax.domain import register
from netspace_jax.domains.fields.domain import DOMAIN as FIELDS
from netspace_jax.domains.images.domain import DOMAIN as IMAGES
from netspace_jax.domains.tables.domain import DOMAIN as TABLES

register(IMAGES)
register(FIELDS)
register(TABLES)
