from transformers import Qwen2Config

import text_checkpoints
from config_fields.kinds import BASE, CACHE, GENERATION, OLD, OLD_ROPE, PADDING, TRAINING, Family, Table, Used, rope_parameters

DECODER = BASE | {
    "vocab_size": Used(),
    "hidden_size": Used(),
    "intermediate_size": Used(),
    "num_hidden_layers": Used(),
    "num_attention_heads": Used(),
    "num_key_value_heads": Used(),
    "hidden_act": Used(refused=["quick_gelu", "something"]),
    "max_position_embeddings": Used(),
    "initializer_range": TRAINING,
    "rms_norm_eps": Used(),
    "use_cache": CACHE,
    "tie_word_embeddings": Used(),
    "rope_parameters": Used(),
    "use_sliding_window": Used(),
    "sliding_window": Used(beside={"use_sliding_window": True}),
    "attention_dropout": TRAINING,
    "pad_token_id": PADDING,
    "bos_token_id": GENERATION,
    "eos_token_id": GENERATION,
}
WINDOWS = {
    "max_window_layers": Used(),
    "layer_types": Used(refused=[["chunked_attention"] * 3]),
}
ROPE = Table(None, rope_parameters(mrope_section=Used(refused=[[4, 2, 2]], named="mrope_section")))

FAMILY = Family(
    checkpoint=lambda: text_checkpoints.tiny("qwen2"),
    modeling="qwen2.modeling_qwen2",
    tables={"": Table(Qwen2Config, DECODER | WINDOWS, OLD | OLD_ROPE | {"head_dim": Used()}), "rope_parameters": ROPE},
)
