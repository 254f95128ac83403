from transformers import Qwen3VLMoeConfig
from transformers.models.qwen3_vl_moe.configuration_qwen3_vl_moe import Qwen3VLMoeTextConfig, Qwen3VLMoeVisionConfig

from config_fields import qwen2_vl, qwen3_moe, qwen3_vl
from config_fields.kinds import GENERATION, Irrelevant, Used

MIXTURE = {name: kind for name, kind in qwen3_moe.MIXTURE.items() if name != "norm_topk_prob"}

FAMILY = qwen2_vl.family(
    "qwen3_vl_moe", "qwen3-vl-moe-new", Qwen3VLMoeConfig, Qwen3VLMoeVisionConfig, Qwen3VLMoeTextConfig, qwen3_vl.TOWER,
    qwen3_vl.TEXT | MIXTURE | {"tie_word_embeddings": qwen3_vl.NESTED, "bos_token_id": GENERATION, "eos_token_id": GENERATION},
    qwen3_vl.MORE | {"num_local_experts": Used(), "norm_topk_prob": Irrelevant("the router of this family always does", value=False)},
    qwen3_vl.ROPE)
