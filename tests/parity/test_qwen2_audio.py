"""Qwen2-Audio against transformers on random checkpoints: features, each layer, logits, greedy text, conversations."""
import functools
import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import audio_checkpoints as audio  # noqa: E402
from audio_lmm_tests import Bf16, Driver, check_fp32, greedy, judge, pieces  # noqa: E402
from conftest import LONG  # noqa: E402
from test_model import BF16_MEAN_MARGIN, MORE_PROMPTS, ONE_ROW, changed, check_packed_tower, geometric_mean, near_ties, refusal, run  # noqa: E402

NAMES = [name for name, tiny in audio.TINY.items() if tiny.family == "qwen2_audio"]
SOUND = "<|audio_bos|><|AUDIO|><|audio_eos|>"


@functools.lru_cache(maxsize=4)
def reference(folder, dtype=torch.float32):
    return audio.reference_of(folder, dtype)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Recordings of up to 2 s, one of them a window to the last sample."""
    folder = tmp_path_factory.mktemp("sounds")
    return [audio.write_sound(folder / f"{i}.wav", seconds, i) for i, seconds in enumerate([1.3, 2.0, 0.31, 0.75, 0.05])]


def asked(sounds):
    return [("What is this?", sounds[:1]), ("Which of the 2 is loud?", sounds[1:3]), ("No sound here.", [])]


def compared(model, inputs, ours):
    """Both sides' taps as lists of recordings laid one behind the other: the reference pads all to one length."""
    theirs = model.trace(inputs)
    out, mine = {}, {}
    for name, parts in ours.items():
        if not (name.startswith("audio.") or name in ("connector", "input_features")):
            out[name], mine[name] = theirs.pop(name), parts[0]
            continue
        their = theirs.pop(name)
        assert len(parts) == their.shape[0], name
        cut = []
        for i, (positions, rows) in enumerate(model.positions(inputs)):
            whole = name in ("input_features", "audio.conv1", "audio.conv2")
            cut.append((their[i] if whole else their[i, :rows if name in ("audio.norm", "connector") else positions]).flatten())
            assert cut[-1].numel() == parts[i].size, (name, i, parts[i].shape)
        out[name] = torch.cat(cut)
        mine[name] = torch.cat([torch.from_numpy(part).flatten() for part in parts]).numpy()
    assert not theirs, sorted(theirs)
    return mine, out


@pytest.mark.parametrize("name", ["qwen2-audio-old", "qwen2-audio-new", "qwen2-audio-odd"])
def test_prompt_text_and_ids(lmm, tmp_path, name):
    """The template of the checkpoint, and the processor's own where it has none."""
    folder = audio.folder_of(name)
    model = reference(folder)
    turns = [model.message("How many, 12 or 345?", ["a", "b"]), {"role": "assistant", "content": [{"type": "text", "text": "Two."}]},
             {"role": "user", "content": [{"type": "text", "text": "And "}, {"type": "audio", "path": "c"}, {"type": "text", "text": "дом? "}]},
             {"role": "assistant", "content": "As a string."}, {"role": "user", "content": "Yes"}]
    for messages in (turns[:1], turns, [{"role": "system", "content": "Be short."}, *turns]):
        path = tmp_path / "messages.json"
        path.write_text(json.dumps(messages))
        out = json.loads(run(lmm, "tokenize", folder, "--messages", path, "--json"))
        text = model.render(messages)
        assert out["text"] == text and SOUND in text
        assert out["ids"] == model.tokenizer(text)["input_ids"]


@pytest.mark.parametrize("name", NAMES)
def test_layers_fp32(tmp_path, sounds, name, note):
    folder = audio.folder_of(name)
    model = reference(folder)
    worst = 0.0
    with Driver(folder) as driver:
        for prompt, chosen in asked(sounds):
            inputs = model.ask(prompt, chosen)
            ours, theirs = compared(model, inputs, pieces(driver, tmp_path / "taps", prompt, chosen))
            worst = max(worst, check_fp32(ours, theirs, (name, prompt)))
    print(f"{name}: worst {worst:.1e}")


def test_layers_of_a_packed_tower(tmp_path, sounds):
    folder = audio.folder_of(NAMES[0])
    model, (prompt, chosen) = reference(folder), asked(sounds)[0]
    with Driver(folder, tower_weights="int8") as driver:
        check_packed_tower(*compared(model, model.ask(prompt, chosen), pieces(driver, tmp_path / "taps", prompt, chosen)), NAMES[0])


