"""A training file -> a Hugging Face idefics3 folder, half precision, that transformers and lmm load unchanged.

    python export.py run/ask.pt model

The label heads, which only training needs, go beside it as model-label-heads.safetensors.
"""
import json
import os
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import GenerationConfig, Idefics3Config, Idefics3ForConditionalGeneration, PreTrainedTokenizerFast
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor

from model import picture_tokens
from tokenizer import CHAT_TEMPLATE, PocketTokenizer


def export(source, folder):
  saved = torch.load(source, map_location="cpu", weights_only=True)
  c, tokenizer = saved["sizes"], PocketTokenizer(Tokenizer.from_str(saved["tokenizer"]), picture_tokens(saved["sizes"]))
  ids = dict(bos_token_id=tokenizer.start, eos_token_id=tokenizer.end, pad_token_id=tokenizer.pad)
  vision = dict(hidden_size=c["v_dim"], intermediate_size=c["v_mlp"], num_hidden_layers=c["v_layers"], num_attention_heads=c["v_heads"],
                image_size=c["image"], patch_size=c["patch"], hidden_act="gelu_pytorch_tanh")
  text = dict(model_type="llama", vocab_size=c["vocab"], hidden_size=c["t_dim"], intermediate_size=c["t_mlp"], num_hidden_layers=c["t_layers"],
              num_attention_heads=c["t_heads"], num_key_value_heads=c["t_kv"], head_dim=c["t_dim"] // c["t_heads"], rms_norm_eps=1e-5,
              rope_theta=c["theta"], max_position_embeddings=512, tie_word_embeddings=True, hidden_act="silu", **ids)
  config = Idefics3Config(vision_config=vision, text_config=text, scale_factor=c["scale"], image_token_id=tokenizer.image, tie_word_embeddings=True, **ids)
  model = Idefics3ForConditionalGeneration(config)
  weights = {k: v for k, v in saved["model"].items() if not k.startswith("label_heads.")}
  missing, extra = model.load_state_dict(weights, strict=False)
  if extra or not set(missing) <= {"lm_head.weight"}: raise ValueError(f"{source}: missing {missing}, not expected {extra}")
  model.tie_weights()
  model.generation_config = GenerationConfig(max_new_tokens=40, do_sample=False, **ids)
  model.half().save_pretrained(folder)
  save_file({k: v.half().contiguous() for k, v in saved["model"].items() if k.startswith("label_heads.")}, folder.rstrip("/") + "-label-heads.safetensors")
  fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer.inner, unk_token="<unk>", pad_token="<pad>", bos_token="<|im_start|>", eos_token="<end_of_utterance>",
                                 padding_side="left", model_max_length=512, clean_up_tokenization_spaces=False,
                                 additional_special_tokens=["<fake_token_around_image>", "<global-img>", "<image>"], chat_template=CHAT_TEMPLATE)
  edge = dict(longest_edge=c["image"])
  pictures = Idefics3ImageProcessorPil(size=edge, max_image_size=edge, do_image_splitting=False, image_mean=[.5] * 3, image_std=[.5] * 3, do_pad=True)
  Idefics3Processor(pictures, fast, image_seq_len=picture_tokens(c), chat_template=CHAT_TEMPLATE).save_pretrained(folder)
  older = dict(image_processor_type="Idefics3ImageProcessor", processor_class="Idefics3Processor", do_convert_rgb=True, do_resize=True, size=edge,
               max_image_size=edge, do_image_splitting=False, do_rescale=True, rescale_factor=1 / 255, do_normalize=True, image_mean=[.5] * 3,
               image_std=[.5] * 3, do_pad=True, resample=1)
  with open(os.path.join(folder, "preprocessor_config.json"), "w") as out: json.dump(older, out, indent=2)      # older versions read this file
  print({f: os.path.getsize(os.path.join(folder, f)) for f in sorted(os.listdir(folder))})


if __name__ == "__main__": export(sys.argv[1], sys.argv[2])
