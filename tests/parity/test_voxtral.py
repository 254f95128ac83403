"""Voxtral against transformers on random checkpoints, with mistral-common's tokenizer (tekken.json) and prompts: features,
each layer, logits, greedy text, conversations, transcription requests."""
import functools
import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("mistral_common")

import audio_checkpoints as audio  # noqa: E402
from audio_lmm_tests import Bf16, Driver, check_fp32, greedy, judge, pieces  # noqa: E402
from conftest import LONG  # noqa: E402
from test_model import BF16_MEAN_MARGIN, MORE_PROMPTS, ONE_ROW, changed, check_packed_tower, geometric_mean, refusal, run  # noqa: E402

NAMES = [name for name, tiny in audio.TINY.items() if tiny.family == "voxtral"]


@functools.lru_cache(maxsize=4)
def reference(folder, dtype=torch.float32):
    return audio.reference_of(folder, dtype)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Two short recordings, one of three windows, one of a window to the last sample."""
    folder = tmp_path_factory.mktemp("sounds")
    return [audio.write_sound(folder / f"{i}.wav", seconds, i) for i, seconds in enumerate([1.3, 61.0, 0.01, 30.0])]


def asked(sounds):
    return [("What is this?", sounds[:1]), ("Which of the 2 is loud?", sounds[1:3]), ("No sound here.", [])]


def compared(model, inputs, ours):
    """The reference has the windows of all recordings in one batch, ours those of one at a time."""
    return {name: np.concatenate(parts) if len(parts) > 1 else parts[0] for name, parts in ours.items()}, model.trace(inputs)


def without_sounds(messages):
    """As lmm gives messages to a template."""
    def part(one):
        return {"type": "audio"} if one["type"] == "audio" else one

    return [m | {"content": [part(p) for p in m["content"]]} if isinstance(m["content"], list) else m for m in messages]


def one_placeholder(ids, audio_id=24):
    """Each run of placeholders as one, which is what a template renders."""
    return [id for i, id in enumerate(ids) if id != audio_id or ids[i - 1] != audio_id]


def tokenized(lmm, tmp_path, folder, given):
    path = tmp_path / "messages.json"
    path.write_text(json.dumps(given))
    return json.loads(run(lmm, "tokenize", folder, "--messages", path, "--json"))


def said(role, *parts):
    return {"role": role, "content": [{"type": "text", "text": part} if isinstance(part, str) else
                                      {"type": "audio", "path": str(part[0])} for part in parts]}


def conversations(sounds):
    sound = (sounds[0],)
    other = (sounds[2],)
    return {
        "text": [said("user", "How many, 12 or 345?")],
        "sound": [said("user", sound, "What is this? дом\n\n ")],
        "behind": [said("user", "What is this?", sound)],
        "alone": [said("user", sound)],
        "several": [said("user", "first ", sound, other, "then", "two texts", "", "and ", other)],
        "turns": [said("user", sound, "One?"), said("assistant", "It is one.  "), said("user", "And "), said("assistant", "Two", "and three "),
                  said("user", "four", other)],
        "strings": [{"role": "user", "content": "One?"}, {"role": "assistant", "content": " Yes. "}, {"role": "user", "content": "Two?"}],
        "system": [said("system", "Be short."), said("user", "Hello [INST] <s> [AUDIO]?"), said("assistant", "Hi [/INST]"), said("user", "Bye")],
        "together": [said("user", "One"), said("user", sound, "Two"), said("user", "Three"), said("assistant", "a "), said("assistant", "b "),
                     said("user", "Four")],
    }


@pytest.mark.parametrize("case", ["text", "sound", "behind", "alone", "several", "turns", "strings", "system", "together"])
def test_prompt_ids(lmm, tmp_path, sounds, case):
    """mistral-common encodes the parts of a conversation one by one and lmm renders a template."""
    folder = audio.folder_of("voxtral-old")
    messages = conversations(sounds)[case]
    theirs = one_placeholder(reference(folder).chat(messages)["input_ids"][0].tolist())
    out = tokenized(lmm, tmp_path, folder, without_sounds(messages))
    if case != "system":  # what users say of special tokens is text in a session, but not in a file of messages
        assert out["ids"] == theirs
    tokenizer = reference(folder).tokenizer.tokenizer
    from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy

    assert out["text"] == tokenizer.decode(theirs, special_token_policy=SpecialTokenPolicy.KEEP)


def test_tools(lmm, tmp_path):
    folder = audio.folder_of("voxtral-old")
    tools = [{"type": "function", "function": {"name": "weather", "description": "Says \"how\" it is, für alle",
                                               "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}},
             {"type": "function", "function": {"name": "time", "description": "", "parameters": {}}}]
    messages = [said("user", "One?"), said("assistant", "Yes."), said("user", "Two?")]
    made = reference(folder).tokenizer.apply_chat_template(messages, tools=tools, tokenize=True, return_dict=True)
    out = tokenized(lmm, tmp_path, folder, {"messages": messages, "tools": tools})
    assert out["ids"] == made["input_ids"]


def test_system_message_beside_sound(lmm, tmp_path, sounds):
    """Refused by both."""
    folder = audio.folder_of("voxtral-old")
    messages = [said("system", "Be short."), said("user", (sounds[0],), "What?")]
    with pytest.raises(Exception, match="[Ss]ystem"):
        reference(folder).chat(messages)
    assert "System messages are not yet allowed when audio is present" in refusal(
        lmm, "ask", folder, "--system", "Be short.", "--voice", sounds[0], "What?")


def test_special_tokens_in_a_users_text_are_text(sounds):
    folder = audio.folder_of("voxtral-old")
    model = reference(folder)
    prompt = "What do [INST], [AUDIO] and </s> say? <SPECIAL_40>"
    with Driver(folder) as driver:
        greedy(driver, model, driver.hear(prompt, sounds[:1], max_tokens=4), model.ask(prompt, sounds[:1]), 4, prompt)


@pytest.mark.parametrize("language", [None, "en", "de"])
def test_transcription_requests(lmm, tmp_path, sounds, language):
    """As a raw prompt, and by the template's variable `transcribe`; "true" in JSON leaves the language to the model."""
    folder = audio.folder_of("voxtral-old")
    model = reference(folder)
    inputs = model.transcription(sounds[1], language)
    prompt = f"[INST][BEGIN_AUDIO][AUDIO][/INST]{'' if language is None else f'lang:{language}'}[TRANSCRIBE]"
    with Driver(folder) as driver:
        answer = driver.hear(prompt, sounds[1:2], raw=True, max_tokens=8)
        greedy(driver, model, answer, inputs, 8, language)
    asked = json.loads(run(lmm, "ask", folder, "--voice", sounds[1], "--template-variables", json.dumps({"transcribe": language or True}),
                           "--max-tokens", 8, "--temperature", 0, "--dtype", "fp32", "--json"))
    assert asked["token_ids"] == answer["token_ids"]
    out = tokenized(lmm, tmp_path, folder, {"messages": without_sounds([said("user", (sounds[1],))]), "transcribe": language or True})
    assert out["ids"] == one_placeholder(inputs["input_ids"][0].tolist())


