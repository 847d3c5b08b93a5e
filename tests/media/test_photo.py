from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageCms

from bokehflow.errors import MediaError, NumericalError, OutputError
from bokehflow.media.display_p3 import display_p3_to_srgb
from bokehflow.media.levels import to_uint8
from bokehflow.media.photo import read_photo, write_photo
from bokehflow.specs import MAX_SIDE_PX
from tests.media.samples import (
    Pixels,
    add_chunk,
    colours_chunk,
    gradient,
    names_in,
    png_chunk,
    write_png,
)
from tests.tolerances import EIGHT_BIT_STEP, JPEG_MEAN_LEVELS

Pixels16 = np.ndarray[tuple[int, ...], np.dtype[np.uint16]]
Tag = tuple[int, tuple[int, ...]]
GREY_16 = np.linspace(0, 65535, 30).astype(np.uint16).reshape(5, 6)
HEIGHT, WIDTH = 21, 35


def _stored(displayed: Pixels, orientation: int) -> Pixels:
    """What a camera that held itself as `orientation` says stores for a displayed picture."""
    transposed = displayed.transpose(1, 0, 2)
    return {
        1: displayed,
        2: displayed[:, ::-1],
        3: displayed[::-1, ::-1],
        4: displayed[::-1],
        5: transposed,
        6: transposed[::-1],
        7: transposed[::-1, ::-1],
        8: transposed[:, ::-1],
    }[orientation]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "I;16"])
def test_a_tiff_is_turned_upright(tmp_path: Path, orientation: int, mode: str) -> None:
    levels = gradient(HEIGHT, WIDTH)[:, :, :1]
    grey = Image.fromarray(np.ascontiguousarray(_stored(levels, orientation)[:, :, 0]))
    picture = grey
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    elif mode != "L":
        picture = grey.convert(mode)
    exif = picture.getexif()
    exif[ExifTags.Base.Orientation] = orientation
    picture.save(tmp_path / "a.tiff", exif=exif)
    image = read_photo(tmp_path / "a.tiff")
    assert image.shape == (1, 3, HEIGHT, WIDTH)
    assert np.array_equal(to_uint8(image), np.repeat(levels, 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_respected(tmp_path: Path, orientation: int) -> None:
    displayed = gradient(HEIGHT, WIDTH)
    picture = Image.fromarray(np.ascontiguousarray(_stored(displayed, orientation)))
    exif = picture.getexif()
    exif[ExifTags.Base.Orientation] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    image = read_photo(tmp_path / "a.png")
    assert image.shape == (1, 3, HEIGHT, WIDTH)
    assert np.array_equal(to_uint8(image), displayed)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "LA", "1"])
