"""What all tests run under: eight CPU devices, and JAX refusing silent broadcasts and keys used twice."""

import jax

jax.config.update("jax_num_cpu_devices", 8)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_debug_key_reuse", True)
