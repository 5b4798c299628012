"""The program that goes into the packages: a static ELF executable for one architecture."""

import struct
import sys

from project import read

# e_machine of the ELF header, by the name that `uname -m` prints.
MACHINES = {"x86_64": 62, "aarch64": 183}
PT_INTERP = 3


def read_program(path, arch):
    """Returns the bytes of a static program. Exits with one line if it is for another system or needs an interpreter."""
    data = read(path)
    try:
        if data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"{path}: not a 64-bit ELF program")
        (machine,) = struct.unpack_from("<H", data, 18)
        if machine != MACHINES[arch]:
            sys.exit(f"{path}: not a program for {arch}")
        (headers,) = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        kinds = [struct.unpack_from("<I", data, headers + index * size)[0] for index in range(count)]
    except struct.error:
        sys.exit(f"{path}: truncated")
    if PT_INTERP in kinds:
        sys.exit(f"{path}: not a static program: it needs a dynamic linker")
    return data
