"""A value that must not be seen: masked wherever it might be printed, revealed only by name."""

import hmac
from typing import final


@final
class Secret:
    """Hold a secret in memory; ``str``, ``repr``, formatting, pickling and JSON never show it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the value to the one call that needs it; never store or format what this returns."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Compare in constant time."""
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        """Refuse: a hash of a secret would identify it."""
        raise TypeError("a secret has no hash")

    def __repr__(self) -> str:
        return "<secret>"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")
