"""The program: exit codes, interrupts and broken pipes, and nothing of what it does."""

from __future__ import annotations

import os
import sys

from reconciler import __version__


def main() -> None:
    """Run the command line and leave with the exit code of DESIGN's table."""
    if sys.argv[1:] in (["--version"], ["-V"]):  # answered before the command line is even imported
        print(f"reconciler {__version__}")  # noqa: T201 - the one print outside of cli
        return
    from reconciler.cli.run import run  # noqa: PLC0415 - see above

    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough; what was done is done
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


if __name__ == "__main__":
    main()
