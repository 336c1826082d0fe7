"""A copy of the sample region to break, and what is on disk in it."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from inventory_edits import SAMPLE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "region"
    shutil.copytree(SAMPLE, copy, symlinks=True)
    return copy


@pytest.fixture
def fingerprint() -> Callable[[Path], str]:
    """Digest every name, kind and content below a folder, without following a link."""

    def digest(folder: Path) -> str:
        total = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            status = path.lstat()
            total.update(f"{path} {status.st_mode} {status.st_mtime_ns}\n".encode())
            if path.is_file() and not path.is_symlink():
                total.update(path.read_bytes())
        return total.hexdigest()

    return digest
