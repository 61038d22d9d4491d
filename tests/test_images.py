"""Pictures: whatever is on disk becomes upright, opaque RGB; pixels and normalized tensors convert without loss."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, features

from data import deprocess, open_image, preprocess
from data.images import IMAGENET_MEAN, IMAGENET_STD, legal_range

FORMATS = ["jpeg", "png", "gif", "tiff", "bmp", *(kind for kind in ("webp", "avif") if features.check(kind))]
UPRIGHT = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 14

# What a camera stores for an upright picture, by EXIF orientation: where its first row and first column show.
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.swapaxes(0, 1),
    6: UPRIGHT[:, ::-1].swapaxes(0, 1),
    7: UPRIGHT[::-1, ::-1].swapaxes(0, 1),
    8: UPRIGHT[::-1].swapaxes(0, 1),
}


@pytest.fixture
def save(tmp_path):
    """Write a PIL picture or an array and return the path."""

    def save_image(image, name="picture.png", **options):
        image = image if isinstance(image, Image.Image) else Image.fromarray(np.ascontiguousarray(image))
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return save_image


def palette_image(pixels=(0, 1, 2, 1)):
    image = Image.new("P", (len(pixels), 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata(pixels)
    return image


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


# --- open_image: every kind of file


@pytest.mark.parametrize("orientation", STORED)
def test_a_rotated_photograph_comes_out_upright(save, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = open_image(save(STORED[orientation], exif=exif))
    np.testing.assert_array_equal(image, UPRIGHT)
    assert image.getexif().get(0x0112, 1) == 1, "a second reader would turn it again"


def test_damaged_exif_keeps_no_photograph_out(save):
    """Bytes of a camera's EXIF data are overwritten at random; the pixels are whole."""
    exif, drawn = Image.Exif(), np.random.default_rng(0)
    exif[0x0112], exif[0x010F], exif[0x011A], exif[0x0132] = 6, "Maker", 72.0, "2020:01:01 00:00:00"
    exif.get_ifd(0x8825).update({1: "N", 2: (1.0, 2.0, 3.0)})
    exif.get_ifd(0x8769).update({0x829A: 0.01, 0x9000: b"0232", 0x8827: 100})
    whole = exif.tobytes()
    for _ in range(200):
        damaged = bytearray(whole)
        for place in drawn.integers(6, len(whole), size=drawn.integers(1, 4)):
            damaged[place] = drawn.integers(256)
        path = save(noise(2, 3), "photo.jpg", exif=bytes(damaged))
        assert open_image(path).size in ((2, 3), (3, 2))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK"])
def test_colours_are_those_of_the_profile(save, mode):
    """A profile that swaps red and blue cannot be overlooked; what is in sRGB stays as it is."""
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swapped.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    colour = {"RGB": (250, 0, 0), "RGBA": (250, 0, 0, 255), "CMYK": (0, 255, 255, 0)}[mode]
    plain = Image.new(mode, (2, 2), colour)
    name = "picture.tif" if mode == "CMYK" else "picture.png"
    red, _, blue = np.asarray(open_image(save(plain, name, icc_profile=swapped)))[0, 0].astype(int)
    if mode == "CMYK":  # the profile is none for four inks, so it says nothing
        assert red > 200 > 50 > blue
    else:
        assert blue > 200 > 50 > red
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (same, b"no profile" * 20):
        given, expected = (open_image(save(plain, name, **options)) for options in ({"icc_profile": profile}, {}))
        assert np.abs(np.asarray(given).astype(int) - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0", "HEIF"),
        (b"<svg xmlns=", "SVG"),
        (b"%PDF-1.7", "PDF"),
    ],
)
@pytest.mark.parametrize("name", ["IMG_1.HEIC", "IMG_1.jpg"])
def test_a_picture_of_a_kind_that_is_not_read_is_called_by_its_name(tmp_path, start, kind, name):
    (tmp_path / name).write_bytes(start + b"\0" * 100)
    with pytest.raises(ValueError, match=f"is {kind}, which Pillow does not read: export it as JPEG or PNG"):
        open_image(tmp_path / name)


def test_a_path_that_cannot_be_is_a_wrong_path(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    for path, error in ((tmp_path / "a.png" / "b.png", NotADirectoryError), ("a\0b.png", ValueError)):
        with pytest.raises(error, match="correct the path"):
            open_image(path)


def test_sizes_may_be_numpys(save):
    assert open_image(save(noise(4, 6)), size=np.int64(2)).size == (3, 2)
    assert preprocess(noise(4, 6), size=np.int32(2)).shape == (1, 3, 2, 3)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        ([[[10, 20, 30, 0]]], (255, 255, 255)),
        ([[[10, 20, 30, 255]]], (10, 20, 30)),
        ([[[0, 100, 200, 51]]], (204, 224, 244)),  # a fifth of the colour, four fifths of white
        ([[[10, 0]]], (255, 255, 255)),
        ([[[10, 255]]], (10, 10, 10)),
        ([[[0, 51]]], (204, 204, 204)),
    ],
    ids=["RGBA clear", "RGBA opaque", "RGBA partly", "LA clear", "LA opaque", "LA partly"],
)
def test_an_alpha_channel_is_laid_on_white(save, array, expected):
    image = open_image(save(np.array(array, np.uint8)))
    assert image.mode == "RGB"
    assert image.getpixel((0, 0)) == expected


