"""The secrets that the controller handed over with the job."""

from pyinfra.api.exceptions import OperationError
from pyinfra.context import host

SECRETS: dict[str, dict[str, str]] = {}
"""Of each host; filled in by the worker, and not host data, which pyinfra prints when asked to."""


def is_handed_over(name: str) -> bool:
    """Tell whether the controller handed a secret over for the present host."""
    return name in SECRETS.get(host.name, {})


def secret(name: str, complaint: str) -> str:
    """Give the secret *name*; raise ``OperationError`` with *complaint* if none was handed over."""
    found = SECRETS.get(host.name, {}).get(name)
    if found is None:
        raise OperationError(f"{complaint}: only `hosting apply` can do that")
    return found