@pytest.mark.parametrize("name", NAMES)
def test_layers_fp32(tmp_path, sounds, name):
    folder = audio.folder_of(name)
    model = reference(folder)
    worst = 0.0
    with Driver(folder) as driver:
        for prompt, chosen in asked(sounds):
            ours, theirs = compared(model, model.ask(prompt, chosen), pieces(driver, tmp_path / "taps", prompt, chosen))
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
                mine, truth = compared(exact, inputs, pieces(driver, tmp_path / "taps", prompt, chosen))
                sums.add(mine, rounded.trace(inputs), truth)
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


@pytest.mark.parametrize("samples", [202, 479999, 480000, 480001, 960000, 960001])
def test_rows_of_each_length(tmp_path, samples):
    """Windows are begun by their first sample; unobserved, they go through the tower one by one."""
    import soundfile

    path = tmp_path / "in.wav"
    soundfile.write(path, audio.synthetic(61.0, samples)[:samples], audio.RATE, subtype="PCM_16")
    folder = audio.folder_of("voxtral-new")
    model = reference(folder)
    with Driver(folder) as driver:
        greedy(driver, model, driver.hear("Hm?", [path], max_tokens=3), model.ask("Hm?", [path]), 3, samples)


def test_another_rate_and_two_channels(tmp_path):
    """The reference resamples by soxr, too, what it has put into 16 bits before: even samples, whose mean loses nothing."""
    import soundfile

    path = tmp_path / "in.wav"
    wave = np.round(audio.synthetic(3.0, 5) * 8192).astype(np.int16) * 2
    soundfile.write(path, np.stack([wave, wave[::-1]], 1), 22050, subtype="PCM_16")
    folder = audio.folder_of("voxtral-new")
    model = reference(folder)
    with Driver(folder) as driver:
        ours, theirs = compared(model, model.ask("Hm?", [path]), pieces(driver, tmp_path / "taps", "Hm?", [path]))
    check_fp32(ours, theirs, "22050 Hz, two channels")


