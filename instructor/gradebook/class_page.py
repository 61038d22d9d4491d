"""The class on one page: who is missing, how the points are distributed, and which mistakes were frequent."""

from collections.abc import Sequence

import jinja2

from instructor.gradebook.exports import number
from instructor.gradebook.policy import Policy
from instructor.gradebook.statistics import Distribution, distributions, mistakes
from instructor.gradebook.sums import Entry
from instructor.grading.shown import shown

MOST_MISTAKES = 60
WIDTH, HEIGHT = 200, 40  # of a figure's own units


def class_page(entries: Sequence[Entry], policy: Policy, notes: Sequence[str], pages: jinja2.Environment) -> bytes:
    found = mistakes(entries)
    context = {
        "title": policy.title,
        "handed_in": sum(bool(entry.submission) for entry in entries),
        "students": len(entries),
        "notes": [shown(note, 1000) for note in notes],
        "groups": {
            name: [row(each) for each in group] for name, group in distributions(entries, policy).items() if group
        },
        "mistakes": [vars(mistake) | {"what": shown(mistake.what)} for mistake in found[:MOST_MISTAKES]],
        "more": len(found[MOST_MISTAKES:]),
    }
    return pages.get_template("class.html").render(context).encode()


def row(each: Distribution) -> dict:
    """Numbers as text, and the bars of the figure: place, height and how many."""
    step, tallest = WIDTH / len(each.bins), max(each.bins)
    bars = [
        {"x": round(place * step, 2), "width": round(step - 1.5, 2), "height": round(HEIGHT * count / tallest, 2)}
        for place, count in enumerate(each.bins)
    ]
    shares = [f"{count} from {100 * place // len(each.bins)} %" for place, count in enumerate(each.bins) if count]
    return vars(each) | {
        "points": number(each.points),
        "mean": number(round(each.mean, 1)),
        "median": number(each.median),
        "bars": bars,
        "words": f"{each.title}: {', '.join(shares)} of the points on",
    }
