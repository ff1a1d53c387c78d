"""The one error that users are meant to read."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message is one line that names it and the remedy."""
