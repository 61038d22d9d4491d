"""Threads that have nothing to do sleep. Imported before torch is, wherever the kit's code starts.

OpenMP's threads wait for their next piece of work by turning in a loop. On a machine that has other work too, those
loops take the processor from the threads that compute. A library of OpenMP reads these settings once, when it is
loaded: where torch is loaded already, nothing can be changed any more, and nothing is.
"""

import os
import sys

PASSIVE = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0"}  # GNU's and Microsoft's library; LLVM's and Intel's
OTHERS = ("GOMP_SPINCOUNT", "KMP_LIBRARY")  # which say the same in other words


def wait_passively() -> None:
    """Set it for this process and those that it starts, unless the user has said anything about it."""
    if "torch" not in sys.modules and not any(name in os.environ for name in (*PASSIVE, *OTHERS)):
        os.environ.update(PASSIVE)


wait_passively()
