"""Hostile files, each made by code: bombs, torn and mislabeled files, polyglots, texts that deceive.

`outcome` is what must become of the file: "refused" (a sentence names the file, or each of its rows), or "imported"
(safely, at least in part). Whatever else happens is a crash.
"""

import io
import json
import os
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from PIL import Image

from labeler.core.errors import LabelerError
from labeler.core.items import Modality
from labeler.core.settings import Config, LimitsConfig
from labeler.files.sources import OBVIOUS, SourceColumns
from labeler.formats.preview import first_pictures, holds_scans, preview
from labeler.projects import project as projects
from labeler.projects.importer import import_source
from tests.support.scan_files import write_dicom

Outcome = Literal["refused", "imported", "crashed"]

# Small limits, so that the bombs are cheap to make.
LIMITS = LimitsConfig(
    image_megapixels=1, unpacked_gigabytes=0.01, table_megabytes=4, table_rows=2000, table_columns=100
)


@dataclass(frozen=True)
class Hostile:
    """A hostile file. write: puts it into a folder, and returns the path to be imported. says: a part of the sentence
    that refuses it, or one of its rows.
    """

    name: str
    write: Callable[[Path], Path]
    outcome: Outcome
    says: str = ""
    modality: Modality = "image"
    columns: SourceColumns = OBVIOUS

    def __str__(self) -> str:
        return self.name


def attempt(hostile: Hostile, folder: Path, limits: LimitsConfig = LIMITS) -> tuple[Outcome, str]:
    """What became of the file, as the page and the importer meet it, and the sentence about it or its first row."""
    folder.mkdir(parents=True, exist_ok=True)
    path = hostile.write(folder)
    config = Config("hostile", ("a", "b"), hostile.modality, limits=limits)
    project = projects.create(folder.parent / f"{folder.name}-project", config)
    try:
        try:
            preview(path)
            first_pictures(path, hostile.columns, 6, 100)
            holds_scans(path, hostile.columns, 6)
        except LabelerError:  # the page says it, and the import too
            pass
        report = import_source(project, path, hostile.columns)
    except LabelerError as error:
        return "refused", str(error)
    except Exception as error:
        return "crashed", f"{type(error).__name__}: {error}"
    sentence = str(report.problems[0]) if report.problems else ""
    return ("imported" if report.added else "refused"), sentence


# ---------------------------------------------------------------- images


def png(width: int = 4, height: int = 4, shade: int = 90, kind: str = "PNG") -> bytes:
    """A whole image."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 20, 30)).save(buffer, kind)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def large_png(side: int) -> bytes:
    """A black PNG with one bit a pixel: a few kilobytes, whatever its size."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 2) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def noted_png() -> bytes:
    """A PNG with a packed note that unpacks to 80 MB."""
    whole = png()
    return whole[:33] + chunk(b"zTXt", b"note\0\0" + zlib.compress(bytes(80 << 20), 9)) + whole[33:]


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script></svg>'


class Bomb:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch /tmp/unpickled-by-labeler",)


def in_folder(name: str, content: bytes | Callable[[], bytes]) -> Callable[[Path], Path]:
    """A folder with one file."""

    def write(folder: Path) -> Path:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content())
        return folder

    return write


def linked(target: str) -> Callable[[Path], Path]:
    """A folder with an image, and a link with the name of one."""

    def write(folder: Path) -> Path:
        (folder / "whole.png").write_bytes(png())
        (folder / "link.png").symlink_to(target)
        return folder

    return write


def pipe(folder: Path) -> Path:
    """A folder with a pipe that nobody writes to."""
    os.mkfifo(folder / "pipe.png")
    (folder / "whole.png").write_bytes(png())
    return folder


def dicom(**changes: Any) -> Callable[[Path], Path]:
    """A folder with one scan, whose fields are changed."""

    def write(folder: Path) -> Path:
        write_dicom(folder / "scan.dcm", np.zeros((8, 8), np.uint16), **changes)
        return folder

    return write


