"""lib/generate against transformers' own logits processors, on the same logits.

The reference list of processors is built by the real code path (GenerationMixin._prepare_generation_config,
_prepare_generated_length, _prepare_special_tokens, _get_logits_processor of a tiny Llama model), so that the resolution
of options over generation_config.json over defaults is compared as well.
"""

import copy
import json
import os
import pathlib
import random
import subprocess

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()
from transformers import (
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LogitsProcessor,
    LogitsProcessorList,
)  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")) / "bin" / "sampling_driver"
CASES = 900
EPS = 1e-5


class Driver:
    def __init__(self):
        self.process = subprocess.Popen([DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def driver():
    driver = Driver()
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def model():
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=8,
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            bos_token_id=None,
            eos_token_id=None,
        )
    )


def to_hex(logits):
    return np.ascontiguousarray(logits, dtype="<f4").tobytes().hex()


def from_hex(text):
    return np.frombuffer(bytes.fromhex(text), dtype="<f4")


class OwnPenalties(LogitsProcessor):
    """What lmm adds to the reference: OpenAI's penalties over the new tokens, and logit_bias."""

    def __init__(self, options, prompt_length):
        self.options, self.prompt_length = options, prompt_length

    def __call__(self, input_ids, scores):
        counts = torch.bincount(input_ids[0, self.prompt_length :], minlength=scores.shape[-1])[: scores.shape[-1]]
        penalty = (
            self.options.get("frequency_penalty", 0) * counts.double()
            + self.options.get("presence_penalty", 0) * (counts > 0).double()
        )
        scores = scores - penalty.to(scores.dtype)
        for token, bias in self.options.get("logit_bias", []):
            scores[:, token] += torch.tensor(bias, dtype=scores.dtype)
        return scores


NAMES = {
    "max_tokens": "max_new_tokens",
    "min_tokens": "min_new_tokens",
    "sample": "do_sample",
    "no_repeat_ngram": "no_repeat_ngram_size",
}
OWN = {"presence_penalty", "frequency_penalty", "logit_bias", "seed", "bad_words"}


def reference_config(model, config, options, prompt):
    """The GenerationConfig that model.generate(**options) would come to."""
    model.generation_config = GenerationConfig.from_dict(dict(config))
    kwargs = {NAMES.get(name, name): value for name, value in options.items() if name not in OWN}
    if "sample" not in options and "temperature" in options:  # documented in lmm/options.hpp
        kwargs["do_sample"] = options["temperature"] > 0
    if options.get("temperature") == 0:
        del kwargs["temperature"]
    if options.get("bad_words"):
        words = [list(text.encode()) for word in options["bad_words"] for text in (word, " " + word)]
        kwargs["bad_words_ids"] = config.get("bad_words_ids", []) + words
    ids = torch.tensor([prompt], dtype=torch.long)
    out, _ = model._prepare_generation_config(None, **kwargs)
    model._prepare_special_tokens(out, True, device="cpu", batch_size=1)
    return model._prepare_generated_length(
        out,
        has_default_max_length=config.get("max_length") is None,
        has_default_min_length=config.get("min_length") is None,
        model_input_name="input_ids",
        input_ids_length=len(prompt),
        inputs_tensor=ids,
    )


def reference_processors(model, generation_config, options, prompt):
    own = LogitsProcessorList([OwnPenalties(options, len(prompt))] if OWN & {*options} - {"seed", "bad_words"} else [])
    return model._get_logits_processor(
        generation_config=generation_config,
        input_ids_seq_length=len(prompt),
        encoder_input_ids=torch.tensor([prompt], dtype=torch.long),
        logits_processor=own,
        device="cpu",
        model_kwargs={},
    )


