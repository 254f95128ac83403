"""qwen2, qwen3 and qwen3_moe against transformers: rendered templates with tools and thinking, ids, every intermediate,
logits, greedy text, prompts in pieces and out of the cache. How things are judged is said in test_model.py.
"""
import json
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from safetensors.numpy import load_file  # noqa: E402

import prompts  # noqa: E402
import text_checkpoints  # noqa: E402
from test_model import FP32_TOLERANCE, Driver, check_fp32, judge_bf16, near_ties, reference, run, trace  # noqa: E402

NAMES = list(text_checkpoints.TINY)
TOOLS = [{"type": "function", "function": {
    "name": "weather", "description": "Says how the weather is.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "Where, e.g. \"Köln\""}},
                   "required": ["city"]}}}]
CONVERSATION = [
    {"role": "system", "content": "You answer shortly."},
    {"role": "user", "content": "How is the weather in Köln? "},
    {"role": "assistant", "content": "<think>\nThe tool says.\n</think>\n\n",
     "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "Köln"}}}]},
    {"role": "tool", "content": "{\"sky\": \"grey\"}"},
    {"role": "assistant", "content": "<think>\nGrey, then.\n</think>\n\nGrey."},
    {"role": "user", "content": "And дом 字?"},
]


@pytest.mark.parametrize("name", ["qwen2", "qwen2-old-tied", "qwen3", "qwen3-old-tied", "moe"])
def test_templates_with_tools_and_thinking(lmm, tmp_path, name):
    folder = text_checkpoints.tiny(name)
    model = reference(folder)
    whole = CONVERSATION
    if text_checkpoints.TINY[name].template != "qwen3_thinking":  # tags that no template writes are text to lmm
        whole = [{**message, "content": message["content"].rpartition("</think>\n\n")[2]} for message in whole]
    for messages in (whole[:2], whole[1:2], whole):
        for more in ({}, {"tools": TOOLS}, {"enable_thinking": False}, {"enable_thinking": True, "tools": TOOLS}):
            path = tmp_path / "messages.json"
            path.write_text(json.dumps({"messages": messages, **more}))
            out = json.loads(run(lmm, "tokenize", folder, "--messages", path, "--json"))
            text = model.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **more)
            assert out["text"] == text, (name, more)
            assert out["ids"] == model.tokenizer(text)["input_ids"], (name, more)


@pytest.mark.parametrize("name", NAMES)
def test_layers_fp32(lmm, tmp_path, name):
    folder = text_checkpoints.tiny(name)
    model = reference(folder)
    worst = 0.0
    for prompt in ("What is this?", prompts.LONG_TEXT):
        ours = trace(lmm, folder, tmp_path / "taps.safetensors", prompt)
        worst = max(worst, check_fp32(ours, model.trace(model.ask(prompt)), (name, prompt)))
    print(f"{name}: worst {worst:.1e}")


def test_layers_bf16(lmm, tmp_path, note):
    """Mixtures apart: where rounding makes the router choose another expert, both sides are as far off as weights go."""
    asked = [((), "What is this?"), ((), prompts.LONG_TEXT)]
    dense = [name for name in NAMES if text_checkpoints.TINY[name].family != "qwen3_moe"]
    judge_bf16(lmm, tmp_path / "taps.safetensors", [(name, text_checkpoints.tiny(name), asked) for name in dense], note, "text ")


@pytest.mark.parametrize("name", ["qwen2-long", "qwen3-long-windows", "moe-long"])
def test_prompts_in_several_pieces(note, name):
    """Longer than the 1024 tokens that go through the layers at once, and of lengths around the border."""
    folder = text_checkpoints.tiny(name)
    model = reference(folder)
    base = model.ask("")["input_ids"].shape[1]
    ties = 0
    with Driver(folder) as driver:
        for tokens in (1023, 1024, 1025, 2049, 2500):
            prompt = "".join(str(i * i % 10) for i in range(tokens - base))  # one token a digit
            inputs = model.ask(prompt)
            assert inputs["input_ids"].shape[1] == tokens
            ties += near_ties(model, inputs, driver.ask(prompt, max_tokens=6), 6, (name, tokens))
    if ties:
        note(f"greedy, {name}: {ties} near ties in 30 tokens")


@pytest.mark.parametrize("name", ["qwen2", "qwen3-layer-types", "qwen3-old-tied", "moe"])
def test_a_second_turn_reuses_the_first(name):
    """Of models whose random answers spell no tag: what looks like a token in a message is text to lmm."""
    folder = text_checkpoints.tiny(name)
    model = reference(folder)
    messages = []
    with Driver(folder) as driver:
        for turn, prompt in enumerate(("What is this?", "And дом 字?", prompts.LONG_TEXT)):
            messages.append(model.message(prompt))
            answer = driver.ask(prompt, session="one", max_tokens=12)
            near_ties(model, model.inputs(model.render(messages)), answer, 12, (name, turn))
            if turn > 0:
                assert answer["usage"]["reused_tokens"] >= model.inputs(model.render(messages[:1]))["input_ids"].shape[1] - 8
            assert not any(tag in answer["text"] for tag in text_checkpoints.TAGS), (name, answer["text"])
            messages.append({"role": "assistant", "content": answer["text"].strip(" \t\n\r")})


@pytest.mark.parametrize("name", NAMES)
def test_each_step_equals_the_whole(lmm, tmp_path, name):
    """Logits of each decoding step, out of the cache, layer by layer, against one pass of the reference over all tokens."""
    folder = text_checkpoints.tiny(name)
    model = reference(folder)
    out = tmp_path / "taps.safetensors"
    run(lmm, "trace", folder, "--dtype", "fp32", "--taps", "logits", "--max-tokens", 24, "--out", out, "What is this?")
    ours = load_file(out)
    steps = [ours["logits" if i == 0 else f"logits.step{i}"].reshape(-1) for i in range(len(ours))]
    assert len(steps) > 4 or int(steps[-1].argmax()) in model.end
    tokens = [int(step.argmax()) for step in steps[:-1]]
    theirs = model.logits(model.ask("What is this?"), tokens).numpy()
    for i, (mine, their) in enumerate(zip(steps, theirs, strict=True)):
        assert np.abs(mine - their).max() <= FP32_TOLERANCE * np.abs(their).max(), (name, i)


@pytest.mark.parametrize("name", NAMES)
def test_greedy_text(lmm, note, name):
    """By the fused decode step, token by token."""
    folder = text_checkpoints.tiny(name)
    model = reference(folder)
    ties = tokens = 0
    with Driver(folder) as driver:
        for prompt in ("What is this?", prompts.LONG_TEXT):
            answer = driver.ask(prompt)
            inputs = model.ask(prompt)
            found = near_ties(model, inputs, answer, 64, (name, prompt))
            if found == 0:  # the reference's own decoding, with its cache
                assert answer["token_ids"] == model.greedy(inputs, 64), (name, prompt)
            ties += found
            tokens += len(answer["token_ids"])
    if ties:
        note(f"greedy, {name}: {ties} near ties in {tokens} tokens")


def test_packed_weights_are_refused_for_mixtures(lmm):
    folder = text_checkpoints.tiny("moe")
    done = subprocess.run([lmm, "ask", folder, "--weights", "int8", "Hello"], capture_output=True, text=True)
    assert done.returncode == 1 and "mixtures of experts are not packed" in done.stderr and done.stdout == "", done
