"""The side journal: whole lines only, in one chain, whoever writes it at once."""

import json
import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.journal import (
    BLOCK,
    Fact,
    FileStore,
    Journal,
    JournalBroken,
    JournalMissing,
    JournalUnwritable,
    MemoryStore,
)

AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
KEY = b"k" * 32


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def journal(file: Path) -> Journal:
    made = Journal(FileStore(file), KEY)
    made.begin("this registry", 1, at=AT)
    return made


def test_what_was_appended_is_read_in_order_and_carries_its_epoch(journal: Journal) -> None:
    journal.append([Fact("died", {"patient": 1}), Fact("held", {"patient": 2})], at=AT)
    journal.begin("this registry", 2, at=AT)
    journal.append([Fact("withdrawn", {"patient": 3})], at=AT)
    lines = list(journal.lines())
    assert [(one.number, one.kind, one.epoch) for one in lines] == [
        (1, "epoch", 1),
        (2, "died", 1),
        (3, "held", 1),
        (4, "epoch", 2),
        (5, "withdrawn", 2),
    ]
    assert journal.last() == lines[-1]
    assert lines[0].place == journal.place()


def test_a_journal_in_memory_reads_the_same() -> None:
    journal = Journal(MemoryStore(), KEY)
    assert journal.last() is None
    journal.begin("x", 1, at=AT)
    journal.append([Fact("died", {"patient": 1})], at=AT)
    assert [one.kind for one in journal.lines()] == ["epoch", "died"]


def test_what_is_not_there_or_was_never_begun_takes_no_line(file: Path) -> None:
    journal = Journal(FileStore(file), KEY)
    with pytest.raises(JournalMissing):
        journal.append([Fact("died", {})], at=AT)
    assert not file.exists()
    file.touch()
    with pytest.raises(JournalMissing, match="never paired"):
        journal.append([Fact("died", {})], at=AT)


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_last_line_is_as_if_it_had_never_been(
    journal: Journal, file: Path, cut: int
) -> None:
    journal.append([Fact("died", {"patient": 1})], at=AT)
    whole = file.read_bytes()
    journal.append([Fact("held", {"patient": 2})], at=AT)
    file.write_bytes(file.read_bytes()[:-cut])
    assert [one.kind for one in journal.lines()] == ["epoch", "died"]
    last = journal.last()
    assert last is not None
    assert last.kind == "died"
    journal.append([Fact("withdrawn", {"patient": 3})], at=AT)
    assert [one.kind for one in journal.lines()] == ["epoch", "died", "withdrawn"]
    assert file.read_bytes().startswith(whole)


def test_a_line_changed_or_taken_out_or_of_another_key_shows(journal: Journal, file: Path) -> None:
    facts = [Fact("died", {"patient": number}) for number in range(3)]
    journal.append(facts, at=AT)
    lines = file.read_bytes().splitlines(keepends=True)
    told = json.loads(lines[2])
    told["told"]["patient"] = 7
    for broken in (
        [*lines[:2], json.dumps(told).encode() + b"\n", lines[3]],
        [lines[0], *lines[2:]],
        [*lines[:2], b"nonsense\n", lines[3]],
        lines[1:],
    ):
        file.write_bytes(b"".join(broken))
        with pytest.raises(JournalBroken):
            list(journal.lines())
    file.write_bytes(b"".join(lines))
    assert len(list(journal.lines())) == 4
    with pytest.raises(JournalBroken, match="REGISTRY_AUDIT_KEY"):
        Journal(FileStore(file), b"x" * 32).last()


def test_the_tail_reaches_back_to_what_is_looked_for(journal: Journal, file: Path) -> None:
    journal.append([Fact("handed_over", {"letter": 1})], at=AT)
    many = [Fact("held", {"patient": number}) for number in range(1000)]
    journal.append(many, at=AT, durable=False)
    assert file.stat().st_size > 3 * BLOCK
    found = journal.tail(lambda line: line.kind == "handed_over")
    assert "handed_over" in {one.kind for one in found}
    assert len(journal.tail(lambda line: line.kind == "held")) < 400
    assert journal.tail(lambda line: False)[0].number == 1


def write(file: Path, who: int, times: int) -> None:
    mine = Journal(FileStore(file), KEY)
    for number in range(times):
        mine.append([Fact("sent", {"by": who, "number": number})], at=AT)


def test_processes_that_write_at_once_make_one_whole_chain(journal: Journal, file: Path) -> None:
    fork = multiprocessing.get_context("spawn")
    writers = [fork.Process(target=write, args=(file, who, 100)) for who in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(60)
        assert one.exitcode == 0
    told = [line.told for line in journal.lines() if line.kind == "sent"]
    assert len(told) == 300
    for who in range(3):
        mine = [one["number"] for one in told if one["by"] == who]
        assert mine == list(range(100))


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, 100])
def test_a_full_disk_keeps_nothing_of_the_line_and_says_so(
    journal: Journal, file: Path, room: int
) -> None:
    before = file.read_bytes()
    with no_room_beyond(len(before) + room):
        with pytest.raises(JournalUnwritable, match="Make room"):
            journal.append([Fact("died", {"patient": 1})], at=AT)
        assert file.read_bytes() == before
    journal.append([Fact("died", {"patient": 1})], at=AT)
    assert [one.kind for one in journal.lines()] == ["epoch", "died"]
