"""Threads that have nothing to do sleep, after a moment. Imported before torch is, wherever the kit's code starts.

OpenMP's threads wait for their next piece of work by turning in a loop. On a machine that has other work too, those
loops take the processor from the threads that compute. Waking up takes time as well, so on a quiet machine it pays to
turn for a millisecond or two, until the next operation begins, and no longer than a scheduler's turn;
`python -m instructor.benchmarks.busy` shows both. A library of OpenMP reads these settings once, when it is loaded:
where torch is already loaded, it is too late to change anything, and nothing is.
"""

import os
import sys

PASSIVE = {
    "OMP_WAIT_POLICY": "passive",  # GNU's and Microsoft's library
    "GOMP_SPINCOUNT": "50000",  # turns of GNU's, of 20 to 50 nanoseconds; without it, none
    "KMP_BLOCKTIME": "0",  # milliseconds of LLVM's and Intel's
}
OTHERS = ("KMP_LIBRARY",)  # which says the same in other words


def wait_passively() -> None:
    """Set it for this process and those that it starts, unless the user has said anything about it."""
    if "torch" not in sys.modules and not any(name in os.environ for name in (*PASSIVE, *OTHERS)):
        os.environ.update(PASSIVE)


wait_passively()
