"""A file without a name that is on no disk, for programs that take a secret from a path or a descriptor only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def memory_file(content: str) -> Iterator[int]:
    """Hold *content* for as long as the block lasts; give the descriptor, which a child must be told to inherit.

    Its path, ``/proc/<our process>/fd/<descriptor>``, is readable by whoever we run as, and by nobody else.
    """
    descriptor = os.memfd_create("hosting")
    try:
        os.fchmod(descriptor, 0o600)  # what ssh asks of a key
        os.write(descriptor, content.encode())
        yield descriptor
    finally:
        os.close(descriptor)
