from transformers import Idefics3Config, LlamaConfig
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig

import checkpoints
from config_fields import llama
from config_fields.kinds import BASE, CACHE, OLD, OLD_ROPE, TRAINING, Family, Irrelevant, Table, Used, rope_parameters

FIELDS = BASE | {
    "use_cache": CACHE,
    "image_token_id": Used(),
    "tie_word_embeddings": Used(),
    "vision_config": Used(),
    "text_config": Used(),
    "scale_factor": Used(),
}
VISION = BASE | {
    "hidden_size": Used(),
    "intermediate_size": Used(),
    "num_hidden_layers": Used(),
    "num_attention_heads": Used(),
    "num_channels": Used(refused=[1]),
    "image_size": Used(),
    "patch_size": Used(),
    "hidden_act": Used(refused=["something"]),
    "layer_norm_eps": Used(),
    "attention_dropout": TRAINING,
    "initializer_range": TRAINING,
}
NESTED = Irrelevant("the whole model's counts")
TEXT = llama.FIELDS | {"tie_word_embeddings": NESTED}


def family(name, checkpoint, config_class, vision_class):
    return Family(
        checkpoint=lambda: checkpoints.tiny(checkpoint),
        modeling=f"{name}.modeling_{name}",
        tables={"": Table(config_class, FIELDS, OLD),
                "vision_config": Table(vision_class, VISION, {"model_type": Irrelevant("the tower of these is one")}),
                "text_config": Table(LlamaConfig, TEXT, OLD | OLD_ROPE),
                "text_config.rope_parameters": Table(None, rope_parameters())})


FAMILY = family("idefics3", "plain", Idefics3Config, Idefics3VisionConfig)
