"""Looking into an image classifier. `figures` and `captum_attributions` are imported by name when they are needed."""

import kit.kernel  # keeps what follows up to date in a notebook
import kit.quick_torchvision  # noqa: F401  before torchvision is loaded
from visualizers.class_visualization import class_visualization_update_step, create_class_visualization
from visualizers.fooling import make_fooling_image
from visualizers.grad_cam import grad_cam, guided_grad_cam
from visualizers.guided_backprop import guided_backprop
from visualizers.rank_correlation import rank_correlation
from visualizers.saliency import compute_saliency_maps

__all__ = [
    "class_visualization_update_step",
    "compute_saliency_maps",
    "create_class_visualization",
    "grad_cam",
    "guided_backprop",
    "guided_grad_cam",
    "make_fooling_image",
    "rank_correlation",
]
