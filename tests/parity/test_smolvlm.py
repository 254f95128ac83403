"""What SmolVLM has beside Idefics3, against transformers: pictures resized by torchvision, bit for bit; and videos on random
checkpoints: which frames are taken, what they are called in the prompt, their pixels bit for bit, every layer, logits and
greedy text. Judged as test_model.py judges."""
import json
import random
import shutil

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from torchvision_here import require  # noqa: E402

require()
num2words = pytest.importorskip("num2words").num2words

from transformers import AutoVideoProcessor  # noqa: E402
from transformers.image_utils import load_image  # noqa: E402
from transformers.video_utils import VideoMetadata  # noqa: E402

import checkpoints  # noqa: E402
import picture_files  # noqa: E402
import reference  # noqa: E402
from test_model import Driver, check_fp32, flat, near_ties, run  # noqa: E402
from test_pixels import CONFIGS, FILES, SIZES, compare_tiles, large_picture, write_config  # noqa: E402
from test_pixels import Driver as PixelsDriver  # noqa: E402
from test_qwen_vl_video import parts_of, traced  # noqa: E402
from test_video_pixels import frames_of  # noqa: E402
from video_reference import array, metadata  # noqa: E402

NEW, PUBLISHED = "smolvlm", "smolvlm-old"  # as transformers 5 saves it, and as published


def changed(name, folder, **settings):
    """The checkpoint with other settings of videos: in the new layout they have a place of their own."""
    shutil.copytree(checkpoints.tiny(name), folder)
    path = folder / ("processor_config.json" if name == NEW else "preprocessor_config.json")
    file = json.loads(path.read_text())
    place = file["video_processor"] if name == NEW else file
    place.update(settings)
    for absent in [field for field, value in settings.items() if value == "absent"]:
        del place[absent]
    path.write_text(json.dumps(file))
    return folder


def sampling(**more):
    return {"fps": 1, "max_frames": 6, "video_size": {"longest_edge": 64}} | more


@pytest.fixture(scope="module", params=[NEW, PUBLISHED])
def folder(request):
    return checkpoints.tiny(request.param)


class Reference(reference.Reference):
    """With videos."""

    def inputs(self, text, pictures=(), videos=()):
        """Placeholders are taken in order. Pictures and videos of one call overwrite each other's pixels in the reference: they
        are put together here."""
        if not videos:
            return super().inputs(text, pictures)
        images = [load_image(Image.open(path)) for path in pictures] or None
        chosen = videos[0][2:] != ()
        known = dict(video_metadata=[metadata(video) for video in videos], input_data_format="channels_last")
        sampler = self.processor.video_processor
        if not chosen:
            sampled = sampler.fps is not None and all(one.fps for one in known["video_metadata"])
            known |= dict(do_sample_frames=sampled, num_frames=sampler.num_frames, fps=sampler.fps)
        made = self.processor(text=text, images=images, videos=[array(video) for video in videos], videos_kwargs=known, return_tensors="pt")
        pixels = made["pixel_values"]
        if pictures:
            whole = super().inputs("<image>" * len(pictures), pictures)["pixel_values"]
            pixels = torch.cat([whole, pixels] if text.index("<image>") < text.index("<video>") else [pixels, whole], 1)
        return dict(input_ids=made["input_ids"], pixel_values=pixels)


def message(prompt, pictures=0, videos=0):
    return {"role": "user", "content": [{"type": "image"}] * pictures + [{"type": "video"}] * videos + [{"type": "text", "text": prompt}]}


