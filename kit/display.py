"""Pictures below a notebook's cell, each with an alternative text."""

import sys


def in_notebook() -> bool:
    """Whether a kernel runs this, so that there is a page to show pictures on."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def show_picture(jpeg: bytes, alt: str, caption: str, metadata: dict | None = None) -> None:
    """A picture above its caption, in Markdown. `metadata` travels with it in the notebook's file."""
    from IPython.display import Image, Markdown, display  # only there in a notebook

    display(Image(jpeg, format="jpeg", alt=alt, metadata=metadata), Markdown(f"*{caption}*"))
