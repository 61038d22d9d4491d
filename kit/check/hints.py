"""What usually causes an error of Python or PyTorch in a task's code, or a wrong result."""

import re

CUT = "The graph was cut: by .detach(), .item(), .data, NumPy or no_grad()."
PLAIN = "Something is a plain number here, because of .item() or float(): keep the tensor."
SHAPES = "Print the shapes before this line: they do not fit together."
TENSORS = "Stay with tensors from the first line to the last."
RESULT = "Look at what the lines between the markers produce: the docstring says which shape it must have."

# The type's name, or nothing for what a check says itself; a part of the message; and what to do about it. The first
# that fits counts.
HINTS = (
    ("UnboundLocalError", "", "The line after the markers uses this name: your code has to give it a value."),
    (
        "NameError",
        "",
        "Is it misspelled, not imported at the top, or a value that your code has to set for the last line?",
    ),
    ("ModuleNotFoundError", "", "Install it, or do without: grading has only the packages in environment.yml."),
    ("RuntimeError", "leaf Variable", "It asks for a gradient, so it must not be changed in place: make a new tensor."),
    ("RuntimeError", "modified by an inplace", "Make a new tensor; do not change one that the graph still needs."),
    ("RuntimeError", "does not require grad", CUT),
    (
        "RuntimeError",
        "second time",
        "An earlier backward pass, maybe in another function, freed the graph: give that retain_graph=True.",
    ),
    (
        "RuntimeError",
        "used in the graph",
        "What you differentiate does not depend on this tensor; perhaps it depends on a copy.",
    ),
    ("RuntimeError", "only for scalar outputs", "Add the scores up: one number can be differentiated, a list cannot."),
    ("RuntimeError", "view size is not compatible", "The memory may be laid out differently: use reshape or flatten."),
    ("RuntimeError", "numpy", "NumPy does not track gradients: stay with tensors."),
    (
        "RuntimeError",
        "must match|must have the same|cannot be multiplied|batch1|doesn't match|for tensor with|[Mm]ismatch|subscript",
        SHAPES,
    ),
    ("IndexError", "shape of the mask|Dimension out of range|too many indices", SHAPES),
    ("ValueError", "spatial dimensions", RESULT),
    (
        "IndexError",
        "list index out of range",
        "Index targets and weights by place in style_layers, 0, 1, 2; feats by layer.",
    ),
    ("TypeError|AttributeError", r"\b(float|int)\b", PLAIN),
    (
        "TypeError|AttributeError",
        "NoneType",
        "Something is None here: .backward() and others return nothing, and a .grad may never have been filled.",
    ),
    (
        "TypeError",
        "hook|grad_input|positional argument",
        "A hook of a node gets one tuple of gradients, and returns one.",
    ),
    ("TypeError|AttributeError", "tuple", "torch.autograd.grad returns, and hooks get, a tuple: take its entries."),
    ("TypeError|AttributeError", "list|ndarray", TENSORS),
    ("RuntimeError", "[Ee]xpected", "Look at the type and shape of what goes into this line."),
    ("", "got NoneType", "Calls such as .backward() return nothing: what does the last name that you set hold?"),
    ("", "got float|got int", PLAIN),
    ("", r"got (max|min|median|sort|topk)\b", "It returns values and indices: take .values, or use amax or amin."),
    ("", "got tuple", "torch.autograd.grad returns a tuple: unpack it, (gradient,) = ..."),
    ("", "got (list|ndarray)", TENSORS),
    ("", r"NaN or infinite|\bnan\b", "Is something divided by zero, or is there a root or logarithm of zero?"),
    ("", r"expected shape \(\), got \(1,\)", "Begin the sum with 0, not with torch.zeros(1)."),
    ("", r"expected shape (?!\(\))", RESULT),
    (
        "",
        r"expected torch\.float",
        "Numbers must keep the type that they come in: look for .int(), .double() or NumPy.",
    ),
    ("", "lost its graph", CUT),
)


def hint_at(kind: str, words: str) -> str | None:
    """The hint for an error of this type with these words, None where there is none."""
    fitting = (hint for name, part, hint in HINTS if kind in name.split("|") and re.search(part, words))
    return next(fitting, None)