def test_layers_bf16(tmp_path, sounds, note):
    one_row, wrong = [], []
    for name in NAMES:
        folder = audio.folder_of(name)
        exact, rounded, sums = reference(folder), reference(folder, torch.bfloat16), Bf16()
        with Driver(folder, "bf16") as driver:
            for prompt, chosen in asked(sounds) + [(prompt, sounds[:1]) for prompt in MORE_PROMPTS]:
                inputs = exact.ask(prompt, chosen)
                taps = pieces(driver, tmp_path / "taps", prompt, chosen)
                mine, truth = compared(exact, inputs, taps)
                _, their = compared(rounded, inputs, taps)
                sums.add(mine, their, truth)
        ratios = sums.ratios()
        one_row += [ratios[tap] for tap in ONE_ROW]
        mean, worst, good = judge(ratios)
        note(f"bf16, {name}: error over transformers' {mean:.3f}, {ratios[worst]:.3f} at {worst}")
        if not good:
            wrong.append((name, mean, worst, ratios[worst]))
    assert not wrong, wrong
    assert geometric_mean(one_row) <= BF16_MEAN_MARGIN


@pytest.mark.parametrize("name", NAMES)
def test_greedy_text(sounds, note, name):
    folder = audio.folder_of(name)
    model = reference(folder)
    ties = tokens = 0
    with Driver(folder) as driver:
        for prompt, chosen in asked(sounds):
            answer = driver.hear(prompt, chosen, max_tokens=32)
            ties += greedy(driver, model, answer, model.ask(prompt, chosen), 32, (name, prompt))
            tokens += len(answer["token_ids"])
    if ties:
        note(f"greedy, {name}: {ties} near ties in {tokens} tokens")


@pytest.mark.parametrize("samples", [321, 322, 480, 481, 640, 641, 799, 800, 801, 959, 960, 961, 1119, 1120, 1121, 5000, 31999, 32000])
def test_rows_of_each_length(tmp_path, samples):
    """Lengths around the steps of frames, positions and rows: prompt_tokens are compared by near_ties."""
    import soundfile

    path = tmp_path / "in.wav"
    soundfile.write(path, audio.synthetic(2.0, samples)[:samples], audio.RATE, subtype="PCM_16")
    folder = audio.folder_of("qwen2-audio-new")
    model = reference(folder)
    inputs = model.ask("Hm?", [path])
    with Driver(folder) as driver:
        near_ties(model, inputs, driver.hear("Hm?", [path], max_tokens=3), 3, samples)  # generate() fails on a single row
        ours, theirs = compared(model, inputs, pieces(driver, tmp_path / "taps", "Hm?", [path]))
        check_fp32(ours, theirs, samples)


def test_sounds_anywhere_between_texts(tmp_path, sounds):
    folder = audio.folder_of("qwen2-audio-new")
    model = reference(folder)
    text = "".join(f"{SOUND} is one, and {i} " if i % 2 else f"then {i} comes {SOUND}" for i in range(5))
    inputs = model.inputs(text, sounds)
    with Driver(folder) as driver:
        ours, theirs = compared(model, inputs, pieces(driver, tmp_path / "taps", text, sounds, raw=True))
        check_fp32(ours, theirs, "between")
        # Refused: placeholders without recordings, and recordings without placeholders.
        assert "placeholders" in driver.hear(text, sounds[:2], raw=True)["message"]


@pytest.mark.parametrize("name", ["qwen2-audio-old", "qwen2-audio-window"])
def test_a_turn_with_reuse_equals_one_without(sounds, name):
    folder = audio.folder_of(name)
    model = reference(folder)
    messages, seen, before = [], [], 0
    with Driver(folder) as driver:
        for turn, (prompt, chosen) in enumerate([("What is this?", sounds[:2]), ("And now?", []), ("And this?", sounds[1:4])]):
            seen = seen + list(chosen)
            messages.append(model.message(prompt, chosen))
            text = model.render(messages)
            answer = driver.hear(prompt, chosen, session="one", max_tokens=12)
            greedy(driver, model, answer, model.inputs(text, seen), 12, (name, turn))
            fresh = driver.ask(text, parts=[{"audio": str(path)} for path in seen], raw=True, max_tokens=12)
            assert fresh["usage"]["reused_tokens"] == 0 and fresh["token_ids"] == answer["token_ids"], (name, turn)
            assert answer["usage"]["reused_tokens"] >= before, (name, turn, answer["usage"])
            before = answer["usage"]["prompt_tokens"] if turn == 0 else answer["usage"]["reused_tokens"]
            messages.append({"role": "assistant", "content": [{"type": "text", "text": answer["text"].strip()}]})


def test_ask_with_voice(lmm, sounds):
    """A recording goes to a model that hears without a transcriber; alone, too."""
    folder = audio.folder_of("qwen2-audio-new")
    model = reference(folder)
    out = json.loads(run(lmm, "ask", folder, "--voice", sounds[0], "--max-tokens", 8, "--temperature", 0, "--dtype", "fp32", "--json", "What is this?"))
    assert out["text"] == model.decode(model.greedy(model.ask("What is this?", sounds[:1]), 8))
    assert run(lmm, "ask", folder, "--voice", sounds[0], "--max-tokens", 8)
    info = json.loads(run(lmm, "info", folder, "--json"))
    assert info["hears"] and not info["transcribes"] and info["towers"] == ["audio", "text"]


# Bad input


