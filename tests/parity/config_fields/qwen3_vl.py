from transformers import Qwen3VLConfig
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLTextConfig, Qwen3VLVisionConfig

from config_fields import qwen2, qwen2_vl
from config_fields.kinds import Irrelevant, Used, rope_parameters

WINDOWS = ("use_sliding_window", "sliding_window")
NESTED = Irrelevant("the whole model's counts")
ROPE = rope_parameters(mrope_section=Used(refused=[[5, 4], [5, 4, -1]]), mrope_interleaved=Used(refused=[False]))
TOWER = qwen2_vl.TOWER | {"intermediate_size": Used(), "out_hidden_size": Used(), "num_position_embeddings": Used(),
                          "deepstack_visual_indexes": Used()}
TEXT = {name: kind for name, kind in qwen2.DECODER.items() if name not in (*WINDOWS, "bos_token_id", "eos_token_id")}
TEXT |= {"head_dim": Used(), "attention_bias": Used()}
MORE = {name: kind for name, kind in qwen2_vl.TEXT_MORE.items() if name not in ("head_dim", "tie_word_embeddings")}
MORE |= {name: Irrelevant("this family's attention has no windows") for name in ("layer_types", *WINDOWS)}

FAMILY = qwen2_vl.family(
    "qwen3_vl", "qwen3-vl-new", Qwen3VLConfig, Qwen3VLVisionConfig, Qwen3VLTextConfig, TOWER,
    {name: kind for name, kind in TEXT.items() if name != "tie_word_embeddings"}, MORE | {"tie_word_embeddings": NESTED}, ROPE)
