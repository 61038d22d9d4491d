"""The tasks that `check` knows, each with the modules that its verdict depends on."""

TASKS = {
    "saliency": ("visualizers/saliency.py",),
    "guided_backprop": ("visualizers/guided_backprop.py",),
    "grad_cam": ("visualizers/grad_cam.py", "visualizers/guided_backprop.py"),
    "fooling": ("visualizers/fooling.py",),
    "class_visualization": ("visualizers/class_visualization.py",),
    "content_loss": ("style_transfer/content_loss.py",),
    "style_loss": ("style_transfer/style_loss.py",),
    "tv_loss": ("style_transfer/tv_loss.py",),
    "rank_correlation": ("visualizers/rank_correlation.py",),
}
WRITTEN = frozenset(module for modules in TASKS.values() for module in modules)  # by students