def random_logits(rng, vocab):
    """Shapes that models make: flat to peaked, bf16 (many equal values), a few -inf, a coarse grid of ties."""
    logits = rng.normal(size=vocab) * rng.choice([0.3, 1, 3, 8, 20]) + rng.choice([-5, 0, 5])
    kind = rng.random()
    if kind < 0.25:
        logits = torch.tensor(logits).to(torch.bfloat16).double().numpy()
    elif kind < 0.35:
        logits = np.round(logits)
    elif kind < 0.45:
        logits[rng.integers(vocab)] += 15
    logits = logits.astype(np.float32)
    if rng.random() < 0.15:
        logits[rng.permutation(vocab)[: vocab // 5]] = -np.inf
    return logits


def random_case(seed):
    rng = np.random.default_rng(seed)
    pick = random.Random(seed)
    vocab = pick.choice([260, 300, 1000, 5000])
    token = lambda: int(rng.integers(vocab))
    tokens = lambda low, high: [token() for _ in range(pick.randint(low, high))]
    few = [token() for _ in range(6)]  # a small alphabet, so that n-grams, prefixes and repetitions occur
    prompt = [pick.choice(few) if pick.random() < 0.6 else token() for _ in range(pick.choice([1, 1, 2, 5, 20, 60]))]
    if pick.random() < 0.2:
        prompt.insert(len(prompt) // 2, vocab + 7)  # the placeholder of a picture, which the head has no row for
    config, options = {}, {}

    def maybe(chance, name, value, option=None):
        """Into the config, into the options, or into both."""
        if pick.random() >= chance:
            return
        where = pick.random()
        if option is None or where < 0.6:
            config[name] = value()
        if option is not None and where > 0.4:
            options[option] = value()

    config["eos_token_id"] = pick.choice([None, few[0], [few[0], token()], [token(), token(), few[1]]])
    maybe(1, "max_new_tokens", lambda: pick.randint(4, 9))
    if pick.random() < 0.5:
        options["max_tokens"] = pick.randint(4, 9)
    maybe(0.15, "min_length", lambda: len(prompt) + pick.randint(0, 3))
    maybe(0.2, "min_new_tokens", lambda: pick.randint(0, 4), "min_tokens")
    maybe(0.3, "repetition_penalty", lambda: pick.choice([0.5, 1.0, 1.1, 1.3, 2.5]), "repetition_penalty")
    maybe(0.1, "encoder_repetition_penalty", lambda: pick.choice([0.7, 1.0, 1.5]))
    maybe(0.2, "no_repeat_ngram_size", lambda: pick.choice([0, 1, 2, 3, 5]), "no_repeat_ngram")
    if vocab + 7 not in prompt:  # the reference's own processors over the prompt fail on ids without a logit
        maybe(0.1, "encoder_no_repeat_ngram_size", lambda: pick.choice([1, 2, 3]))
    else:
        config.pop("encoder_repetition_penalty", None)
    maybe(
        0.2, "bad_words_ids", lambda: [pick.sample(few, pick.choice([1, 1, 2, 3])) for _ in range(pick.randint(1, 4))]
    )
    if pick.random() < 0.15:
        options["bad_words"] = pick.sample(["a", "bc", "xyz", "é"], 2)
    maybe(
        0.15,
        "sequence_bias",
        lambda: [
            [pick.sample(few, pick.choice([1, 2, 2])), pick.choice([-3.0, 0.7, 5.0])] for _ in range(pick.randint(1, 4))
        ],
    )
    maybe(0.1, "forced_bos_token_id", token)
    maybe(0.1, "forced_eos_token_id", lambda: pick.choice([few[0], [few[0], few[1]]]))
    maybe(0.1, "remove_invalid_values", lambda: True)
    if config["eos_token_id"] is not None:
        maybe(0.1, "exponential_decay_length_penalty", lambda: [pick.randint(0, 3), pick.choice([1.05, 1.5, 3.0])])
    maybe(0.15, "suppress_tokens", lambda: [t for t in tokens(0, 5) if t not in few])
    maybe(0.15, "begin_suppress_tokens", lambda: tokens(1, 5))
    maybe(0.1, "renormalize_logits", lambda: True)
    if pick.random() < 0.2:
        options["presence_penalty"] = pick.choice([-1.0, 0.4, 2.0])
    if pick.random() < 0.2:
        options["frequency_penalty"] = pick.choice([-0.5, 0.3, 1.1])
    if pick.random() < 0.2:
        options["logit_bias"] = [[t, pick.choice([-100.0, -1.5, 2.25])] for t in {*tokens(1, 4)}]

    how = pick.random()
    if how < 0.15:
        config["do_sample"] = True
        options["sample"] = False
    elif how < 0.5:
        config["do_sample"] = True
    elif how < 0.85:
        options["sample"] = True
    sampling = options.get("sample", config.get("do_sample", False))
    as_option = (lambda name: name) if sampling else (lambda name: None)
    maybe(0.5, "temperature", lambda: pick.choice([0.2, 0.7, 1.0, 1.5, 4.0]), as_option("temperature"))
    maybe(0.5, "top_k", lambda: pick.choice([0, 1, 2, 10, 50, 200, 100000]), as_option("top_k"))
    maybe(0.5, "top_p", lambda: pick.choice([0.0, 0.1, 0.5, 0.9, 0.95, 0.999, 1.0]), as_option("top_p"))
    maybe(0.25, "min_p", lambda: pick.choice([0.0, 0.01, 0.1, 0.5, 1.0]), as_option("min_p"))
    maybe(0.25, "typical_p", lambda: pick.choice([0.05, 0.2, 0.6, 0.95, 1.0]), as_option("typical_p"))
    maybe(0.12, "top_h", lambda: pick.choice([0.1, 0.4, 0.8, 0.999]))
    maybe(0.15, "epsilon_cutoff", lambda: pick.choice([0.0, 3e-4, 0.01, 0.2]))
    maybe(0.15, "eta_cutoff", lambda: pick.choice([0.0, 3e-4, 0.01, 0.2]))
    options["seed"] = seed
    steps = min(options.get("max_tokens", config.get("max_new_tokens")) or 9, 6)
    if pick.random() < 0.3:  # up to the last token, where forced_eos_token_id acts
        steps = options.get("max_tokens", config.get("max_new_tokens", 6))
    logits = [random_logits(rng, vocab) for _ in range(steps)]
    if "max_new_tokens" not in config and "max_tokens" not in options:
        config["max_new_tokens"] = 9
    config = {name: value for name, value in config.items() if value is not None}
    if config.get("suppress_tokens") == []:
        del config["suppress_tokens"]
    return dict(config=config, options=options, vocab=vocab, prompt=prompt), logits


def scaled(generation_config, factor):
    """The same, every threshold of a filter moved by a factor."""
    out = copy.copy(generation_config)
    for name in ("top_p", "min_p", "typical_p", "top_h", "epsilon_cutoff", "eta_cutoff"):
        value = getattr(out, name)
        if value is not None and 0 < value < 1:
            setattr(out, name, min(1 - 1e-9, value * factor))
    return out


def at_border(model, generation_config, options, prompt, history, logits, ours, reference):
    """True where the two disagree only because of rounding: moving each threshold by two millionths either way, in
    fp64, covers the difference."""
    masks = []
    for factor in (1 - 2e-6, 1 + 2e-6):
        processors = reference_processors(model, scaled(generation_config, factor), options, prompt)
        scores = processors(torch.tensor([history]), torch.tensor(logits[None]).double())
        masks.append(torch.isneginf(scores[0]).numpy())
    sure_kept, sure_gone = ~masks[0] & ~masks[1], masks[0] & masks[1]
    return not (np.isneginf(ours)[sure_kept].any() or (~np.isneginf(ours))[sure_gone].any())


def is_tie(ours, reference):
    """True where as many tokens of each value are kept, only others: the reference's sort is unstable."""
    kept = lambda scores: np.sort(scores[~np.isneginf(scores)])
    return kept(ours).shape == kept(reference).shape and np.allclose(kept(ours), kept(reference), rtol=EPS, atol=EPS)


def test_processed_logits_and_tokens(driver, model):
    seen = dict(steps=0, exact=0, ties=0, borders=0, greedy=0, errors=0)
    used = {}
    for seed in range(CASES):
        request, logits = random_case(seed)
        config, options, prompt = request["config"], request["options"], request["prompt"]
        answer = driver.ask(dict(request, logits=[to_hex(x) for x in logits]))
        assert "processed" in answer, (seed, request, answer)
        generation_config = reference_config(model, config, options, prompt)
        processors = reference_processors(model, generation_config, options, prompt)
        for processor in processors:
            used[type(processor).__name__] = used.get(type(processor).__name__, 0) + 1
        history = list(prompt)
        for step, scores in enumerate(logits):
            reference = processors(torch.tensor([history]), torch.tensor(scores[None]))[0].numpy()
            if step == len(answer["processed"]):  # lmm refused this step: the reference could not draw from it either
                left = "no token is left" in answer["message"] and np.isneginf(reference).all()
                infinite = "is infinite" in answer["message"] and (reference == np.inf).any()
                assert left or infinite, (seed, step, answer["message"])
                seen["errors"] += 1
                break
            ours = from_hex(answer["processed"][step])
            what = (seed, step, request)
            seen["steps"] += 1
            if not np.array_equal(np.isneginf(ours), np.isneginf(reference)):
                if is_tie(ours, reference):
                    seen["ties"] += 1
                else:
                    assert at_border(model, generation_config, options, prompt, history, scores, ours, reference), what
                    seen["borders"] += 1
            both = ~np.isneginf(ours) & ~np.isneginf(reference)
            with np.errstate(invalid="ignore"):  # inf - inf
                difference = np.abs(ours[both] - reference[both]) / np.maximum(1, np.abs(reference[both]))
            difference[ours[both] == reference[both]] = 0
            assert difference.max(initial=0) <= EPS, (what, difference.max())
            seen["exact"] += np.array_equal(ours[both], reference[both])
            token = answer["tokens"][step]
            if generation_config.do_sample:
                assert not np.isneginf(ours[token]), what
            else:
                seen["greedy"] += 1
                assert token == int(torch.argmax(torch.tensor(reference))), what
            history.append(token)
    print(seen, used)
    assert len(used) == 24, used  # every processor of the reference that lmm implements, lmm's own included
    assert min(used.values()) >= 10, used
    assert seen["steps"] >= 3000 and seen["greedy"] >= 500
    assert seen["borders"] <= seen["steps"] // 200
    assert seen["errors"] <= CASES // 50


def draw_cases():
    rng = np.random.default_rng(5)
    logits = rng.normal(size=40).astype(np.float32) * 2
    return [
        (dict(temperature=1.0, top_k=0), logits),
        (dict(temperature=0.6, top_k=12), logits),
        (dict(temperature=1.4, top_k=0, top_p=0.8), logits),
        (dict(temperature=1.0, top_k=0, min_p=0.1), logits),
        (dict(temperature=1.0, top_k=0, typical_p=0.7), logits),
        (dict(temperature=1.0), np.zeros(30, np.float32)),
        (dict(temperature=0.8, repetition_penalty=1.5, logit_bias=[[3, 2.0]]), logits),
    ]


@pytest.mark.parametrize("by", ["seed", "step"])
@pytest.mark.parametrize("case", range(len(draw_cases())))
def test_draws_follow_the_probabilities(driver, model, case, by):
    """Chi-square of 20,000 draws with fixed seeds, which therefore cannot pass today and fail tomorrow."""
    options, logits = draw_cases()[case]
    prompt, draws = [3, 5, 5, 39 % len(logits)], 20000
    if by == "step" and "repetition_penalty" in options:
        pytest.skip("the distribution changes with each new token")
    config = {"max_new_tokens": draws}
    answer = driver.ask(
        dict(
            config=config,
            options=dict(options, seed=11),
            vocab=len(logits),
            prompt=prompt,
            draws=draws,
            by=by,
            logits=[to_hex(logits)],
        )
    )
    generation_config = reference_config(model, config, options, prompt)
    scores = reference_processors(model, generation_config, options, prompt)(
        torch.tensor([prompt]), torch.tensor(logits[None])
    )
    expected = torch.softmax(scores[0].double(), -1).numpy() * draws
    counts = np.array(answer["counts"])
    assert counts.sum() == draws and (counts[expected == 0] == 0).all()
    rare = expected < 5  # pooled into one cell
    cells = [*zip(counts[~rare], expected[~rare])] + (
        [(counts[rare].sum(), expected[rare].sum())] if expected[rare].sum() > 0 else []
    )
    chi2 = sum((observed - mean) ** 2 / mean for observed, mean in cells)
    freedom = len(cells) - 1
    limit = freedom * (1 - 2 / (9 * freedom) + 3.09 * (2 / (9 * freedom)) ** 0.5) ** 3  # 0.1 %, Wilson and Hilferty
    assert chi2 < limit, (chi2, limit, cells)


def test_greedy_text_equals_generate(driver):
    """The whole of generate(): a model whose logits are written down beforehand, greedy, with penalties."""

    class Scripted(LlamaForCausalLM):
        def forward(self, input_ids=None, **kwargs):
            kwargs = {k: v for k, v in kwargs.items() if k in ("attention_mask", "past_key_values", "use_cache")}
            out = super().forward(input_ids=input_ids, **kwargs)
            out.logits = torch.tensor(self.script[self.at])[None, None]
            self.at += 1
            return out

    vocab = 300
    model = Scripted(
        LlamaConfig(
            vocab_size=vocab,
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            num_key_value_heads=1,
            bos_token_id=1,
            eos_token_id=2,
        )
    ).eval()
    for seed in range(40):
        rng = np.random.default_rng(1000 + seed)
        script = np.round(rng.normal(size=(12, vocab)) * 4, 1).astype(np.float32)
        script[int(rng.integers(12)), 2] = 99  # the end token wins somewhere
        prompt = rng.integers(3, vocab, int(rng.integers(2, 20))).tolist()
        config = {
            "eos_token_id": [2, 7],
            "bos_token_id": 1,
            "max_new_tokens": int(rng.integers(6, 12)),
            "repetition_penalty": 1.2,
            "no_repeat_ngram_size": 2,
            "min_new_tokens": int(rng.integers(0, 6)),
            "suppress_tokens": [9, 10],
        }
        model.generation_config = GenerationConfig.from_dict(config)
        model.script, model.at = script, 0
        with torch.no_grad():
            reference = model.generate(torch.tensor([prompt]))[0, len(prompt) :].tolist()
        answer = driver.ask(dict(config=config, vocab=vocab, prompt=prompt, logits=[to_hex(x) for x in script]))
        ours = answer["tokens"][: config["max_new_tokens"]]
        end = next((i for i, token in enumerate(ours) if token in (2, 7)), len(ours) - 1)
        assert ours[: end + 1] == reference, (seed, config)


@pytest.mark.parametrize(
    "config",
    [
        dict(do_sample=True, temperature=0.0),
        dict(do_sample=True, temperature=-1.0),
        dict(do_sample=True, top_p=-0.1),
        dict(do_sample=True, top_k=-5),
        dict(do_sample=True, min_p=1.5),
        dict(do_sample=True, top_h=0.0),
        dict(do_sample=True, top_h=1.5),
        dict(do_sample=True, typical_p=0.0),
        dict(repetition_penalty=0.0),
        dict(repetition_penalty=-2.0),
        dict(bad_words_ids=[]),
        dict(bad_words_ids=[[-1]]),
        dict(bad_words_ids=[[300]]),
        dict(sequence_bias=[[[300], 1.0]]),
        dict(sequence_bias=[]),
        dict(suppress_tokens=[4, 5], forced_eos_token_id=5),
        dict(max_new_tokens=0),
        dict(max_length=3),
        dict(exponential_decay_length_penalty=[1, 1.5]),
        dict(forced_bos_token_id=300),
        dict(streamer="x"),
    ],
)
def test_what_the_reference_refuses_is_refused(driver, model, config):
    prompt = [5] if "forced_bos_token_id" in config else [5, 6, 7, 8]
    logits = np.linspace(0, 1, 300, dtype=np.float32)
    with pytest.raises(Exception):
        generation_config = reference_config(model, config, {}, prompt)
        model._validate_generated_length(generation_config, len(prompt), config.get("max_length") is None)
        reference_processors(model, generation_config, {}, prompt)(torch.tensor([prompt]), torch.tensor(logits[None]))
    answer = driver.ask(dict(config=config, vocab=300, prompt=prompt, logits=[to_hex(logits)]))
    named = [name for name in config if name != "do_sample"]
    assert "error" in answer and any(name in answer["message"] for name in named), answer


@pytest.mark.parametrize(
    "config",
    [
        # Out of range, but never used: the reference goes on, and so does lmm.
        dict(temperature=0.0, top_p=0.0),
        dict(top_k=-5, min_p=7.0),
        dict(do_sample=True, top_p=1.7),
        dict(do_sample=True, epsilon_cutoff=3.0),
        dict(no_repeat_ngram_size=-1),
        dict(do_sample=True, typical_p=2.0),
        dict(eos_token_id=-1, min_new_tokens=3),
        dict(eos_token_id=100000, min_new_tokens=3),
        dict(suppress_tokens=[-1, 299, 100000]),
        dict(max_length=5, max_new_tokens=9),
        dict(min_new_tokens=20, max_new_tokens=5, eos_token_id=3),
        dict(length_penalty=2.0, early_stopping=True, use_cache=False),
        dict(bad_words_ids=[[], [3]]),
        dict(bad_words_ids=[[2]], eos_token_id=2),
        dict(unheard_of=3, assistant_lookbehind=4, num_assistant_tokens=7),
    ],
)
def test_what_the_reference_lets_pass_passes(driver, model, config):
    prompt, logits = [5, 6, 7], np.sin(np.arange(300, dtype=np.float32))
    generation_config = reference_config(model, config, {}, prompt)
    reference = reference_processors(model, generation_config, {}, prompt)(
        torch.tensor([prompt]), torch.tensor(logits[None])
    )[0].numpy()
    answer = driver.ask(dict(config=config, vocab=300, prompt=prompt, logits=[to_hex(logits)]))
    assert "error" not in answer, answer
    np.testing.assert_array_equal(from_hex(answer["processed"][0]), reference)


MODEL_CONFIGS = {
    "flat": dict(model_type="llama", bos_token_id=1, eos_token_id=[2, 3], do_sample=True, temperature=0.3, top_k=7),
    "nested": dict(
        model_type="idefics3",
        pad_token_id=4,
        top_p=0.9,
        text_config=dict(
            model_type="llama",
            eos_token_id=9,
            top_p=0.5,
            top_k=3,
            do_sample=True,
            repetition_penalty=1.3,
            max_length=20,
            suppress_tokens=None,
            no_repeat_ngram_size=0,
        ),
    ),
    "empty text model": dict(eos_token_id=2, text_config={}),
    "decoder first": dict(decoder=dict(eos_token_id=5), text_config=dict(eos_token_id=6)),
}


@pytest.mark.parametrize("name", MODEL_CONFIGS)
def test_fallback_to_the_model_config(driver, name):
    config = MODEL_CONFIGS[name]
    reference = GenerationConfig.from_model_config(json.loads(json.dumps(config)))
    settings = driver.ask(
        dict(config=config, from_model_config=True, vocab=50, prompt=[1], resolve=True, options=dict(max_tokens=8))
    )["settings"]
    eos = reference.eos_token_id
    assert settings["eos"] == ([] if eos is None else eos if isinstance(eos, list) else [eos])
    assert settings["sample"] == bool(reference.do_sample)
    assert settings["repetition_penalty"] == (reference.repetition_penalty or 1)
    if settings["sample"]:
        assert settings["temperature"] == (1 if reference.temperature is None else reference.temperature)
        assert settings["top_k"] == (50 if reference.top_k is None else reference.top_k)
        assert settings["top_p"] == (1 if reference.top_p is None else reference.top_p)
