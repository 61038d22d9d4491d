"""A picture with controls below it: what the techniques say about another image, class, layer or iteration.

In a notebook whose kernel runs, each control redraws the picture. Everywhere else, in a saved notebook, on paper or
where there are no widgets, the same picture of the first choices stands still.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kit.display import in_notebook

DOTS_PER_INCH = 96
CELL = 2.4  # inches; picture and controls fit on a small screen together
NO_KERNEL = "The controls of this picture work while a kernel runs: run the cell again."

Choices = Mapping[str, object] | Sequence[object]


def explore(draw: Callable[..., tuple[Figure, str]], **choices: Choices) -> Figure | None:
    """Show `draw(**chosen)`, a figure and what it shows in words, and a control for each of the `choices`.

    A choice is a mapping from labels to values, which becomes a menu and starts at the first, or a sequence of values,
    which becomes a slider and starts at the last. In a notebook nothing is returned; elsewhere the figure is. What
    `draw` raises at the start is raised; later it is said below the picture, which stays.
    Raises ValueError for a choice without options.
    """
    options = {name: labelled(name, values) for name, values in choices.items()}
    start = {name: starting_value(choices[name], values) for name, values in options.items()}
    figure, words = draw(**start)
    if not in_notebook():
        return figure
    from IPython.display import Image, display

    handle = display(Image(jpeg(figure), format="jpeg", alt=words), display_id=True)
    try:
        import ipywidgets as widgets
    except ImportError:
        return None
    status = widgets.Label(words)

    def redraw(_: object = None) -> None:
        try:
            figure, words = draw(**{name: control.value for name, control in controls.items()})
        except Exception as error:  # the widget would swallow it
            status.value = f"{type(error).__name__}: {error}"
            return
        status.value = words
        handle.update(Image(jpeg(figure), format="jpeg", alt=words))

    controls = {
        name: control(widgets, name, values, start[name], slider=not isinstance(choices[name], Mapping))
        for name, values in options.items()
    }
    for one in controls.values():
        one.observe(redraw, "value")
    box = widgets.VBox([*controls.values(), status])
    display({**box._repr_mimebundle_(), "text/plain": NO_KERNEL}, raw=True)
    return None


def labelled(name: str, values: Choices) -> dict[str, object]:
    found = dict(values) if isinstance(values, Mapping) else {str(value): value for value in values}
    if not found:
        raise ValueError(f"{name} has nothing to choose from: give at least one value")
    return found


def starting_value(choices: Choices, values: dict[str, object]) -> object:
    return list(values.values())[0 if isinstance(choices, Mapping) else -1]


def control(widgets: Any, name: str, values: dict[str, object], start: object, slider: bool) -> Any:
    """A menu, or a slider over values that have an order; both work with the keyboard."""
    kind = widgets.SelectionSlider if slider and len(values) > 1 else widgets.Dropdown
    look = {"style": {"description_width": "7em"}, "layout": {"width": "32em", "max_width": "100%"}}
    return kind(options=list(values.items()), value=start, description=name.replace("_", " "), **look)


def panels(count: int, height: float = CELL) -> tuple[Figure, Sequence[Axes]]:
    """Square panels in a row, without ticks; laid out by hand, which takes a third of the time."""
    figure = Figure(figsize=(CELL * count, height + 0.35), facecolor="white")
    axes = figure.subplots(1, count, squeeze=False)[0]
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=height / (height + 0.35), wspace=0.04)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    return figure, axes


def jpeg(figure: Figure) -> bytes:
    written = io.BytesIO()
    figure.savefig(written, format="jpeg", dpi=DOTS_PER_INCH, pil_kwargs={"quality": 88})
    return written.getvalue()