def deflated_dicom(side: int, spare: int = 0) -> Callable[[Path], Path]:
    """A folder with a scan whose fields are packed, and so unpack to much."""

    def write(folder: Path) -> Path:
        from pydicom import dcmread
        from pydicom.uid import DeflatedExplicitVRLittleEndian

        write_dicom(folder / "scan.dcm", np.zeros((side, side), np.uint8))
        data = dcmread(folder / "scan.dcm")
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        if spare:
            data.add_new(0x00091010, "OB", bytes(spare))
        data.save_as(folder / "scan.dcm", enforce_file_format=True)
        return folder

    return write


def torn_dicom(folder: Path) -> Path:
    """A scan of which half is there."""
    dicom()(folder)
    content = (folder / "scan.dcm").read_bytes()
    (folder / "scan.dcm").write_bytes(content[: len(content) // 2])
    return folder


# ---------------------------------------------------------------- zips


def zipped(*entries: tuple[str, bytes], name: str = "images.zip") -> Callable[[Path], Path]:
    """A zip with these entries, in this order."""

    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of equal names
            for entry, content in entries:
                archive.writestr(zipfile.ZipInfo(entry), content, zipfile.ZIP_DEFLATED)
        return folder / name

    return write


def patched_zip(at: bytes, offset: int, value: bytes) -> Callable[[Path], Path]:
    """A zip with one image in which bytes are changed behind each of the marks, such as an entry's flags."""

    def write(folder: Path) -> Path:
        path = zipped(("a.png", png()))(folder)
        content = bytearray(path.read_bytes())
        place = content.find(at)
        while place >= 0:
            content[place + offset : place + offset + len(value)] = value
            place = content.find(at, place + 1)
        path.write_bytes(content)
        return path

    return write


def encrypted_zip(folder: Path) -> Path:
    """A zip with one image whose entries are marked as encrypted."""
    path = patched_zip(b"PK\x01\x02", 8, b"\x01\x00")(folder)
    content = path.read_bytes()
    path.write_bytes(content[:6] + b"\x01\x00" + content[8:])
    return path


def link_in_zip(folder: Path) -> Path:
    """A zip with a symbolic link that has the name of an image."""
    info = zipfile.ZipInfo("link.png")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(folder / "links.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return folder / "links.zip"


def torn(write: Callable[[Path], Path], keep: float = 0.5) -> Callable[[Path], Path]:
    """A file of which only the beginning is there."""

    def cut(folder: Path) -> Path:
        path = write(folder)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * keep)])
        return path

    return cut


# ---------------------------------------------------------------- tables


def table(name: str, content: bytes | str) -> Callable[[Path], Path]:
    """A text file; text is written in UTF-8."""

    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
        return folder / name

    return write


def parquet(make: Callable[[], Any]) -> Callable[[Path], Path]:
    """A Parquet file of what `make` returns."""

    def write(folder: Path) -> Path:
        import pyarrow.parquet as pq

        pq.write_table(make(), folder / "t.parquet")
        return folder / "t.parquet"

    return write


def repeated_text(n: int, characters: int) -> Any:
    """A text that stands in every row, and in the file once."""
    import pyarrow as pa

    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["x" * characters]))
    return pa.table({"text": column})


def repeated_number(n: int) -> Any:
    """A column of one number, which is in the file once."""
    import pyarrow as pa

    return pa.table({"text": pa.array(np.zeros(n, np.int8))})


def workbook(sheet: str, shared: str = "", name: str = "t.xlsx") -> Callable[[Path], Path]:
    """A workbook whose sheet has this XML in it."""

    def write(folder: Path) -> Path:
        pd.DataFrame({"text": ["one", "two"]}).to_excel(folder / "plain.xlsx", index=False)
        with zipfile.ZipFile(folder / "plain.xlsx") as plain, zipfile.ZipFile(folder / name, "w", 8) as archive:
            for entry in plain.namelist():
                content = plain.read(entry)
                if entry == "xl/worksheets/sheet1.xml" and sheet:
                    content = sheet.encode()
                if entry == "xl/sharedStrings.xml" and shared:
                    content = shared.encode()
                archive.writestr(entry, content)
        (folder / "plain.xlsx").unlink()
        return folder / name

    return write


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><worksheet xmlns="{MAIN}"><sheetData>'


