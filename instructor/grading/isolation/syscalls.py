"""What a worker may not ask the kernel for, as a seccomp filter: other networks, namespaces, hidden memory, spying.

Limits and the watch over a worker count memory that its processes show. A file system in a namespace of its own, a
file that is nowhere, or a detached segment is memory that nobody shows.
"""

import ctypes
import errno
import os
import platform
import struct

# By name, the numbers on x86-64 and on ARM64.
REFUSED = {
    "socket": (41, 198),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),  # which does what others do, unseen
}
# For each machine its name in the kernel, its column above, and the numbers of clone and seccomp.
MACHINES = {"x86_64": (0xC000003E, 0, 56, 317), "aarch64": (0xC00000B7, 1, 220, 277)}
CLONE3 = 435  # everywhere; without it, programs use clone, whose flags can be looked at
NEW_NAMESPACES = 0x7E020000  # among clone's flags
OTHER_NUMBERS = 0x40000000  # x86-64's second set of system calls begins here
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # the latter with an error number
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16  # where the kernel says what is asked
NO_NEW_PRIVILEGES = 38
FOR_ALL_THREADS = 1


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def refused_if(code: int, value: int, error: int = errno.EPERM) -> bytes:
    return instruction(code, value, if_false=1) + instruction(RETURN, REFUSE | error)


def program() -> bytes:
    """The filter for this machine; empty for machines whose numbers are not known."""
    if platform.machine() not in MACHINES:
        return b""
    machine, column, clone, _ = MACHINES[platform.machine()]
    return b"".join(
        [
            instruction(LOAD, MACHINE),
            instruction(EQUAL, machine, if_true=1),
            instruction(RETURN, REFUSE | errno.EPERM),
            instruction(LOAD, NUMBER),
            refused_if(AT_LEAST, OTHER_NUMBERS),
            refused_if(EQUAL, CLONE3, errno.ENOSYS),
            *(refused_if(EQUAL, numbers[column]) for numbers in REFUSED.values()),
            instruction(EQUAL, clone, if_true=1),
            instruction(RETURN, ALLOW),
            instruction(LOAD, FIRST_ARGUMENT),
            refused_if(ANY_BIT, NEW_NAMESPACES),
            instruction(RETURN, ALLOW),
        ]
    )


def refuse() -> None:
    """From now on, for this process and whatever it starts. Raises OSError where the kernel does not do it."""
    filter_ = program()
    if not filter_:
        return
    held = ctypes.create_string_buffer(filter_, len(filter_))
    described = struct.pack("HxxxxxxP", len(filter_) // 8, ctypes.addressof(held))
    system = ctypes.CDLL(None, use_errno=True)
    seccomp = MACHINES[platform.machine()][3]
    if system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or system.syscall(seccomp, 1, FOR_ALL_THREADS, described):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
