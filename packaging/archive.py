"""Archives whose bytes depend only on their contents: sorted, owned by root, with one time for all files."""

import io
import struct
import tarfile
import zlib
from typing import NamedTuple, Optional


class Entry(NamedTuple):
    """A file of an archive: a directory if the name ends with a slash, and a symbolic link if there is a `link`."""

    name: str
    data: bytes = b""
    mode: int = 0o644
    link: Optional[str] = None


def tar_bytes(entries, epoch):
    """Returns an uncompressed tar archive. The users and groups have numbers only, because names differ by system."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in sorted(entries):
            head = tarfile.TarInfo(entry.name.rstrip("/"))
            head.mode, head.mtime, head.size = entry.mode, int(epoch), len(entry.data)
            if entry.link is not None:
                head.type, head.linkname, head.size = tarfile.SYMTYPE, entry.link, 0
            elif entry.name.endswith("/"):
                head.type, head.size = tarfile.DIRTYPE, 0
            archive.addfile(head, io.BytesIO(entry.data[: head.size]))
    return out.getvalue()


def gzip_bytes(data):
    """Compresses without a name or a time. The header is written here: that of Python's gzip module depends on its version."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # Flags 0, time 0, "slowest algorithm" and "unknown system": RFC 1952, 2.3.
    head = b"\x1f\x8b\x08\0" + bytes(4) + b"\x02\xff"
    tail = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return head + deflate.compress(data) + deflate.flush() + tail
