"""CSV files whose text no spreadsheet takes for a formula, and whose text is the same again when it is read here.

A cell of text that a spreadsheet would compute gets an apostrophe before it, as spreadsheets themselves mark text. A
cell that has apostrophes before such a beginning gets one more, so that reading takes off what writing put on.

Source: OWASP, CSV Injection.
"""

import csv
import io
import re
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

# Imports of pandas are deferred: reading tables does without it.
if TYPE_CHECKING:
    import pandas as pd

# The full-width signs are the same as the others to a spreadsheet in Chinese, Japanese or Korean.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_BEGINNINGS = frozenset("'=+-@\t\r\n＝＋－＠")  # of `_FORMULA`
_NUMBER = re.compile(r"'*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def guarded(cell: Any) -> Any:
    """The cell as it stands in a CSV file; what is no text stays as it is."""
    return f"'{cell}" if isinstance(cell, str) and _is_computed(cell) else cell


def unguarded(cell: str) -> str:
    """The text that was written as this cell of a CSV file."""
    return cell[1:] if cell.startswith("'") and _is_computed(cell) else cell


def csv_text(table: "pd.DataFrame") -> str:
    """The table as the text of a CSV file."""
    text = io.StringIO(newline="")
    _write(table, text)
    return text.getvalue()


def csv_bytes(table: "pd.DataFrame") -> bytes:
    """The table as a CSV file with a byte order mark, without which Excel misreads Korean."""
    return csv_text(table).encode("utf-8-sig")


def write_csv(table: "pd.DataFrame", path: Path) -> None:
    """Write the table as a CSV file with a byte order mark."""
    _write(table, path)


def _write(table: "pd.DataFrame", target: "Path | io.StringIO") -> None:
    table = _guarded_table(table)
    # The csv module writes a lone carriage return without quotation marks, and readers take it for the end of a row.
    cells = chain(table, *(column for _, column in table.items() if _holds_text(column)))
    returns = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL
    table.to_csv(target, index=False, encoding="utf-8-sig", quoting=quoting, lineterminator="\n")


def write_csv_rows(file: TextIO, names: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write the rows as they come; numbers are numbers, and None is an empty cell."""
    plain = csv.writer(file, lineterminator="\n")
    # As in `_write`: a row with a carriage return has its texts in quotation marks.
    quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    for row in chain([names], rows):
        cells, writer = [*row], plain
        for place, cell in enumerate(cells):
            if isinstance(cell, str):
                if "\r" in cell:
                    writer = quoted
                if cell[:1] in _BEGINNINGS:
                    cells[place] = guarded(cell)
        writer.writerow(cells)


def _is_computed(cell: str) -> bool:
    return _FORMULA.match(cell) is not None and _NUMBER.fullmatch(cell) is None


def _guarded_table(table: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    columns = {
        place: column.map(guarded, na_action="ignore") if _holds_text(column) else column
        for place, (_, column) in enumerate(table.items())  # by place, since a name may be there twice
    }
    return pd.DataFrame(columns, index=table.index).set_axis([guarded(name) for name in table], axis="columns")


def _holds_text(column: "pd.Series") -> bool:
    import pandas as pd

    return not (pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column))
