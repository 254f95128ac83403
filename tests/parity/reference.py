"""What transformers makes of a checkpoint folder, a prompt and pictures: rendered text, ids, pixels, every named
intermediate that `lmm trace` writes, logits and greedy tokens. Pictures of Idefics3 go through Pillow.
"""
import collections
import contextlib
import os

import pytest
import torch
import transformers
from PIL import Image
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer
from transformers.image_utils import load_image

from torchvision_here import require

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

SEES = ("idefics3", "smolvlm")


def load_processor(folder):
    """The checkpoint's processor: Idefics3's as it is without torchvision, SmolVLM's as it always is."""
    if AutoConfig.from_pretrained(folder).model_type == "idefics3":
        return AutoProcessor.from_pretrained(folder, backend="pil")
    require()
    pytest.importorskip("num2words")
    return AutoProcessor.from_pretrained(folder)


class Reference:
    """A checkpoint in one dtype. Attention is the plain formula ("eager") in fp32, what transformers takes by default
    ("sdpa") otherwise."""

    def __init__(self, folder, dtype=torch.float32, attention=None):
        self.folder = folder
        self.config = AutoConfig.from_pretrained(folder)
        self.sees = self.config.model_type in SEES
        factory = AutoModelForImageTextToText if self.sees else AutoModelForCausalLM
        attention = attention or ("eager" if dtype == torch.float32 else "sdpa")
        self.model = factory.from_pretrained(folder, dtype=dtype, attn_implementation=attention).eval()
        # Threads that wait for each other cost more than a tiny model's arithmetic.
        torch.set_num_threads(1 if self.model.num_parameters() < 10_000_000 else len(os.sched_getaffinity(0)))
        self.processor = load_processor(folder) if self.sees else None
        self.tokenizer = self.processor.tokenizer if self.sees else AutoTokenizer.from_pretrained(folder)
        end = self.model.generation_config.eos_token_id
        self.end = set(end if isinstance(end, list) else [end])

    def message(self, prompt, pictures=0):
        if not self.sees:
            return {"role": "user", "content": prompt}
        return {"role": "user", "content": [{"type": "image"}] * pictures + [{"type": "text", "text": prompt}]}

    def render(self, messages):
        """The prompt's text, one placeholder a picture."""
        renderer = self.processor if self.sees else self.tokenizer
        return renderer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)

    def inputs(self, text, pictures=()):
        """Tensors of a rendered text; pictures are files."""
        if not self.sees:
            return dict(input_ids=torch.tensor([self.tokenizer(text)["input_ids"]]))
        images = [load_image(Image.open(path)) for path in pictures] or None
        made = self.processor(text=text, images=images, return_tensors="pt")
        wanted = ("input_ids", "pixel_values", "pixel_attention_mask")
        return {name: made[name] for name in wanted if name in made}

    def ask(self, prompt, pictures=()):
        return self.inputs(self.render([self.message(prompt, len(pictures))]), pictures)

    @torch.no_grad()
    def logits(self, inputs, new_tokens=()):
        """(new + 1, vocabulary): what follows the prompt, and each of the tokens appended to it."""
        out = self.model(**inputs, use_cache=True, logits_to_keep=1)
        if not new_tokens:
            return out.logits[0].float()
        # In a pass of their own: a new token that spells a picture's placeholder is but a token, as in generate().
        more = self.model(input_ids=torch.tensor([list(new_tokens)]), past_key_values=out.past_key_values, use_cache=True)
        return torch.cat([out.logits[0], more.logits[0]]).float()

    @torch.no_grad()
    def greedy(self, inputs, max_new_tokens):
        out = self.model.generate(**inputs, attention_mask=torch.ones_like(inputs["input_ids"]), do_sample=False,
                                  max_new_tokens=max_new_tokens)
        return out[0, inputs["input_ids"].shape[1]:].tolist()

    def decode(self, ids):
        return self.tokenizer.decode(ids, skip_special_tokens=True)

    @torch.no_grad()
    def trace(self, inputs):
        """Named intermediates of the prompt as fp32 tensors, named as `lmm trace` does."""
        with taps(self.model) as seen:
            if "pixel_values" in inputs:
                pixels = inputs["pixel_values"][0]
                seen["pixel_values"] = pixels.to(self.model.dtype)
            rest = {name: value for name, value in inputs.items() if name != "input_ids"}
            out = self.model(input_ids=inputs["input_ids"], **rest, use_cache=False)
        seen["logits"] = out.logits[0, -1]
        seen["text.norm"] = seen["text.norm"][:, -1]
        return {name: tensor.float() for name, tensor in seen.items()}


def first(output):
    return output[0] if isinstance(output, tuple) else output


@contextlib.contextmanager
def taps(model):
    """Hooks that note what every layer gives, by the names of `lmm trace`."""
    seen, hooks = collections.OrderedDict(), []

    def tap(module, name):
        hooks.append(module.register_forward_hook(lambda _, __, output: seen.__setitem__(name, first(output).detach().clone())))

    sees = hasattr(model.model, "vision_model")
    text = model.model.text_model if sees else model.model
    if sees:
        tower = model.model.vision_model
        tap(tower.embeddings, "vision.embeddings")
        for i, layer in enumerate(tower.encoder.layers):
            tap(layer.self_attn, f"vision.layer.{i}.attn_out")
            tap(layer.mlp, f"vision.layer.{i}.mlp_out")
            tap(layer, f"vision.layer.{i}")
        tap(tower.post_layernorm, "vision.post_norm")
        tap(model.model.connector, "connector")
    hooks.append(text.layers[0].register_forward_pre_hook(
        lambda _, args, kwargs: seen.__setitem__("embeds", (args[0] if args else kwargs["hidden_states"]).detach().clone()),
        with_kwargs=True))
    for i, layer in enumerate(text.layers):
        tap(layer.self_attn, f"text.layer.{i}.attn_out")
        tap(layer.mlp, f"text.layer.{i}.mlp_out")
        tap(layer, f"text.layer.{i}")
    tap(text.norm, "text.norm")
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()
