"""`make drill`, `make drill ARGS="flushall redis_down"`."""

import argparse
import logging
import signal
import sys

from drills.disks import DISKS
from drills.drill import carry_out
from drills.hints import HINTS

DRILLS = {one.name: one for one in (*DISKS, *HINTS)}


def main() -> int:
    """One after the other; 1 if one failed."""
    options = argparse.ArgumentParser(prog="drills")
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(DRILLS))
    names = options.parse_args().names or list(DRILLS)
    unknown = [name for name in names if name not in DRILLS]
    if unknown:
        options.error(f"there is no drill {', '.join(unknown)}; there are: {', '.join(DRILLS)}")
    logging.disable(logging.CRITICAL)  # faults are what is practised
    # ended by a signal, it ends what it started all the same
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = [name for name in names if not carry_out(DRILLS[name])]
    print(f"{len(names) - len(failed)} of {len(names)} drills passed", *failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