def picture(folder):
    Image.fromarray(np.random.default_rng(7).integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((120, 90)).save(folder / "picture.png")
    return folder / "picture.png"


# Pictures


@pytest.fixture(scope="module")
def pixels(tmp_path_factory):
    driver = PixelsDriver(tmp_path_factory.mktemp("pixels"))
    yield driver
    driver.close()


def compared_pictures(pixels, folder, pictures, out):
    for shown in pictures:
        shown.save(out / "in.bmp")
        compare_tiles(pixels, out / "in.bmp", folder, backend="torchvision")


def test_pictures_of_many_sizes(pixels, tmp_path):
    folder = write_config(tmp_path / "model", image_processor_type="SmolVLMImageProcessor")
    compared_pictures(pixels, folder, (picture_files.picture(*size, seed=i) for i, size in enumerate(SIZES)), tmp_path)
    published = write_config(tmp_path / "published", image_processor_type="SmolVLMImageProcessor", max_image_size={"longest_edge": 512},
                             size={"longest_edge": 2048})
    compared_pictures(pixels, published, [large_picture(3000, 2000), large_picture(1, 4000)], tmp_path)


@pytest.mark.parametrize("name", [name for name in CONFIGS if not name.startswith("resample") or name[8:] in "123"])
def test_settings_of_pictures(pixels, tmp_path, name):
    folder = write_config(tmp_path / "model", **{"image_processor_type": "SmolVLMImageProcessor"} | CONFIGS[name])
    sizes = [(300, 201), (50, 120)] if name != "beyond-4096" else [(900, 7)]
    compared_pictures(pixels, folder, [picture_files.picture(*size, seed=3) for size in sizes], tmp_path)


def test_kinds_of_files(pixels, tmp_path):
    folder = write_config(tmp_path / "model", image_processor_type="SmolVLMImageProcessor", max_image_size={"longest_edge": 32}, size={"longest_edge": 32})
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
        compare_tiles(pixels, tmp_path / name, folder, not name.endswith(".jpg"), "torchvision")


# What is told


def test_the_template_of_conversations_with_videos(lmm, folder, tmp_path):
    model = Reference(folder)
    said = {"role": "assistant", "content": [{"type": "text", "text": "A dog."}]}
    for messages in ([message("What?", videos=1)], [message("This?", pictures=1), said, message("And this?", videos=2)],
                     [message("Hm?"), said, message("", 1, 1)], [message("No video <video> here")]):
        path = tmp_path / "messages.json"
        path.write_text(json.dumps(messages))
        assert json.loads(run(lmm, "tokenize", folder, "--messages", path, "--json"))["text"] == model.render(messages)


def test_frames_that_are_chosen(tmp_path):
    rng = random.Random(3)
    cases = [(total, fps) for total in (1, 2, 3, 30, 31, 299, 300, 2000) for fps in (0.1, 1.0, 10.0, 24.0, 29.97, 30000 / 1001, 120.0)]
    cases += [(rng.randrange(1, 20000), rng.choice([rng.uniform(0.2, 60), 25.0, 30.0])) for _ in range(400)]
    for name, numbers in {"small": sampling(), "published": sampling(max_frames=64), "fast": sampling(fps=3.7, max_frames=11)}.items():
        folder = changed(PUBLISHED, tmp_path / name, video_sampling=numbers)
        processor = AutoVideoProcessor.from_pretrained(folder)
        with PixelsDriver(tmp_path) as driver:
            for total, fps in cases:
                known = VideoMetadata(total_num_frames=total, fps=fps, duration=total / fps)
                theirs = processor.sample_frames(known, num_frames=processor.num_frames, fps=processor.fps)
                assert driver.line(f"frames\t{folder}\t{total}\t{fps!r}").strip() == ",".join(map(str, theirs)), (name, total, fps)


def test_numbers_in_words(tmp_path):
    with PixelsDriver(tmp_path) as driver:
        for number in [*range(2300), 9_000, 10_001, 99_999, 100_000, 100_001, 512_512, 999_999]:
            assert driver.line(f"words\t{number}").strip() == num2words(number)


# What the model makes of it

VIDEOS = [(1, (60, 40), 2.0), (2, (61, 43), 1.0), (5, (33, 77), 25.0), (14, (100, 64), 4.0), (20, (64, 64), 2.0)]


def test_pixels_and_layers_of_one_video(folder, tmp_path):
    model = Reference(folder)
    with Driver(folder) as driver:
        for count, size, fps in VIDEOS:
            video = (frames_of(tmp_path, count, *size, seed=count), fps)
            inputs = model.inputs(model.render([message("What happens?", videos=1)]), videos=[video])
            ours, answer = traced(driver, tmp_path / "taps", "What happens?", parts_of(videos=[video]), raw=False)
            assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1], count
            np.testing.assert_array_equal(flat(ours["pixel_values"]), flat(inputs["pixel_values"]))
            check_fp32(ours, model.trace(inputs), count)


