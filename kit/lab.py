"""`python -m kit lab` opens JupyterLab: notebook 01 beside the first module to write, and the kit's files at the left.

What the kit sets is for this kit alone and lies in build/lab. A layout that was rearranged stays so.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from kit.assignment import MODULES, NOTEBOOKS
from kit.atomic import write_atomically
from kit.paths import KIT

FOLDER = KIT / "build" / "lab"
WORKSPACE = "inside-convnets"
# No question whether to fetch news: nothing is fetched.
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def main(arguments: Sequence[str]) -> int:
    """Further arguments go to JupyterLab."""
    from jupyterlab.labapp import LabApp

    settings, workspaces = FOLDER / "settings", FOLDER / "workspaces"
    write_atomically(settings / "overrides.json", json.dumps(SETTINGS).encode())
    remember_layout(workspaces)
    own = [
        f"--ServerApp.root_dir={KIT}",
        f"--LabApp.app_settings_dir={settings}",
        f"--LabApp.workspaces_dir={workspaces}",
        f"--LabApp.default_url=/lab/workspaces/{WORKSPACE}",
    ]
    os.chdir(KIT)
    LabApp.launch_instance([*own, *arguments])  # in this process, so that whatever ends it ends JupyterLab
    return 0


def remember_layout(folder: Path) -> None:
    """Put the layout where JupyterLab looks for it, unless one is there."""
    from jupyterlab_server.workspaces_handler import WorkspacesManager

    manager = WorkspacesManager(str(folder))
    if not any(each["metadata"]["id"] == WORKSPACE for each in manager.list_workspaces()):
        folder.mkdir(parents=True, exist_ok=True)
        manager.save(WORKSPACE, json.dumps(layout(NOTEBOOKS[0], MODULES[0])))


def layout(notebook: str, module: str) -> dict:
    """The two side by side, in JupyterLab's own terms."""
    left, right = f"notebook:{notebook}", f"editor:{module}"
    areas = [{"type": "tab-area", "currentIndex": 0, "widgets": [each]} for each in (left, right)]
    dock = {"type": "split-area", "orientation": "horizontal", "sizes": [0.55, 0.45], "children": areas}
    files = {"collapsed": False, "visible": True, "current": "filebrowser", "widgets": ["filebrowser"]}
    data = {
        "layout-restorer:data": {
            "main": {"dock": dock, "current": left},
            "left": files,
            "right": {"collapsed": True, "visible": True, "widgets": []},
        },
        left: {"data": {"path": notebook, "factory": "Notebook"}},
        right: {"data": {"path": module, "factory": "Editor"}},
        "file-browser-filebrowser:cwd": {"path": ""},
    }
    return {"data": data, "metadata": {"id": WORKSPACE}}
