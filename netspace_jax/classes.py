"""Answers that are classes: how networks that give one logit for each are described, taught, compared and scored."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Shaped

from netspace_jax.behaviour import Supervised
from netspace_jax.errors import InputError


class ClassAnswers(Supervised):
    """The part of a behaviour that is the same whatever is classified: one logit for each class.

    Networks are compared by distillation (docs/method.md, Imitation loss). A frozen dataclass derived from it has these
    fields:

    Attributes:
      classes: number of classes; a target is a number below it.
      relative: weight of a second distillation, at a temperature of each network's own.
    """

    classes: int
    temperature: float
    relative: float

    @property
    def outputs(self) -> int:
        """One logit for each class."""
        return self.classes

    def describe(self, outputs: Float[Array, "probe classes"]) -> Float[Array, "features"]:
        """Logits brought to one scale, the scale of each probe's, and the probabilities (docs/method.md, eq. 4).

        A network that trained briefly has logits a hundred times smaller than one that trained long; without a common
        scale the encoder cannot tell the brief ones apart.
        """
        centred = outputs - outputs.mean(-1, keepdims=True)
        spread = jnp.sqrt(jnp.square(centred).mean()) + 1e-6
        each = 0.5 * jnp.log(jnp.square(centred).mean(-1) + 1e-6)
        return jnp.concatenate([(centred / spread).reshape(-1), each, jax.nn.softmax(outputs).reshape(-1)])

    def answers(self, outputs: Float[Array, "n classes"]) -> Float[Array, "n classes"]:
        """Probabilities of the classes."""
        return jax.nn.softmax(outputs)

    def answer_losses(
        self, outputs: Float[Array, "n classes"], answers: Float[Array, "n classes"]
    ) -> Float[Array, "n"]:
        """Cross-entropy."""
        return optax.softmax_cross_entropy(outputs, answers)

    def information(self, outputs: Float[Array, "n classes"]) -> Float[Array, ""]:
        """Mutual information of input and class, in nats: a network that is sure of each input, and of several classes
        (Bridle et al. 1991; RIM, Krause et al. 2010).
        """
        log_shares = jax.nn.log_softmax(outputs)
        shares = jnp.exp(log_shares)
        mean = shares.mean(0)
        return (shares * log_shares).sum(-1).mean() - (mean * jnp.log(mean + 1e-9)).sum()

    def decided(self, answers: Float[Array, "n classes"]) -> Float[Array, "n classes"]:
        """The likeliest class, with certainty."""
        return jax.nn.one_hot(answers.argmax(-1), self.classes)

    def check_examples(self, inputs: Shaped[Any, "n *input"], targets: Any) -> Int[Array, "n"]:
        """A user's labels of some prepared inputs, one for each, as numbers of classes.

        Raises:
          InputError: one is no class of these networks, or the same input has two labels.
        """
        labels = np.asarray(super().check_examples(inputs, targets))
        if labels.ndim != 1 or (labels != np.rint(labels)).any():
            raise InputError(f"targets: of shape {labels.shape}; classes are whole numbers, one for each input")
        if (strange := labels[(labels < 0) | (labels >= self.classes)]).size:
            raise InputError(f"targets: {strange[0]:g} is no class; these networks know 0 to {self.classes - 1}")
        _, same = np.unique(np.asarray(inputs).reshape(len(inputs), -1), axis=0, return_inverse=True)
        for group in set(same.tolist()):
            rows = np.flatnonzero(same == group)
            if len(set(labels[rows].tolist())) > 1:
                first, other = rows[0], rows[labels[rows] != labels[rows[0]]][0]
                raise InputError(
                    f"targets: examples {first} and {other} are the same input with the labels {labels[first]:g} and "
                    f"{labels[other]:g}; remove one"
                )
        return jnp.asarray(labels, jnp.int32)

    def target_answers(self, targets: Int[Array, "n"]) -> Float[Array, "n classes"]:
        """The true class, with certainty."""
        return jax.nn.one_hot(targets, self.classes)

    @property
    def constant_answer(self) -> float:
        """The probability of a class of which nothing is known."""
        return 1 / self.classes

    def residual(
        self, target_outputs: Float[Array, "probe classes"], outputs: Float[Array, "probe classes"]
    ) -> Float[Array, "residuals"]:
        """Difference of centred logits, in standard deviations of those target_outputs."""
        own, other = (logits - logits.mean(-1, keepdims=True) for logits in (target_outputs, outputs))
        return ((other - own) / (jnp.sqrt(jnp.square(own).mean()) + 1e-6)).reshape(-1)

    def fit_loss(self, outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
        """Cross-entropy, averaged over inputs."""
        return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()

    def imitation_loss(
        self, target_outputs: Float[Array, "batch classes"], outputs: Float[Array, "batch classes"]
    ) -> Float[Array, ""]:
        """T²·KL(softmax(wanted/T) ‖ softmax(outputs/T)), averaged over inputs (docs/method.md, eq. 12).

        A network that trained briefly has logits a hundred times smaller than one that trained long, and at one
        temperature for all its loss all but vanishes. So `relative` times the same divergence is added at a temperature
        that is a third of the standard deviation of the target_outputs network's own logits, without the factor T².
        """
        loss = self.temperature**2 * _divergence(target_outputs, outputs, self.temperature)
        if not self.relative:
            return loss
        centred = target_outputs - target_outputs.mean(-1, keepdims=True)
        own = (jnp.sqrt(jnp.square(centred).mean()) + 1e-6) / 3
        return loss + self.relative * _divergence(target_outputs, outputs, own)

    def score(self, outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
        """Accuracy."""
        return (outputs.argmax(-1) == targets).mean()

    def agreement(
        self, target_outputs: Float[Array, "batch classes"], outputs: Float[Array, "batch classes"]
    ) -> Float[Array, ""]:
        """Share of inputs on which two networks predict the same class."""
        return (target_outputs.argmax(-1) == outputs.argmax(-1)).mean()


def _divergence(
    wanted: Float[Array, "batch classes"], outputs: Float[Array, "batch classes"], temperature: Float[Array, ""] | float
) -> Float[Array, ""]:
    log_wanted, log_outputs = (jax.nn.log_softmax(logits / temperature) for logits in (wanted, outputs))
    return optax.losses.kl_divergence_with_log_targets(log_outputs, log_wanted).mean()
