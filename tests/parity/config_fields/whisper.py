from transformers import WhisperConfig

import whisper_checkpoints
from config_fields.kinds import BASE, CACHE, GENERATION, OLD, PADDING, TRAINING, Family, Irrelevant, Table, Used

CLASSIFIER = Irrelevant("of WhisperForAudioClassification")
MASKS = Irrelevant("SpecAugment, in training")

FIELDS = BASE | {
    "vocab_size": Used(),
    "num_mel_bins": Used(),
    "encoder_layers": Used(),
    "encoder_attention_heads": Used(),
    "decoder_layers": Used(),
    "decoder_attention_heads": Used(),
    "decoder_ffn_dim": Used(),
    "encoder_ffn_dim": Used(),
    "encoder_layerdrop": TRAINING,
    "decoder_layerdrop": TRAINING,
    "decoder_start_token_id": GENERATION,
    "use_cache": CACHE,
    "activation_function": Used(refused=["something"]),
    "d_model": Used(),
    "dropout": TRAINING,
    "attention_dropout": TRAINING,
    "activation_dropout": TRAINING,
    "init_std": TRAINING,
    "scale_embedding": Irrelevant("computed from, but used by no layer of modeling_whisper.py"),
    "max_source_positions": Used(),
    "max_target_positions": Used(),
    "pad_token_id": PADDING,
    "bos_token_id": Irrelevant("a transcript begins with decoder_start_token_id"),
    "eos_token_id": GENERATION,
    "suppress_tokens": GENERATION,
    "begin_suppress_tokens": GENERATION,
    "use_weighted_layer_sum": CLASSIFIER,
    "classifier_proj_size": CLASSIFIER,
    "apply_spec_augment": MASKS,
    "mask_time_prob": MASKS,
    "mask_time_length": MASKS,
    "mask_time_min_masks": MASKS,
    "mask_feature_prob": MASKS,
    "mask_feature_length": MASKS,
    "mask_feature_min_masks": MASKS,
    "median_filter_width": Used(refused=[4]),
    "tie_word_embeddings": Used(),
}
OLDER = {
    "forced_decoder_ids": GENERATION,
    "max_length": GENERATION,
    "num_hidden_layers": Used(),  # encoder_layers, encoder_attention_heads and d_model by the names that all configs share
    "num_attention_heads": Used(),
    "num_key_value_heads": Used(),
    "hidden_size": Used(),
    "num_labels": CLASSIFIER,
    "n_positions": Irrelevant("no field: a docstring of modeling_whisper.py speaks of it"),
}

FAMILY = Family(
    checkpoint=lambda: whisper_checkpoints.tiny("plain"),
    modeling="whisper.modeling_whisper",
    tables={"": Table(WhisperConfig, FIELDS, OLD | OLDER)},
)
