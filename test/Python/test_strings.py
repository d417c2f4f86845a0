"""Strings and images: how numpy arrays of them go in and out, npz files, optional libraries, hostile images."""
import os
import re
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
from onnx import parser
from onnx.backend.test.case.node import _image_decoder_data

import laic
from laic._library import candidates
from locations import BUILD

HEADER = '<ir_version: 10, opset_import: ["": 21]>\n'
LIBRARIES = {name: any((path.parent / f"liblaic_runtime_{name}.so").exists() for path in candidates("liblaic_runtime.so") if path.exists())
             for name in ("text", "image")}
needs_text = pytest.mark.skipif(not LIBRARIES["text"], reason="liblaic_runtime_text.so is not built: RE2 or utf8proc is not installed")
needs_image = pytest.mark.skipif(not LIBRARIES["image"], reason="liblaic_runtime_image.so is not built: a decoder is not installed")


def compiled(graph):
    return laic.compile(parser.parse_model(HEADER + graph))


IDENTITY = "g (string[N] x) => (string[N] y) { y = Identity(x) }"


@pytest.mark.parametrize("x", [np.array(["a", "", "\u65e5\u672c"], object), np.array(["a", "bc"]), np.array([b"a", b"\xc3\xa4"]), np.array([b"a", "b"], object), np.array([], object)])
def test_arrays_of_text(x):
    model = compiled(IDENTITY)
    assert model.inputs[0].dtype == np.dtype(object) and model.inputs[0].type == "str"
    want = [v.decode() if isinstance(v, bytes) else v for v in x.tolist()]
    assert model(x).tolist() == want


def test_zeros_and_bytes_that_are_no_utf8_come_back():
    x = np.array(["a\0b", b"\xff\xfe", "\0"], object)
    y = compiled(IDENTITY)(x)
    assert [v.encode("utf-8", "surrogateescape") for v in y] == [b"a\0b", b"\xff\xfe", b"\0"]


@pytest.mark.parametrize("x", [np.array([1, 2]), np.array([1, "a"], object), np.array([None], object)])
def test_other_arrays_are_refused(x):
    with pytest.raises(laic.InvalidArgumentError, match="input 'x': expects str or bytes, got"):
        compiled(IDENTITY)(x)


def test_strings_are_not_written_into_arrays():
    model = compiled(IDENTITY)
    with pytest.raises(laic.InvalidArgumentError, match=re.escape("out['y']: strings cannot be written into an array of the caller's")):
        model.run({"x": np.array(["a"])}, out={"y": np.empty(1, object)})
    with pytest.raises(laic.UnsupportedError, match="strings cannot be bound once: call the model"):
        model.bind({"x": np.array(["a"])})


def test_results_outlive_the_next_call():
    model = compiled("g (string[N] x, string[N] y) => (string[N] z) { z = StringConcat(x, y) }")
    first = model(np.array(["a", "b"]), np.array(["c", "d"]))
    model(np.array(["x" * 100, "y" * 100]), np.array(["z", "z"]))
    assert first.tolist() == ["ac", "bd"]


def test_constants():
    model = compiled("""g (int64[N] i) => (string[N] y, string z) {
        words = Constant<value_strings = ["zero", "one", "", "\u00e4\u65e5"]>()
        z = Constant<value_string = "alone">()
        y = Gather(words, i)
    }""")
    y, z = model(np.array([3, 2, 1, 0]))
    assert y.tolist() == ["\u00e4\u65e5", "", "one", "zero"] and z.tolist() == "alone"


@pytest.mark.parametrize("kind", ["U", "S"])
def test_npz(tmp_path, kind):
    import onnx

    onnx.save(parser.parse_model(HEADER + "g (string[N] x) => (string[N] y, bool[N] same) { y = StringConcat(x, x) c = Constant<value_string = \"b\">() same = Equal(x, c) }"), tmp_path / "m.onnx")
    run = lambda *c: subprocess.run([str(a) for a in c], capture_output=True, text=True, cwd=tmp_path)  # noqa: E731
    done = run(BUILD / "bin" / "laic", "m.onnx", "-o", "m.bin", "-q")
    assert done.returncode == 0, done.stderr
    words = ["a", "", "\u00e4\u65e5\U0001f600", "b"]
    np.savez(tmp_path / "in.npz", x=np.array(words) if kind == "U" else np.array([w.encode() for w in words]))
    done = run(BUILD / "bin" / "laic-run", "m.bin", "--inputs", "in.npz", "--outputs", "out.npz")
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as out:
        assert out["y"].tolist() == [2 * w for w in words]
        assert out["same"].tolist() == [False, False, False, True]
    assert run(BUILD / "bin" / "laic-run", "m.bin", "--inputs", "in.npz", "--compare", "out.npz").returncode == 0
    np.savez(tmp_path / "other.npz", y=np.array(["aa", "", "x", "bb"]))
    done = run(BUILD / "bin" / "laic-run", "m.bin", "--inputs", "in.npz", "--compare", "other.npz")
    assert done.returncode == 1 and "output 'y': differs at [2]: got" in done.stderr
    np.savez(tmp_path / "numbers.npz", x=np.arange(3))
    done = run(BUILD / "bin" / "laic-run", "m.bin", "--inputs", "numbers.npz")
    assert done.returncode == 1 and "must be stored as U or S, got <i8" in done.stderr
    assert run(BUILD / "bin" / "laic-run", "m.bin", "--dim", "N=5").returncode == 0  # seeded words
    shown = run(BUILD / "bin" / "laic-inspect", "m.bin").stdout
    assert "host function core.concat(" in shown and "host function core.equal(" in shown


