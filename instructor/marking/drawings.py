"""The figures of the report as submitted code draws them: the sandbox runs its functions, the kit draws the results.

A figure is drawn as its notebook draws it: here those in which rounding does not show. Those that are known by their
look are in `by_look`.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from data import CLASS_NAMES, load_examples, load_model, preprocess
from data.assets import AssetUnavailable
from data.examples import Examples
from instructor.grading.isolation.remote import Remote, WorkerLost
from instructor.grading.reports.thumbnails import redrawn
from kit.assignment import TASKS, dotted
from sanity_checks import figures as sanity_figures
from sanity_checks.experiments import parameter_randomization, unrelated_similarity
from visualizers import captum_attributions, figures

CALL_SECONDS = 120.0  # on a busy machine, at low priority
STEPS = 20  # of the integrals, as in the notebooks
EARLY, LAST = "features.3", "features.12"
STINGRAY = 6


@dataclass
class Scene:
    """Five photographs and a network; `given` and `pictures` keep what does not depend on the submitted code."""

    weights: str
    source: str
    examples: Examples
    X: Tensor
    y: Tensor
    model: nn.Module
    given: dict[str, Tensor] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.weights} weights, {self.source} photographs"

    def captum(self, method: str, **options: object) -> Tensor:
        if method not in self.given:
            self.given[method] = getattr(captum_attributions, method)(self.X, self.y, self.model, **options)
        return self.given[method]


def scenes() -> list[Scene]:
    """Every pair of weights and photographs that this machine has, those first that a notebook would take here."""
    found = []
    for weights in ("imagenet", "shipped"):
        for source in ("course", "shipped"):
            try:
                model, examples = load_model(weights, device="cpu"), load_examples(5, source)
            except AssetUnavailable:
                continue
            found.append(Scene(weights, source, examples, preprocess(examples.images), examples.labels, model))
    return found


class Code:
    """A submission's functions, each called once in a scene, in the sandbox."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.remote = Remote(sources)
        self.results: dict[tuple[str, ...], Tensor] = {}
        self.lost: dict[str, WorkerLost] = {}  # tasks whose code hangs or ends the process: not asked a second time

    def __call__(self, task: str, scene: Scene, *arguments: object) -> Tensor:
        """What the function of an attribution's task, or of the fooling images, gives. Raises whatever it raises."""
        if (task, scene.name) not in self.results:
            name = TASKS[task].functions[0]
            result = self.call(
                task, f"{dotted(TASKS[task].module)}:{name}", scene.X, *(arguments or (scene.y,)), scene.model
            )
            if not isinstance(result, Tensor) or result.shape[-2:] != scene.X.shape[-2:]:
                raise ValueError(f"{name} does not return a tensor of the images' size")
            self.results[task, scene.name] = result.detach()
        return self.results[task, scene.name]

    def call(
        self, task: str, path: str, *arguments: object, seconds: float = CALL_SECONDS, **options: object
    ) -> object:
        """What `module:function` gives. Raises whatever it raises."""
        if task in self.lost:
            raise self.lost[task]
        self.remote.seconds = seconds
        try:
            return self.remote.function(path)(*arguments, **options)
        except WorkerLost as error:
            self.lost[task] = error
            raise

    def close(self) -> None:
        self.remote.close()


def rows(scene: Scene, overlay: bool = False, **maps: Tensor) -> Figure:
    named = {name.replace("_", "\n"): values for name, values in maps.items()}
    return figures.attributions(scene.examples.images, scene.examples.names, named, overlay)


def saliency_maps(code: Code, scene: Scene) -> Figure:
    return rows(scene, saliency=code("saliency", scene))


def captum_saliency(code: Code, scene: Scene) -> Figure:
    integrated = scene.captum("captum_integrated_gradients", n_steps=STEPS).abs().amax(dim=1)
    maps = {"ours": code("saliency", scene), "Captum": scene.captum("captum_saliency")}
    return rows(scene, **maps, integrated_gradients=integrated)


def guided_backprop(code: Code, scene: Scene) -> Figure:
    return rows(scene, saliency=scene.captum("captum_saliency"), guided_backprop=code("guided_backprop", scene))


def grad_cam(code: Code, scene: Scene) -> Figure:
    return rows(scene, overlay=True, **{"Grad-CAM": code("grad_cam", scene)})


def guided_grad_cam(code: Code, scene: Scene) -> Figure:
    maps = {"guided_backprop": code("guided_backprop", scene), "Grad-CAM": code("grad_cam", scene)}
    return rows(scene, **maps, **{"guided_Grad-CAM": code("guided_grad_cam", scene)})


def captum_guided(code: Code, scene: Scene) -> Figure:
    maps = {
        "guided_backprop": code("guided_backprop", scene),
        "Captum's guided_backprop": scene.captum("captum_guided_backprop"),
        "guided_Grad-CAM": code("guided_grad_cam", scene),
        "Captum's guided_Grad-CAM": scene.captum("captum_guided_grad_cam", layer=LAST),
    }
    return rows(scene, **maps)


def fooling_image(code: Code, scene: Scene) -> Figure:
    fooled = code("fooling", scene, STINGRAY)
    return figures.fooling(scene.X[:1], fooled[:1], (scene.examples.names[0], CLASS_NAMES[STINGRAY]))


def layer_attributions(code: Code, scene: Scene) -> Figure:
    conductance = scene.captum("captum_layer_conductance", layer=EARLY, n_steps=STEPS)
    cam = scene.captum("captum_layer_grad_cam", layer=EARLY)
    return rows(scene, layer_conductance=conductance, **{"layer\nGrad-CAM": cam})


def sanity_cascade(code: Code, scene: Scene) -> Figure:
    about = scene.X, scene.y, scene.model
    baseline, cascade = unrelated_similarity(*about), parameter_randomization(*about, progress=False)
    return sanity_figures.similarity_curves(cascade.values, cascade.stages, cascade.methods, baseline)


Recipes = Mapping[str, Callable[[Code, Scene], Figure]]
OWN = (saliency_maps, captum_saliency, guided_backprop, grad_cam, guided_grad_cam, captum_guided, fooling_image)
GIVEN = (layer_attributions, sanity_cascade)  # whatever the submitted code is: drawn once for all
RECIPES: Recipes = {recipe.__name__: recipe for recipe in (*OWN, layer_attributions)}
MINUTES: Recipes = {"sanity_cascade": sanity_cascade}  # once for all submissions


def drawn(name: str, code: Code, scene: Scene, recipes: Recipes = RECIPES) -> bytes:
    """The figure as a small JPEG. Raises whatever the submitted code raises, or what drawing its result does."""
    if name not in scene.pictures:
        figure = recipes[name](code, scene)
        written = io.BytesIO()
        options = {"dpi": figures.DOTS_PER_INCH, "facecolor": "white", "bbox_inches": "tight", "pad_inches": 0.05}
        figure.savefig(written, format="png", **options)
        with Image.open(written) as picture:
            content = redrawn(picture)
        if recipes[name] not in GIVEN:
            return content
        scene.pictures[name] = content
    return scene.pictures[name]


def drawn_in(
    names: list[str], code: Code, scene: Scene, recipes: Recipes = RECIPES
) -> Iterator[tuple[str, bytes | None, str]]:
    """Each figure, or None and the reason in words. Left out where this machine lacks a picture that it shows."""
    for name in names:
        try:
            yield name, drawn(name, code, scene, recipes), ""
        except AssetUnavailable:
            continue
        except Exception as error:  # whatever a submission raises, does or gives
            yield name, None, f"{type(error).__name__}: {error}"


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
