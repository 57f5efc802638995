"""What people do with their letters: answer at once or late, in parts, not at all; leave."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial

from registry.demo import triage
from registry.demo.fates import closes_on
from registry.demo.post import Delivered
from registry.demo.visitor import link_in, month_of, unsubscribe_link_in
from registry.demo.world import Someone, Visit, World

STOPS_AFTER = {"stops_early": "fatigue", "stops_late": "activities", "two_sittings": "medicines"}
"""The question after whose page somebody closes the browser."""

KEPT = {"stops_early": "break_off", "stops_late": "partial", "two_sittings": "partial"}
"""What is then kept: a sixth of the questions, or more than half of them."""

EVENINGS = {1, 3, 6}  # Tuesdays, Thursdays and Sundays
SECOND_SITTING = timedelta(days=2)


def receive(world: World, one: Someone, letter: Delivered, on: date) -> None:
    """Read a letter, and decide by one's fate what to do about it, and when."""
    month = month_of(letter)
    one.letters[month].append(letter)
    if not one.is_alive(on):
        return
    wave, is_first = one.fate.waves[month], len(one.letters[month]) == 1
    if is_first and one.fate.leaves in (("door", month), ("unsubscribe_page", month)):
        plan(world, one, month, on, f"leaves_{one.fate.leaves[0]}")
    elif is_first and one.fate.unsubscribes == month:
        plan(world, one, month, on, "unsubscribes")
    elif len(one.letters[month]) == wave.letter and wave.manner != "silent":
        day = on + timedelta(days=wave.wait)
        if wave.manner == "late":
            day = closes_on(one.fate, month) + timedelta(days=2 + wave.wait)
        plan(world, one, month, day, wave.manner)


def plan(world: World, one: Someone, month: int, on: date, manner: str) -> None:
    """Put a visit of the door on somebody's next evening at home."""
    while on.weekday() not in EVENINGS:
        on += timedelta(days=1)
    world.evenings[on].append((one, month, manner))


def visits(world: World, on: date) -> list[Visit]:
    """The visits of an evening, one of each person."""
    going: dict[str, Visit] = {}
    for one, month, manner in world.evenings.pop(on, []):
        visit = _visit(world, one, month, manner, on)
        if visit is not None:
            going.setdefault(one.fate.number, visit)
    return list(going.values())


def _visit(world: World, one: Someone, month: int, manner: str, on: date) -> Visit | None:
    """The visit as it is made on that evening; None if the person no longer would."""
    if not one.may_act(on, month):
        return None
    letter = one.letters[month][-1]
    if manner == "leaves_door":
        return Visit(lambda v: v.leave(link_in(letter)), partial(_left, one, on))
    if manner == "leaves_unsubscribe_page":
        address = unsubscribe_link_in(letter)
        return Visit(lambda v: v.leave_by_unsubscribing(address), partial(_left, one, on))
    if manner == "unsubscribes":
        address = unsubscribe_link_in(letter)
        return Visit(lambda v: v.unsubscribe(address), lambda: None)
    reply = one.reply_to(month, on, world.seed, half=manner == "half")
    until = STOPS_AFTER.get(manner)
    after: Callable[[], None] = partial(_sent, world, one, month, on)
    if until is not None:
        after = partial(_stopped, world, one, month, manner, on)
    return Visit(lambda v: v.answer(link_in(letter), reply, until), after)


def _left(one: Someone, on: date) -> None:
    one.truth.left_on, one.open_to_contact = on, False


def _sent(world: World, one: Someone, month: int, on: date) -> None:
    one.keep_sent(month, on)
    triage.expect(world, one, month, on)


def _stopped(world: World, one: Someone, month: int, manner: str, on: date) -> None:
    one.keep_draft(month, on, KEPT[manner])
    if manner == "two_sittings":
        plan(world, one, month, on + SECOND_SITTING, "answers")
