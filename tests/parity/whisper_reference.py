"""What transformers' generate() hears, with the settings that lmm has by default, and what whisper_driver does."""
import json
import os

import numpy as np
import torch
import transformers
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer
from transformers.models.whisper import tokenization_whisper

from conftest import BUILD
from line_driver import LineDriver

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

RATE = 16000
NEVER = 1e9  # a threshold that nothing crosses


class Driver(LineDriver):
    """bin/whisper_driver with one checkpoint."""

    def __init__(self, folder, dtype="fp32", threads=1, weights="full"):
        super().__init__(BUILD / "bin" / "whisper_driver", folder, dtype, threads, weights)

    def ask(self, request):
        return json.loads(self.line(json.dumps(request)))


def synthetic(seconds, seed):
    """Tones that come and go over noise: something to hear for random weights."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    out = 0.02 * rng.standard_normal(len(time))
    for _ in range(max(int(4 * seconds), 2)):
        begin, length = rng.uniform(0, seconds), rng.uniform(0.05, 0.4)
        pitch = rng.uniform(100, 4000)
        out += (np.abs(time - begin) < length) * rng.uniform(0.05, 0.4) * np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6))
    return np.clip(out, -1, 1).astype(np.float32)


class Reference:
    def __init__(self, folder, dtype=torch.float32, attention=None):
        self.folder = folder
        more = {"attn_implementation": attention} if attention else {}
        self.model = WhisperForConditionalGeneration.from_pretrained(folder, dtype=dtype, **more).eval()
        torch.set_num_threads(1 if self.model.num_parameters() < 10_000_000 else len(os.sched_getaffinity(0)))
        self.tokenizer = WhisperTokenizer.from_pretrained(folder)
        self.extractor = WhisperFeatureExtractor.from_pretrained(folder)

    def features(self, samples):
        """As transformers' own pipeline does: padded to a window, or whole where longer."""
        longer = len(samples) > self.extractor.n_samples
        return self.extractor(samples, sampling_rate=RATE, return_attention_mask=True, return_tensors="pt",
                              **({"truncation": False, "padding": "longest"} if longer else {}))

    def request(self, samples, path):
        """For the driver."""
        made = self.features(samples)
        values = made["input_features"][0].numpy()
        values.astype(np.float32).tofile(path)
        return dict(features=str(path), bins=values.shape[0], frames=values.shape[1], sound_frames=int(made["attention_mask"].sum()))

    @torch.no_grad()
    def transcribe(self, samples, language=None, translate=False, times="segments", prompt="", condition=False, beams=1,
                   temperatures=(0.0,), compression=1.35, log_probability=-1.0, no_speech=0.6, max_tokens=None, words_in=None):
        """Segments as the driver gives them. `words_in`: the language by whose rules words are told apart."""
        made = self.features(samples)
        one_window = made["input_features"].shape[-1] <= self.extractor.nb_max_frames
        more = {}
        multilingual = self.model.generation_config.is_multilingual
        forced = getattr(self.model.generation_config, "forced_decoder_ids", None)
        if multilingual and (translate or language or not forced):
            more["task"] = "translate" if translate else "transcribe"
        if language and multilingual:
            more["language"] = language
        if prompt:
            more["prompt_ids"] = self.tokenizer.get_prompt_ids(prompt, return_tensors="pt")
        if max_tokens:
            more["max_new_tokens"] = max_tokens
        out = self.model.generate(
            made["input_features"].to(self.model.dtype), attention_mask=made["attention_mask"], num_beams=beams,
            return_timestamps=not (times == "none" and one_window), return_segments=True,
            return_token_timestamps=True if times == "words" else None, condition_on_prev_tokens=condition,
            temperature=tuple(temperatures), compression_ratio_threshold=compression, logprob_threshold=log_probability,
            no_speech_threshold=no_speech, **more)
        return [self.segment(one, times == "words", words_in or language) for one in out["segments"][0]]

    def segment(self, one, words, language):
        tokens = one["tokens"].tolist()
        out = {"begin": float(one["start"]), "end": float(one["end"]), "tokens": tokens,
               "text": self.tokenizer.decode(tokens, skip_special_tokens=True)}
        if words:
            out["words"] = self.words(tokens, one["token_timestamps"].tolist(), language)
        return out

    def words(self, tokens, times, language):
        """_decode_asr's words of one segment. It never learns the language from generate()'s segments, so it is told."""
        begin = self.model.generation_config.no_timestamps_token_id + 1
        special = set(self.tokenizer.all_special_ids)
        kept = [i for i, token in enumerate(tokens) if token < begin and token not in special]
        spans = [(round(times[i - 1], 2) if i else 0.0, round(times[i], 2)) for i in kept]
        name = tokenization_whisper.LANGUAGES.get(language, language)
        made = tokenization_whisper._collate_word_timestamps(self.tokenizer, [tokens[i] for i in kept], spans, name, False)
        return [[word["text"], *word["timestamp"]] for word in made]

    @torch.no_grad()
    def language(self, samples):
        """The code of the language that is heard."""
        features = self.features(samples)["input_features"].to(self.model.dtype)
        token = self.model.detect_language(features, num_segment_frames=self.extractor.nb_max_frames)
        return self.tokenizer.decode(token).removeprefix("<|").removesuffix("|>")

    @torch.no_grad()
    def trace(self, samples, ids):
        """Named intermediates of the first window and a prompt."""
        seen, hooks = {}, []

        def tap(module, name, change=lambda x: x):
            def hook(_, __, output):
                seen[name] = change((output[0] if isinstance(output, tuple) else output).detach().clone())
            hooks.append(module.register_forward_hook(hook))

        gelu = torch.nn.functional.gelu
        encoder, decoder = self.model.model.encoder, self.model.model.decoder
        tap(encoder.conv1, "audio.conv1", gelu)
        tap(encoder.conv2, "audio.conv2", gelu)
        hooks.append(encoder.layers[0].register_forward_pre_hook(
            lambda _, args: seen.__setitem__("audio.embeddings", args[0].detach().clone())))
        for i, layer in enumerate(encoder.layers):
            tap(layer.self_attn, f"audio.layer.{i}.attn_out")
            tap(layer.fc2, f"audio.layer.{i}.mlp_out")
            tap(layer, f"audio.layer.{i}")
        tap(encoder.layer_norm, "audio.norm")
        for i, layer in enumerate(decoder.layers):
            tap(layer.self_attn, f"text.layer.{i}.self_attn_out")
            tap(layer.encoder_attn, f"text.layer.{i}.cross_attn_out")
            tap(layer.fc2, f"text.layer.{i}.mlp_out")
            tap(layer, f"text.layer.{i}")
        tap(decoder.layer_norm, "text.norm")
        features = self.features(samples)["input_features"][..., :self.extractor.nb_max_frames].to(self.model.dtype)
        try:
            out = self.model(features, decoder_input_ids=torch.tensor([ids]))
        finally:
            for hook in hooks:
                hook.remove()
        seen["input_features"] = features
        seen["logits"] = out.logits[0, -1]
        return {name: tensor.float().numpy() for name, tensor in seen.items()}


def read_taps(path):
    """The driver's taps, in their order: (name, values)."""
    out = []
    with open(path, "rb") as file:
        while line := file.readline():
            head = json.loads(line)
            values = np.frombuffer(file.read(4 * int(np.prod(head["shape"]))), np.float32)
            out.append((head["name"], values.reshape(head["shape"])))
    return out