def test_eight_bit_modes_keep_their_values(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(gradient(HEIGHT, WIDTH)).convert(mode)
    picture.save(tmp_path / "a.png")
    image = read_photo(tmp_path / "a.png")
    assert image.dtype == torch.float32
    assert np.array_equal(to_uint8(image), np.asarray(picture.convert("RGB")))


def test_sixteen_bit_grey_keeps_sixteen_bits(tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, HEIGHT * WIDTH).astype(np.uint16).reshape(HEIGHT, WIDTH)
    Image.fromarray(levels).save(tmp_path / "a.png")
    image = read_photo(tmp_path / "a.png")
    for channel in image[0]:
        assert np.array_equal((channel.double().numpy() * 65535).round(), levels)


def test_a_png_that_names_the_curve_of_srgb_is_read(tmp_path: Path) -> None:
    write_png(tmp_path / "plain.png", HEIGHT, WIDTH)
    write_png(tmp_path / "named.png", HEIGHT, WIDTH, more=colours_chunk(13))
    assert torch.equal(read_photo(tmp_path / "named.png"), read_photo(tmp_path / "plain.png"))


def _profile_that_swaps_red_and_green() -> bytes:
    """sRGB with red and green named the other way round."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for a, b in ((b"rXYZ", b"gXYZ"), ("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be"))):
        assert a in profile
        profile = (
            profile.replace(a, b"\0tmp").replace(b, a) if a == b"rXYZ" else profile.replace(a, b)
        )
        profile = profile.replace(b"\0tmp", b)
    return profile


def _grey_profile(called: bytes = b"grey\0") -> bytes:
    """A small ICC profile of grey light with a gamma of 2: header, white point, curve, name."""
    curve = b"curv" + bytes(4) + (1).to_bytes(4, "big") + (2 * 256).to_bytes(2, "big") + bytes(2)
    white = b"XYZ " + bytes(4) + b"".join(v.to_bytes(4, "big") for v in (63190, 65536, 54061))
    name = b"desc" + bytes(4) + (5).to_bytes(4, "big") + called + bytes(79)
    parts = ((b"kTRC", curve), (b"wtpt", white), (b"desc", name))
    at, table, body = 128 + 4 + 12 * len(parts), len(parts).to_bytes(4, "big"), b""
    for tag, part in parts:
        table += tag + (at + len(body)).to_bytes(4, "big") + len(part).to_bytes(4, "big")
        body += part + bytes(-len(part) % 4)
    light = b"".join(v.to_bytes(4, "big") for v in (63190, 65536, 54061))
    header = (at + len(body)).to_bytes(4, "big") + bytes(4) + b"\2\x20\0\0mntrGRAYXYZ "
    header += bytes(12) + b"acsp" + bytes(28) + light
    return header.ljust(128, b"\0") + table + body


def test_a_profile_is_what_it_says_and_not_what_it_is_called(tmp_path: Path) -> None:
    grey = Image.fromarray(gradient(HEIGHT, WIDTH)).convert("L")
    for name in (b"grey\0", b"sRGB\0"):
        grey.save(tmp_path / f"{name[:4].decode()}.png", icc_profile=_grey_profile(name))
    assert torch.equal(read_photo(tmp_path / "sRGB.png"), read_photo(tmp_path / "grey.png"))
    assert not np.array_equal(
        to_uint8(read_photo(tmp_path / "sRGB.png"))[:, :, 0], np.asarray(grey)
    )


@pytest.mark.parametrize("kind", ["PNG", "AVIF"])
def test_display_p3_that_is_told_without_a_profile_is_converted(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(path, format=kind)
    plain = read_photo(path)
    if kind == "PNG":
        add_chunk(path, colours_chunk(13, 12))
    else:
        content = path.read_bytes()
        place = content.index(b"colrnclx") + 8
        path.write_bytes(content[:place] + bytes((0, 12)) + content[place + 2 :])
    torch.testing.assert_close(read_photo(path), display_p3_to_srgb(plain))
    assert not torch.allclose(read_photo(path), plain, atol=EIGHT_BIT_STEP)


def test_other_wide_primaries_without_a_profile_are_refused(tmp_path: Path) -> None:
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(tmp_path / "a.png")
    add_chunk(tmp_path / "a.png", colours_chunk(13, 9))
    with pytest.raises(MediaError, match="primaries of the number 9"):
        read_photo(tmp_path / "a.png")


def test_a_grey_tiff_of_sixteen_bits_is_read(tmp_path: Path) -> None:
    _grey_tiff()(tmp_path / "a.tif")
    expected = torch.from_numpy(GREY_16.astype(np.float32)) / 65535.0
    torch.testing.assert_close(read_photo(tmp_path / "a.tif")[0, 0], expected)


def test_a_colour_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    pixels = gradient(HEIGHT, WIDTH)
    profile = _profile_that_swaps_red_and_green()
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    levels = to_uint8(read_photo(tmp_path / "a.png")).astype(int)
    assert np.abs(levels - pixels[:, :, [1, 0, 2]]).max() <= 1


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    pixels = gradient(HEIGHT, WIDTH)
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    assert np.array_equal(to_uint8(read_photo(tmp_path / "a.png")), pixels)


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_a_profile_holds_however_colours_are_stored(tmp_path: Path, mode: str) -> None:
    colours = Image.fromarray(gradient(HEIGHT, WIDTH)).quantize(16)
    stored = colours if mode == "P" else colours.convert("RGB").convert(mode)
    stored.save(tmp_path / "a.png", icc_profile=_profile_that_swaps_red_and_green())
    levels = to_uint8(read_photo(tmp_path / "a.png")).astype(int)
    assert np.abs(levels - np.asarray(colours.convert("RGB"))[:, :, [1, 0, 2]]).max() <= 1


def test_an_opaque_grey_picture_may_have_a_grey_profile(tmp_path: Path) -> None:
    grey = Image.fromarray(gradient(HEIGHT, WIDTH)).convert("L")
    opaque = Image.merge("LA", (grey, Image.new("L", grey.size, 255)))
    for name, picture in (("grey", grey), ("opaque", opaque)):
        picture.save(tmp_path / f"{name}.png", icc_profile=_grey_profile())
    assert torch.equal(read_photo(tmp_path / "opaque.png"), read_photo(tmp_path / "grey.png"))


def test_a_grey_picture_may_keep_the_profile_of_its_colours(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = Image.fromarray(gradient(HEIGHT, WIDTH)).convert("L")
    grey.save(tmp_path / "a.png", icc_profile=profile)
    expected = np.repeat(np.asarray(grey)[:, :, None], 3, axis=2)
    assert np.array_equal(to_uint8(read_photo(tmp_path / "a.png")), expected)


def test_damaged_tags_are_no_business_of_the_reader_of_pixels(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "a maker with a long name"
    whole = exif.tobytes()
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(tmp_path / "a.jpg", exif=whole[:-30])
    assert read_photo(tmp_path / "a.jpg").shape[2:] == (HEIGHT, WIDTH)
    assert not recwarn.list


def _transparent(path: Path) -> None:
    pixels = np.dstack([gradient(HEIGHT, WIDTH), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    pixels[3, 4, 3] = 254
    Image.fromarray(pixels).save(path, format="PNG")


def _cut_short(path: Path, image_format: str) -> None:
    Image.fromarray(gradient(90, 120)).save(path, format=image_format)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def _damaged_avif(path: Path) -> None:
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(path, format="AVIF")
    content = path.read_bytes()
    pixels = content.index(b"mdat") + 4
    path.write_bytes(content[:pixels] + bytes(len(content) - pixels))


def _hdr_avif(path: Path) -> None:
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(path, format="AVIF")
    content = path.read_bytes()
    place = content.index(b"colrnclx") + 8
    path.write_bytes(content[:place] + bytes((0, 9, 0, 16)) + content[place + 4 :])


def _heightless_tiff(path: Path) -> None:
    Image.fromarray(gradient(HEIGHT, WIDTH)).save(path, format="TIFF")
    height_tag, private_tag = (struct.pack("<HH", tag, 4) for tag in (257, 65000))
    content = path.read_bytes()
    assert height_tag in content
    path.write_bytes(content.replace(height_tag, private_tag, 1))


def _animation(path: Path) -> None:
    frames = [Image.fromarray(gradient(HEIGHT, WIDTH, shift)) for shift in (0, 9)]
    frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:])


def _tiff(path: Path, pixels: Pixels16 | bytes, size: tuple[int, int], *tags: Tag) -> None:
    """A TIFF of one strip, little-endian: more tags, each its number and 16-bit values."""
    strip = pixels if isinstance(pixels, bytes) else pixels.tobytes()
    plain: dict[int, tuple[int, ...]] = {256: (size[1],), 257: (size[0],), 259: (1,)}
    plain |= {262: (1,), 277: (1,), 278: (size[0],)}
    entries, outside = dict(sorted((plain | dict(tags)).items())), b""
    count, at = len(entries) + 2, 8 + 2 + 12 * (len(entries) + 2) + 4
    directory = b""
    for tag, values in [*entries.items(), (273, None), (279, None)]:
        if values is None:
            value = at + 64 if tag == 273 else len(strip)
            directory += struct.pack("<HHII", tag, 4, 1, value)
        elif len(values) <= 2:
            directory += struct.pack("<HHI", tag, 3, len(values))
            directory += struct.pack(f"<{len(values)}H", *values).ljust(4, b"\0")
        else:
            directory += struct.pack("<HHII", tag, 3, len(values), at + len(outside))
            outside += struct.pack(f"<{len(values)}H", *values)
    assert len(outside) <= 64
    header = b"II*\0" + struct.pack("<IH", 8, count)
    path.write_bytes(header + directory + bytes(4) + outside.ljust(64, b"\0") + strip)


def _grey_tiff(*tags: Tag) -> Callable[[Path], None]:
    return lambda path: _tiff(path, GREY_16, GREY_16.shape, (258, (16,)), *tags)


def _planar_tiff(path: Path) -> None:
    three = (277, (3,)), (258, (16, 16, 16)), (262, (2,)), (284, (2,))
    _tiff(path, np.stack([GREY_16] * 3), GREY_16.shape, *three)


def _twelve_bit_tiff(path: Path) -> None:
    _tiff(path, bytes(5 * 6 * 12 // 8), (5, 6), (258, (12,)))


def _shallow(bits: int) -> Callable[[Path], None]:
    """Grey of one level, which is transparent."""
    packed = sum(1 << place for place in range(0, 8, bits))
    rows = zlib.compress(8 * (b"\0" + bytes([packed]) * bits))

    def make(path: Path) -> None:
        write_png(path, 8, 8, more=png_chunk(b"tRNS", b"\0\1"), packed=rows, bits=bits)

    return make


def _pipe(path: Path) -> None:
    os.mkfifo(path)


BAD_PHOTOS = {
    "raw photo": (_grey_tiff((50706, (1, 4))), "raw photo, of which only a preview"),
    "preview in a TIFF": (_grey_tiff((254, (1,))), "raw photo, of which only a preview"),
    "white at zero in 16 bits": (_grey_tiff((262, (0,))), "not read as it is shown"),
    "16 bits channel by channel": (_planar_tiff, "not read as it is shown"),
    "12 bits": (_twelve_bit_tiff, "not read as it is shown"),
    "transparent level of 2 bits": (_shallow(2), "transparent"),
    "transparent level of 4 bits": (_shallow(4), "transparent"),
    "transparent level of 16 bits": (
        lambda p: Image.fromarray(GREY_16).save(p, format="PNG", transparency=5),
        "transparent level",
    ),
    "pipe": (_pipe, "pipe or a device"),
    "transparent pixel": (_transparent, "transparent"),
    "CMYK": (lambda p: Image.new("CMYK", (8, 8)).save(p, format="JPEG"), "CMYK"),
    "float": (lambda p: Image.new("F", (8, 8)).save(p, format="TIFF"), "F picture"),
    "truncated JPEG": (lambda p: _cut_short(p, "JPEG"), "cannot be read"),
    "truncated PNG": (lambda p: _cut_short(p, "PNG"), "cannot be read"),
    "damaged AVIF": (_damaged_avif, "cannot be read"),
    "PQ in a PNG": (
        lambda p: write_png(p, HEIGHT, WIDTH, more=colours_chunk(16)),
        r"high dynamic range \(PQ\)",
    ),
    "HLG in a PNG": (
        lambda p: write_png(p, 5, 7, more=png_chunk(b"gAMA", bytes(4)) + colours_chunk(18)),
        r"high dynamic range \(HLG\)",
    ),
    "PQ in an AVIF": (_hdr_avif, r"high dynamic range \(PQ\)"),
    "TIFF without a height": (_heightless_tiff, "cannot be read"),
    "animation": (_animation, "holds 2 pictures"),
    "text": (lambda p: p.write_text("hello"), "not a picture"),
    "empty": (lambda p: p.touch(), "not a picture"),
    "missing": (lambda _: None, "does not exist"),
    "folder": (lambda p: p.mkdir(), "folder"),
    "broken profile": (
        lambda p: Image.new("RGB", (8, 8)).save(p, format="PNG", icc_profile=b"x" * 200),
        "colour profile",
    ),
}


@pytest.mark.parametrize("kind", BAD_PHOTOS)
def test_bad_photos_are_refused_with_the_reason(tmp_path: Path, kind: str) -> None:
    make, reason = BAD_PHOTOS[kind]
    make(tmp_path / "photo")
    with pytest.raises(MediaError, match=reason):
        read_photo(tmp_path / "photo")


def test_png_round_trip_is_exact(tmp_path: Path) -> None:
    pixels = gradient(HEIGHT, WIDTH)
    image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    write_photo(tmp_path / "a.png", image)
    assert torch.equal(read_photo(tmp_path / "a.png"), image)


def test_jpeg_is_close(tmp_path: Path) -> None:
    pixels = gradient(HEIGHT, WIDTH)
    write_photo(tmp_path / "a.JPG", torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)
    read_back = to_uint8(read_photo(tmp_path / "a.JPG")).astype(float)
    assert np.abs(read_back - pixels).mean() < JPEG_MEAN_LEVELS


def test_values_outside_the_range_are_clipped() -> None:
    image = torch.tensor([-0.5, 0.5, 1.5]).view(1, 3, 1, 1)
    assert to_uint8(image).tolist() == [[[0, 128, 255]]]


def test_a_jpeg_is_as_long_as_it_can_be(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    write_photo(path, torch.zeros(1, 3, 1, MAX_SIDE_PX))
    for height, width in ((1, MAX_SIDE_PX + 1), (MAX_SIDE_PX + 1, 1)):
        with pytest.raises(OutputError, match=r"65500 a side.*\.png"):
            write_photo(path, torch.zeros(1, 3, height, width))
        write_photo(tmp_path / "a.png", torch.zeros(1, 3, height, width))


def test_bad_outputs_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    image = torch.zeros(1, 3, 4, 4)
    with pytest.raises(OutputError, match=r"\.bmp"):
        write_photo(tmp_path / "a.bmp", image)
    with pytest.raises(NumericalError):
        write_photo(tmp_path / "a.png", image + float("nan"))
    assert names_in(tmp_path) == []
