from transformers import Qwen3Config

import text_checkpoints
from config_fields import qwen2
from config_fields.kinds import OLD, OLD_ROPE, Family, Table, Used

FAMILY = Family(
    checkpoint=lambda: text_checkpoints.tiny("qwen3"),
    modeling="qwen3.modeling_qwen3",
    tables={"": Table(Qwen3Config, qwen2.DECODER | qwen2.WINDOWS | {"head_dim": Used(), "attention_bias": Used()}, OLD | OLD_ROPE),
            "rope_parameters": qwen2.ROPE},
)
