"""Begin the command line: ``hosting``, or ``python -m hosting_cli``."""

import atexit
import gc
import shutil
import sys
from pathlib import Path

from hosting_cli import help_page


def main() -> None:
    """Show the first page of help, which is at hand; for anything else, load the command line and run it."""
    program, *arguments = sys.argv
    if Path(program).name == "hosting" and arguments in (["--help"], ["-h"]):
        page = help_page.FILE.read_text(encoding="utf-8")
        sys.stdout.write(help_page.laid_out(page, shutil.get_terminal_size().columns))
        return
    spare_the_collector()
    from hosting_cli import app

    app.main()


def spare_the_collector() -> None:
    """Have the garbage collector look seldom, and not once more at the end.

    Nearly all that a run makes, modules and a region, lives as long as the run: looking through it again and again
    takes a tenth of the time, and a last look before the process goes as much again.
    """
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)


if __name__ == "__main__":
    main()