@pytest.mark.parametrize(
    ("image", "transparent", "expected"),
    [
        (palette_image(), 1, [(255, 0, 0), (255, 255, 255), (0, 0, 255), (255, 255, 255)]),
        (palette_image(), bytes([255, 255, 51]), [(255, 0, 0), (0, 255, 0), (204, 204, 255), (0, 255, 0)]),
        (Image.fromarray(np.array([[7, 8]], np.uint8)), 8, [(7, 7, 7), (255, 255, 255)]),
        (Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)), (4, 5, 6), [(1, 2, 3), (255, 255, 255)]),
    ],
    ids=["one palette colour", "alpha per palette colour", "one grey", "one RGB colour"],
)
def test_a_transparent_colour_is_laid_on_white(save, image, transparent, expected):
    opened = open_image(save(image, transparency=transparent))
    assert [opened.getpixel((x, 0)) for x in range(opened.width)] == expected


@pytest.mark.parametrize(
    ("image", "name", "expected"),
    [
        (palette_image(), "p.png", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 0)]),
        (np.array([[0, 77, 255]], np.uint8), "grey.png", [(0,) * 3, (77,) * 3, (255,) * 3]),
        (np.array([[True, False]]), "one_bit.png", [(255,) * 3, (0,) * 3]),
        (np.array([[0, 257, 32896, 65535]], np.uint16), "deep.png", [(0,) * 3, (1,) * 3, (128,) * 3, (255,) * 3]),
        (np.array([[0, 32896, 65535]], np.int32), "deep.tiff", [(0,) * 3, (128,) * 3, (255,) * 3]),
        (Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "cmyk.tiff", [(255, 0, 0)]),
        (Image.new("CMYK", (1, 1), (0, 0, 0, 255)), "black.tiff", [(0, 0, 0)]),
    ],
    ids=["palette", "greyscale", "1 bit", "16 bits", "32 bits", "CMYK red", "CMYK black"],
)
def test_every_colour_mode_becomes_rgb(save, image, name, expected):
    opened = open_image(save(image, name))
    assert opened.mode == "RGB"
    assert [opened.getpixel((x, 0)) for x in range(opened.width)] == expected


def test_an_animated_gif_gives_its_first_frame(save):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue")]
    image = open_image(save(frames[0], "moving.gif", save_all=True, append_images=frames[1:]))
    assert image.size == (4, 3)
    assert image.getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(60, 90, (30, 20)), (90, 60, (20, 30)), (20, 35, (35, 20)), (5, 10, (40, 20))]
)
def test_size_sets_the_shorter_side_and_keeps_the_aspect(save, height, width, expected):
    assert open_image(save(noise(height, width)), size=20).size == expected


def test_without_size_no_pixel_is_resampled(save):
    np.testing.assert_array_equal(open_image(save(noise(9, 7))), noise(9, 7))


# --- open_image: every kind of refusal


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [12, 40], ids=["where Pillow warns", "where Pillow raises"])
def test_a_decompression_bomb_is_refused(save, monkeypatch, side):
    path = save(noise(side, side))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"picture\.png has more than .* million pixels"):
        open_image(path)


@pytest.mark.parametrize("content", [b"", b"just a line of text\n", b"<!DOCTYPE html><html></html>"])
def test_a_file_that_is_no_image_is_refused(tmp_path, content):
    path = tmp_path / "notes.jpg"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"notes\.jpg is not an image"):
        open_image(path)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_truncated_image_is_refused(save, kind):
    path = save(noise(64, 64), f"cut.{kind}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"cut\.{kind} is "):
        open_image(path)


@pytest.mark.skipif("avif" not in FORMATS, reason="this Pillow reads no AVIF")
def test_an_avif_file_without_a_picture_inside_is_refused(save):
    path = save(noise(16, 16), "hollow.avif")
    path.write_bytes(path.read_bytes().replace(b"av01", b"av99", 1))
    with pytest.raises(ValueError, match=r"hollow\.avif is "):
        open_image(path)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jpg"):
        open_image(tmp_path / "nowhere.jpg")


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "20"])
def test_a_size_that_is_no_whole_positive_number_is_refused(save, size):
    with pytest.raises(ValueError, match="size is "):
        open_image(save(UPRIGHT), size=size)
    with pytest.raises(ValueError, match="size is "):
        preprocess(UPRIGHT, size=size)


# --- preprocess


