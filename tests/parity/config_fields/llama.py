from transformers import LlamaConfig

import checkpoints
from config_fields.kinds import BASE, CACHE, GENERATION, OLD, OLD_ROPE, PADDING, TRAINING, Family, Irrelevant, Table, Used, rope_parameters

FIELDS = BASE | {
    "vocab_size": Used(),
    "hidden_size": Used(),
    "intermediate_size": Used(),
    "num_hidden_layers": Used(),
    "num_attention_heads": Used(),
    "num_key_value_heads": Used(),
    "head_dim": Used(),
    "hidden_act": Used(refused=["quick_gelu", "something"]),
    "max_position_embeddings": Used(),
    "initializer_range": TRAINING,
    "rms_norm_eps": Used(),
    "use_cache": CACHE,
    "pad_token_id": PADDING,
    "bos_token_id": GENERATION,
    "eos_token_id": GENERATION,
    "pretraining_tp": Irrelevant("splits the same products in pieces; transformers 5 does not read it"),
    "tie_word_embeddings": Used(),
    "rope_parameters": Used(),
    "attention_bias": Used(),
    "attention_dropout": TRAINING,
    "mlp_bias": Used(),
}

FAMILY = Family(
    checkpoint=lambda: checkpoints.tiny("llama-new"),
    modeling="llama.modeling_llama",
    tables={"": Table(LlamaConfig, FIELDS, OLD | OLD_ROPE), "rope_parameters": Table(None, rope_parameters())},
)
