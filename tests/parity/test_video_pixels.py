"""Videos to pixels, grids, sampled frames and times against Qwen2VLVideoProcessor and Qwen3VLVideoProcessor, bit for bit."""
import json
import random

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("transformers")

import video_reference  # noqa: E402
from conftest import LONG  # noqa: E402
from test_pixels import Driver  # noqa: E402

KINDS = {2: "Qwen2VLVideoProcessor", 3: "Qwen3VLVideoProcessor"}
SMALL = {2: {"size": {"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 30}},
         3: {"size": {"shortest_edge": 32 * 32 * 8, "longest_edge": 32 * 32 * 90}}}
PUBLISHED = {2: {"min_pixels": 3136, "max_pixels": 12845056, "image_processor_type": "Qwen2VLImageProcessor"},
             3: {"size": {"longest_edge": 25165824, "shortest_edge": 4096}, "patch_size": 16, "temporal_patch_size": 2, "merge_size": 2,
                 "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "processor_class": "Qwen3VLProcessor"}}


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    driver = Driver(tmp_path_factory.mktemp("videos"))
    yield driver
    driver.close()


def write_config(folder, kind, **fields):
    folder.mkdir(exist_ok=True)
    settings = {"video_processor_type": KINDS[kind]} | fields
    (folder / "video_preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def frames_of(folder, count, width, height, seed=0):
    """Files of frames in which something moves over a coarse pattern."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (height // 6 + 2, width // 6 + 2, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    paths = []
    for i in range(count):
        pixels = np.array(coarse)
        pixels[:, i * width // (count + 1): (i + 1) * width // (count + 1) + 1] = rng.integers(0, 256, 3)
        paths.append(folder / f"{width}x{height}-{seed}-{i}.bmp")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def ours(driver, folder, kind, video):
    """Pixels, grid, sampled_fps and the times of the temporal patches; or the text of an error."""
    video = video_reference.spelled(video)
    answer = driver.process  # spelled out: the times are a list within one word
    words = ["video", folder, kind, driver.out, repr(float(video["fps"])), video["total"], ",".join(map(str, video["indices"])), *video["frames"]]
    answer.stdin.write("\t".join(map(str, words)) + "\n")
    answer.stdin.flush()
    line = answer.stdout.readline().strip()
    assert line, "the driver ended"
    if line.startswith("error"):
        return line
    steps, values, rows, columns, fps, times = line.split(" ")
    pixels = np.fromfile(driver.out, np.float32).reshape(-1, int(values))
    return pixels, [int(steps), int(rows), int(columns)], float(fps), [float(time) for time in times.split(",")]


def step_times(indices, fps, depth):
    """_calculate_timestamps of processing_qwen3_vl.py."""
    from transformers import Qwen3VLProcessor

    return Qwen3VLProcessor._calculate_timestamps(None, list(indices), fps, depth)


def compare(driver, folder, kind, video, depth=2):
    mine = ours(driver, folder, kind, video)
    try:
        values, grid, seen, name = video_reference.pixels(folder, video)
    except Exception as error:  # whatever it is that the reference raises there
        assert isinstance(mine, str) and mine.startswith("error invalid_argument"), (error, mine)
        return None
    assert not isinstance(mine, str), mine
    assert name == KINDS[kind]
    assert grid == [mine[1]]
    np.testing.assert_array_equal(mine[0], values)
    assert mine[2] == seen.sampled_fps
    assert mine[3] == step_times(map(int, seen.frames_indices), seen.fps or 24, depth) or len(video[0]) == 1
    return mine[1]


SIZES = [(28, 28), (29, 41), (100, 75), (75, 100), (320, 180), (333, 77), (5, 90), (200, 1), (14, 14), (64, 64), (1, 200)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 17])
def test_pixels_of_many_sizes(driver, tmp_path, kind, count):
    small, published = write_config(tmp_path / "small", kind, **SMALL[kind]), write_config(tmp_path / "published", kind, **PUBLISHED[kind])
    made = 0
    for i, (width, height) in enumerate(SIZES):
        frames = frames_of(tmp_path, count, width, height, seed=i)
        for folder in (small, published) if width * height < 9000 or LONG else (small,):
            made += compare(driver, folder, kind, (frames, [2.0, 30.0, 29.97, 30000 / 1001][i % 4])) is not None
    # One frame is less than Qwen3-VL's temporal patch: an error there and here.
    assert made == 0 if (kind, count) == (3, 1) else made >= len(SIZES)


@pytest.mark.parametrize("kind", KINDS)
def test_videos_that_are_a_choice_already(driver, tmp_path, kind):
    folder = write_config(tmp_path / "model", kind, do_sample_frames=True, fps=1.0, **SMALL[kind])
    for count, indices, total, fps in [(4, [0, 30, 61, 92], 93, 30.0), (3, [5, 5, 17], 400, 23.976), (2, [0, 1], 2, 1000.0)]:
        frames = frames_of(tmp_path, count, 90, 60, seed=count)
        assert compare(driver, folder, kind, (frames, fps, indices, total)) is not None


CONFIGS = {
    "no-rescale": {"do_rescale": False},
    "no-normalize": {"do_normalize": False},
    "raw": {"do_rescale": False, "do_normalize": False},
    "factor": {"rescale_factor": 0.0123},
    "mean": {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]},
    "nulls": {"do_rescale": None, "rescale_factor": None, "fps": None, "num_frames": None, "do_sample_frames": None,
              "cap_pixels_per_frame": None, "max_video_tokens": None, "min_frames": None},
    "no-fps": {"do_sample_frames": True, "fps": None, "num_frames": 6, "min_frames": 5},
    "deep": {"temporal_patch_size": 3},
    "flat": {"temporal_patch_size": 1, "patch_size": 7},
    "merge3": {"patch_size": 9, "merge_size": 3, "temporal_patch_size": 4},
    "capped": {"cap_pixels_per_frame": True, "max_video_tokens": 20},
    "capped-more": {"cap_pixels_per_frame": True, "max_video_tokens": 3},
    "sampled": {"do_sample_frames": True, "fps": 3},
    "few": {"do_sample_frames": True, "fps": 3.5, "max_frames": 5, "min_frames": 3},
    "whole": {"do_sample_frames": False},
    "no-resize": {"do_resize": False, "patch_size": 5, "temporal_patch_size": 2},
    "unused": {"do_center_crop": True, "crop_size": {"height": 5, "width": 5}, "do_pad": True, "return_metadata": True,
               "default_to_square": False},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CONFIGS)
def test_settings(driver, tmp_path, name, kind):
    folder = write_config(tmp_path / "model", kind, **SMALL[kind] | CONFIGS[name])
    depth = CONFIGS[name].get("temporal_patch_size") or 2
    made = 0
    for count, size, fps in [(3, (100, 60), 2.0), (8, (60, 100), 12.0), (11, (40, 40), 25.0)]:
        video = (frames_of(tmp_path, count, *size, seed=count), fps)
        made += compare(driver, folder, kind, video, depth) is not None
    assert made >= 2


def test_scalar_mean_and_deviation(driver, tmp_path):
    """torchvision's own message is about shapes; here one number stands for all channels, as with pictures."""
    one = write_config(tmp_path / "one", 2, image_mean=0.25, image_std=0.5, **SMALL[2])
    three = write_config(tmp_path / "three", 2, image_mean=[0.25] * 3, image_std=[0.5] * 3, **SMALL[2])
    video = (frames_of(tmp_path, 2, 40, 40), 2.0)
    np.testing.assert_array_equal(ours(driver, one, 2, video)[0], ours(driver, three, 2, video)[0])


REFUSED = [
    {"size": {"shortest_edge": 5000}}, {"size": {"height": 50, "width": 50}}, {"num_frames": 4, "fps": 2, "do_sample_frames": True},
    {"image_mean": [0.5, 0.5]}, {"patch_size": None}, {"image_mean": None}, {"min_frames": None, "do_sample_frames": True, "fps": 2.0},
    {"rescale_factor": "x"}, {"video_processor_type": "LlavaOnevisionVideoProcessor"},
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("config", REFUSED, ids=json.dumps)
def test_settings_that_are_refused(driver, tmp_path, config, kind):
    folder = write_config(tmp_path / "model", kind, **config)
    video = (frames_of(tmp_path, 4, 60, 40), 2.0)
    if "video_processor_type" not in config:
        with pytest.raises(Exception):
            video_reference.pixels(folder, video)
    mine = ours(driver, folder, kind, video)
    assert isinstance(mine, str) and mine.startswith(("error bad_file", "error unsupported")), mine
    assert next(iter(config)) in mine


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("config,name", [({"resample": 2}, "resample"), ({"resample": None}, "resample"),
                                         ({"image_std": [0.5, 0.0, 0.5]}, "image_std"), ({"nonsense": 1}, "nonsense"),
                                         ({"size": {"shortest_edge": 9000, "longest_edge": 4000}}, "9000, more than the 4000"),
                                         ({"min_frames": 0}, "min_frames"), ({"fps": -1}, "fps"), ({"max_frames": 1e9}, "max_frames")])
def test_settings_that_only_we_refuse(driver, tmp_path, config, name, kind):
    """What the reference takes as it comes, and what no test of ours has been compared for."""
    folder = write_config(tmp_path / "model", kind, **config)
    mine = ours(driver, folder, kind, (frames_of(tmp_path, 4, 60, 40), 2.0))
    assert isinstance(mine, str) and mine.startswith(("error bad_file", "error unsupported")) and name in mine, mine


def test_which_file_and_class(driver, tmp_path):
    """video_processor of processor_config.json, video_preprocessor_config.json, preprocessor_config.json, in this order; the
    class by name, by the image processor's name, or by the family."""
    video = (frames_of(tmp_path, 4, 60, 40), 2.0)
    for number, (files, kind) in enumerate([
            ({"preprocessor_config.json": PUBLISHED[2]}, 2),
            ({"preprocessor_config.json": PUBLISHED[2], "video_preprocessor_config.json": {"video_processor_type": KINDS[3]} | SMALL[3]}, 3),
            ({"preprocessor_config.json": PUBLISHED[2], "processor_config.json": {"video_processor": {"video_processor_type": KINDS[3]} | SMALL[3]}}, 3),
            ({"video_preprocessor_config.json": {"nonsense": 1}, "processor_config.json": {"video_processor": {"video_processor_type": KINDS[2]}}}, 2),
            ({"preprocessor_config.json": PUBLISHED[2] | {"patch_size": 7}, "processor_config.json": {"image_processor": PUBLISHED[2]}}, 2)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file, settings in files.items():
            (folder / file).write_text(json.dumps(settings))
        assert compare(driver, folder, kind, video) is not None, number
    (tmp_path / "none").mkdir()
    assert ours(driver, tmp_path / "none", 2, video).startswith("error not_found")


def sampled(driver, *words):
    driver.process.stdin.write("\t".join(map(str, ("sample", *words))) + "\n")
    driver.process.stdin.flush()
    line = driver.process.stdout.readline().strip()
    return line if line.startswith("error") else [int(word) for word in line.split(",")]


SAMPLING = {2: [dict(do_sample_frames=True, fps=2), dict(do_sample_frames=True, fps=0.7, max_frames=50), dict(do_sample_frames=True, num_frames=9),
                dict(do_sample_frames=True, num_frames=14, temporal_patch_size=4), dict(), dict(do_sample_frames=True, fps=2, temporal_patch_size=3)],
            3: [dict(), dict(fps=0.7, max_frames=50), dict(do_sample_frames=False), dict(fps=10, min_frames=1),
                dict(fps=None, num_frames=7), dict(fps=None, min_frames=9, max_frames=100)]}


@pytest.mark.parametrize("kind", KINDS)
def test_sampled_frames(driver, tmp_path, kind):
    pick = random.Random(kind)
    errors = same = 0
    for number, settings in enumerate(SAMPLING[kind]):
        folder = write_config(tmp_path / str(number), kind, **settings)
        for i in range(400 if LONG else 60):
            total = i + 1 if i < 24 else pick.choice([pick.randint(1, 300), pick.randint(1, 20000)])
            fps = pick.choice([1, 2, 5, 24, 25, 29.97, 30, 30000 / 1001, 60, 0.3, pick.uniform(0.5, 70)])
            mine = sampled(driver, folder, kind, total, repr(float(fps)))
            try:
                expected = video_reference.sampled_frames(folder, total, fps)
            except Exception as error:
                assert isinstance(mine, str) and mine.startswith("error invalid_argument"), (settings, total, fps, error, mine)
                errors += 1
            else:
                assert mine == expected, (settings, total, fps)
                same += 1
    assert same > 200 and (errors > 0 or kind == 3)


def test_settings_that_tell_no_number_of_frames(driver, tmp_path):
    folder = write_config(tmp_path / "model", 2, do_sample_frames=True)
    assert sampled(driver, folder, 2, 40, 30.0).startswith("error unsupported the model's video processor has do_sample_frames")


@pytest.mark.parametrize("kind", KINDS)
def test_frames_beyond_the_ratio(driver, tmp_path, kind):
    folder = write_config(tmp_path / "model", kind, **SMALL[kind])
    taken = 0
    for size in [(1, 5000), (5000, 1), (1, 201), (50, 10001), (50, 10000), (30, 7000)]:
        video = (frames_of(tmp_path, 2, *size), 2.0)
        mine = ours(driver, folder, kind, video)
        if compare(driver, folder, kind, video) is None:
            assert "times the other" in mine
        else:
            taken += 1
    assert taken > 0
