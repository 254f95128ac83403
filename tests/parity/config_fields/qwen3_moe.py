from transformers import Qwen3MoeConfig

import text_checkpoints
from config_fields import qwen2
from config_fields.kinds import OLD, OLD_ROPE, PYTHON, TRAINING, Family, Irrelevant, Table, Used

MIXTURE = {
    "decoder_sparse_step": Used(),
    "moe_intermediate_size": Used(),
    "num_experts_per_tok": Used(),
    "num_experts": Used(instead_of=("num_local_experts",)),
    "norm_topk_prob": Used(),
    "output_router_logits": PYTHON,
    "router_aux_loss_coef": TRAINING,
    "mlp_only_layers": Used(),
}
UNREAD = Irrelevant("this family's windows are of all layers or of none")

FAMILY = Family(
    checkpoint=lambda: text_checkpoints.tiny("moe"),
    modeling="qwen3_moe.modeling_qwen3_moe",
    tables={"": Table(Qwen3MoeConfig, qwen2.DECODER | MIXTURE | {"attention_bias": Used()},
                      OLD | OLD_ROPE | {"head_dim": Used(), "num_local_experts": Used(), "max_window_layers": UNREAD}),
            "rope_parameters": qwen2.ROPE},
)
