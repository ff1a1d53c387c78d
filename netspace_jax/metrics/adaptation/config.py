"""What the baselines of adaptation may spend, and on how many new tasks they are measured."""

import dataclasses
from typing import Annotated

from annotated_types import Interval

from netspace_jax.rules import Count, Inside, Natural, NotNegative, Positive, Seed


@dataclasses.dataclass(frozen=True)
class AdaptationConfig:
    """Few-shot adaptation as it is measured. Rates are those of Adam unless said otherwise."""

    examples: tuple[Count, ...] = (1, 3, 5, 10, 20, 50)
    """Numbers of examples of a new task, in all."""
    tasks: Count = 64
    """New tasks, at most: those of the zoo's test members."""
    draws: Count = 3
    """Draws of examples of each new task; fewer examples are the first of more."""
    validation_tasks: Count = 64
    """Validation tasks, at most, on which rates and steps are chosen."""
    members: Count = 4096
    """Training members, at most, among which the nearest are sought."""
    voters: Count = 16
    """Nearest members that vote, or whose weights are averaged."""
    pooled_steps: Count = 20000
    """Steps of the network that is trained on all training tasks together."""
    pooled_batch: Count = 128
    """Inputs of such a step, each of a task of its own."""
    pooled_rates: tuple[Positive, ...] = (1e-3, 3e-3)
    """Rates of that network; the best on validation tasks is used."""
    large: str = ""
    """Architecture of the larger network for all tasks; empty for the members' own with wider layers."""
    large_times: Annotated[float, Interval(ge=1)] = 10.0
    """How many times as many parameters the wider one has, about."""
    tuning_rates: tuple[Positive, ...] = (3e-4, 1e-3, 3e-3, 1e-2)
    """Rates at which networks are tuned on the examples; the best on validation tasks is used, for each number."""
    tuning_steps: tuple[Natural, ...] = (0, 5, 20, 100)
    """Steps of tuning, chosen likewise."""
    maml_steps: Count = 4000
    """Steps of MAML and ANIL from the network for all tasks."""
    maml_tasks: Count = 8
    """Training tasks of such a step."""
    maml_rate: Positive = 1e-3
    """Rate of such a step."""
    inner_steps: Count = 5
    """Gradient steps on the examples of a task, within a step of MAML."""
    inner_rate: Positive = 0.02
    """Rate at which these begin; one for each tensor, step and number of examples is learnt."""
    inner_factors: tuple[Positive, ...] = (0.1, 0.3, 1.0, 3.0)
    """Factors of the learnt rates; the best on validation tasks is used, for each number of examples."""
    inner_more: tuple[Count, ...] = (1, 2, 6)
    """Times the inner steps that a new task gets, chosen likewise; further steps have the rates of the last."""
    strengths: tuple[NotNegative, ...] = (1e-3, 1e-2, 0.1, 1.0)
    """Weights of the squared size of a linear probe, chosen likewise."""
    final: Inside = 0.01
    """Share of a rate that is left at the end of a training, along a cosine."""
    seed: Seed = 0
    """Seed of trainings and of the draws of examples."""
