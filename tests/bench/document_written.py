"""Run `hosting` with the arguments of this program, and print last how much memory it came to, in MiB.

Run as a program of its own, so that the memory is that of one process.
"""

import resource
import sys

from hosting_cli.__main__ import main


def run() -> None:
    """Run the command, and tell its memory if it did its work."""
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    sys.argv[0] = "hosting"
    run()