def test_counts_change_from_call_to_call():
    model = compiled('g (string[N] x) => (string[N,M] y, int64[N] z) { y, z = StringSplit<delimiter = ",">(x) }')
    for x in (["a,b", "c"], ["a,b,c,d"], ["", "x"], []):
        y, z = model(np.array(x, object))
        parts = [v.split(",") for v in x]
        assert z.tolist() == [len(p) for p in parts]
        width = max(map(len, parts), default=0)
        assert y.tolist() == [p + [""] * (width - len(p)) for p in parts]


@needs_text
@pytest.mark.parametrize("graph, x, text", [
    ('g (string[N] x) => (bool[N] y) { y = RegexFullMatch<pattern = "(">(x) }', ["a"], r"\(regex_full_match\): the pattern is no regular expression of RE2: missing"),
    ("g (string[N] x) => (int32[N] y) { y = Cast<to = 6>(x) }", ["1", "1.5"], "'1.5' is no integer of the result's type"),
    ("g (string[N] x) => (int8[N] y) { y = Cast<to = 3>(x) }", ["128"], "'128' is no integer of the result's type"),
    ("g (string[N] x) => (float[N] y) { y = Cast<to = 1>(x) }", ["\x1b[0m" + "x" * 100], r"'\?\[0mx+\.\.\.' is no number"),
    ("g (string[N] x) => (bool[N] y) { y = Cast<to = 9>(x) }", ["maybe"], "'maybe' is no boolean"),
])
def test_data_that_functions_refuse(graph, x, text):
    with pytest.raises(laic.DataError, match=text):
        compiled(graph)(np.array(x, object))


def alone(folder, graph):
    """What laic-run says of an artifact when it stands in a folder of its own."""
    import onnx

    onnx.save(parser.parse_model(HEADER + graph), folder / "m.onnx")
    done = subprocess.run([BUILD / "bin" / "laic", folder / "m.onnx", "-o", folder / "m.bin", "-q"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # compiling needs no library
    shutil.copy(BUILD / "bin" / "laic-run", folder / "laic-run")
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    done = subprocess.run([folder / "laic-run", folder / "m.bin"], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    return done.stderr


MATCH = 'g (string[N] x) => (bool[N] y) { y = RegexFullMatch<pattern = "a">(x) }'


@pytest.mark.parametrize("graph, library", [
    (MATCH, "calls 'text.regex_full_match', which is in liblaic_runtime_text.so (regular expressions, letter case, numbers as text)"),
    ("g (uint8[N] x) => (uint8[H,W,C] y) { y = ImageDecoder(x) }", "which is in liblaic_runtime_image.so (decoding of images)")])
def test_a_library_that_is_missing_is_named(tmp_path, graph, library):
    said = alone(tmp_path, graph)
    assert library in said and "; install it beside the runtime or in a folder that the system's loader searches" in said


def test_a_library_of_another_version_is_refused(tmp_path):
    compiler = shutil.which("cc") or shutil.which("clang-22")
    if not compiler:
        pytest.skip("there is no C compiler")
    (tmp_path / "old.c").write_text("const unsigned version[4] = {99, 0, 0, 0}; const unsigned *laic_host_library(void) { return version; }")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "liblaic_runtime_text.so", tmp_path / "old.c"], check=True)
    assert "liblaic_runtime_text.so has another version than this runtime: install the two together" in alone(tmp_path, MATCH)


def test_explain_says_what_a_device_leaves_to_the_host(tmp_path):
    import onnx

    onnx.save(parser.parse_model(HEADER + 'g (string[4,N] x) => (string[N,4] y, bool[N,4] z) { y = Transpose(x) z = Equal(y, y) }'), tmp_path / "m.onnx")
    done = subprocess.run([BUILD / "bin" / "laic", tmp_path / "m.onnx", "--target=cuda", "-o", tmp_path / "m.bin", "--explain"], capture_output=True, text=True)
    if "cuda" in done.stderr and "unknown" in done.stderr:
        pytest.skip("this build has no target 'cuda'")
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "core.equal: it is a function of the runtime" in said and ": its strings are in host memory" in said


@needs_text
def test_rows_of_a_normalizer_are_counted_by_the_call():
    model = compiled("g (string[N,M] x) => (string[A,B] y) { y = StringNormalizer(x) }")
    assert model(np.array([["a", "b"]])).tolist() == [["a", "b"]]
    with pytest.raises(laic.InvalidArgumentError, match="dim 0 must be 1"):
        model(np.array([["a"], ["b"]]))


# ---- images ----

def decoder(pixels="RGB"):
    return compiled(f'g (uint8[N] x) => (uint8[H,W,C] y) {{ y = ImageDecoder<pixel_format = "{pixels}">(x) }}')


def sample(kind):
    """Bytes and pixels as the onnx package keeps them."""
    found = getattr(_image_decoder_data, f"image_decoder_decode_{kind}_rgb")
    return np.asarray(found.data, np.uint8), np.asarray(found.output, np.uint8)


KINDS = ["bmp", "jpeg", "jpeg2k", "png", "pnm", "tiff", "webp"]
COLOR = np.random.default_rng(3).integers(0, 256, (7, 5, 3), dtype=np.uint8)
GREY = COLOR[..., 0]


def chunks(*parts):
    out = b"\x89PNG\r\n\x1a\n"
    for kind, data in parts:
        out += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return out


def png(rows, kind, bits=8, *extra):
    """A PNG of rows of bytes."""
    height, width = len(rows), 5
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return chunks((b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)), *extra, (b"IDAT", data), (b"IEND", b""))


