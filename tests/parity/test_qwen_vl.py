"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL (dense and mixture) against transformers on random checkpoints: each layer, logits,
greedy text, pictures anywhere between texts, conversations. Judged as test_model.py judges."""
import functools
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from safetensors.numpy import load_file  # noqa: E402

import checkpoints  # noqa: E402
import qwen_vl_checkpoints as qwen  # noqa: E402
from conftest import LONG  # noqa: E402
from test_model import (BF16_MEAN_MARGIN, BF16_TAP_MARGIN, FP32_TOLERANCE, MORE_PROMPTS, ONE_ROW, Driver, bf16_ratios, changed, check_fp32, check_packed_tower,  # noqa: E402
                        geometric_mean, in_order, near_ties, refusal, run, squares, trace)

PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Eight pictures of different sizes, some of them extreme."""
    folder = tmp_path_factory.mktemp("pictures")
    out = []
    for i, size in enumerate([(210, 90), (70, 130), (33, 40), (28, 28), (300, 20), (120, 120), (9, 170), (190, 160)]):
        rng = np.random.default_rng(i)
        coarse = rng.integers(0, 256, (size[1] // 8 + 2, size[0] // 8 + 2, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize(size, Image.BICUBIC)
        ImageDraw.Draw(picture).rectangle([size[0] // 4, size[1] // 3, size[0] // 2, size[1] // 2], fill=(250, 30 * i, 40))
        out.append(folder / f"{i}.png")
        picture.save(out[-1])
    return out


@functools.lru_cache(maxsize=3)
def reference(folder, dtype=torch.float32):
    return qwen.QwenReference(folder, dtype)


def questions(pictures):
    return [(pictures[:1], "What is this?"), (pictures[1:4], "Which of the 3 is red?"), ((), "No picture here.")]


def between(pictures):
    """A prompt with the pictures at its beginning, between texts and at its end."""
    text = "".join(f"{PICTURE} is picture {i}, and " if i % 2 else f"then comes {PICTURE}" for i in range(len(pictures)))
    return f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"


# Text


@pytest.mark.parametrize("name", ["qwen2-vl-old", "qwen2.5-vl-new", "qwen3-vl-old"])
def test_prompt_text_and_ids(lmm, tmp_path, name):
    folder = qwen.folder_of(name)
    model = reference(folder)
    turns = [model.message("How many, 12 or 345?", 2), {"role": "assistant", "content": [{"type": "text", "text": "Two."}]},
             {"role": "user", "content": [{"type": "text", "text": "And "}, {"type": "image"}, {"type": "text", "text": "дом? "}]}]
    for messages in (turns[:1], turns):
        path = tmp_path / "messages.json"
        path.write_text(json.dumps(messages))
        out = json.loads(run(lmm, "tokenize", folder, "--messages", path, "--json"))
        text = model.render(messages)
        assert out["text"] == text and PICTURE in text
        assert out["ids"] == model.tokenizer(text)["input_ids"]


# Layers and logits


@pytest.mark.parametrize("name", qwen.TINY)
def test_layers_fp32(lmm, tmp_path, pictures, name):
    folder = qwen.folder_of(name)
    model = reference(folder)
    for chosen, prompt in questions(pictures):
        ours = trace(lmm, folder, tmp_path / "taps.safetensors", prompt, chosen)
        check_fp32(ours, model.trace(model.ask(prompt, chosen)), (name, prompt))


@pytest.mark.parametrize("name", ["qwen2-vl-new", "qwen2.5-vl-windows", "qwen3-vl-deep"])
def test_layers_of_a_packed_tower(lmm, tmp_path, pictures, name):
    chosen, prompt = questions(pictures)[0]
    model = reference(qwen.folder_of(name))
    ours = trace(lmm, qwen.folder_of(name), tmp_path / "taps.safetensors", prompt, chosen, "fp32", "--tower-weights", "int8")
    check_packed_tower(ours, model.trace(model.ask(prompt, chosen)), name)


@pytest.mark.parametrize("name", ["qwen2-vl-new", "qwen2.5-vl-windows", "qwen3-vl-deep"])
def test_pictures_anywhere_between_texts(lmm, tmp_path, pictures, name):
    """1 to 8 pictures; that the logits agree says that their positions do."""
    folder = qwen.folder_of(name)
    model = reference(folder)
    for count in range(1, 9):
        chosen, prompt = pictures[8 - count:], between(pictures[8 - count:])
        ours = trace(lmm, folder, tmp_path / "taps.safetensors", prompt, chosen, "fp32", "--raw")
        check_fp32(ours, model.trace(model.inputs(prompt, chosen)), (name, count))


@pytest.mark.parametrize("name", ["qwen2.5-vl-windows", "qwen3-vl-new"])
@pytest.mark.parametrize("size", [(28, 28), (1400, 8), (8, 1400), (500, 500), (4000, 3000)])
def test_sizes(lmm, tmp_path, name, size):
    """Grids of one block, of one row, of one column, and large pictures brought down."""
    path = tmp_path / "in.png"
    rng = np.random.default_rng(size[0])
    Image.fromarray(rng.integers(0, 256, (size[1] // 50 + 2, size[0] // 50 + 2, 3), dtype=np.uint8)).resize(size).save(path)
    folder = qwen.folder_of(name)
    model = reference(folder)
    ours = trace(lmm, folder, tmp_path / "taps.safetensors", "What?", [path])
    check_fp32(ours, model.trace(model.ask("What?", [path])), (name, size))


def test_layers_bf16(lmm, tmp_path, pictures, note):
    """Of mixtures the towers alone: where rounding makes a router choose another expert, both sides are as far off as
    weights go."""
    one_row, wrong = [], []
    for name in qwen.TINY:
        folder = qwen.folder_of(name)
        asked = questions(pictures) + [((), prompt) for prompt in MORE_PROMPTS]
        ratios = bf16_ratios(lmm, folder, tmp_path / "taps.safetensors", asked, reference)
        if qwen.TINY[name].family == "qwen3_vl_moe":
            whole = {tap: ratio for tap, ratio in ratios.items() if tap.startswith(("vision.", "connector"))}
        else:
            whole = {tap: ratio for tap, ratio in ratios.items() if tap not in ONE_ROW}
            one_row += [ratios[tap] for tap in ONE_ROW]
        mean = geometric_mean(whole.values())
        far = {tap: round(ratio, 3) for tap, ratio in whole.items() if ratio > BF16_TAP_MARGIN}
        if mean > BF16_MEAN_MARGIN or far:
            wrong.append((name, round(mean, 3), far))
    rows = geometric_mean(one_row)
    note(f"bf16, tiny Qwen VL models: error of the taps of one row over transformers' {rows:.3f}")
    assert not wrong, wrong
    assert rows <= BF16_MEAN_MARGIN


@pytest.mark.parametrize("name", ["qwen2-vl-old", "qwen2.5-vl-new", "qwen3-vl-deep", "qwen3-vl-moe-new"])
def test_each_step_equals_the_whole(lmm, tmp_path, pictures, name):
    """Logits of each decoding step, out of the KV cache, against one pass of the reference over all tokens."""
    folder = qwen.folder_of(name)
    model = reference(folder)
    out = tmp_path / "taps.safetensors"
    chosen, prompt = pictures[:2], "What is this?"
    run(lmm, "trace", folder, *(word for picture in chosen for word in ("-i", picture)), "--dtype", "fp32", "--taps", "logits",
        "--max-tokens", 24, "--out", out, prompt)
    ours = load_file(out)
    steps = [ours["logits" if i == 0 else f"logits.step{i}"].reshape(-1) for i in range(len(ours))]
    assert len(steps) > 4 or int(steps[-1].argmax()) in model.end
    tokens = [int(step.argmax()) for step in steps[:-1]]
    theirs = model.logits(model.ask(prompt, chosen), tokens).numpy()
    for i, (mine, their) in enumerate(zip(steps, theirs, strict=True)):
        assert np.abs(mine - their).max() <= FP32_TOLERANCE * np.abs(their).max(), (name, i)


# Greedy text and conversations


@pytest.mark.parametrize("name", qwen.TINY)
def test_greedy_text(lmm, pictures, note, name):
    folder = qwen.folder_of(name)
    model = reference(folder)
    ties = tokens = 0
    asked = [(chosen, prompt, {}) for chosen, prompt in questions(pictures)]
    asked.append((pictures[:5], between(pictures[:5]), {"raw": True}))
    with Driver(folder) as driver:
        for chosen, prompt, more in asked:
            answer = driver.ask(prompt, chosen, max_tokens=48, **more)
            inputs = model.inputs(prompt, chosen) if more else model.ask(prompt, chosen)
            found = near_ties(model, inputs, answer, 48, (name, prompt))
            if found == 0:  # the reference's own decoding, with its cache
                assert answer["token_ids"] == model.greedy(inputs, 48), (name, prompt)
            ties += found
            tokens += len(answer["token_ids"])
    if ties:
        note(f"greedy, {name}: {ties} near ties in {tokens} tokens")


@pytest.mark.parametrize("name", ["qwen2-vl-old", "qwen2.5-vl-windows", "qwen3-vl-deep", "qwen3-vl-moe-old"])
def test_a_turn_with_reuse_equals_one_without(lmm, pictures, name):
    """Second and third turns, with pictures of their own or none, in a session that reuses and in one that cannot."""
    folder = qwen.folder_of(name)
    model = reference(folder)
    messages, seen, before = [], [], 0
    with Driver(folder) as driver:
        for turn, (prompt, chosen) in enumerate([("What is this?", pictures[:2]), ("And now?", []), ("And this?", pictures[5:7])]):
            seen = seen + list(chosen)
            messages.append(model.message(prompt, len(chosen)))
            text = model.render(messages)
            answer = driver.ask(prompt, chosen, session="one", max_tokens=12)
            near_ties(model, model.inputs(text, seen), answer, 12, (name, turn))
            fresh = driver.ask(text, seen, raw=True, max_tokens=12)
            assert fresh["usage"]["reused_tokens"] == 0 and fresh["token_ids"] == answer["token_ids"], (name, turn)
            assert answer["usage"]["reused_tokens"] >= before, (name, turn, answer["usage"])
            before = answer["usage"]["prompt_tokens"] if turn == 0 else answer["usage"]["reused_tokens"]
            messages.append({"role": "assistant", "content": [{"type": "text", "text": answer["text"].strip()}]})


# Bad input


@pytest.mark.parametrize("name", ["qwen2-vl-new", "qwen2.5-vl-new", "qwen3-vl-new"])
def test_parts_that_do_not_fit_each_other(lmm, tmp_path, pictures, name):
    """Grids that would not match the placeholders, and other contradictions, are named when the model is opened."""
    folder = qwen.folder_of(name)
    patch = 16 if name.startswith("qwen3") else 14
    cases = [("preprocessor_config.json", lambda c: c.update(merge_size=1), "merge_size is 1"),
             ("preprocessor_config.json", lambda c: c.update(patch_size=7), f"patch_size is 7 for the image processor and {patch}"),
             ("preprocessor_config.json", lambda c: c.update(temporal_patch_size=1), "temporal_patch_size is 1"),
             ("preprocessor_config.json", lambda c: c.update(size={"shortest_edge": 100}), "size is"),
             ("config.json", lambda c: c["vision_config"].update(spatial_merge_size=4), "merge_size is 2"),
             ("config.json", lambda c: c["vision_config"].update(depth=9), "blocks.3"),
             ("config.json", lambda c: c["vision_config"].update(num_heads=7), "7 heads"),
             ("config.json", lambda c: c["vision_config"].update(hidden_act="tanhexp"), "tanhexp"),
             ("config.json", lambda c: c["vision_config"].update(model_type="clip"), "clip"),
             ("config.json", lambda c: c["vision_config"].update(rope_parameters={"rope_type": "linear"}), "linear"),
             ("config.json", lambda c: c["text_config"].update(model_type="mamba"), "mamba"),
             ("config.json", lambda c: c["text_config"].update(hidden_size=128, num_attention_heads=8), "gives rows of 64"),
             ("config.json", lambda c: c.update(image_token_id=640), "image_token_id is 640"),
             ("config.json", lambda c: c.update(image_token_id=9), "<|image_pad|> should be token 9")]
    if name.startswith("qwen2.5"):
        cases.append(("config.json", lambda c: c["vision_config"].update(window_size=20), "window_size is 20"))
    for i, (file, change, expected) in enumerate(cases):
        broken = changed(folder, tmp_path / str(i), file, change)
        assert expected in refusal(lmm, "ask", broken, "-i", pictures[0], "Hm?"), (i, expected)


def test_odd_numbers_of_pictures(lmm, pictures, tmp_path):
    folder = qwen.folder_of("qwen2-vl-new")
    few = changed(folder, tmp_path / "few", "preprocessor_config.json", lambda c: c.update(size={"shortest_edge": 784, "longest_edge": 3136}))
    model = reference(few)
    with Driver(few) as driver:
        hundred = [pictures[i % 8] for i in range(100)]
        answer = driver.ask("Which?", hundred, max_tokens=4)
        near_ties(model, model.ask("Which?", hundred), answer, 4, "100 pictures")
        none = driver.ask(f"{PICTURE} Hm?", raw=True, max_tokens=4)
        assert none["error"] == "invalid_argument" and "1 picture placeholders" in none["message"]
        fewer = driver.ask(f"{PICTURE} Hm?", pictures[:2], raw=True, max_tokens=4)
        assert fewer["error"] == "invalid_argument"
    with Driver(folder) as driver:
        answer = driver.ask("Which?", [pictures[7]] * 100, max_tokens=4)
        assert answer["error"] == "context_overflow" and "2048" in answer["message"]
        again = driver.ask("Which?", pictures[:1], max_tokens=4)
        assert again["usage"]["new_tokens"] >= 1


def test_extreme_pictures(lmm, tmp_path):
    for size, refused in [((1, 5000), True), ((5000, 1), True), ((1, 200), False)]:
        path = tmp_path / "in.png"
        Image.new("RGB", size, (200, 30, 90)).save(path)
        folder = qwen.folder_of("qwen2.5-vl-new")
        if refused:
            assert f"{size[0]} x {size[1]}" in refusal(lmm, "ask", folder, "-i", path, "Hm?")
            continue
        model = reference(folder)
        check_fp32(trace(lmm, folder, tmp_path / "t.safetensors", "Hm?", [path]), model.trace(model.ask("Hm?", [path])), size)


def test_min_pixels_over_max_pixels(lmm, tmp_path, pictures):
    """Both are named when the model is opened."""
    folder = changed(qwen.folder_of("qwen2-vl-old"), tmp_path / "model", "preprocessor_config.json",
                     lambda c: c.update(min_pixels=9000, max_pixels=4000))
    said = refusal(lmm, "ask", folder, "-i", pictures[0], "Hm?")
    assert "min_pixels (size.shortest_edge) is 9000, more than the 4000 of max_pixels" in said


@pytest.mark.parametrize("name", ["qwen2-vl-new", "qwen2.5-vl-windows", "qwen3-vl-deep"])
def test_large_pictures_in_pieces(lmm, tmp_path, name):
    """Unobserved, rows go through a layer in pieces of 2048 and pictures through the tower in batches of 8192 patches."""
    def roomy(config):
        config["text_config"]["max_position_embeddings"] = 8192

    folder = changed(qwen.folder_of(name), tmp_path / "roomy", "config.json", roomy)
    folder = changed(folder, tmp_path / "large", "preprocessor_config.json",
                     lambda c: c.update(size={"shortest_edge": 784, "longest_edge": 900 * 900}))
    paths = []
    for i, size in enumerate([(1000, 800), (800, 1000), (30, 60), (900, 900)]):
        rng = np.random.default_rng(i)
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(rng.integers(0, 256, (size[1] // 40 + 2, size[0] // 40 + 2, 3), dtype=np.uint8)).resize(size).save(paths[-1])
    model = reference(folder)
    inputs = model.ask("Which?", paths)
    assert inputs["pixel_values"].shape[0] > 8192
    with Driver(folder) as driver:
        answer = driver.ask("Which?", paths, max_tokens=6)
        near_ties(model, inputs, answer, 6, name)
        alone = driver.ask("Which?", paths, max_tokens=6)  # out of the cache of pictures, cut from their batches
        assert alone["token_ids"] == answer["token_ids"]


# Qwen2-VL-2B's shape


@pytest.mark.skipif(not LONG, reason="4.4 GB of random weights: in the long form (LMM_LONG=1)")
def test_qwen2_vl_2b_shape(lmm, tmp_path, note):
    """bf16 beside transformers' bf16, both against transformers' fp32 (9 GB of memory); greedy text in fp32."""
    folder = qwen.qwen2_vl_2b()
    paths = []
    for i, size in enumerate([(420, 310), (150, 250)]):
        rng = np.random.default_rng(i)
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(rng.integers(0, 256, (size[1] // 20 + 2, size[0] // 20 + 2, 3), dtype=np.uint8)).resize(size).save(paths[-1])
    asked = ("What do these pictures show?", paths)
    fp32 = trace(lmm, folder, tmp_path / "fp32.safetensors", asked[0], asked[1])
    bf16 = trace(lmm, folder, tmp_path / "bf16.safetensors", asked[0], asked[1], "bf16")
    with Driver(folder) as driver:
        answer = driver.ask(*asked, max_tokens=16)
    reference.cache_clear()
    exact = qwen.QwenReference(folder)
    inputs = exact.ask(*asked)
    truth = exact.trace(inputs)
    worst = check_fp32(fp32, truth, folder.name)
    ties = near_ties(exact, inputs, answer, 16, folder.name)
    del exact
    rounded = qwen.QwenReference(folder, torch.bfloat16)
    their, mine = squares(rounded.trace(inputs), truth), squares(bf16, truth)
    ratios = {name: float(np.sqrt(mine[name] / their[name])) for name in in_order(mine)}
    whole = {name: ratio for name, ratio in ratios.items() if name not in ONE_ROW}
    mean, tap = geometric_mean(whole.values()), max(whole, key=whole.get)
    note(f"{folder.name}: fp32 within {worst:.1e} of scale, {ties} near ties in {len(answer['token_ids'])} tokens; bf16 error over "
         f"transformers' {mean:.3f}, {whole[tap]:.3f} at {tap}, {ratios['logits']:.3f} at the logits")
    assert mean <= BF16_MEAN_MARGIN and whole[tap] <= BF16_TAP_MARGIN, (mean, tap, whole[tap])
