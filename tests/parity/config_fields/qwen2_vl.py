from transformers import Qwen2VLConfig
from transformers.models.qwen2_vl.configuration_qwen2_vl import Qwen2VLTextConfig, Qwen2VLVisionConfig

import qwen_vl_checkpoints
from config_fields import qwen2
from config_fields.kinds import BASE, OLD, OLD_ROPE, TRAINING, Family, Irrelevant, Table, Used, rope_parameters

TEMPLATE = Irrelevant("the chat template and the tokenizer write it")
FIELDS = BASE | {
    "text_config": Used(),
    "vision_config": Used(),
    "image_token_id": Used(refused=[-1, 640]),
    "video_token_id": Used(refused=[-1, 640]),
    "vision_start_token_id": TEMPLATE,
    "vision_end_token_id": TEMPLATE,
    "tie_word_embeddings": Used(),
}
TOWER = BASE | {
    "depth": Used(),
    "num_heads": Used(),
    "in_channels": Used(refused=[1]),
    "patch_size": Used(refused=[[14, 16]]),
    "spatial_merge_size": Used(),
    "temporal_patch_size": Used(),
    "hidden_size": Used(),
    "hidden_act": Used(refused=["something"]),
    "initializer_range": TRAINING,
    "rope_parameters": Used(),
}
OLD_TOWER = {
    "model_type": Used(refused=["siglip"]),
    "num_hidden_layers": Used(instead_of=("depth",)),
    "num_attention_heads": Used(instead_of=("num_heads",)),
    "rope_theta": Used(instead_of=("rope_parameters",)),
    "rope_scaling": Used(instead_of=("rope_parameters",)),
    "in_chans": Irrelevant("published beside in_channels, which alone is read"),
    "spatial_patch_size": Irrelevant("published beside patch_size, which alone is read"),
    "torch_dtype": BASE["dtype"],
}
TOWER_ROPE = Table(None, {"rope_theta": Used(refused=[0.0, -1.0]), "rope_type": Used(refused=["yarn", "something"])},
                   {"type": Used(instead_of=("rope_type",), refused=["linear"], named="rope_type")})
TEXT = {name: kind for name, kind in (qwen2.DECODER | qwen2.WINDOWS).items()}
TEXT_MORE = OLD | OLD_ROPE | {"model_type": Used(refused=["mamba"]), "head_dim": Used(refused=[8]), "tie_word_embeddings": Used()}
MROPE = Used(refused=[[4, 2, 3], [2, 3]])


def family(name, checkpoint, config_class, vision_class, text_class, vision, text, text_more, rope):
    return Family(
        checkpoint=lambda: qwen_vl_checkpoints.folder_of(checkpoint),
        modeling=f"{name}.modeling_{name}",
        tables={"": Table(config_class, FIELDS, OLD),
                "vision_config": Table(vision_class, vision, OLD_TOWER),
                "vision_config.rope_parameters": TOWER_ROPE,
                "text_config": Table(text_class, text, text_more),
                "text_config.rope_parameters": Table(None, rope)})


FAMILY = family("qwen2_vl", "qwen2-vl-new", Qwen2VLConfig, Qwen2VLVisionConfig, Qwen2VLTextConfig,
                TOWER | {"embed_dim": Used(), "mlp_ratio": Used()},
                {name: kind for name, kind in TEXT.items() if name != "tie_word_embeddings"}, TEXT_MORE,
                rope_parameters(mrope_section=MROPE))
