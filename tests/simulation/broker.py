"""Hints between beat and workers: lost, late, doubled, and swept away altogether."""

from dataclasses import dataclass, field

from simulation.hub import Hub


@dataclass
class Broker:
    """What Redis keeps: names of jobs. Nothing depends on it."""

    hub: Hub
    loses: float = 0.0
    doubles: float = 0.0
    hints: list[str] = field(default_factory=list)

    def publish(self, job: str) -> None:
        """Leave a hint, perhaps."""
        self.hub.step("publish")
        luck = self.hub.dice.random()
        if luck < self.loses:
            return
        self.hints.append(job)
        if luck > 1 - self.doubles:
            self.hints.append(job)

    def take(self) -> str | None:
        """The next hint; acknowledged late, so whoever is killed over it leaves it behind."""
        self.hub.step("receive")
        return self.hints[0] if self.hints else None

    def acknowledge(self, job: str) -> None:
        """It was worked on; a hint that was swept away meanwhile is no matter."""
        self.hub.step("acknowledge")
        if job in self.hints:
            self.hints.remove(job)

    def flush(self) -> None:
        """FLUSHALL."""
        self.hints.clear()
        self.hub.tell("FLUSHALL")

    def clear(self) -> None:
        """From now on no hint is lost or doubled."""
        self.loses = self.doubles = 0.0
