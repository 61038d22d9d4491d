"""Pictures: from whatever is on disk to RGB, and between pixels and the model's normalized space."""

import io
import warnings
from numbers import Integral
from os import PathLike

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms import functional

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
TURNS = {  # what makes a picture upright again, by its orientation in EXIF
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


# What Pillow cannot read without help, by the letters that these files begin with or have after a length.
OTHER_PICTURES = {
    b"ftyphei": "HEIC", b"ftyphev": "HEIC", b"ftypmif1": "HEIF", b"ftypmsf1": "HEIF", b"ftypavi": "AVIF",
    b"ftypcr": "a Canon raw file", b"<svg": "SVG", b"<?xml": "SVG", b"%PDF": "PDF", b"\xff\x0a": "JPEG XL",
    b"JXL ": "JPEG XL", b"8BPS": "a Photoshop file",
}  # fmt: skip


def open_image(path: str | PathLike, size: int | None = None) -> Image.Image:
    """An RGB picture, upright and opaque, in sRGB; `size` is the length of its shorter side in pixels.

    EXIF orientation and colour profiles are applied where they can be read, transparency is laid on white, and
    greyscale, palette, CMYK and 16-bit files are converted. Raises FileNotFoundError, or ValueError for a file that is
    not an image, is truncated, or would unpack to more pixels than Pillow's decompression-bomb limit.
    """
    check_size(size)
    if isinstance(path, str) and "\0" in path:
        raise ValueError(f"{path!r} has a character that no path can have: correct the path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about EXIF data that are damaged
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                upright = upright_if_known(in_srgb(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = Image.MAX_IMAGE_PIXELS // 10**6
        raise ValueError(f"{path} has more than {limit} million pixels: scale it down first") from None
    except UnidentifiedImageError:
        if kind := other_picture(path):
            raise ValueError(f"{path} is {kind}, which Pillow does not read: export it as JPEG or PNG") from None
        raise ValueError(f"{path} is not an image: give a JPEG, PNG, TIFF or WebP file") from None
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise type(error)(f"{path} cannot be opened ({error.strerror}): correct the path") from None
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError) as error:
        raise ValueError(f"{path} is a damaged image ({error}): replace it") from None
    return resize(as_opaque_rgb(upright), size)


def upright_if_known(image: Image.Image) -> Image.Image:
    """Turned as its EXIF data say, as far as they can be read: damaged ones say nothing about the pixels."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow's parser raises nearly anything
        return image
    turn = TURNS.get(orientation) if isinstance(orientation, int) else None
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.info = {name: value for name, value in image.info.items() if name == "transparency"}  # nobody turns it again
    return turned


def in_srgb(image: Image.Image) -> Image.Image:
    """With the colours that its profile says; without a profile, or with a damaged one, as it is."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, given, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    converted.info = dict(image.info)
    return converted


def other_picture(path: str | PathLike) -> str | None:
    """The name of a format that Pillow does not know, or None."""
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except (OSError, TypeError):
        return None
    return next((kind for letters, kind in OTHER_PICTURES.items() if letters in start), None)


def as_opaque_rgb(image: Image.Image) -> Image.Image:
    """RGB with 8 bits a channel, transparency on white."""
    if image.mode.startswith("I"):
        sixteen_bits = np.asarray(image).clip(0, 65535)
        image = Image.fromarray((sixteen_bits / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image.convert("RGB")


def check_size(size: int | None) -> None:
    if size is not None and (not isinstance(size, Integral) or isinstance(size, bool) or size < 1):
        raise ValueError(f"size is {size!r}: give the shorter side in pixels, a whole number of at least 1")


def resize(image: Image.Image, size: int | None) -> Image.Image:
    """The picture with its shorter side scaled to `size`, or unchanged for None."""
    if size is None or min(image.size) == size:
        return image
    return functional.resize(image, int(size), antialias=True)


def preprocess(images: Image.Image | list[Image.Image] | NDArray[np.uint8], size: int | None = None) -> Tensor:
    """Pictures as the model wants them: float32 (N, 3, H, W), ImageNet's mean subtracted, divided by its deviation.

    Takes one PIL picture, a list of them, or a uint8 array (N, H, W, 3) or (H, W, 3). `size` scales the shorter
    side and keeps the aspect; nothing is cropped. Raises ValueError for pictures of different sizes and for arrays
    of another shape or dtype.
    """
    check_size(size)
    pictures = [resize(picture, size) for picture in as_pictures(images)]
    sizes = {picture.size for picture in pictures}
    if len(sizes) != 1:
        raise ValueError(f"pictures of sizes {sorted(sizes)} do not fit in one batch: crop them to one size")
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2)
    return functional.normalize(pixels.float() / 255, IMAGENET_MEAN, IMAGENET_STD).contiguous()


def as_pictures(images: Image.Image | list[Image.Image] | NDArray[np.uint8]) -> list[Image.Image]:
    if isinstance(images, Image.Image):
        return [as_opaque_rgb(images)]
    if isinstance(images, list) and images and all(isinstance(image, Image.Image) for image in images):
        return [as_opaque_rgb(image) for image in images]
    shape: tuple[int, ...] = getattr(images, "shape", ())
    dtype = getattr(images, "dtype", None)
    if isinstance(images, np.ndarray) and dtype == np.uint8 and len(shape) in (3, 4) and shape[-1] == 3 and images.size:
        return [Image.fromarray(image) for image in (images if len(shape) == 4 else images[None])]
    what = f"an array of {dtype} with shape {tuple(shape)}" if dtype is not None else repr(images)[:80]
    raise ValueError(f"expected PIL pictures or a uint8 array (N, H, W, 3), got {what}")


def deprocess(tensor: Tensor) -> NDArray[np.uint8]:
    """Back to pixels: uint8 (N, H, W, 3) from normalized (N, 3, H, W). Values outside the legal range are clamped."""
    if not isinstance(tensor, Tensor) or tensor.ndim != 4 or tensor.shape[1] != 3:
        raise ValueError(f"expected a tensor (N, 3, H, W), got {getattr(tensor, 'shape', type(tensor).__name__)}")
    tensor = tensor.detach().float().cpu()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    pixels = tensor * std + mean
    return (pixels.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


def legal_range(like: Tensor) -> tuple[Tensor, Tensor]:
    """The normalized values of black and white, each (1, 3, 1, 1), on the device of `like`."""
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (-mean / std).to(like), ((1 - mean) / std).to(like)