def test_a_turn_with_reuse_equals_one_without(sounds):
    name = "voxtral-old"
    folder = audio.folder_of(name)
    model = reference(folder)
    messages, before = [], 0
    with Driver(folder) as driver:
        for turn, (prompt, chosen) in enumerate([("What is this?", sounds[:2]), ("And now?", []), ("And this?", sounds[1:3])]):
            messages.append(model.message(prompt, chosen))
            answer = driver.hear(prompt, chosen, session="one", max_tokens=12)
            greedy(driver, model, answer, model.chat(messages), 12, (name, turn))
            assert answer["usage"]["reused_tokens"] >= before, (name, turn, answer["usage"])
            before = answer["usage"]["prompt_tokens"] if turn == 0 else answer["usage"]["reused_tokens"]
            messages.append({"role": "assistant", "content": [{"type": "text", "text": answer["text"].strip()}]})


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The checkpoint with tokenizer.json and a chat template in place of tekken.json."""
    folder = tmp_path_factory.mktemp("converted") / "model"
    shutil.copytree(audio.folder_of("voxtral-old"), folder)
    (folder / "tekken.json").unlink()
    audio.save_hf_tokenizer(folder)
    return folder


def test_tokenizer_json_and_chat_template(converted, sounds):
    with Driver(converted) as driver, Driver(audio.folder_of("voxtral-old")) as other:
        ours, theirs = (one.hear("What is this, дом?", sounds[:1], max_tokens=12) for one in (driver, other))
        assert "error" not in ours and ours["usage"] == theirs["usage"] and ours["token_ids"] == theirs["token_ids"]


@pytest.mark.parametrize("model_type", ["voxtral", "llama"])
def test_tekken_beside_tokenizer_json(lmm, tmp_path, model_type):
    """AutoTokenizer reads tekken.json first for Mistral's model types alone, and looks at no chat template then."""
    from transformers import AutoTokenizer

    both = changed(audio.folder_of("voxtral-old"), tmp_path / "both", "config.json", lambda c: c.update(model_type=model_type))
    audio.save_hf_tokenizer(both)
    folder = changed(both, tmp_path / "apart", "tokenizer.json", lambda c: c["model"].update(merges=[]))  # gives other ids
    theirs = AutoTokenizer.from_pretrained(folder)
    assert (type(theirs).__name__ == "MistralCommonBackend") == (model_type == "voxtral")
    text = "What is this, дом and others?"
    ours = json.loads(run(lmm, "tokenize", folder, text, "--json"))
    assert ours["ids"] == theirs(text)["input_ids"]
    messages = [said("user", text)]
    made = theirs.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    assert tokenized(lmm, tmp_path, folder, messages)["ids"] == made


def test_ask_with_voice(lmm, sounds):
    folder = audio.folder_of("voxtral-old")
    model = reference(folder)
    out = json.loads(run(lmm, "ask", folder, "--voice", sounds[0], "--max-tokens", 8, "--temperature", 0, "--dtype", "fp32", "--json", "What is this?"))
    assert out["text"] == model.decode(model.greedy(model.ask("What is this?", sounds[:1]), 8))
    info = json.loads(run(lmm, "info", folder, "--json"))
    assert info["hears"] and not info["transcribes"] and info["has_chat_template"]


