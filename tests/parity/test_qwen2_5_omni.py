"""Qwen2.5-Omni's thinker against transformers on random checkpoints: features, ids, positions, each layer of ears, eyes and
text, logits, greedy text, with sounds, pictures and videos in any order. Judged as test_model.py judges.

transformers takes a sound of any length as if it were padded to the extractor's chunk_length; that these features are the
same within 1e-4, and the same in number, is the first tap of every case (input_features).
"""
import functools
import json
import random
import shutil

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("soundfile")

import omni_checkpoints as omni  # noqa: E402
import video_reference  # noqa: E402
from conftest import BUILD, LONG  # noqa: E402
from line_driver import LineDriver  # noqa: E402
from test_model import (BF16_MEAN_MARGIN, BF16_TAP_MARGIN, FP32_TOLERANCE, MORE_PROMPTS, ONE_ROW, Driver, changed, check_packed_tower, compare, geometric_mean,  # noqa: E402
                        joined, near_ties, refusal, run, squares)
from test_video_pixels import frames_of  # noqa: E402

SOUND = "<|audio_bos|><|AUDIO|><|audio_eos|>"
PICTURE = "<|vision_bos|><|IMAGE|><|vision_eos|>"
VIDEO = "<|vision_bos|><|VIDEO|><|vision_eos|>"
FEATURES = 1e-4


