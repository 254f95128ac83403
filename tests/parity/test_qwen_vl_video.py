"""Videos of Qwen2-VL, Qwen2.5-VL and Qwen3-VL against transformers on random checkpoints: ids, positions, layers, logits,
greedy text, with pictures between, and in conversations. Judged as test_model.py judges."""
import json
import shutil

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import qwen_vl_checkpoints as qwen  # noqa: E402
import video_reference  # noqa: E402
from test_model import BF16_MEAN_MARGIN, Driver, check_fp32, flat, geometric_mean, joined, near_ties, squares  # noqa: E402
from test_video_pixels import frames_of  # noqa: E402

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
VIDEO = "<|vision_start|><|video_pad|><|vision_end|>"
FAMILIES = ["qwen2-vl-old", "qwen2.5-vl-windows", "qwen3-vl-deep", "qwen3-vl-moe-new"]
LIMITS = {2: {"size": {"shortest_edge": 28 * 28 * 4, "longest_edge": 28 * 28 * 12}},
          3: {"size": {"shortest_edge": 32 * 32 * 8, "longest_edge": 32 * 32 * 80}, "min_frames": 2}}


@pytest.fixture(scope="session")
def with_videos(tmp_path_factory):
    """A tiny checkpoint with settings for its videos."""
    def make(name, **more):
        folder = tmp_path_factory.mktemp("model") / name
        shutil.copytree(qwen.folder_of(name), folder)
        kind = 3 if name.startswith("qwen3") else 2
        settings = {"video_processor_type": f"Qwen{kind}VLVideoProcessor"} | LIMITS[kind] | more
        (folder / "video_preprocessor_config.json").write_text(json.dumps(settings))
        return folder
    made = {}
    return lambda name, **more: made.setdefault((name, str(more)), None) or made.update({(name, str(more)): make(name, **more)}) or made[(name, str(more))]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    out = []
    for i, size in enumerate([(90, 60), (40, 120), (56, 56)]):
        rng = np.random.default_rng(i)
        out.append(folder / f"{i}.png")
        Image.fromarray(rng.integers(0, 256, (size[1] // 8 + 2, size[0] // 8 + 2, 3), dtype=np.uint8)).resize(size, Image.BICUBIC).save(out[-1])
    return out


def chat(content):
    return f"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"


def parts_of(pictures=(), videos=()):
    return [{"image": str(path)} for path in pictures] + [{"video": video_reference.spelled(video)} for video in videos]


def traced(driver, folder, prompt, parts, raw=True, **more):
    """Taps of a prompt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    answer = driver.ask(prompt, parts=parts, raw=raw, max_tokens=1, taps=str(folder), **more)
    assert "error" not in answer, answer
    return joined({name: np.fromfile(folder / f"{name}.f32", np.float32).reshape(shape) for name, shape in answer["shapes"].items()}), answer


VIDEOS = [(1, (60, 40), 2.0), (2, (61, 43), 1.0), (3, (90, 20), 2.0), (5, (33, 77), 25.0), (8, (100, 64), 4.0)]


@pytest.mark.parametrize("name", FAMILIES)
def test_layers_of_one_video(with_videos, tmp_path, name):
    """Videos of 1, 2, 3, 5 and 8 frames of odd sizes: the ids, pixels and every layer; positions by what they make of it."""
    folder = with_videos(name)
    model = video_reference.model(folder)
    made = 0
    with Driver(folder) as driver:
        for count, size, fps in VIDEOS:
            video = (frames_of(tmp_path, count, *size, seed=count), fps)
            prompt = chat(f"{VIDEO}What happens?")
            if count == 1 and name.startswith("qwen3"):  # less than a temporal patch
                answer = driver.ask(prompt, parts=parts_of(videos=[video]), raw=True, max_tokens=1)
                assert answer["error"] == "invalid_argument" and "1 frames" in answer["message"]
                continue
            inputs = model.inputs(prompt, videos=[video])
            ours, answer = traced(driver, tmp_path / "taps", prompt, parts_of(videos=[video]))
            assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1], (name, count)
            check_fp32(ours, model.trace(inputs), (name, count))
            made += 1
    assert made >= 4


@pytest.mark.parametrize("name", FAMILIES)
def test_videos_and_pictures_in_one_message(with_videos, pictures, tmp_path, name):
    """Their order in the message is that of their placeholders; the towers of the reference take all pictures first."""
    folder = with_videos(name)
    model = video_reference.model(folder)
    first, second = (frames_of(tmp_path, 4, 60, 44, seed=1), 2.0), (frames_of(tmp_path, 5, 30, 90, seed=2), 1.5)
    cases = [(f"{VIDEO}{PICTURE}What?", pictures[:1], [first]),
             (f"{PICTURE}and {VIDEO} then {PICTURE}, {VIDEO}{PICTURE}?", pictures, [first, second]),
             (f"{VIDEO}{VIDEO} which?", [], [second, first])]
    with Driver(folder) as driver:
        for content, chosen, videos in cases:
            prompt = chat(content)
            inputs = model.inputs(prompt, chosen, videos)
            parts = parts_of(chosen, videos)
            ours, answer = traced(driver, tmp_path / "taps", prompt, parts)
            assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1]
            truth = model.trace(inputs)
            if chosen:
                ours = {tap: value for tap, value in ours.items() if not tap.startswith(("vision.", "connector", "pixel_values"))}
            check_fp32(ours, truth, (name, content))


@pytest.mark.parametrize("name", FAMILIES)
def test_layers_bf16(with_videos, tmp_path, name, note):
    """Of mixtures the towers alone, as with pictures."""
    folder = with_videos(name)
    exact, rounded = video_reference.model(folder), video_reference.model(folder, torch.bfloat16)
    mine, their = {}, {}
    with Driver(folder, "bf16") as driver:
        for count, size, fps in VIDEOS[1:]:
            video = (frames_of(tmp_path, count, *size, seed=count), fps)
            prompt = chat(f"{VIDEO}What happens?")
            inputs = exact.inputs(prompt, videos=[video])
            truth = exact.trace(inputs)
            ours, _ = traced(driver, tmp_path / "taps", prompt, parts_of(videos=[video]))
            for total, found in ((mine, squares(ours, truth)), (their, squares(rounded.trace(inputs), truth))):
                for tap, value in found.items():
                    total[tap] = total.get(tap, 0.0) + value
    ratios = {tap: float(np.sqrt(mine[tap] / their[tap])) for tap in mine}
    if "moe" in name:
        ratios = {tap: ratio for tap, ratio in ratios.items() if tap.startswith(("vision.", "connector"))}
    whole = [ratio for tap, ratio in ratios.items() if tap not in ("text.norm", "logits")]
    note(f"bf16, {name}, videos: error over transformers' {geometric_mean(whole):.3f}, largest {max(whole):.3f}")
    assert geometric_mean(whole) <= BF16_MEAN_MARGIN


@pytest.mark.parametrize("name", FAMILIES)
def test_greedy_text(with_videos, pictures, tmp_path, name, note):
    """The chat template's own text for videos and pictures; each token the reference's, and its own decoding where none is a
    near tie."""
    folder = with_videos(name)
    model = video_reference.model(folder)
    ties = tokens = 0
    with Driver(folder) as driver:
        for count, size, fps in VIDEOS[1:]:
            video = (frames_of(tmp_path, count, *size, seed=count + 50), fps)
            messages = [{"role": "user", "content": [{"type": "image"}, {"type": "video"}, {"type": "text", "text": "What happens?"}]}]
            inputs = model.inputs(model.render(messages), pictures[:1], [video])
            answer = driver.ask("What happens?", parts=parts_of(pictures[:1], [video]), max_tokens=24)
            assert "error" not in answer, answer
            found = near_ties(model, inputs, answer, 24, (name, count))
            if found == 0:
                assert answer["token_ids"] == model.greedy(inputs, 24), (name, count)
            ties += found
            tokens += len(answer["token_ids"])
    note(f"greedy, {name}, videos: {ties} near ties in {tokens} tokens")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_turn_with_reuse_equals_one_without(with_videos, pictures, tmp_path, name):
    folder = with_videos(name)
    model = video_reference.model(folder)
    one, two = (frames_of(tmp_path, 5, 60, 44, seed=5), 2.0), (frames_of(tmp_path, 4, 30, 60, seed=6), 3.0)
    turns = [("What is this?", [], [one]), ("And now?", [], []), ("And this?", pictures[1:2], [two])]
    messages, seen, shown, before = [], [], [], 0
    with Driver(folder) as driver:
        for turn, (prompt, chosen, videos) in enumerate(turns):
            seen, shown = seen + list(chosen), shown + list(videos)
            messages.append({"role": "user", "content": [{"type": "image"}] * len(chosen) + [{"type": "video"}] * len(videos)
                             + [{"type": "text", "text": prompt}]})
            text = model.render(messages)
            answer = driver.ask(prompt, parts=parts_of(chosen, videos), session="one", max_tokens=10)
            assert "error" not in answer, answer
            near_ties(model, model.inputs(text, seen, shown), answer, 10, (name, turn))
            fresh = driver.ask(text, parts=parts_of(seen, shown), raw=True, max_tokens=10)
            assert fresh["usage"]["reused_tokens"] == 0 and fresh["token_ids"] == answer["token_ids"], (name, turn)
            assert answer["usage"]["reused_tokens"] >= before, (name, turn, answer["usage"])
            before = answer["usage"]["prompt_tokens"] if turn == 0 else answer["usage"]["reused_tokens"]
            messages.append({"role": "assistant", "content": [{"type": "text", "text": answer["text"].strip(" \t\n\r")}]})


@pytest.mark.parametrize("name", FAMILIES[:3])
def test_a_choice_of_a_longer_video(with_videos, tmp_path, name):
    """Frames that a host chose, with what they were chosen from: positions and time stamps follow that."""
    folder = with_videos(name)
    model = video_reference.model(folder)
    frames = frames_of(tmp_path, 5, 60, 44, seed=9)
    prompt = chat(f"{VIDEO}What happens?")
    with Driver(folder) as driver:
        seen = set()
        for indices, total, fps in [([0, 20, 40, 60, 80], 100, 25.0), ([0, 10, 21, 32, 42], 60, 29.97), ([3, 4, 5, 6, 7], 2000, 1.0)]:
            video = (frames, fps, indices, total)
            inputs = model.inputs(prompt, videos=[video])
            ours, answer = traced(driver, tmp_path / "taps", prompt, parts_of(videos=[video]))
            truth = model.trace(inputs)
            check_fp32(ours, truth, (name, indices))
            seen.add(flat(truth["logits"]).tobytes())
    assert len(seen) == (1 if name.startswith("qwen2-vl") else 3)  # Qwen2-VL is not told of times


def test_fractions_of_positions(with_videos, tmp_path):
    """Steps of 1.6666666 positions, whose products the reference rounds to fp32 before it cuts them off."""
    folder = with_videos("qwen2.5-vl-windows")
    model = video_reference.model(folder)
    prompt = chat(f"{VIDEO}What?")
    with Driver(folder) as driver:
        for fps in (2.4, 1.2, 3.0, 7.0, 0.7):
            video = (frames_of(tmp_path, 14, 28, 28, seed=3), fps)
            ours, _ = traced(driver, tmp_path / "taps", prompt, parts_of(videos=[video]))
            check_fp32(ours, model.trace(model.inputs(prompt, videos=[video])), fps)


def test_long_videos_in_parts(with_videos, tmp_path):
    """Unobserved, a video goes through the tower in batches of 8192 patches; its rows are the same."""
    for name in ("qwen2.5-vl-windows", "qwen3-vl-deep"):
        more = {"size": {"shortest_edge": 784, "longest_edge": 28 * 28 * 120}} if name.startswith("qwen2") else {
            "size": {"shortest_edge": 784, "longest_edge": 32 * 32 * 5000}, "do_sample_frames": False}
        folder = with_videos(name, **more)
        config = json.loads((folder / "config.json").read_text())
        config["text_config"]["max_position_embeddings"] = 8192
        (folder / "config.json").write_text(json.dumps(config))
        model = video_reference.model(folder)
        video = (frames_of(tmp_path, 64, 300, 200, seed=4), 2.0)
        prompt = chat(f"{VIDEO}What?")
        inputs = model.inputs(prompt, videos=[video])
        assert inputs["input_ids"].shape[1] > 8192 // 4 + 50
        with Driver(folder) as driver:
            answer = driver.ask(prompt, parts=parts_of(videos=[video]), raw=True, max_tokens=4)
            near_ties(model, inputs, answer, 4, name)


# Bad input


def test_videos_that_are_refused(with_videos, tmp_path, pictures):
    folder = with_videos("qwen2.5-vl-windows")
    frames = frames_of(tmp_path, 3, 40, 40)
    cases = [([{"video": dict(frames=[], indices=[], fps=1)}], "the video has no frames"),
             ([{"video": dict(frames=[str(p) for p in frames], indices=[0, 2, 1], fps=1)}], "before the 2 s of the frame before it"),
             ([{"video": dict(frames=[str(p) for p in frames], indices=[0, 1], fps=1)}], "3 frames and 2 times"),
             ([{"video": dict(frames=[str(frames[0]), str(pictures[0])], indices=[0, 1], fps=1)}], "frame 1 of the video is 90 x 60"),
             (parts_of(videos=[(frames_of(tmp_path, 2, 1, 5000), 1.0)]), "the video is 1 x 5000 pixels")]
    with Driver(folder) as driver:
        for parts, expected in cases:
            answer = driver.ask("Hm?", parts=parts, max_tokens=4)
            assert answer.get("error") == "invalid_argument" and expected in answer["message"], (answer, expected)
        # Placeholders that the videos do not match.
        none = driver.ask(f"{VIDEO} Hm?", raw=True, max_tokens=4)
        assert none["error"] == "invalid_argument" and "1 video placeholders" in none["message"]
        other = driver.ask(f"{PICTURE} Hm?", parts=parts_of(videos=[(frames, 1.0)]), raw=True, max_tokens=4)
        assert other["error"] == "invalid_argument" and "1 picture placeholders" in other["message"]
        assert driver.ask("Still there?", parts=parts_of(videos=[(frames, 1.0)]), max_tokens=4)["usage"]["new_tokens"] >= 1


def test_settings_of_videos_do_not_stand_in_the_way_of_pictures(with_videos, tmp_path, pictures):
    """What is wrong with them is said when a video comes."""
    for settings, expected in [(dict(resample=2), "resample is 2"), (dict(patch_size=7), "patch_size is 7 for the video processor and 14"),
                               (dict(merge_size=4), "merge_size is 4 for the video processor"),
                               (dict(size={"shortest_edge": 9000, "longest_edge": 4000}), "9000, more than the 4000")]:
        folder = with_videos("qwen2-vl-old", **settings)
        with Driver(folder) as driver:
            assert driver.ask("Hm?", parts=parts_of(pictures[:1]), max_tokens=4)["usage"]["new_tokens"] >= 1
            answer = driver.ask("Hm?", parts=parts_of(videos=[(frames_of(tmp_path, 2, 40, 40), 1.0)]), max_tokens=4)
            assert answer["error"] in ("bad_file", "unsupported") and expected in answer["message"], answer


def test_a_text_model_takes_no_videos(tmp_path):
    import checkpoints

    with Driver(checkpoints.tiny(next(name for name in checkpoints.TINY if "llama" in name))) as driver:
        answer = driver.ask("Hm?", parts=parts_of(videos=[(frames_of(tmp_path, 2, 40, 40), 1.0)]), max_tokens=4)
        assert answer["error"] == "unsupported" and "video" in answer["message"]
