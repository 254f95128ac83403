"""Pictures to pixel_values and grids against Qwen2VLImageProcessor, bit for bit."""
import itertools
import json
import random

import numpy as np
import pytest

import picture_files
import torchvision_here
from conftest import LONG

pytest.importorskip("transformers")
torchvision_here.require()
from transformers import AutoImageProcessor  # noqa: E402
from transformers.image_utils import load_image  # noqa: E402
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize  # noqa: E402
from test_pixels import FILES, Driver, large_picture  # noqa: E402

QWEN2_VL = {"min_pixels": 3136, "max_pixels": 12845056}  # as published
QWEN3_VL = {"size": {"longest_edge": 16777216, "shortest_edge": 65536}, "patch_size": 16, "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3, "image_processor_type": "Qwen2VLImageProcessorFast"}
SMALL = {"min_pixels": 56 * 56, "max_pixels": 28 * 28 * 40}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("pixels"))
    yield driver
    driver.close()


def write_config(folder, **fields):
    folder.mkdir(exist_ok=True)
    config = {"image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor"} | fields
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    return folder


def compare(driver, path, folder):
    """All values the same, bit for bit; the grid of what is there."""
    expected = AutoImageProcessor.from_pretrained(folder)(images=[load_image(str(path))], return_tensors="np")
    answer = driver.ask("patches", path, folder, driver.out)
    assert isinstance(answer, list), answer
    patches, values, rows, columns = map(int, answer[:4])
    assert [[1, rows, columns]] == expected["image_grid_thw"].tolist()
    mine = np.fromfile(driver.out, np.float32).reshape(patches, values)
    np.testing.assert_array_equal(mine, expected["pixel_values"])
    return rows, columns


SIDES = (28, 29, 41, 42, 43, 70, 200, 333)
SIZES = [*itertools.product(SIDES, SIDES), (1, 1), (1, 200), (200, 1), (3, 500), (14, 14), (2800, 28), (28, 5600), (640, 480),
         (481, 641), (1000, 5)]


def test_pixels_of_many_sizes(driver, tmp_path):
    assert len(SIZES) >= 60
    small, published = write_config(tmp_path / "small", **SMALL), write_config(tmp_path / "published", **QWEN2_VL)
    for i, (width, height) in enumerate(SIZES):
        path = tmp_path / "in.bmp"
        picture_files.picture(width, height, seed=i).save(path)
        compare(driver, path, small)
        compare(driver, path, published)


@pytest.mark.parametrize("config", [QWEN2_VL, QWEN3_VL, {}], ids=["qwen2-vl", "qwen3-vl", "defaults"])
@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (1920, 1080), (4000, 20)])
def test_pixels_of_large_pictures(driver, tmp_path, size, config):
    if not LONG and (size[0] == 3000 or (size[0] == 4000 and config == QWEN3_VL)):
        pytest.skip("many pixels: in the long form (LMM_LONG=1)")
    path = tmp_path / "in.bmp"
    large_picture(*size).save(path)
    compare(driver, path, write_config(tmp_path / "model", **config))


