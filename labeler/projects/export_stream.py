"""An export as bytes that leave while the rows are still being read.

A thread of its own writes the file onto the project's disk as fast as the disk takes it, and whoever asked reads what
is there. So the first bytes leave at once, no row waits in memory, and a slow connection holds no transaction open.
"""

import io
import logging
import threading
from collections.abc import Generator

from labeler.files.growing_file import AbandonedError, GrowingFile
from labeler.projects.export_columns import Format
from labeler.projects.export_files import write_rows
from labeler.projects.export_rows import ExportRows, export_rows
from labeler.projects.exporter import Export, record_export
from labeler.projects.project import Project

BUFFER = 1 << 16  # bytes that are written at once

log = logging.getLogger(__name__)


def stream_labels(project: Project, name: str, kind: Format, export: Export) -> Generator[bytes]:
    """The bytes of the file that `export_labels` would write, of the moment of this call.

    The log names the export before its first byte leaves.

    Args:   name: of the file, for the log.
    Raises: LabelerError: the format cannot hold the rows. OSError: the disk is full. Both may also come while reading.
    """
    project.exports.mkdir(exist_ok=True)
    file = GrowingFile(project.exports)
    counts: list[int] = []

    def write() -> None:
        try:
            with export_rows(project, export.rows, export.predictions, export.other_models) as rows:
                counts.append(rows.count)
                _write(file, kind, rows)
            file.end()
        except AbandonedError:
            log.info("Nobody reads the export %s any more.", name)
        except Exception as error:  # whoever reads meets it
            file.end(error)

    threading.Thread(target=write, name="export", daemon=True).start()
    file.wait()
    record_export(project, export.rows, kind, name, counts[0])
    return file.parts()


def _write(file: GrowingFile, kind: Format, rows: ExportRows) -> None:
    buffered = io.BufferedWriter(file, BUFFER)
    write_rows(buffered, kind, rows)
    buffered.flush()
    buffered.detach()
