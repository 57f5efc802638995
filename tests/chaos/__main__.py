"""`make chaos`, `make chaos ARGS="--minutes 1 --invitations 500 --seed 17"`."""

import argparse
import logging
import signal
import sys
from collections import Counter
from dataclasses import dataclass
from random import Random, SystemRandom

from chaos.clinic import Clinic
from chaos.judge import Verdict, collect, judge
from chaos.shape import shape
from chaos.sink import kept
from chaos.storm import Storm

EARLY = 0.8  # of the storm: by then everybody is enrolled
SLOWEST = 10  # letters a second in the calm, on a machine that does much else


@dataclass(frozen=True)
class Outcome:
    """What the judge says, and what had been done."""

    verdict: Verdict
    kills: Counter[str]
    seconds: float
    came: int

    def __str__(self) -> str:
        by_kind = ", ".join(f"{kind} {number}" for kind, number in sorted(self.kills.items()))
        return "\n".join(
            [
                f"{'seconds of kills':<44}{self.seconds:>8,.0f}",
                f"{'kills':<44}{self.kills.total():>8,}  {by_kind}",
                f"{'mails that came meanwhile':<44}{self.came:>8,}",
                str(self.verdict),
            ]
        )


def chaos(seed: int, seconds: float, invitations: int) -> Outcome:
    """Kill for so many seconds, let it all drain, and judge."""
    with shape() as here:
        storm = Storm(here, Random(seed))
        clinic = Clinic(here.runtime, Random(seed), invitations, EARLY * seconds)
        storm.await_all()
        clinic.open()
        try:
            storm.rage(seconds)
            storm.calm(clinic, patience=60 + invitations / SLOWEST)
        finally:
            clinic.close()
        ledger, mails = clinic.ledger, kept(here.letters)
        evidence = collect(here.database, mails, ledger.addresses, ledger.left)
        return Outcome(judge(evidence), storm.kills, seconds, storm.came)


def main() -> int:
    """Print the report; 1 if a promise was broken."""
    options = argparse.ArgumentParser(prog="chaos")
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--invitations", type=int, default=20_000)
    options.add_argument("--seed", type=int, default=SystemRandom().randrange(10_000))
    given = options.parse_args()
    logging.disable(logging.WARNING)  # a clinic that is interrupted is no news here
    # ended by a signal, it ends what it started all the same
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"seed {given.seed} decides whom each kill hits among those at work", flush=True)
    outcome = chaos(given.seed, given.minutes * 60, given.invitations)
    print(outcome)
    return min(outcome.verdict.faults, 1)


if __name__ == "__main__":
    sys.exit(main())