def test_sounds_that_it_does_not_take(lmm, tmp_path, sounds):
    folder = audio.folder_of("qwen2-audio-new")
    long = audio.write_sound(tmp_path / "long.wav", 2.25, 0)
    assert "recording of 2.25 seconds, this model hears at most 2: give a part of it" in refusal(lmm, "ask", folder, "--voice", long, "Hm?")
    short = audio.write_sound(tmp_path / "short.wav", 0.02, 0)
    assert "recording of 320 samples at 16000 Hz, expected at least 321" in refusal(lmm, "ask", folder, "--voice", short, "Hm?")
    picture = audio.checkpoints.ROOT / "examples" / "pictures" / "burger.png"
    assert "holds a picture" in refusal(lmm, "ask", folder, "-i", picture, "Hm?")
    text = tmp_path / "text.wav"
    text.write_text("this is no recording")
    assert "text.wav" in refusal(lmm, "ask", folder, "--voice", text, "Hm?")


def test_parts_that_do_not_fit_each_other(lmm, tmp_path, sounds):
    folder = audio.folder_of("qwen2-audio-new")
    cases = [("preprocessor_config.json", lambda c: c.update(feature_size=80), "features of 80 mels"),
             ("preprocessor_config.json", lambda c: c.update(chunk_length=30), "3000 frames"),
             ("preprocessor_config.json", lambda c: c.update(feature_extractor_type="EncodecFeatureExtractor"), "Encodec"),
             ("config.json", lambda c: c["audio_config"].update(encoder_layers=9), "layers.2"),
             ("config.json", lambda c: c["audio_config"].update(encoder_attention_heads=7), "encoder_attention_heads 7"),
             ("config.json", lambda c: c["audio_config"].update(encoder_ffn_dim=80), "fc1"),
             ("config.json", lambda c: c["audio_config"].update(activation_function="tanhexp"), "tanhexp"),
             ("config.json", lambda c: c["audio_config"].update(model_type="whisper"), "whisper"),
             ("config.json", lambda c: c["audio_config"].update(max_source_positions=0), "max_source_positions is 0"),
             ("config.json", lambda c: c["text_config"].update(model_type="mamba"), "mamba"),
             ("config.json", lambda c: c["text_config"].update(hidden_size=128), "multi_modal_projector.linear"),
             ("config.json", lambda c: c.update(audio_token_index=640), "audio_token_index is 640"),
             ("config.json", lambda c: c.update(audio_config=3), "audio_config"),
             ("config.json", lambda c: c.update(audio_token_index=2), "<|AUDIO|> should be token 2")]
    for i, (file, change, expected) in enumerate(cases):
        broken = changed(folder, tmp_path / str(i), file, change)
        assert expected in refusal(lmm, "ask", broken, "--voice", sounds[0], "Hm?"), (i, expected)
    gone = changed(audio.folder_of("qwen2-audio-old"), tmp_path / "gone", "config.json", lambda c: None)
    from safetensors.torch import load_file, save_file

    for missing in ("multi_modal_projector.linear.bias", "audio_tower.layer_norm.weight", "audio_tower.embed_positions.weight", "language_model.lm_head.weight"):
        tensors = load_file(audio.folder_of("qwen2-audio-old") / "model.safetensors")
        del tensors[missing]
        save_file(tensors, gone / "model.safetensors", metadata={"format": "pt"})
        assert missing.removeprefix("language_model.") in refusal(lmm, "ask", gone, "Hm?"), missing


@pytest.mark.skipif(not LONG, reason="1.3 GB of random weights: in the long form (LMM_LONG=1)")
def test_tower_of_full_size(tmp_path, note):
    """Whisper large-v3's shape, 30 s and a part of it: fp32 within tolerance, bf16 no worse than transformers'."""
    folder = audio.large("qwen2_audio")
    sounds = [audio.write_sound(tmp_path / "30.wav", 30.0, 1), audio.write_sound(tmp_path / "7.wav", 7.3, 2)]
    with Driver(folder) as driver:
        taps = pieces(driver, tmp_path / "taps", "What?", sounds)
    with Driver(folder, "bf16") as driver:
        rounded_taps = pieces(driver, tmp_path / "taps", "What?", sounds)
    exact = audio.reference_of(folder)
    inputs = exact.ask("What?", sounds)
    ours, truth = compared(exact, inputs, taps)
    worst = check_fp32(ours, truth, folder.name)
    mine, _ = compared(exact, inputs, rounded_taps)
    del exact
    sums = Bf16()
    rounded = audio.reference_of(folder, torch.bfloat16)
    sums.add(mine, compared(rounded, inputs, rounded_taps)[1], truth)
    mean, tap, good = judge(sums.ratios())
    note(f"{folder.name}: fp32 within {worst:.1e} of scale; bf16 error over transformers' {mean:.3f}, {sums.ratios()[tap]:.3f} at {tap}")
    assert good, (mean, tap, sums.ratios()[tap])
