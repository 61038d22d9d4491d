"""Pictures: from whatever is on disk to RGB, and between pixels and the model's normalized space."""

import warnings
from os import PathLike

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms import functional

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def open_image(path: str | PathLike, size: int | None = None) -> Image.Image:
    """An RGB picture, upright and opaque; `size` is the length of its shorter side in pixels.

    EXIF orientation is applied, transparency is laid on white, and greyscale, palette, CMYK and 16-bit files are
    converted. Raises FileNotFoundError, or ValueError for a file that is not an image, is truncated, or would
    unpack to more pixels than Pillow's decompression-bomb limit.
    """
    check_size(size)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                upright = ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = Image.MAX_IMAGE_PIXELS // 10**6
        raise ValueError(f"{path} has more than {limit} million pixels: scale it down first") from None
    except UnidentifiedImageError:
        raise ValueError(f"{path} is not an image: give a JPEG, PNG, TIFF or WebP file") from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise type(error)(f"{path} cannot be opened ({error.strerror}): correct the path") from None
    except (OSError, SyntaxError, ValueError, EOFError, RuntimeError) as error:
        raise ValueError(f"{path} is a damaged image ({error}): replace it") from None
    return resize(as_opaque_rgb(upright), size)


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
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
        raise ValueError(f"size is {size!r}: give the shorter side in pixels, a whole number of at least 1")


def resize(image: Image.Image, size: int | None) -> Image.Image:
    """The picture with its shorter side scaled to `size`, or unchanged for None."""
    if size is None or min(image.size) == size:
        return image
    return functional.resize(image, size, antialias=True)


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
    normalized = functional.normalize(pixels.float() / 255, IMAGENET_MEAN, IMAGENET_STD)
    return normalized.contiguous(memory_format=torch.channels_last)


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
