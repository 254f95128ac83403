"""Pictures from file to pixel_values against Pillow and transformers' PIL image processors.

Every value must be within 1/255 before normalisation and 99% must be exact; in fact all are, and where no JPEG is
involved (whose decoder is another libjpeg-turbo here and there) the tests ask for that.
"""
import itertools
import json
import os
import pathlib
import random
import types
import warnings

import numpy as np
import pytest
from PIL import Image

import picture_files
from line_driver import WordDriver

transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()
from transformers import AutoImageProcessor  # noqa: E402
from transformers.image_utils import load_image  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")) / "bin" / "pixels_driver"
FILES = picture_files.all_files()
KERNELS = (1, 2, 3)  # portable, SSE4, AVX2
ABSENT = object()


class Driver(WordDriver):
    def __init__(self, folder):
        super().__init__(DRIVER, folder)

    def rgb(self, path):
        answer = self.ask("decode", path, self.out)
        assert isinstance(answer, list), answer
        width, height = map(int, answer)
        return np.fromfile(self.out, np.uint8).reshape(height, width, 3)

    def resized(self, path, width, height, resample, kernel):
        answer = self.ask("resize", path, width, height, resample, kernel, self.out)
        assert isinstance(answer, list), answer
        return np.fromfile(self.out, np.uint8).reshape(height, width, 3)

    def tiles(self, path, folder, backend="pil"):
        answer = self.ask("tiles", path, folder, self.out, backend)
        assert isinstance(answer, list), answer
        tiles, rows, cols, height, width = map(int, answer[:5])
        return np.fromfile(self.out, np.float32).reshape(tiles, 3, height, width), rows, cols

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("pixels"))
    yield driver
    driver.close()


