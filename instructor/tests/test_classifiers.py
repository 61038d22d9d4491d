"""Torchvision's classifiers go through every technique, right or refused; data/classifiers.md says which."""

import pytest

from instructor.classifiers import HEAD, WRONG, judged, line, names
from kit.paths import KIT

pytestmark = pytest.mark.long
# One of each family, the quick ones; the table is made with all of them.
FAMILIES = (
    "alexnet",
    "densenet121",
    "googlenet",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
    "squeezenet1_1",
    "swin_t",
    "vit_b_32",
)
TABLE = (KIT / "data" / "classifiers.md").read_text("utf-8")


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.filterwarnings("ignore:The default weight initialization")
def test_each_technique_gives_what_another_computation_gives_or_is_refused(name):
    verdicts = judged(name)
    assert WRONG not in verdicts
    assert line(name, *verdicts) in TABLE.splitlines()


def test_the_table_has_a_line_for_every_classifier_and_nothing_wrong_in_it():
    assert TABLE.startswith(HEAD)
    assert WRONG not in TABLE
    assert [row.split(" | ")[0].removeprefix("| ") for row in TABLE.removeprefix(HEAD).splitlines()] == names()
