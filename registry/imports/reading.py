"""Reading a CSV file row by row: any size, and every kind of broken file named."""

import codecs
import csv
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from registry.imports.faults import Faults

NOT_CSV = {
    b"PK\x03\x04": "this is a spreadsheet; save it as CSV UTF-8 first",
    b"\xff\xfe": "the file is UTF-16; save it as CSV UTF-8",
    b"\xfe\xff": "the file is UTF-16; save it as CSV UTF-8",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the line it begins on, and its cells by column, empty ones left out."""

    line: int
    cells: dict[str, str]


@dataclass
class Source:
    """A file to be read twice, once to check and once to write.

    `moved` is told how many bytes were read, for a progress bar. `sha256` is that of the last
    reading, to see whether the file changed in between.
    """

    path: Path
    moved: Callable[[int], None] = field(default=lambda _count: None)
    sha256: str = ""

    def rows(self, faults: Faults, header: Callable[[list[str]], bool]) -> Iterator[Row]:
        """The rows after the header, while `header` finds nothing wrong with its names."""
        digest = hashlib.sha256()
        records = self._records(faults, digest.update)
        first = next(records, None)
        if first is None:
            if faults.count == 0:
                faults.add(1, "", "", "the file is empty; its first line names the columns")
            return
        columns = [name.strip() for name in first[1]]
        if not header(columns):
            return
        for line, cells in records:
            if len(cells) != len(columns):
                faults.add(
                    line,
                    "",
                    "",
                    f"has {len(cells)} cells, the header has {len(columns)}; "
                    "put cells with commas in them in double quotes",
                )
                continue
            yield Row(line, {name: cell for name, cell in zip(columns, cells, strict=True) if cell})
        self.sha256 = digest.hexdigest()

    def _records(
        self, faults: Faults, update: Callable[[bytes], None]
    ) -> Iterator[tuple[int, list[str]]]:
        """Every record that is not blank with its first line, beginning with the header."""
        with self.path.open("rb") as file:
            for mark, reason in NOT_CSV.items():
                if file.peek(4).startswith(mark):
                    faults.add(1, "", "", reason)
                    return
            reader = csv.reader(self._lines(file, update), strict=True)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    faults.add(line, "", "", f"cannot be read as CSV: {error}")
                    continue
                if any(cell.strip() for cell in cells):
                    yield line, cells

    def _lines(self, file: BufferedReader, update: Callable[[bytes], None]) -> Iterator[str]:
        """Lines as text; bytes that are not UTF-8 stay visible, for the cell that holds them."""
        for number, raw in enumerate(file):
            update(raw)
            self.moved(len(raw))
            line = raw.removeprefix(codecs.BOM_UTF8) if number == 0 else raw
            yield line.decode("utf-8", "surrogateescape")
