"""What usually lies behind an error message of Python or PyTorch that a task's code runs into."""

import re

# The type's name, a part of the message, and what to do about it. The first that fits counts.
HINTS = (
    ("UnboundLocalError", "", "The line after the markers returns this name: your code has to give it a value."),
    (
        "NameError",
        "",
        "Is it spelled right, imported at the top, or a value that your code has to give to the last line?",
    ),
    ("ModuleNotFoundError", "", "Install it, or do without: grading has only what environment.yml names."),
    ("RuntimeError", "does not require grad", "The graph was cut: by .detach(), .item(), .data, NumPy or no_grad()."),
    ("RuntimeError", "second time", "The first backward pass frees the graph: give it retain_graph=True."),
    ("RuntimeError", "not to have been used in the graph", "The scores do not depend on this tensor, but on a copy."),
    ("RuntimeError", "only for scalar outputs", "Add the scores up: one number can be differentiated, a list cannot."),
    ("RuntimeError", "in-place operation", "Make a new tensor; do not change one that the graph still needs."),
    ("RuntimeError", "view size is not compatible", "The memory may be laid out otherwise: take reshape or flatten."),
    ("RuntimeError", "numpy() on Tensor that requires grad", "NumPy knows no gradients: stay with tensors."),
    ("RuntimeError", "must match", "Print both shapes in front of this line: they do not fit together."),
    ("RuntimeError", "cannot be multiplied", "Print both shapes in front of this line: they do not fit together."),
    ("RuntimeError", "batch1 must be", "Print both shapes in front of this line: they do not fit together."),
    ("TypeError", "'(float|int)' object", "Something is a plain number here, by .item() or float(): keep the tensor."),
    (
        "AttributeError",
        "'(float|int)' object",
        "Something is a plain number here, by .item() or float(): keep the tensor.",
    ),
    ("AttributeError", "'NoneType' object", "Something is None here: a .grad that was never filled, a layer not kept."),
    ("TypeError", "(hook|grad_input|tuple)", "A hook of a node gets a tuple of gradients, and returns a tuple."),
    (
        "IndexError",
        "list index out of range",
        "Targets and weights are counted as style_layers are, 0, 1, 2; feats by layer.",
    ),
    ("RuntimeError", "expected", "Look at the type and shape of what goes into this line."),
)


def hint_at(kind: str, words: str) -> str | None:
    """The hint for an error of this type with these words, None where there is none."""
    fitting = (hint for name, part, hint in HINTS if name == kind and re.search(part, words))
    return next(fitting, None)