@functools.lru_cache(maxsize=3)
def reference(folder, dtype=torch.float32):
    return omni.OmniReference(folder, dtype)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    out = []
    for i, size in enumerate([(90, 60), (40, 120), (56, 56)]):
        rng = np.random.default_rng(i)
        out.append(folder / f"{i}.png")
        Image.fromarray(rng.integers(0, 256, (size[1] // 8 + 2, size[0] // 8 + 2, 3), dtype=np.uint8)).resize(size, Image.BICUBIC).save(out[-1])
    return out


@pytest.fixture(scope="session")
def sounds(tmp_path_factory):
    """Of different lengths: several chunks and a part of one, exactly one, less than one, and the shortest that gives a row."""
    folder = tmp_path_factory.mktemp("sounds")
    return [omni.sound_of(folder, seconds, i) for i, seconds in enumerate([1.37, 0.4, 0.13, 321 / 16000])]


def chat(content):
    return f"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"


def parts_of(content, pictures=(), sounds=(), videos=()):
    """Parts in the order of their placeholders in `content`."""
    at = {PICTURE: iter({"image": str(path)} for path in pictures), SOUND: iter({"audio": str(path)} for path in sounds),
          VIDEO: iter({"video": video_reference.spelled(video)} for video in videos)}
    found = sorted((content.find(mark, i), mark) for mark in at for i in range(len(content)) if content.startswith(mark, i))
    return [next(at[mark]) for _, mark in found]


def traced(driver, folder, content, parts):
    """Taps of a raw prompt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    answer = driver.ask(chat(content), parts=parts, raw=True, max_tokens=1, taps=str(folder))
    assert "error" not in answer, answer
    taps = {name: np.fromfile(folder / f"{name}.f32", np.float32).reshape(shape) for name, shape in answer["shapes"].items()}
    return joined(taps), answer


def check_fp32(ours, theirs, what):
    errors = compare(ours, theirs)
    if "input_features" in ours:
        assert np.abs(ours["input_features"] - np.asarray(theirs["input_features"])).max() <= FEATURES, what
    wrong = [(name, float(error)) for name, error in errors.items() if not error <= FP32_TOLERANCE]
    assert not wrong, f"{what}: {len(wrong)} of {len(errors)} taps differ: {wrong[:4]}"


def cases_of(pictures, sounds):
    """Contents, with their pictures and sounds."""
    return [(f"{SOUND}", [], sounds[:1]),
            (f"{PICTURE}{SOUND}What?", pictures[:1], sounds[1:2]),
            (f"{SOUND}{SOUND} which is louder?", [], [sounds[2], sounds[0]]),
            (f"First {SOUND} then {PICTURE}, {SOUND}{PICTURE} and {SOUND}.", pictures[1:3], [sounds[0], sounds[3], sounds[1]]),
            ("No sound here.", [], [])]


# Layers


@pytest.mark.parametrize("name", omni.TINY)
def test_layers_fp32(tmp_path, pictures, sounds, name):
    folder = omni.folder_of(name)
    model = reference(folder)
    with Driver(folder) as driver:
        for content, seen, heard in cases_of(pictures, sounds):
            inputs = model.inputs(chat(content), seen, heard)
            ours, answer = traced(driver, tmp_path / "taps", content, parts_of(content, seen, heard))
            assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1], (name, content)
            check_fp32(ours, model.trace(inputs), (name, content))


def test_layers_of_packed_towers(tmp_path, pictures, sounds):
    model = reference(omni.folder_of("omni-old"))
    with Driver(omni.folder_of("omni-old"), tower_weights="int8") as driver:
        for content, seen, heard in cases_of(pictures, sounds)[:3]:
            ours, _ = traced(driver, tmp_path / "taps", content, parts_of(content, seen, heard))
            check_packed_tower(ours, model.trace(model.inputs(chat(content), seen, heard)), content)


@pytest.mark.parametrize("name", ["omni-new", "omni-odd-window"])
def test_sounds_of_any_length(tmp_path, name):
    """Around the borders of chunks, of the pooled pairs, and up to the chunk_length, behind which the reference cuts off
    and lmm refuses."""
    folder = omni.folder_of(name)
    model = reference(folder)
    hop = model.processor.feature_extractor.hop_length
    longest = model.processor.feature_extractor.n_samples
    chunk = 2 * model.model.model.audio_tower.n_window * hop
    counts = [2 * hop + 1, 3 * hop, 3 * hop + 1, 4 * hop, chunk - 1, chunk, chunk + 1, chunk + hop, chunk + 3 * hop, 2 * chunk, 5 * chunk + 77,
              longest - hop, longest - 1, longest]
    with Driver(folder) as driver:
        for count in counts:
            path = omni.sound_of(tmp_path, count / omni.RATE, count)
            inputs = model.inputs(chat(SOUND), sounds=[path])
            ours, answer = traced(driver, tmp_path / "taps", SOUND, parts_of(SOUND, sounds=[path]))
            assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1], (name, count)
            check_fp32(ours, model.trace(inputs), (name, count))
        refused = driver.ask("Hm?", parts=[{"audio": str(omni.sound_of(tmp_path, (longest + 8000) / omni.RATE))}], max_tokens=2)
        seconds = longest / omni.RATE
        assert refused["error"] == "invalid_argument", refused
        assert refused["message"] == f"recording of {seconds + 0.5:g} seconds, this model hears at most {seconds:g}: give a part of it"


@pytest.mark.parametrize("name", ["omni-old", "omni-new-bf16", "omni-odd-window"])
def test_layers_of_videos(tmp_path, pictures, sounds, name):
    """Videos of several rates beside sounds and pictures; the towers of the reference take all pictures before all videos."""
    folder = omni.folder_of(name)
    model = video_reference.model(folder)
    first, second = (frames_of(tmp_path, 4, 60, 44, seed=1), 2.0), (frames_of(tmp_path, 3, 30, 90, seed=2), 2.0)
    slow, quick = (frames_of(tmp_path, 5, 60, 44, seed=3), 0.3), (frames_of(tmp_path, 8, 50, 44, seed=4), 29.97)
    cases = [(f"{VIDEO}{SOUND}What happens?", [], sounds[:1], [first]),
             (f"{SOUND}{PICTURE}and {VIDEO}{SOUND} then {VIDEO}?", pictures[:1], sounds[:2], [first, second]),
             (f"{VIDEO} then {SOUND}", [], sounds[1:2], [slow]),
             (f"{VIDEO}{VIDEO}{SOUND}{PICTURE}", pictures[1:2], sounds[1:2], [quick, quick]),
             (f"{VIDEO}", [], [], [(frames_of(tmp_path, 1, 60, 44, seed=5), 1.0)])]
    with Driver(folder) as driver:
        for content, seen, heard, videos in cases:
            inputs = model.inputs(chat(content), seen, videos, heard)
            ours, answer = traced(driver, tmp_path / "taps", content, parts_of(content, seen, heard, videos))
            assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1], (name, content)
            truth = model.trace(inputs)
            if seen:
                ours = {tap: value for tap, value in ours.items() if not tap.startswith(("vision.", "connector", "pixel_values"))}
            check_fp32(ours, truth, (name, content))


def test_layers_bf16(tmp_path, pictures, sounds, note):
    more = [(prompt, [], []) for prompt in MORE_PROMPTS]
    one_row, wrong, means = [], [], []
    for name in omni.TINY:
        folder = omni.folder_of(name)
        exact, rounded = reference(folder), reference(folder, torch.bfloat16)
        by_tap = {}  # of each question: its largest rows shall not decide alone
        with Driver(folder, "bf16") as driver:
            for content, seen, heard in cases_of(pictures, sounds) + more:
                inputs = exact.inputs(chat(content), seen, heard)
                truth = exact.trace(inputs)
                ours, _ = traced(driver, tmp_path / "taps", content, parts_of(content, seen, heard))
                for taps in (ours, truth):
                    taps.pop("input_features", None)
                their_taps = rounded.trace(inputs)
                their_taps.pop("input_features", None)
                compare(ours, truth)
                mine, their = squares(ours, truth), squares(their_taps, truth)
                for tap in mine:
                    by_tap.setdefault(tap, []).append(float(np.sqrt(mine[tap] / their[tap])))
        ratios = {tap: geometric_mean(found) for tap, found in by_tap.items()}
        one_row += [ratios.pop(tap) for tap in ONE_ROW]
        mean, far = geometric_mean(ratios.values()), {tap: round(ratio, 3) for tap, ratio in ratios.items() if ratio > BF16_TAP_MARGIN}
        means.append(mean)
        if mean > BF16_MEAN_MARGIN or far:
            wrong.append((name, round(mean, 3), far))
    note(f"bf16, tiny Qwen2.5-Omni: error over transformers' {geometric_mean(means):.3f}, largest of a checkpoint {max(means):.3f}, "
         f"taps of one row {geometric_mean(one_row):.3f}")
    assert not wrong, wrong
    assert geometric_mean(one_row) <= BF16_MEAN_MARGIN


# Ids, positions


@pytest.mark.parametrize("name", ["omni-old", "omni-new"])
def test_prompt_text_and_ids(lmm, tmp_path, name):
    """The system prompt of the template among it."""
    folder = omni.folder_of(name)
    model = reference(folder)
    turns = [{"role": "user", "content": [{"type": "audio"}, {"type": "image"}, {"type": "text", "text": "How many, 12 or 345?"}]},
             {"role": "assistant", "content": [{"type": "text", "text": "Two."}]},
             {"role": "user", "content": [{"type": "text", "text": "And "}, {"type": "video"}, {"type": "text", "text": "дом? "}]}]
    for messages in (turns[:1], turns, [{"role": "system", "content": [{"type": "text", "text": "Be short."}]}, *turns]):
        path = tmp_path / "messages.json"
        path.write_text(json.dumps(messages))
        out = json.loads(run(lmm, "tokenize", folder, "--messages", path, "--json"))
        text = model.render(messages)
        assert out["text"] == text and SOUND in text
        assert out["ids"] == model.tokenizer(text)["input_ids"]


def test_positions_of_every_mix():
    """300 random orders of texts, sounds, pictures and videos, positions and the next one exactly get_rope_index's."""
    model = reference(omni.folder_of("omni-odd-window"))
    config = model.model.config
    ids = [config.audio_token_id, config.image_token_id, config.video_token_id]
    pick = random.Random(5)
    with LineDriver(BUILD / "bin" / "place_driver") as driver:
        for case in range(300):
            tokens, parts, pictures, videos, lengths, seconds = [], [], [], [], [], []

            def text(count, first=20):
                tokens.extend([first] * count)
                parts.append({"text": count})

            text(pick.randint(1, 5))
            for _ in range(pick.randint(1, 6)):
                kind = pick.choice(["sound", "picture", "video"])
                text(1, config.audio_start_token_id if kind == "sound" else config.vision_start_token_id)
                if kind == "sound":
                    lengths.append(pick.randint(3, 400))
                    rows = ((lengths[-1] - 1) // 2 + 1 - 2) // 2 + 1
                    tokens += [ids[0]] * rows
                    parts.append({"rows": rows})
                else:
                    time = 1 if kind == "picture" else pick.randint(1, 9)
                    grid = [time, 2 * pick.randint(1, 6), 2 * pick.randint(1, 6)]
                    (pictures if kind == "picture" else videos).append(grid)
                    interval = 1.0
                    if kind == "video":
                        seconds.append(2 / pick.choice([2, 1, 30, 29.97, 25, 0.3, 7, 2.9]))
                        interval = seconds[-1]
                    tokens += [ids[1 if kind == "picture" else 2]] * (time * grid[1] * grid[2] // 4)
                    parts.append(dict(time=time, height=grid[1] // 2, width=grid[2] // 2, interval=interval, last_place=kind == "video",
                                      unit=float(config.position_id_per_seconds) if kind == "video" else 1.0))
                text(1, 21)
                if pick.random() < 0.6:
                    text(pick.randint(1, 4))
            given = torch.tensor([tokens])
            want, delta = model.model.get_rope_index(
                given, torch.tensor(pictures) if pictures else None, torch.tensor(videos) if videos else None, torch.ones_like(given),
                False, torch.tensor(lengths), torch.tensor(seconds) if seconds else None)
            got = json.loads(driver.line(json.dumps(parts)))
            if not pictures and not videos:
                assert got["positions"] == [] and want[0, 0].tolist() == list(range(len(tokens)))
                continue
            assert got["positions"] == want[:, 0].T.tolist(), (case, parts)
            assert got["next"] == int(delta[0, 0]) + len(tokens), (case, parts)


# Greedy text and conversations


@pytest.mark.parametrize("name", omni.TINY)
def test_greedy_text(pictures, sounds, note, name):
    folder = omni.folder_of(name)
    model = reference(folder)
    ties = tokens = 0
    with Driver(folder) as driver:
        for content, seen, heard in cases_of(pictures, sounds):
            inputs = model.inputs(chat(content), seen, heard)
            answer = driver.ask(chat(content), parts=parts_of(content, seen, heard), raw=True, max_tokens=32)
            assert "error" not in answer, answer
            found = near_ties(model, inputs, answer, 32, (name, content))
            if found == 0:  # the reference's own decoding, with its cache
                assert answer["token_ids"] == model.greedy(inputs, 32), (name, content)
            ties += found
            tokens += len(answer["token_ids"])
        # The template's own text, with its system prompt.
        messages = [{"role": "user", "content": [{"type": "audio"}, {"type": "image"}, {"type": "text", "text": "What is this?"}]}]
        answer = driver.ask("What is this?", parts=[{"audio": str(sounds[0])}, {"image": str(pictures[0])}], max_tokens=16)
        inputs = model.inputs(model.render(messages), pictures[:1], sounds[:1])
        ties += near_ties(model, inputs, answer, 16, name)
    if ties:
        note(f"greedy, {name}: {ties} near ties in {tokens} tokens")


@pytest.mark.parametrize("name", ["omni-old", "omni-odd-window"])
def test_greedy_text_of_videos(pictures, sounds, tmp_path, name, note):
    folder = omni.folder_of(name)
    model = video_reference.model(folder)
    ties = tokens = 0
    with Driver(folder) as driver:
        for count, fps in [(2, 2.0), (5, 1.0), (4, 25.0)]:
            video = (frames_of(tmp_path, count, 60, 44, seed=count), fps)
            messages = [{"role": "user", "content": [{"type": "video"}, {"type": "audio"}, {"type": "image"}, {"type": "text", "text": "Hm?"}]}]
            inputs = model.inputs(model.render(messages), pictures[:1], [video], sounds[:1])
            answer = driver.ask("Hm?", parts=[{"video": video_reference.spelled(video)}, {"audio": str(sounds[0])}, {"image": str(pictures[0])}],
                                max_tokens=16)
            assert "error" not in answer, answer
            found = near_ties(model, inputs, answer, 16, (name, count))
            if found == 0:
                assert answer["token_ids"] == model.greedy(inputs, 16), (name, count)
            ties += found
            tokens += len(answer["token_ids"])
    note(f"greedy, {name}, videos: {ties} near ties in {tokens} tokens")


@pytest.mark.parametrize("name", ["omni-old", "omni-new", "omni-odd-window"])
def test_a_turn_with_reuse_equals_one_without(pictures, sounds, name):
    folder = omni.folder_of(name)
    model = reference(folder)
    turns = [("What is this?", pictures[:1], sounds[:1]), ("And now?", [], []), ("And this?", [], sounds[1:3])]
    messages, seen, heard, before = [], [], [], 0
    with Driver(folder) as driver:
        for turn, (prompt, chosen, played) in enumerate(turns):
            seen, heard = seen + list(chosen), heard + list(played)
            content = [{"type": "image"}] * len(chosen) + [{"type": "audio"}] * len(played)
            messages.append({"role": "user", "content": content + [{"type": "text", "text": prompt}]})
            text = model.render(messages)
            parts = [{"image": str(path)} for path in chosen] + [{"audio": str(path)} for path in played]
            answer = driver.ask(prompt, parts=parts, session="one", max_tokens=10)
            assert "error" not in answer, answer
            near_ties(model, model.inputs(text, seen, heard), answer, 10, (name, turn))
            fresh = driver.ask(text, parts=parts_of(text, seen, heard), raw=True, max_tokens=10)
            assert fresh["usage"]["reused_tokens"] == 0 and fresh["token_ids"] == answer["token_ids"], (name, turn)
            assert answer["usage"]["reused_tokens"] >= before, (name, turn, answer["usage"])
            before = answer["usage"]["prompt_tokens"] if turn == 0 else answer["usage"]["reused_tokens"]
            messages.append({"role": "assistant", "content": [{"type": "text", "text": answer["text"].strip(" \t\n\r")}]})


def test_only_the_thinker_is_read(lmm, tmp_path):
    """Weights of the talker count nowhere, and what stands in them is not looked at."""
    folder = omni.folder_of("omni-old")
    info = json.loads(run(lmm, "info", folder, "--json"))
    thinker = reference(folder).model
    assert info["parameters"] == sum(parameter.numel() for parameter in thinker.parameters()), info
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    from safetensors.torch import load_file, save_file
    spoilt = 0
    for file in broken.glob("*.safetensors"):
        tensors = load_file(file)
        for name, tensor in tensors.items():
            if not name.startswith("thinker."):
                tensor.fill_(float("nan"))
                spoilt += 1
        save_file(tensors, file, metadata={"format": "pt"})
    assert spoilt > 50
    (broken / "spk_dict.pt").unlink()
    with Driver(broken) as driver, Driver(folder) as whole:
        assert driver.ask("Hm?", max_tokens=8)["token_ids"] == whole.ask("Hm?", max_tokens=8)["token_ids"]


# Bad input


def test_parts_that_do_not_fit_each_other(lmm, tmp_path):
    def audio(**more):
        return "config.json", lambda c: c["thinker_config"]["audio_config"].update(more)

    def thinker(**more):
        return "config.json", lambda c: c["thinker_config"].update(more)

    def drop(name):
        return "config.json", lambda c: c["thinker_config"].pop(name)

    cases = [(audio(num_mel_bins=80), "feature_size is 40 for the feature extractor, num_mel_bins 80"),
             (audio(output_dim=72), "output_dim is 72"),
             (audio(d_model=33), "d_model is 33"),
             (audio(encoder_attention_heads=5), "multiple of encoder_attention_heads 5"),
             (audio(encoder_layers=9), "thinker.audio_tower.layers.3.self_attn_layer_norm.weight"),
             (audio(encoder_ffn_dim=50), "audio_tower.layers.0.fc1.weight has shape"),
             (audio(activation_function="tanhexp"), "activation_function"),
             (audio(n_window=61), "max_source_positions is 60, expected at least the 61 of n_window"),
             (audio(n_window=0), "n_window is 0"),
             (audio(model_type="whisper"), 'model_type is "whisper"'),
             (thinker(audio_token_index=640), "audio_token_index is 640"),
             (thinker(image_token_id=-1), "image_token_id is -1"),
             (thinker(audio_token_index=7), "<|AUDIO|> should be token 7"),
             (thinker(position_id_per_seconds=-1), "position_id_per_seconds is -1"),
             (thinker(model_type="qwen3_omni_moe_thinker"), "qwen3_omni_moe_thinker"),
             (thinker(audio_config=[]), "audio_config"),
             (drop("audio_config"), "num_mel_bins 128"),
             (("config.json", lambda c: c.update(thinker_config=3)), "thinker_config"),
             (("config.json", lambda c: c["thinker_config"]["vision_config"].update(model_type="qwen2_5_vl")), "qwen2_5_vl"),
             (("config.json", lambda c: c["thinker_config"]["text_config"].update(model_type="qwen2")), "qwen2"),
             (("processor_config.json", lambda c: c["feature_extractor"].update(feature_extractor_type="ClapFeatureExtractor")), "ClapFeatureExtractor"),
             (("processor_config.json", lambda c: c["feature_extractor"].update(sampling_rate="16k")), "sampling_rate"),
             (("processor_config.json", lambda c: c["feature_extractor"].update(padding_side="left")), "padding_side is left"),
             (("tokenizer_config.json", lambda c: (c.pop("audio_token"), c.pop("model_specific_special_tokens", None))), "audio_token")]
    folder = omni.folder_of("omni-new")
    path = omni.sound_of(tmp_path, 0.5)
    for i, ((file, change), expected) in enumerate(cases):
        broken = changed(folder, tmp_path / str(i), file, change)
        assert expected in refusal(lmm, "ask", broken, "--voice", path, "Hm?"), (i, expected)


def test_missing_weights_are_named(lmm, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = omni.folder_of("omni-thinker")
    for name in ("audio_tower.conv1.weight", "audio_tower.proj.bias", "audio_tower.layers.1.self_attn.v_proj.bias", "visual.blocks.1.attn.k.bias",
                 "model.norm.weight"):
        broken = tmp_path / name
        shutil.copytree(folder, broken)
        tensors = load_file(broken / "model.safetensors")
        del tensors[name]
        save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
        assert f"tensor {name} " in refusal(lmm, "ask", broken, "Hm?")


def test_sounds_that_are_refused(tmp_path, sounds):
    with Driver(omni.folder_of("omni-new")) as driver:
        short = omni.sound_of(tmp_path, 320 / 16000)
        answer = driver.ask("Hm?", parts=[{"audio": str(short)}], max_tokens=2)
        assert answer["error"] == "invalid_argument" and "recording of 320 samples at 16000 Hz, expected at least 321" in answer["message"]
        none = driver.ask(chat(f"{SOUND} Hm?"), raw=True, max_tokens=2)
        assert none["error"] == "invalid_argument" and "1 recording placeholders" in none["message"]
        (tmp_path / "text.wav").write_text("no sound")
        assert driver.ask("Hm?", parts=[{"audio": str(tmp_path / "text.wav")}], max_tokens=2)["error"] == "bad_file"
        assert driver.ask("Still there?", parts=[{"audio": str(sounds[0])}], max_tokens=2)["usage"]["new_tokens"] >= 1


def test_silence_and_clipping(tmp_path):
    """Digital silence, and a square wave at full scale."""
    import soundfile

    folder = omni.folder_of("omni-new")
    model = reference(folder)
    waves = {"silence": np.zeros(9000), "clipped": np.sign(np.sin(np.arange(20000) * 0.2))}
    with Driver(folder) as driver:
        for name, wave in waves.items():
            path = tmp_path / f"{name}.wav"
            soundfile.write(path, wave, omni.RATE, subtype="FLOAT")
            ours, _ = traced(driver, tmp_path / "taps", SOUND, parts_of(SOUND, sounds=[path]))
            check_fp32(ours, model.trace(model.inputs(chat(SOUND), sounds=[path])), name)


def test_long_sounds_in_parts(tmp_path, note):
    """Unobserved, a sound goes through the ears in groups of 2048 positions; its rows are the same: 100 s, 5000 positions."""
    folder = omni.folder_of("omni-old")
    model = reference(folder)
    path = omni.sound_of(tmp_path, 100.3)
    inputs = model.inputs(chat(SOUND), sounds=[path])
    assert inputs["input_ids"].shape[1] > 2500
    with Driver(folder) as driver:
        answer = driver.ask(chat(SOUND), parts=parts_of(SOUND, sounds=[path]), raw=True, max_tokens=4)
        near_ties(model, inputs, answer, 4, "100 s")


# The published size of the ears


@pytest.mark.skipif(not LONG, reason="1.3 GB of random weights: in the long form (LMM_LONG=1)")
def test_ears_of_the_published_size(tmp_path, note):
    """32 layers of 1280: fp32 against transformers' fp32, bf16 no further from it than transformers' bf16."""
    folder = omni.full_ear()
    path = omni.sound_of(tmp_path, 7.3)
    content = f"{SOUND}What?"
    taps = {}
    for dtype in ("fp32", "bf16"):
        with Driver(folder, dtype) as driver:
            taps[dtype], _ = traced(driver, tmp_path / "taps", content, parts_of(content, sounds=[path]))
    reference.cache_clear()
    exact = omni.OmniReference(folder)
    inputs = exact.inputs(chat(content), sounds=[path])
    truth = exact.trace(inputs)
    del exact
    check_fp32(taps["fp32"], truth, "32 layers of 1280")
    theirs = omni.OmniReference(folder, torch.bfloat16).trace(inputs)
    ears = [tap for tap in truth if tap.startswith("audio.")]
    their, mine = squares({tap: theirs[tap] for tap in ears}, {tap: truth[tap] for tap in ears}), squares(taps["bf16"], {tap: truth[tap] for tap in ears})
    ratios = {tap: float(np.sqrt(mine[tap] / their[tap])) for tap in ears}
    worst = max(ratios, key=ratios.get)
    note(f"ears of 32 layers of 1280: bf16 error over transformers' {geometric_mean(ratios.values()):.3f}, {ratios[worst]:.3f} at {worst}")
    assert geometric_mean(ratios.values()) <= BF16_MEAN_MARGIN and ratios[worst] <= BF16_TAP_MARGIN, ratios