def test_greedy_text_with_pictures_and_longer_turns(folder, tmp_path, note):
    """A picture before a video and behind it, a choice of a longer video, and a conversation."""
    model = Reference(folder)
    clip, shown = (frames_of(tmp_path, 9, 50, 70, seed=2), 3.0), picture(tmp_path)
    chosen = (frames_of(tmp_path, 3, 80, 50, seed=4), 29.97, [30, 2000, 220000], 300000)
    ties = tokens = 0
    with Driver(folder) as driver:
        def compared(text, pictures, videos, parts=None, **more):
            """`text` is the whole prompt; asked as it is, or as a turn of a session."""
            nonlocal ties, tokens
            inputs = model.inputs(text, pictures, videos)
            answer = driver.ask(**{"prompt": text, "raw": "prompt" not in more} | more, parts=parts_of(pictures, videos) if parts is None else parts,
                                max_tokens=16)
            assert "error" not in answer, answer
            found = near_ties(model, inputs, answer, 16, text)
            assert found or answer["token_ids"] == model.greedy(inputs, 16)
            ties, tokens = ties + found, tokens + len(answer["token_ids"])
            return answer
        compared(model.render([message("What?", 1, 1)]), [shown], [clip])
        compared("<|im_start|>User: <video>then <image>What?<end_of_utterance>\nAssistant:", [shown], [clip])
        compared(model.render([message("When?", videos=1)]), [], [chosen])
        first = compared(model.render([message("One?", videos=1)]), [], [clip], prompt="One?", session="s")
        said = {"role": "assistant", "content": [{"type": "text", "text": first["text"].strip(" \t\n\r")}]}
        second = compared(model.render([message("One?", videos=1), said, message("Two?")]), [], [clip], parts=[], prompt="Two?", session="s")
        assert second["usage"]["reused_tokens"] > 0
    note(f"greedy, {folder.name}, videos: {ties} near ties in {tokens} tokens")


# Settings

SETTINGS = {
    "no-sampling": dict(video_sampling="absent"),
    "video-size": dict(size="absent", video_sampling=sampling(video_size={"longest_edge": 30})),
    "square": dict(size={"height": 50, "width": 70}),
    "large": dict(size={"longest_edge": 5000}),
    "bilinear": dict(resample=2),
    "raw": dict(do_rescale=False, do_normalize=False),
    "mean": dict(image_mean=[0.48, 0.46, 0.41], image_std=[0.27, 0.26, 0.28]),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings(tmp_path, name):
    folder = changed(PUBLISHED, tmp_path / "model", **SETTINGS[name])
    model = Reference(folder)
    with Driver(folder) as driver:
        for count, size, fps in VIDEOS[1:4]:
            video = (frames_of(tmp_path, count, *size, seed=count), fps)
            inputs = model.inputs(model.render([message("Hm?", videos=1)]), videos=[video])
            ours, answer = traced(driver, tmp_path / "taps", "Hm?", parts_of(videos=[video]), raw=False)
            assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1], count
            np.testing.assert_array_equal(flat(ours["pixel_values"]), flat(inputs["pixel_values"]))


REFUSED = {
    "resample": (dict(resample=4), "resample is 4, known are"),
    "sampling": (dict(video_sampling=sampling(max_frames=0)), "max_frames is 0"),
    "fps": (dict(num_frames=4, video_sampling="absent"), "num_frames is 4 and fps is not there"),
    "type": (dict(video_processor_type="Qwen2VLVideoProcessor"), "video_processor_type is Qwen2VLVideoProcessor"),
    "tile": (dict(max_image_size={"longest_edge": 96}), "tiles of 96 pixels"),
    "deviation": (dict(image_std=[0, 1, 1]), "image_std of the video processor is 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_settings_of_videos_do_not_stand_in_the_way_of_pictures(tmp_path, name):
    settings, expected = REFUSED[name]
    folder = changed(NEW, tmp_path / "model", **settings)
    with Driver(folder) as driver:
        assert driver.ask("Hm?", parts=parts_of([picture(tmp_path)]), max_tokens=2)["usage"]["new_tokens"] >= 1
        answer = driver.ask("Hm?", parts=parts_of(videos=[(frames_of(tmp_path, 2, 40, 40), 1.0)]), max_tokens=2)
        assert answer["error"] in ("bad_file", "unsupported") and expected in answer["message"], answer


def test_videos_that_are_refused(tmp_path):
    folder = changed(NEW, tmp_path / "model", do_resize=False)
    with Driver(folder) as driver:
        answer = driver.ask("Hm?", parts=parts_of(videos=[(frames_of(tmp_path, 2, 40, 40), 1.0)]), max_tokens=2)
        assert answer["error"] == "invalid_argument" and "40 x 40 pixels, expected 64 x 64" in answer["message"], answer
        answer = driver.ask("Hm?", parts=parts_of(videos=[(frames_of(tmp_path, 2, 64, 64), 1e-300)]), max_tokens=2)
        assert answer["error"] == "invalid_argument", answer
        assert driver.ask("Hm?", parts=parts_of(videos=[(frames_of(tmp_path, 2, 64, 64), 1.0)]), max_tokens=2)["usage"]["new_tokens"] >= 1


def test_idefics3_takes_no_videos(tmp_path):
    with Driver(checkpoints.tiny("plain")) as driver:
        answer = driver.ask("Hm?", parts=parts_of(videos=[(frames_of(tmp_path, 2, 40, 40), 1.0)]), max_tokens=2)
        assert answer["error"] == "unsupported" and "video" in answer["message"]