def cell(reference: str, text: str) -> str:
    """A cell of a sheet with its text in it."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def sheet(*rows: str) -> str:
    """The XML of a sheet with these rows of cells."""
    data = "".join(f'<row r="{n}">{cells}</row>' for n, cells in enumerate(rows, start=1))
    return f'<?xml version="1.0"?><worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData></worksheet>'


DEEP = "[" * 100_000
TEXT, IMAGE = SourceColumns(text="text"), SourceColumns(image="image")
HEAD = "text,label\n"

CORPUS = (
    # images
    Hostile("PNG that unpacks to much", in_folder("a.png", lambda: large_png(4000)), "refused", "pixels"),
    Hostile("PNG with a packed note", in_folder("a.png", noted_png), "refused", "cannot be read"),
    Hostile("PNG cut off", in_folder("a.png", lambda: png(64, 64)[:90]), "refused", "a.png"),
    Hostile("empty PNG", in_folder("a.png", b""), "refused", "is not an image"),
    Hostile("text named PNG", in_folder("a.png", b"hello " * 99), "refused", "is not an image"),
    Hostile("SVG with a script", in_folder("a.svg", SVG), "refused", "has no images"),
    Hostile("SVG with a script, named PNG", in_folder("a.png", SVG), "refused", "is not an image"),
    Hostile("web page named JPEG", in_folder("a.jpeg", b"<html><script>alert(1)</script>"), "refused", "not an image"),
    Hostile("GIF named PNG", in_folder("a.png", lambda: png(kind="GIF")), "imported"),
    Hostile("JPEG that is a zip too", in_folder("a.jpg", lambda: png(kind="JPEG") + zip_bytes()), "imported"),
    Hostile("GIF that is a script too", in_folder("a.gif", lambda: png(kind="GIF") + b"/*<script>*/"), "imported"),
    Hostile("pickle named PNG", in_folder("a.png", lambda: pickle.dumps(Bomb())), "refused", "is not an image"),
    Hostile("program named BMP", in_folder("a.bmp", b"MZ" + bytes(4000)), "refused", "a.bmp"),
    Hostile("TIFF that points behind its end", in_folder("a.tif", b"II*\0\xff\xff\xff\x7f"), "refused", "a.tif"),
    Hostile("WEBP cut off", in_folder("a.webp", lambda: png(32, 32, kind="WEBP")[:40]), "refused", "a.webp"),
    Hostile("name that turns the writing round", in_folder("a\u202egnp.png", png()), "imported"),
    Hostile("link to a file of the system", linked("/etc/passwd"), "imported", "is not an image"),
    Hostile("link to itself", linked("link.png"), "imported", "is a link"),
    Hostile("link to a folder above", linked(".."), "imported", "is a link"),
    Hostile("pipe that never ends", pipe, "imported", "pipe.png"),
    # scans
    Hostile("scan that declares many pixels", dicom(Rows=30_000, Columns=30_000), "refused", "pixels"),
    Hostile("packed scan with many pixels", deflated_dicom(1200), "refused", "pixels"),
    Hostile("packed scan with a huge field", deflated_dicom(8, 12 << 20), "refused", "would unpack"),
    Hostile("scan without a size", dicom(Rows=0, Columns=0), "refused", "scan.dcm"),
    Hostile("scan cut off", torn_dicom, "refused", "scan.dcm"),
    Hostile("mark of a scan and nothing else", in_folder("a.dcm", bytes(128) + b"DICM"), "refused", "a.dcm"),
    # zips
    Hostile("zip that leads out", zipped(("../../evil.png", png())), "refused", "leads out"),
    Hostile("zip with an absolute path", zipped(("/tmp/evil.png", png())), "refused", "leads out"),
    Hostile("zip with a drive", zipped(("C:\\evil.png", png())), "refused", "leads out"),
    Hostile("zip that unpacks to much", zipped(("a.png", bytes(12 << 20))), "refused", "would unpack"),
    Hostile("zip of many such files", zipped(*((f"{n}.png", bytes(1 << 20)) for n in range(12))), "refused", "unpack"),
    Hostile("zip in a zip", zipped(("a.png", png()), ("b.zip", b"PK")), "imported", "is not an image"),
    Hostile("zip with a password", encrypted_zip, "refused", "password"),
    Hostile("zip packed in an unknown way", patched_zip(b"PK\x01\x02", 10, b"\x63\x00"), "refused", "packed in a way"),
    Hostile("zip with a wrong checksum", patched_zip(b"PK\x01\x02", 16, b"abcd"), "refused", "a.png"),
    Hostile("zip that lies about its size", patched_zip(b"PK\x01\x02", 24, b"\x05\x00\x00\x00"), "refused", "a.png"),
    Hostile("zip cut off", torn(zipped(("a.png", png()))), "refused", "not a zip"),
    Hostile("zip with a link", link_in_zip, "refused", "is not an image"),
    Hostile("zip with equal names", zipped(("a.png", png()), ("a.png", png(shade=7))), "imported"),
    Hostile("zip without an image", zipped(("readme.txt", b"hello")), "refused", "no images"),
    Hostile("CSV named zip", table("images.zip", "text\none\n"), "refused", "not a zip"),
    # texts
    Hostile("NULs", table("t.csv", HEAD + "a\0b,a\n\0,b\n"), "imported", "is empty", "text", TEXT),
    Hostile(
        "mixed encodings",
        table("t.csv", "text\n좋은\n".encode() + "나쁜 말".encode("cp949")),
        "refused",
        "row 3",
        "text",
    ),
    Hostile("bare carriage returns", table("t.csv", "text\rone\rtwo\r"), "imported", "", "text"),
    Hostile(
        "very many columns", table("t.csv", ",".join(f"c{n}" for n in range(9999)) + "\n"), "refused", "9,999", "text"
    ),
    Hostile("equal headers", table("t.csv", "text,x,x,\na,1,2,3\n"), "imported", "", "text", TEXT),
    Hostile("equal headers of the items", table("t.csv", "text,text\na,b\n"), "refused", "2 columns", "text", TEXT),
    Hostile("not a number", table("t.csv", "text\nNaN\nnan\nInfinity\n"), "imported", "", "text", TEXT),
    Hostile(
        "a text of ten megabytes", table("t.csv", "text\none\n" + "x" * 10_000_000), "imported", "row 3", "text", TEXT
    ),
    Hostile(
        "a cell of ten megabytes",
        table("t.csv", 'text,note\na,"' + ("x" * 99 + "\n") * 100_000 + '"\n'),
        "refused",
        "row 2",
        "text",
        TEXT,
    ),
    Hostile(
        "bidirectional overrides",
        table("t.csv", "text\n\u202eevil\u2066\n\ufeff\u200bok\n"),
        "imported",
        "",
        "text",
        TEXT,
    ),
    Hostile("a quote that never closes", table("t.csv", 'text\none\n"two\nthree\n'), "imported", "", "text", TEXT),
    Hostile("quotes that never close", table("t.csv", "text\n" + 'a,"b"c\n' * 900), "refused", "fields", "text", TEXT),
    Hostile("formulas", table("t.csv", 'text\n=cmd|"/c calc"!A1\n@SUM(1)\n'), "imported", "", "text", TEXT),
    Hostile("only a header", table("t.csv", "text,label\n"), "refused", "no rows", "text"),
    Hostile("only line ends", table("t.csv", "\n" * 5000), "refused", "t.csv", "text"),
    Hostile("only NULs", table("t.csv", bytes(5000)), "refused", "t.csv", "text"),
    Hostile("too many rows", table("t.csv", "text\n" + "a\n" * 3000), "refused", "2,000 rows", "text"),
    Hostile("PNG named CSV", lambda folder: table("t.csv", png())(folder), "refused", "is not", "text"),
    Hostile(
        "pickle named CSV", lambda folder: table("t.csv", pickle.dumps(Bomb()))(folder), "refused", "t.csv", "text"
    ),
    Hostile("UTF-16 cut in a letter", table("t.csv", "text\none".encode("utf-16")[:-1]), "refused", "UTF-16", "text"),
    Hostile(
        "an image path that leads out",
        table("t.csv", "image\n../../etc/a.png\n"),
        "refused",
        "leads out",
        "image",
        IMAGE,
    ),
    Hostile(
        "an image path with a NUL", table("t.csv", "image\na\0.png\n"), "refused", "does not exist", "image", IMAGE
    ),
    Hostile("an endless image path", table("t.csv", f"image\n{'a' * 5000}.png\n"), "refused", "row 2", "image", IMAGE),
    # JSON
    Hostile("deep JSON", table("t.json", DEEP), "refused", "t.json", "text"),
    Hostile(
        "deep JSON in a line",
        table("t.jsonl", f'{{"text": "a"}}\n{{"text": {DEEP}\n'),
        "imported",
        "row 2",
        "text",
        TEXT,
    ),
    Hostile("JSON cut off", table("t.json", '[{"text": "a"}, {"te'), "refused", "not valid JSON", "text"),
    Hostile("JSON of numbers", table("t.jsonl", "1\n2\n"), "refused", "no JSON objects", "text"),
    Hostile("half a character", table("t.jsonl", '{"text": "a\\ud800b"}\n'), "imported", "", "text"),
    Hostile("huge numbers", table("t.jsonl", '{"text": ' + "9" * 9999 + "}\n"), "imported", "", "text", TEXT),
    Hostile(
        "JSON with many keys",
        table("t.jsonl", json.dumps({f"k{n}": 1 for n in range(500)})),
        "refused",
        "columns",
        "text",
    ),
    Hostile(
        "a large JSON array", table("t.json", "[" + '"x",' * 200_000 + '"x"]'), "refused", "no JSON objects", "text"
    ),
    # Parquet and Excel
    Hostile(
        "Parquet of one long text",
        parquet(lambda: repeated_text(1500, 90_000)),
        "refused",
        "would unpack",
        "text",
        TEXT,
    ),
    Hostile("Parquet of many rows", parquet(lambda: repeated_number(9_000_000)), "refused", "rows", "text", TEXT),
    Hostile("Parquet cut off", torn(parquet(lambda: repeated_number(50))), "refused", "as Parquet", "text"),
    Hostile("CSV named Parquet", table("t.parquet", "text\none\n"), "refused", "as Parquet", "text"),
    Hostile(
        "pickle named Parquet",
        lambda folder: table("t.parquet", pickle.dumps(Bomb()))(folder),
        "refused",
        "as Parquet",
        "text",
    ),
    Hostile("workbook that unpacks to much", workbook(" " * (5 << 20)), "refused", "would unpack", "text"),
    Hostile(
        "wide empty sheet",
        workbook(sheet(cell("A1", "text"), *[cell("A2", "a") + '<c r="XFD2"/>'] * 300)),
        "imported",
        "",
        "text",
        TEXT,
    ),
    Hostile(
        "sheet whose last row is used",
        workbook(sheet(cell("A1", "text"), cell("A2", "a")).replace('r="2"', 'r="1048576"').replace("A2", "A1048576")),
        "refused",
        "rows",
        "text",
        TEXT,
    ),
    Hostile(
        "a billion laughs",
        workbook(BILLION + f'<row r="1">{cell("A1", "&l9;")}</row></sheetData></worksheet>'),
        "refused",
        "as an Excel workbook",
        "text",
    ),
    Hostile(
        "a file of the system in a sheet",
        workbook(f'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>{sheet(cell("A1", "&f;"))}'),
        "refused",
        "t.xlsx",
        "text",
    ),
    Hostile(
        "zip named workbook", zipped(("a.txt", b"hello"), name="t.xlsx"), "refused", "as an Excel workbook", "text"
    ),
    Hostile("workbook cut off", torn(workbook("")), "refused", "as an Excel workbook", "text"),
    Hostile("unknown kind of file", table("weights.pkl", b"\x80\x04."), "refused", "unknown kind", "text"),
)


def zip_bytes() -> bytes:
    """A zip with a web page in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    return buffer.getvalue()
