"""The kit on computers other than the one that it was made on."""

import subprocess
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent


def test_git_hands_out_text_with_lf_and_leaves_other_files_alone_on_every_system():
    listing = subprocess.run(["git", "ls-files", "--eol"], cwd=KIT, capture_output=True, encoding="utf-8", check=True)
    for line in listing.stdout.splitlines():
        state, name = line.split("\t")
        in_git, _, *rules = state.split()
        assert in_git in ("i/lf", "i/-text", "i/none"), f"{name} is stored with other line ends"
        assert " ".join(rules) == ("attr/-text" if in_git == "i/-text" else "attr/text=auto eol=lf"), name