def bmp(rows, bits, palette=b"", compression=0, top=False):
    rows = [bytes(r) + bytes(-len(r) % 4) for r in rows]
    begin = 54 + len(palette)
    info = struct.pack("<IiiHHIIiiII", 40, 5, -7 if top else 7, 1, bits, compression, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, begin) + info + palette + b"".join(rows if top else rows[::-1])


def repeated(grey):
    return np.repeat(grey[..., None], 3, axis=2)


RGBX = np.concatenate([COLOR[..., ::-1], GREY[..., None]], axis=2)
BLACK = (GREY > 127).astype(np.uint8)
INDEX = GREY % 4
PALETTE = COLOR[0, :4]
LOSSLESS = {
    "png color": (png(COLOR.reshape(7, -1), 2), COLOR), "png grey": (png(GREY, 0), repeated(GREY)), "png alpha": (png(np.concatenate([COLOR, GREY[..., None]], axis=2).reshape(7, -1), 6), COLOR),
    "png palette": (png(INDEX, 3, 8, (b"PLTE", PALETTE.tobytes())), PALETTE[INDEX]), "png 16 bits": (png(np.repeat(COLOR, 2, axis=2).reshape(7, -1), 2, 16), COLOR),
    "bmp 24": (bmp(COLOR[..., ::-1].reshape(7, -1), 24), COLOR), "bmp 24 from the top": (bmp(COLOR[..., ::-1].reshape(7, -1), 24, top=True), COLOR), "bmp 32": (bmp(RGBX.reshape(7, -1), 32), COLOR),
    "bmp palette": (bmp(INDEX, 8, np.concatenate([PALETTE[:, ::-1], np.zeros((4, 1), np.uint8)], axis=1).tobytes() + bytes(4 * 252)), PALETTE[INDEX]),
    "P1": (b"P1 # a comment\n5 7\n" + b" ".join(b"%d" % (1 - v) for v in BLACK.ravel()), repeated(BLACK * 255)),
    "P2": (b"P2\n5 7\n255\n" + b" ".join(b"%d" % v for v in GREY.ravel()), repeated(GREY)), "P3": (b"P3 5 7 255 " + b" ".join(b"%d" % v for v in COLOR.ravel()), COLOR),
    "P4": (b"P4 5 7\n" + np.packbits(1 - BLACK, axis=1).tobytes(), repeated(BLACK * 255)), "P5": (b"P5 5 7 255\n" + GREY.tobytes(), repeated(GREY)), "P6": (b"P6 5 7 255\n" + COLOR.tobytes(), COLOR),
    "P5 16 bits": (b"P5 5 7 65535\n" + np.repeat(GREY[..., None], 2, axis=2).tobytes(), repeated(GREY)), "P5 of 15": (b"P5 5 7 15\n" + (GREY // 16).tobytes(), repeated(GREY // 16 * 17)),
}


def array(data):
    return np.frombuffer(data, np.uint8)


@needs_image
@pytest.mark.parametrize("kind", LOSSLESS)
def test_kinds_of_pixels(kind):
    data, want = LOSSLESS[kind]
    np.testing.assert_array_equal(decoder()(array(data)), want)
    np.testing.assert_array_equal(decoder("BGR")(array(data)), want[..., ::-1])
    luma = (want.astype(np.int64) @ [19595, 38470, 7471] + 0x8000) >> 16
    np.testing.assert_array_equal(decoder("Grayscale")(array(data))[..., 0], luma)


@needs_image
@pytest.mark.parametrize("kind", KINDS)
def test_formats(kind):
    data, want = sample(kind)
    np.testing.assert_array_equal(decoder()(data), want)


@needs_image
@pytest.mark.parametrize("data, text", [
    (b"", "the 0 bytes are no image of a known format (BMP, JPEG, JPEG 2000, PNG, PNM, TIFF, WebP)"), (b"GIF89a", "the 6 bytes are no image of a known format"),
    (b"P6 2 2 255\n\0", "the PNM data: is cut short"), (b"P3 2 1 9 1 2 3 4 5 60", "the PNM data: is cut short or has a number that is too large"),
    (b"P6 99999 1 255\n", "the PNM data: has a header that cannot be read"), (b"P5 60000 60000 255\n", "the PNM data: an image of 60000 x 60000 pixels is refused"),
    (b"BM" + bytes(30), "the BMP data: has a header of 0 bytes"), (b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 1, 1, 1, 8, 1) + bytes(20), "the BMP data: is compressed in way 1, which is not supported"),
    (b"BM" + bytes(8) + struct.pack("<IIiiHHI", 54, 40, 4, 4, 1, 24, 0) + bytes(20), "the BMP data: is cut short"),
    (b"BM" + bytes(8) + struct.pack("<IIiiHHI", 14, 40, 1, 1, 1, 8, 0) + bytes(20), "the BMP data: lacks colors of its palette"),
    (b"BM" + bytes(8) + struct.pack("<IIiiHHI", 54, 40, 1, 1, 1, 7, 0) + bytes(20), "the BMP data: has 7 bits a pixel"),
    (b"\xff\xd8\xff\xd9", "the JPEG data: "), (b"\x89PNG\r\n\x1a\n", "the PNG data: it is cut short"),
    (chunks((b"IHDR", struct.pack(">IIBBBBB", 70000, 1, 8, 2, 0, 0, 0))), "the PNG data: "), (b"RIFF\0\0\0\0WEBP", "the WebP data: has a header that cannot be read"),
    (b"II*\0\x08\0\0\0\0\0", "the TIFF data: "), (b"\xff\x4f\xff\x51\0\0", "the JPEG 2000 data: "),
])
def test_data_that_is_no_image(data, text):
    with pytest.raises(laic.DataError, match=r"node '.*' \((size|decode)\): ") as error:
        decoder()(np.frombuffer(data, np.uint8))
    assert text in str(error.value)


@needs_image
def test_kinds_that_are_not_supported():
    data, _ = sample("jpeg2k")
    found = data.tobytes()
    space = found.index(b"colr") + 7
    assert found[space:space + 4] == b"\0\0\0\x10"  # sRGB
    with pytest.raises(laic.DataError, match="the JPEG 2000 data: has another color space than grey and RGB, which is not supported"):
        decoder()(array(found[:space] + b"\0\0\0\x12" + found[space + 4:]))
    components = found.index(b"\xff\x51") + 40  # depth, then horizontal and vertical subsampling of each
    with pytest.raises(laic.DataError, match="the JPEG 2000 data: has components of different sizes or depths, which is not supported"):
        decoder()(array(found[:components + 1] + b"\2" + found[components + 2:]))
    with pytest.raises(laic.DataError, match="the WebP data: is damaged or cut short"):
        decoder()(sample("webp")[0][:200])


@needs_image
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_images_are_decoded_or_refused(kind):
    """Cut short anywhere, or with any byte changed."""
    model, (data, _), rng = decoder(), sample(kind), np.random.default_rng(5)
    for i in range(200):
        bad = data[:rng.integers(0, data.size)].copy() if i % 3 == 0 else data.copy()
        if i % 3 and bad.size:
            bad[rng.integers(0, min(bad.size, 200 if i % 2 else bad.size), 3)] = rng.integers(0, 256, 3)
        try:
            y = model(bad)
        except (laic.DataError, laic.OutOfMemoryError):
            continue
        assert y.ndim == 3 and y.shape[2] == 3
