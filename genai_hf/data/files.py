"""From what the user typed to files, and from files to lines of text."""

import codecs
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

from genai_hf import places
from genai_hf.data.problems import Problems
from genai_hf.errors import DataError
from genai_hf.places import below, existing, surroundings

# What a folder is searched for; a file of any other ending may be named as text.
ENDINGS: Mapping[str, Sequence[str]] = {
    "text": (".txt",),
    "csv": (".csv",),
    "json": (".json", ".jsonl", ".ndjson"),
    "parquet": (".parquet",),
}
# What the first bytes of a file that is no text say of it, and what to do.
UTF16 = "is UTF-16; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)"
NO_TEXT = {
    codecs.BOM_UTF32_LE: "is UTF-32; save it as UTF-8 (iconv -f UTF-32 -t UTF-8)",  # begins with UTF-16's
    codecs.BOM_UTF16_LE: UTF16,
    codecs.BOM_UTF16_BE: UTF16,
    b"\x1f\x8b": "is gzipped; let its name end in .gz",
    b"PK\3\4": "is a zip archive or a workbook; unpack it, or save it as text",
}
# CP1252 is Latin-1 with letters in place of controls that no text holds: it is right for both.
NO_UTF8 = "save the file as UTF-8 (iconv -f CP1252 -t UTF-8 if it is Windows' or Latin-1)"


def find(path: str, kind: str) -> list[Path]:
    """Files of one `kind` (a key of `ENDINGS`) that `path` stands for: a file, a glob, or a folder with all below it.

    Returns:
        At least one file, sorted by path. Hidden files and folders, and those of runs, are left out of a folder.

    Raises:
        DataError: There is none, or a file is of another kind.
    """
    place, found = Path(path).expanduser(), existing(path)
    try:
        if place.is_dir():
            return _in_folder(place, kind)
        files = sorted(file for file in found if file.is_file())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); allow it, or name another") from error
    if not files:
        raise DataError(f"{path}: {'no file matches' if place not in found else 'not a file'}; {surroundings(place)}")
    for file in files:
        _refuse_other_kinds(file, kind)
    return files


def fingerprint(files: Sequence[Path], **settings: object) -> str:
    """SHA-256, in hex, of the files' bytes in order and of the settings; where the files lie does not enter."""
    digest = hashlib.sha256(repr(sorted(settings.items())).encode())
    for file in files:
        digest.update(places.digest(file))
    return digest.hexdigest()


def lines(file: Path, problems: Problems) -> Iterator[tuple[int, str]]:
    """Numbered lines of a UTF-8 file, which may be gzipped, without its byte order mark and with newlines as ends.

    What is wrong with a line goes into `problems`, and the line is given with replacement characters.
    """
    try:
        with opened(file) as stream:
            for number, raw in enumerate(stream, 1):
                if number == 1 and (wrong := [said for sign, said in NO_TEXT.items() if raw.startswith(sign)]):
                    problems.add(file, None, wrong[0])
                    return
                yield number, _decoded(file, number, raw, problems)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        problems.add(file, None, f"is damaged or cut short ({error}); compress or copy it again")


def opened(file: Path) -> IO[bytes]:
    """The file's bytes, decompressed where its name ends in .gz."""
    return cast("IO[bytes]", gzip.open(file)) if file.suffix.lower() == ".gz" else file.open("rb")


def ending(file: Path) -> str:
    """The file's ending in lower case, without .gz: ``.jsonl`` of ``novels.jsonl.gz``."""
    name = file.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _decoded(file: Path, number: int, raw: bytes, problems: Problems) -> str:
    if number == 1:
        raw = raw.removeprefix(codecs.BOM_UTF8)
    if b"\0" in raw:
        problems.add(file, number, "holds a NUL byte; save the file as UTF-8 text")
    if raw.endswith(b"\r\n"):
        raw = raw[:-2] + b"\n"
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        wrong = f"is not UTF-8 (byte 0x{raw[error.start]:02x} at {error.start + 1})"
        problems.add(file, number, f"{wrong}; {NO_UTF8}")
        return raw.decode(errors="replace")


def _in_folder(folder: Path, kind: str) -> list[Path]:
    files = sorted(file for file in below(folder) if file.is_file() and _is_kind(file, kind))
    if not files:
        raise DataError(f"{folder}: no {_readable(kind)} file in this folder; {surroundings(folder)}")
    return files


def _is_kind(file: Path, kind: str) -> bool:
    return ending(file) in ENDINGS[kind] and not (kind == "parquet" and file.suffix.lower() == ".gz")


def _refuse_other_kinds(file: Path, kind: str) -> None:
    other = next((name for name, endings in ENDINGS.items() if ending(file) in endings), None)
    if not (_is_kind(file, kind) or (kind == "text" and other is None)):
        remedy = f"read it with data={other}" if other not in (None, kind) else "rename it, or convert it"
        raise DataError(f"{file}: data={kind} reads {_readable(kind)}; {remedy}")


def _readable(kind: str) -> str:
    return " or ".join(ENDINGS[kind]) + ("" if kind == "parquet" else " (also .gz)")
