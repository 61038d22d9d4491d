"""Cells that run in a real kernel."""

import os
import re
from pathlib import Path

from jupyter_client.manager import KernelManager


class Kernel:
    """A running kernel: `run(cell)` gives what it printed and its error in one text, without colours."""

    def __init__(self, kit: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        environment = {**os.environ, "PYTHONPATH": str(kit), "KIT_OFFLINE": "1"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.manager.start_kernel(env=environment, cwd=str(kit / "notebooks"), extra_arguments=["--log-level=ERROR"])
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def run(self, cell: str) -> str:
        said = []

        def listen(message: dict) -> None:
            content = message["content"]
            said.append(content.get("text", "") + "\n".join(content.get("traceback", [])))

        self.client.execute_interactive(cell, timeout=120, output_hook=listen, allow_stdin=False)
        return re.sub(r"\x1b\[[0-9;]*m", "", "".join(said)).strip()

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