def reference_rgb(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(load_image(str(path)))


def write_config(folder, **fields):
    folder.mkdir(exist_ok=True)
    config = {"image_processor_type": "Idefics3ImageProcessor", "do_image_splitting": True,
              "max_image_size": {"longest_edge": 64}, "size": {"longest_edge": 256}, "resample": 1}
    config.update(fields)
    config = {name: value for name, value in config.items() if value is not ABSENT}
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    return folder


def compare_tiles(driver, path, folder, exact=True, backend="pil"):
    processor = AutoImageProcessor.from_pretrained(folder, backend=backend)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = processor(images=[load_image(str(path))], return_tensors="np", return_row_col_info=True)
    values, rows, cols = driver.tiles(path, folder, backend)
    reference = expected["pixel_values"][0]
    assert values.shape == reference.shape
    assert (rows, cols) == (expected["rows"][0][0], expected["cols"][0][0])
    if "pixel_attention_mask" in expected:
        assert (expected["pixel_attention_mask"] == 1).all()  # which is why lmm has none
    if exact:
        np.testing.assert_array_equal(values, reference)
    else:
        scale = np.asarray(processor.image_std, np.float32).reshape(3, 1, 1)
        assert np.abs((values - reference) * scale).max() <= 1 / 255 + 1e-6
        assert (values == reference).mean() >= 0.99
    return values


# Decoding

@pytest.mark.parametrize("kind", ["png", "oriented", "jpeg", "webp", "gif", "bmp"])
def test_decodes_as_pillow(driver, tmp_path, kind):
    names = [name for name in FILES if name.split("-")[0] == kind]
    assert len(names) >= 14
    total = same = 0
    for name in names:
        path = tmp_path / name
        path.write_bytes(FILES[name])
        expected, actual = reference_rgb(path), driver.rgb(path)
        assert actual.shape == expected.shape, name
        difference = np.abs(actual.astype(int) - expected)
        assert difference.max() <= (1 if name.endswith(".jpg") else 0), name
        total += difference.size
        same += (difference == 0).sum()
    assert same >= 0.99 * total


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif", "bmp"])
def test_refuses_cut_files_as_pillow(driver, tmp_path, kind):
    """Whatever Pillow refuses of a cut-off file, lmm refuses; what both read is the same picture."""
    refused = 0
    for name, data in FILES.items():
        if name.split("-")[0] != kind or len(data) > 20000:
            continue
        for size in (len(data) // 3, len(data) * 2 // 3, len(data) * 9 // 10, len(data) - 1):
            path = tmp_path / "cut"
            path.write_bytes(data[:size])
            try:
                expected = reference_rgb(path)
            except Exception:
                expected = None
            answer = driver.ask("decode", path, driver.out)
            if expected is None:
                refused += 1
                assert isinstance(answer, str) and answer.startswith("error bad_file"), (name, size)
            elif isinstance(answer, list):
                assert np.array_equal(driver.rgb(path), expected), (name, size)
            else:  # libpng wants the last bytes of the compressed data, Pillow only its pixels
                assert kind == "png" and answer.startswith("error bad_file"), (name, size, answer)
    assert refused >= 20


def test_damaged_files_never_break_the_reader(driver, tmp_path):
    """Bytes changed at random: an error, or a picture; where Pillow reads one too, the same one."""
    rng = random.Random(11)
    both = 0
    for name, data in FILES.items():
        if len(data) > 20000:
            continue
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        path = tmp_path / "damaged"
        path.write_bytes(damaged)
        answer = driver.ask("decode", path, driver.out)
        if isinstance(answer, str):
            assert answer.startswith("error bad_file"), (name, answer)
            continue
        actual = driver.rgb(path)
        try:
            expected = reference_rgb(path)
        except Exception:
            continue
        both += 1
        assert actual.shape == expected.shape, name
        if not name.endswith(".jpg"):
            assert np.array_equal(actual, expected), name
    assert both >= 30


# Resampling

IN_SIZES = [(1, 1), (2, 3), (7, 5), (1, 400), (400, 1), (64, 64), (333, 111), (1000, 20), (20, 1000), (320, 240)]
OUT_SIZES = [(1, 1), (3, 2), (8, 8), (100, 37), (37, 100), (333, 50), (700, 3), (20, 2), (64, 65)]


@pytest.mark.parametrize("resample", range(len(Image.Resampling)))
def test_resizes_as_pillow(driver, tmp_path, resample):
    rng = np.random.default_rng(resample)
    path = tmp_path / "in.bmp"
    for width, height in IN_SIZES:
        image = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        image.save(path)
        for size in OUT_SIZES:
            expected = np.asarray(image.resize(size, resample))
            for kernel in KERNELS:
                actual = driver.resized(path, *size, resample, kernel)
                assert np.array_equal(actual, expected), (width, height, size, kernel)


# The image processors

SIDES = (1, 2, 3, 31, 64, 65, 100, 257)
SIZES = [*itertools.product(SIDES, SIDES), (1, 4000), (4000, 1), (2, 3999), (1024, 768), (640, 480), (481, 641),
         (5000, 3), (999, 1000), (2048, 100)]


def large_picture(width, height):
    tile = picture_files.natural(600, 400, 7)
    pixels = np.tile(tile, (-(-height // 400), -(-width // 600), 1))[:height, :width]
    ramp = (np.arange(width, dtype=np.uint32) * 40 // width).astype(np.uint8)
    return Image.fromarray(pixels // 2 + ramp[None, :, None])


def test_tiles_of_many_sizes(driver, tmp_path):
    assert len(SIZES) >= 60
    folder = write_config(tmp_path / "model")
    for i, (width, height) in enumerate(SIZES):
        path = tmp_path / "in.bmp"
        picture_files.picture(width, height, seed=i).save(path)
        compare_tiles(driver, path, folder)


@pytest.mark.parametrize("size", [(6000, 4000), (4000, 6000), (1, 4000), (4000, 1)])
def test_tiles_of_smolvlm_256m(driver, tmp_path, size):
    """The published settings of SmolVLM-256M-Instruct."""
    path = tmp_path / "in.bmp"
    large_picture(*size).save(path)
    compare_tiles(driver, path, write_config(tmp_path / "model", max_image_size={"longest_edge": 512},
                                             size={"longest_edge": 2048}))


CONFIGS = {
    "smolvlm": {"image_processor_type": "SmolVLMImageProcessor"},
    "fast": {"image_processor_type": "Idefics3ImageProcessorFast"},
    "no-split": {"do_image_splitting": False},
    "no-resize": {"do_resize": False},
    "no-resize-no-split": {"do_resize": False, "do_image_splitting": False},
    "no-rescale": {"do_rescale": False},
    "no-normalize": {"do_normalize": False},
    "raw": {"do_rescale": False, "do_normalize": False},
    "factor": {"rescale_factor": 0.0123},
    "mean-std": {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]},
    "scalar-mean": {"image_mean": 0.25, "image_std": 0.5},
    "no-rescale-mean": {"do_rescale": False, "image_mean": [123.675, 116.28, 103.53],
                        "image_std": [58.395, 57.12, 57.4]},
    "height-width": {"size": {"height": 100, "width": 77}},
    "square": {"size": 90},
    "pair": {"size": [90, 130]},
    "both-edges": {"size": {"shortest_edge": 10, "longest_edge": 200}},
    "beyond-4096": {"size": {"longest_edge": 5000}, "max_image_size": {"longest_edge": 1000}, "resample": 2},
    "odd-tiles": {"max_image_size": {"longest_edge": 37}},
    "no-pad": {"do_pad": False},
    "defaults": {name: ABSENT for name in ("do_image_splitting", "max_image_size", "size", "resample")},
    "no-type": {"image_processor_type": ABSENT, "feature_extractor_type": "Idefics3FeatureExtractor"},
    "null-flags": {"do_rescale": None, "do_image_splitting": None, "rescale_factor": None, "do_pad": None},
    "null-normalize": {"do_normalize": None, "image_mean": None, "image_std": None, "do_resize": None, "size": None},
    "unused": {"crop_size": None, "do_center_crop": None, "data_format": "channels_first", "device": None,
               "disable_grouping": None, "input_data_format": None, "return_tensors": None, "pad_size": None,
               "default_to_square": True, "image_seq_length": None, "processor_class": "Idefics3Processor"},
    "no-convert": {"do_convert_rgb": False},
    **{f"resample{i}": {"resample": i} for i in range(len(Image.Resampling))},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_settings(driver, tmp_path, name):
    folder = write_config(tmp_path / "model", **CONFIGS[name])
    for size in [(300, 201), (50, 120)] if name != "beyond-4096" else [(900, 7)]:
        path = tmp_path / "in.bmp"
        picture_files.picture(*size, seed=3).save(path)
        compare_tiles(driver, path, folder)


def test_kinds_of_files(driver, tmp_path):
    """Every kind of file through the processor: what was transparent by colour turns white, or not."""
    folders = [write_config(tmp_path / f"model{i}", max_image_size={"longest_edge": 32}, size={"longest_edge": 32},
                            do_convert_rgb=bool(i)) for i in range(2)]
    changed = 0
    for name, data in FILES.items():
        path = tmp_path / name
        path.write_bytes(data)
        kept, painted = (compare_tiles(driver, path, folder, not name.endswith(".jpg")) for folder in folders)
        changed += not np.array_equal(kept, painted)
    assert changed >= 10


def test_which_file_counts(driver, tmp_path):
    """AutoProcessor's order: image_processor within processor_config.json, else preprocessor_config.json."""
    path = tmp_path / "in.bmp"
    picture_files.picture(90, 60).save(path)
    folder = write_config(tmp_path / "model", max_image_size={"longest_edge": 48})
    (folder / "processor_config.json").write_text(json.dumps({"image_seq_len": 64}))
    assert compare_tiles(driver, path, folder).shape[-1] == 48
    nested = {"image_processor_type": "Idefics3ImageProcessor", "max_image_size": {"longest_edge": 24},
              "size": {"longest_edge": 100}}
    (folder / "processor_config.json").write_text(json.dumps({"image_seq_len": 64, "image_processor": nested}))
    assert compare_tiles(driver, path, folder).shape[-1] == 24
    (folder / "preprocessor_config.json").unlink()
    assert compare_tiles(driver, path, folder).shape[-1] == 24
    (folder / "processor_config.json").unlink()
    assert driver.ask("tiles", path, folder, driver.out).startswith("error not_found")


def test_several_pictures_of_a_message(driver, tmp_path):
    """Tiles of a message's pictures, one after the other: there is nothing to pad."""
    folder = write_config(tmp_path / "model")
    paths = []
    for i, size in enumerate([(300, 100), (20, 20), (64, 200)]):
        paths.append(tmp_path / f"{i}.bmp")
        picture_files.picture(*size, seed=i).save(paths[-1])
    expected = AutoImageProcessor.from_pretrained(folder, backend="pil")(images=[[str(path) for path in paths]], return_tensors="np")
    values = np.concatenate([driver.tiles(path, folder)[0] for path in paths])
    np.testing.assert_array_equal(values, expected["pixel_values"][0])
    assert (expected["pixel_attention_mask"] == 1).all()


def test_prompt_text(driver):
    from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
    from transformers.models.smolvlm.processing_smolvlm import get_image_prompt_string
    tokens = {"fake_image_token": "<fake_token_around_image>", "image_token": "<image>",
              "global_image_tag": "<global-img>"}
    for rows, cols, length in [(0, 0, 1), (0, 0, 64), (1, 2, 3), (4, 3, 64), (7, 1, 169), (1, 1, 2)]:
        driver.ask("prompt", rows, cols, length, driver.out)
        text = driver.out.read_text()
        processor = types.SimpleNamespace(image_seq_len=length, **tokens)
        assert text == Idefics3Processor.replace_image_token(processor, {"rows": [[rows]], "cols": [[cols]]}, 0)
        assert text == get_image_prompt_string(rows, cols, length, *tokens.values())
