from transformers import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig, Qwen2_5_VLVisionConfig

from config_fields import qwen2_vl
from config_fields.kinds import Used, rope_parameters

FAMILY = qwen2_vl.family(
    "qwen2_5_vl", "qwen2.5-vl-new", Qwen2_5_VLConfig, Qwen2_5_VLVisionConfig, Qwen2_5_VLTextConfig,
    qwen2_vl.TOWER | {"intermediate_size": Used(), "out_hidden_size": Used(), "window_size": Used(refused=[27]),
                      "fullatt_block_indexes": Used(), "tokens_per_second": Used(refused=[-1])},
    {name: kind for name, kind in qwen2_vl.TEXT.items() if name != "tie_word_embeddings"}, qwen2_vl.TEXT_MORE,
    rope_parameters(mrope_section=qwen2_vl.MROPE))
