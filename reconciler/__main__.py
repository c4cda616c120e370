"""The program: exit codes, interrupts, streams that cannot be written to, the last catch; nothing of what it does."""

from __future__ import annotations

import errno
import gc
import os
import sys
from collections.abc import Callable

from reconciler import __version__

_INTERRUPTED = 130
_NEWS = (0, 2)  # in sync, done, changes, drift: what can only be told by what is printed
_ALLOCATIONS = 20_000  # values between two searches for garbage: few of ours are in cycles
_AGAIN = "then run the command again: it goes on where it was"
# What the system has run out of is no fault of the program, wherever it shows.
_RAN_OUT = {
    errno.EMFILE: ("too many files are open", "raise the limit: ulimit -n 1024"),
    errno.ENFILE: ("too many files are open", "raise the limit: ulimit -n 1024"),
    errno.ENOSPC: ("the disk is full", f"free some space, {_AGAIN}"),
    errno.EDQUOT: ("the disk quota is used up", f"free some space, {_AGAIN}"),
    errno.EIO: ("a disk or a device failed: input/output error", f"look at its state, {_AGAIN}"),
    errno.EAGAIN: ("the system starts no more processes", f"end some, or raise the limit (ulimit -u), {_AGAIN}"),
}
_crashed: list[str] = []  # the kinds of errors that ended threads


def main() -> None:
    """Run the command line and leave with the exit code of DESIGN's table; no error shows a traceback."""
    try:
        code = _program()
    except KeyboardInterrupt:  # while the program was being loaded
        code = _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last catch
        code = _told(error)
    code = _printed(code)
    sys.exit(1 if _crashed and code == 0 else code)


def _program() -> int:
    _fill_descriptors()
    if sys.argv[1:] in (["--version"], ["-V"]):  # answered before the command line is even imported
        print(f"reconciler {__version__}")  # noqa: T201 - the one print outside of the door
        return 0
    gc.disable()  # while modules are loaded, nothing becomes garbage
    ready = _quit_when_interrupted()
    from reconciler.render.output import guard  # noqa: PLC0415 - see above

    guard()
    from reconciler.cli.run import run  # noqa: PLC0415 - see above

    _hear_of_threads()
    return run(sys.argv[1:], lambda: _loaded(ready))


def _loaded(ready: Callable[[], object]) -> None:
    """The command begins: what is loaded stays, so it is never searched for garbage."""
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS)
    gc.enable()
    ready()


def _fill_descriptors() -> None:
    """A file that is opened later must not become the standard stream that was closed before we began."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _quit_when_interrupted() -> Callable[[], object]:
    """Ctrl-C ends the program at once and silently until the returned function is called: nothing was done yet."""
    import signal  # noqa: PLC0415 - `--version` does without

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # our parent wants it to be ignored
        return lambda: None
    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    return lambda: signal.signal(signal.SIGINT, signal.default_int_handler)


def _printed(code: int) -> int:
    """The exit code, once everything is printed; 1 when results could not be."""
    if sys.stdout is None:  # closed, and we ended before the door was there
        return code
    try:
        getattr(sys.stdout, "settle", sys.stdout.flush)()
    except OSError as error:
        _give_up()
        if error.errno == errno.EPIPE:  # the reader has seen enough; what was done is done
            return code
        _say(f"Error: the output could not be written: {error.strerror}")
        return 1 if code in _NEWS else code
    return code


def _give_up() -> None:
    """What still waits to be printed goes nowhere, so that the interpreter does not try it again at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError:  # too many are open
        os.close(1)


# --- the last catch -----------------------------------------------------------------------------


def _told(error: BaseException) -> int:
    """Say in a sentence what went wrong, and where the report of it is; the exit code."""
    if isinstance(error, OSError) and error.errno in _RAN_OUT:
        what, fix = _RAN_OUT[error.errno]
        _say(f"Error: {what}", f"  -> {fix}")
        return 1
    try:
        from reconciler.cli.crash import report_crash  # noqa: PLC0415 - seldom needed

        lines = report_crash(error, sys.argv[1:], os.environ)
    except Exception:  # noqa: BLE001 - nothing comes after this
        lines = [f"Error: reconciler failed ({type(error).__name__}), and no report of it could be made"]
    if "_RECONCILER_COMPLETE" not in os.environ:  # who presses Tab sees no errors
        _say(*lines)
    return 1


def _say(*lines: str) -> None:
    if sys.stderr is not None:
        try:
            sys.stderr.write("".join(f"{line}\n" for line in lines))
        except OSError:
            return


def _hear_of_threads() -> None:
    """The same last catch for threads, and for what the interpreter itself cannot hand on."""
    import threading  # noqa: PLC0415 - the command line has it imported

    threading.excepthook = lambda thread: _note(thread.exc_value)
    sys.unraisablehook = lambda found: _note(found.exc_value)


def _note(error: BaseException | None) -> None:
    if error is None or not isinstance(error, Exception):  # an interrupt is no fault
        return
    _crashed.append(type(error).__name__)
    _told(error)


if __name__ == "__main__":
    main()