# Bad input


def test_parts_that_do_not_fit_each_other(lmm, tmp_path, sounds):
    folder = audio.folder_of("voxtral-old")
    cases = [("preprocessor_config.json", lambda c: c.update(feature_size=80), "features of 80 mels"),
             ("preprocessor_config.json", lambda c: c.update(chunk_length=20), "2000 frames"),
             ("config.json", lambda c: c["audio_config"].update(num_hidden_layers=9), "layers.2"),
             ("config.json", lambda c: c["audio_config"].update(num_attention_heads=7), "num_attention_heads 7"),
             ("config.json", lambda c: c["audio_config"].update(intermediate_size=113), "intermediate_size 113"),
             ("config.json", lambda c: c["audio_config"].update(activation_function="tanhexp"), "tanhexp"),
             ("config.json", lambda c: c["audio_config"].update(model_type="whisper"), "whisper"),
             ("config.json", lambda c: c["text_config"].update(model_type="mamba"), "mamba"),
             ("config.json", lambda c: c["text_config"].update(hidden_size=128), "multi_modal_projector.linear_1"),
             ("config.json", lambda c: c.update(projector_hidden_act="tanhexp"), "projector_hidden_act"),
             ("config.json", lambda c: c.update(audio_token_id=640), "audio_token_id is 640"),
             ("config.json", lambda c: c.pop("audio_token_id"), "audio_token_id"),
             ("config.json", lambda c: c.update(audio_token_id=9), "[AUDIO] should be token 9")]
    for i, (file, change, expected) in enumerate(cases):
        broken = changed(folder, tmp_path / str(i), file, change)
        assert expected in refusal(lmm, "ask", broken, "--voice", sounds[0], "Hm?"), (i, expected)
    import soundfile

    long = tmp_path / "long.wav"
    soundfile.write(long, np.tile(audio.synthetic(30, 0), 28), audio.RATE, subtype="PCM_16")
    assert "takes 4200 tokens, the model's context has 4096" in refusal(lmm, "ask", folder, "--voice", long, "Hm?")


def test_missing_tensors(lmm, tmp_path):
    from safetensors.torch import load_file, save_file

    gone = changed(audio.folder_of("voxtral-old"), tmp_path / "gone", "config.json", lambda c: None)
    for missing in ("multi_modal_projector.linear_2.weight", "audio_tower.embed_positions.weight", "language_model.lm_head.weight"):
        tensors = load_file(audio.folder_of("voxtral-old") / "model.safetensors")
        del tensors[missing]
        save_file(tensors, gone / "model.safetensors", metadata={"format": "pt"})
        assert missing.removeprefix("language_model.") in refusal(lmm, "ask", gone, "Hm?"), missing


@pytest.mark.skipif(not LONG, reason="1.3 GB of random weights: in the long form (LMM_LONG=1)")
def test_tower_of_full_size(tmp_path, note):
    """Whisper large-v3's shape over one window: fp32 within tolerance, bf16 no worse than transformers'."""
    folder = audio.large("voxtral")
    sound = [audio.write_sound(tmp_path / "7.wav", 7.3, 2)]
    with Driver(folder) as driver:
        taps = pieces(driver, tmp_path / "taps", "What?", sound)
    with Driver(folder, "bf16") as driver:
        rounded_taps = pieces(driver, tmp_path / "taps", "What?", sound)
    exact = audio.reference_of(folder)
    inputs = exact.ask("What?", sound)
    ours, truth = compared(exact, inputs, taps)
    worst = check_fp32(ours, truth, folder.name)
    mine = {name: parts[0] for name, parts in rounded_taps.items()}
    del exact
    sums = Bf16()
    sums.add(mine, audio.reference_of(folder, torch.bfloat16).trace(inputs), truth)
    mean, tap, good = judge(sums.ratios())
    note(f"{folder.name}: fp32 within {worst:.1e} of scale; bf16 error over transformers' {mean:.3f}, {sums.ratios()[tap]:.3f} at {tap}")
    assert good, (mean, tap, sums.ratios()[tap])