def test_grids_of_very_many_sizes(driver, tmp_path):
    """smart_resize alone, where it rounds: sizes near the limits and halves of a block."""
    pick = random.Random(5)
    counted = 0
    for number, (factor, least, most) in enumerate([(28, 3136, 12845056), (32, 65536, 16777216), (28, 256 * 784, 1280 * 784),
                                                    (20, 1, 400), (3, 100, 100), (28, 4000, 9000)]):
        merge = 2 if factor % 2 == 0 else 3
        folder = write_config(tmp_path / str(number), patch_size=factor // merge, merge_size=merge, min_pixels=least, max_pixels=most)
        for _ in range(600):
            width = pick.choice([pick.randint(1, 4500), factor * pick.randint(1, 60) + factor // 2, factor * pick.randint(1, 99)])
            height = pick.choice([pick.randint(1, 4500), factor * pick.randint(0, 60) + factor // 2, most // width or 1,
                                  least // width or 1])
            answer = driver.ask("grid", width, height, folder)
            try:
                expected = smart_resize(height, width, factor, least, most)
            except ValueError:
                assert answer.startswith("error invalid_argument"), (width, height, answer)
                continue
            counted += 1
            patch = factor // merge
            assert answer == [expected[0] // patch, expected[1] // patch], (width, height, folder)
    assert counted > 2500


def test_extreme_pictures(driver, tmp_path):
    """One side more than 200 times the other is refused as by the reference; 200 times is taken."""
    folder = write_config(tmp_path / "model", **QWEN2_VL)
    path = tmp_path / "in.bmp"
    for size, taken in [((1, 5000), False), ((5000, 1), False), ((1, 201), False), ((1, 200), True), ((2, 401), False), ((2, 400), True)]:
        picture_files.picture(*size, seed=1).save(path)
        processor = AutoImageProcessor.from_pretrained(folder)
        if taken:
            compare(driver, path, folder)
            continue
        with pytest.raises(ValueError, match="aspect ratio"):
            processor(images=[load_image(str(path))])
        answer = driver.ask("patches", path, folder, driver.out)
        assert answer.startswith("error invalid_argument") and f"{size[0]} x {size[1]}" in answer and "200" in answer


CONFIGS = {
    "old": {"min_pixels": 5000, "max_pixels": 20000},
    "new": {"size": {"shortest_edge": 5000, "longest_edge": 20000}},
    "both": {"size": {"shortest_edge": 5000, "longest_edge": 20000}, "max_pixels": 9000},
    "half-old": {"size": {"longest_edge": 20000}, "min_pixels": 9000},
    "size-of-old-names": {"size": {"min_pixels": 1, "max_pixels": 2}, "min_pixels": 5000, "max_pixels": 9000},
    "equal": {"min_pixels": 7840, "max_pixels": 7840},
    "patch16": {"patch_size": 16},
    "merge1": {"patch_size": 7, "merge_size": 1, "temporal_patch_size": 1},
    "merge3": {"patch_size": 9, "merge_size": 3, "temporal_patch_size": 4},
    "no-rescale": {"do_rescale": False},
    "no-normalize": {"do_normalize": False},
    "raw": {"do_rescale": False, "do_normalize": False},
    "factor": {"rescale_factor": 0.0123},
    "scalar-mean": {"image_mean": 0.25, "image_std": 0.5},
    "null-flags": {"do_rescale": None, "rescale_factor": None, "do_convert_rgb": None, "size": None, "min_pixels": None},
    "no-convert": {"do_convert_rgb": False},
    "no-resize": {"do_resize": False, "patch_size": 5, "resample": None, "size": {"height": 3, "width": 4}},
    "unused": {"do_center_crop": True, "crop_size": {"height": 5, "width": 5}, "do_pad": True, "data_format": "channels_first",
               "default_to_square": False, "image_processor_type": "Qwen2VLImageProcessorPil"},
    **{f"resample{i}": {"resample": i} for i in (1, 2, 3)},
}


@pytest.mark.parametrize("name", CONFIGS)
def test_settings(driver, tmp_path, name):
    folder = write_config(tmp_path / "model", **CONFIGS[name])
    for size in [(300, 200), (50, 120), (10, 10)]:
        path = tmp_path / "in.bmp"
        picture_files.picture(*size, seed=3).save(path)
        compare(driver, path, folder)


REFUSED = [
    {"min_pixels": 0}, {"max_pixels": -5}, {"size": {"shortest_edge": 5000}}, {"size": {"longest_edge": 5000}},
    {"size": {"min_pixels": 100, "max_pixels": 1000}}, {"size": {"height": 50, "width": 50}}, {"size": 500},
    {"size": {"shortest_edge": 5000, "longest_edge": None}}, {"size": {}, "min_pixels": 4000}, {"patch_size": None},
    {"merge_size": None}, {"rescale_factor": None}, {"image_mean": None}, {"resample": None}, {"image_mean": [0.5, 0.5]},
]


@pytest.mark.parametrize("config", REFUSED, ids=json.dumps)
def test_settings_that_the_reference_refuses(driver, tmp_path, config):
    folder = write_config(tmp_path / "model", **config)
    path = tmp_path / "in.bmp"
    picture_files.picture(60, 40, seed=3).save(path)
    with pytest.raises(Exception):
        AutoImageProcessor.from_pretrained(folder)(images=[load_image(str(path))])
    answer = driver.ask("patches", path, folder, driver.out)
    assert answer.startswith(("error bad_file", "error unsupported")), answer
    assert next(iter(config)) in answer


@pytest.mark.parametrize("resample", [0, 4, 5])
def test_filters_that_are_refused(driver, tmp_path, resample):
    """4 and 5 fail in torchvision, too."""
    path = tmp_path / "in.bmp"
    picture_files.picture(60, 40, seed=3).save(path)
    answer = driver.ask("patches", path, write_config(tmp_path / "model", resample=resample), driver.out)
    assert answer.startswith("error unsupported") and f"resample is {resample}" in answer


@pytest.mark.parametrize("config", [{"min_pixels": 9000, "max_pixels": 4000}, {"size": {"shortest_edge": 9000, "longest_edge": 4000}},
                                    {"min_pixels": 28 * 28 * 1281}], ids=json.dumps)
def test_min_pixels_over_max_pixels(driver, tmp_path, config):
    """The reference takes them as they come and makes pictures of either size; here both values are named."""
    folder = write_config(tmp_path / "model", **config)
    path = tmp_path / "in.bmp"
    picture_files.picture(60, 40, seed=3).save(path)
    assert len(AutoImageProcessor.from_pretrained(folder)(images=[load_image(str(path))])["pixel_values"]) > 0
    answer = driver.ask("patches", path, folder, driver.out)
    assert answer.startswith("error bad_file") and "more than the" in answer
    for value in config.get("size", config).values():
        assert str(value) in answer


def test_kinds_of_files(driver, tmp_path):
    """Every kind of file: what was transparent by colour turns white, or not."""
    folders = [write_config(tmp_path / f"model{i}", do_convert_rgb=bool(i), **SMALL) for i in range(2)]
    seen = 0
    for name, data in FILES.items():
        if name.endswith(".jpg"):  # another libjpeg-turbo: test_pixels.py judges those
            continue
        path = tmp_path / name
        path.write_bytes(data)
        for folder in folders:
            compare(driver, path, folder)
        seen += 1
    assert seen >= 60


def test_pictures_that_would_be_too_large(driver, tmp_path):
    folder = write_config(tmp_path / "model", min_pixels=10**9, max_pixels=10**10)
    answer = driver.ask("grid", 100, 100, folder)
    assert answer.startswith("error invalid_argument") and "178956970" in answer.replace(",", ""), answer
    fixed = write_config(tmp_path / "fixed", do_resize=False)
    assert driver.ask("grid", 280, 56, fixed) == [4, 20]
    assert driver.ask("grid", 280, 57, fixed).startswith("error invalid_argument")
