"""Write files for others in one step, and never over what is somebody else's."""

from collections.abc import Callable
from pathlib import Path

from hosting_cli.errors import EngineError, RefusedError


def replace_file(file: Path, content: bytes, *, remedy: str) -> None:
    """Replace *file* in one step, so that whoever reads it never sees half; raise ``EngineError`` if it cannot be."""
    fresh = file.with_name(f".{file.name}.new")
    try:
        fresh.write_bytes(content)
        fresh.chmod(0o644)
        fresh.replace(file)
    except OSError as error:
        raise EngineError(f"file {file}", f"cannot be written ({error.strerror})", remedy) from error


def refuse_foreign(file: Path, is_ours: Callable[[bytes], bool]) -> None:
    """Raise ``RefusedError`` if there is a *file* already that is not ours, or that cannot be read."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        what = f"is there, and cannot be read ({error.strerror})"
        raise RefusedError(f"file {file}", what, "Give another file.") from error
    if not is_ours(content):
        remedy = "Give another file, or --force to lose what is in it."
        raise RefusedError(f"file {file}", "is there, and was not written by this command", remedy)
