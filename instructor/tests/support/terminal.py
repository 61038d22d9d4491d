"""Programs started as a terminal starts them: in a group of their own, heeding Ctrl-C.

Where the tests run in the background, the shell has Ctrl-C ignored by them and by all that they start.
"""

import signal
import subprocess
from collections.abc import Sequence


def start(command: Sequence[str], **options) -> subprocess.Popen:
    return subprocess.Popen(command, start_new_session=True, preexec_fn=heed, **options)


def heed() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
