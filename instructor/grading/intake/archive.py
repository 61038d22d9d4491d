"""A zip archive from somebody else: every name and size is checked before anything is unpacked, only into memory."""

import io
import stat
import struct
import zipfile
import zlib
from collections import Counter

from instructor.grading.intake import entries
from instructor.grading.intake.entries import LARGEST_TOTAL, MOST_ENTRIES, PACK_AGAIN, SubmissionError, megabytes
from instructor.grading.shown import shown
from kit.assignment import MODULES

LARGEST_DIRECTORY = 400 * MOST_ENTRIES  # bytes; an entry takes 46 and its name
LARGEST_RATIO = 200  # unpacked to packed; source code has 4, deflate's utmost is 1032
SMALL = 2**20  # bytes; below, the ratio does not matter
CHUNK = 2**16
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flags: encrypted, strongly, with a masked directory
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)


class BoundedReader(io.BufferedReader):
    """A file of which nobody reads more at once than an honest archive's directory has."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and 0 <= size <= LARGEST_DIRECTORY:
            return super().read(size)
        content = super().read(LARGEST_DIRECTORY + 1)
        if len(content) > LARGEST_DIRECTORY:
            raise SubmissionError(f"it lists far more than {MOST_ENTRIES} files. {PACK_AGAIN}")
        return content


class Archive:
    """An opened zip archive; see `Container`. Raises SubmissionError for whatever is wrong with its directory."""

    def __init__(self, file: BoundedReader) -> None:
        begins_as_zip = file.read(2) == b"PK"
        if file.seek(0, io.SEEK_END) > LARGEST_TOTAL:
            raise SubmissionError(f"it is larger than {megabytes(LARGEST_TOTAL)}. {PACK_AGAIN}")
        try:
            self.archive = zipfile.ZipFile(file)
        except SubmissionError:
            raise
        except DAMAGED as error:
            if begins_as_zip:
                raise SubmissionError(
                    f"it is damaged or was cut short ({shown(str(error), 120)}). Upload it again"
                ) from error
            raise SubmissionError(f"it is not a zip archive. {PACK_AGAIN}") from error
        self.files = self.checked_entries(self.archive.infolist())

    def checked_entries(self, listed: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        """The files by their paths, without those that tools put beside them."""
        listed = [entry for entry in listed if not entries.is_unwanted(entry.orig_filename)]
        if len(listed) > MOST_ENTRIES:
            raise SubmissionError(f"it holds {len(listed)} files, more than {MOST_ENTRIES}. {PACK_AGAIN}")
        entries.check_names(entry.orig_filename for entry in listed)
        for entry in listed:
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise SubmissionError(
                    f"'{shown(entry.orig_filename)}' is a link or a device. Put the file itself there"
                )
            if entry.flag_bits & ENCRYPTED:
                raise SubmissionError(f"'{shown(entry.orig_filename)}' is encrypted. Pack it without a password")
        total = sum(entry.file_size for entry in listed)
        if total > LARGEST_TOTAL:
            raise SubmissionError(f"unpacked it is {megabytes(total)}, more than {megabytes(LARGEST_TOTAL)}")
        paths = {entries.plain(entry.orig_filename): entry for entry in listed if not entry.is_dir()}
        return {path: entry for path, entry in paths.items() if not entries.is_from_macos(path)}

    def roots(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for path in self.files:
            for module in MODULES:
                if f"/{path}".endswith(f"/{module}") and entries.may_be_root(path.removesuffix(module)):
                    counts[path.removesuffix(module)] += 1
        return counts

    def only_archive(self) -> "Archive | None":
        """The zip in this zip, where that is all that there could be."""
        found = [path for path in self.files if path.lower().endswith(".zip")]
        if len(found) > 1:
            raise SubmissionError(f"it holds {' and '.join(map(shown, sorted(found)[:2]))}. Hand in one of them")
        return Archive(BoundedReader(io.BytesIO(self.read(found[0], LARGEST_TOTAL)))) if found else None

    def listing(self, folder: str) -> list[str]:
        names = (path.removeprefix(folder) for path in self.files if path.startswith(folder))
        return sorted(name for name in names if "/" not in name)

    def read(self, path: str, most: int) -> bytes | None:
        entry = self.files.get(path)
        if entry is None:
            return None
        entries.check_size(path, entry.file_size, most)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise SubmissionError(f"{path} is packed in an unusual way (method {entry.compress_type}). {PACK_AGAIN}")
        if entry.file_size > max(SMALL, LARGEST_RATIO * entry.compress_size):
            raise SubmissionError(f"{path} would unpack to more than {LARGEST_RATIO} times its size. Leave it out")
        try:
            with self.archive.open(entry) as file:  # which yields no more than the size that was declared
                content = b"".join(iter(lambda: file.read(CHUNK), b""))
        except DAMAGED as error:
            raise SubmissionError(
                f"{path} cannot be unpacked ({shown(str(error), 120)}). {PACK_AGAIN} and upload it again"
            ) from error
        if len(content) != entry.file_size:
            raise SubmissionError(f"{path} is not as long as the archive says. {PACK_AGAIN}")
        return content
