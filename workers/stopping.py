"""Whether this worker was asked to stop, known to the processes that it forked as well."""

import mmap

# memory shared by fork, and no lock in it: a process that is killed leaves none behind
_flag = mmap.mmap(-1, 1)


def stop() -> None:
    """Ask every process of this worker to stop after the letter in hand."""
    _flag[0] = 1


def is_stopping() -> bool:
    """Whether they were asked."""
    return _flag[0] == 1


def start() -> None:
    """Forget it: a worker begins."""
    _flag[0] = 0
