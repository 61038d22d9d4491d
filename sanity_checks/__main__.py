"""`python -m sanity_checks`: compute anew what notebook 6 shows from a file. Some ten minutes on two cores."""

from kit.command import get_ready
from kit.paths import figures_folder
from sanity_checks import stored

get_ready()
stored.compute(figures_folder() / "cascade_imagenet.npz")