def test_preprocess_matches_values_computed_by_hand():
    X = preprocess(np.array([[[255, 0, 128]]], np.uint8))
    assert X.dtype == torch.float32
    torch.testing.assert_close(X.flatten(), torch.tensor([2.2489083, -2.0357143, 0.4264924]), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "images",
    [Image.fromarray(noise(4, 6)), [Image.fromarray(noise(4, 6))], noise(4, 6), noise(4, 6)[None]],
    ids=["picture", "list", "array", "batch"],
)
def test_every_form_of_one_picture_gives_the_same_tensor(images):
    mean, std = np.array(IMAGENET_MEAN), np.array(IMAGENET_STD)
    expected = torch.from_numpy((noise(4, 6) / 255 - mean) / std).permute(2, 0, 1)[None].float()
    X = preprocess(images)
    torch.testing.assert_close(X, expected, rtol=0, atol=1e-6)
    assert X.is_contiguous()


def test_a_batch_keeps_the_order_of_its_pictures():
    batch = np.stack([noise(4, 6, seed) for seed in range(3)])
    expected = torch.cat([preprocess(image) for image in batch])
    assert torch.equal(preprocess(batch), expected)
    assert torch.equal(preprocess([Image.fromarray(image) for image in batch]), expected)


def test_preprocess_lays_transparency_on_white():
    assert torch.equal(preprocess(Image.new("RGBA", (2, 2))), preprocess(Image.new("RGB", (2, 2), "white")))


def test_preprocess_leaves_its_input_alone():
    images = noise(4, 6)
    preprocess(images).zero_()
    np.testing.assert_array_equal(images, noise(4, 6))


def test_preprocess_scales_the_shorter_side():
    assert preprocess(noise(40, 60), size=20).shape == (1, 3, 20, 30)
    assert preprocess([Image.fromarray(noise(30, 20)), Image.fromarray(noise(60, 40))], size=10).shape == (2, 3, 15, 10)


def test_pictures_of_different_sizes_are_refused_with_both_sizes_named():
    with pytest.raises(ValueError, match=r"\(5, 4\).*\(7, 6\)"):
        preprocess([Image.new("RGB", (7, 6)), Image.new("RGB", (5, 4))])


@pytest.mark.parametrize(
    ("images", "named"),
    [
        (np.zeros((2, 2, 3), np.float32), "float32"),
        (np.zeros((2, 2, 3), np.int64), "int64"),
        (np.zeros((2, 2, 4), np.uint8), r"\(2, 2, 4\)"),
        (np.zeros((3, 2, 2), np.uint8), r"\(3, 2, 2\)"),
        (np.zeros((2, 2), np.uint8), r"\(2, 2\)"),
        (np.zeros((0, 2, 2, 3), np.uint8), r"\(0, 2, 2, 3\)"),
        (torch.zeros((2, 2, 3), dtype=torch.uint8), r"torch\.uint8"),
        ([], r"\[\]"),
        ([Image.new("RGB", (2, 2)), "picture.png"], "picture"),
        ("picture.png", "picture"),
        (None, "None"),
    ],
)
def test_anything_but_pictures_is_refused_and_named(images, named):
    with pytest.raises(ValueError, match=f"expected PIL pictures or a uint8 array .*{named}"):
        preprocess(images)


# --- deprocess


def test_the_round_trip_is_exact_for_every_value_in_every_channel():
    ramp = np.arange(256, dtype=np.uint8)
    image = np.stack([ramp, np.roll(ramp, 85), ramp[::-1]], axis=-1).reshape(2, 128, 3)
    pixels = deprocess(preprocess(image))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels[0], image)


def test_height_and_width_keep_their_order():
    X = preprocess(noise(4, 6))
    assert X.shape == (1, 3, 4, 6)
    assert deprocess(X).shape == (1, 4, 6, 3)


def test_values_beyond_black_and_white_are_clamped():
    X = torch.tensor([-100.0, 100.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
    np.testing.assert_array_equal(deprocess(X)[0, 0], [[0, 0, 0], [255, 255, 255]])


def test_deprocess_takes_gradients_and_half_precision_and_alters_nothing():
    X = preprocess(noise(4, 6)).requires_grad_()
    before = X.detach().clone()
    np.testing.assert_array_equal(deprocess(X)[0], noise(4, 6))
    assert torch.equal(X.detach(), before)
    assert np.abs(deprocess(X.half())[0].astype(int) - noise(4, 6)).max() <= 1


@pytest.mark.parametrize("tensor", [torch.zeros(3, 4, 4), torch.zeros(1, 4, 4, 3), np.zeros((1, 3, 4, 4)), None])
def test_deprocess_refuses_anything_but_a_batch_of_three_channels(tensor):
    with pytest.raises(ValueError, match=r"expected a tensor \(N, 3, H, W\), got"):
        deprocess(tensor)


def test_the_legal_range_is_what_black_and_white_become():
    black, white = legal_range(torch.zeros(1, dtype=torch.float32))
    assert black.shape == white.shape == (1, 3, 1, 1)
    torch.testing.assert_close(black, preprocess(np.zeros((1, 1, 3), np.uint8)), rtol=0, atol=1e-6)
    torch.testing.assert_close(white, preprocess(np.full((1, 1, 3), 255, np.uint8)), rtol=0, atol=1e-6)
    assert legal_range(torch.zeros(1, dtype=torch.float64))[0].dtype == torch.float64
