from transformers import LlamaConfig, VoxtralConfig, VoxtralEncoderConfig

import audio_checkpoints
from config_fields import llama, qwen2_audio
from config_fields.kinds import BASE, OLD, OLD_ROPE, TRAINING, Family, Irrelevant, Table, Used, rope_parameters

FIELDS = BASE | {
    "audio_config": Used(),
    "text_config": Used(),
    "audio_token_id": qwen2_audio.TOKEN,
    "projector_hidden_act": Used(refused=["something"]),
}
MORE = OLD | {
    "hidden_size": Irrelevant("the text model's own counts"),
    "vocab_size": Irrelevant("the text model's own counts"),
    "tie_word_embeddings": qwen2_audio.UNTIED,
}
AUDIO = BASE | qwen2_audio.TOWER | {
    "vocab_size": Irrelevant("Whisper's, of which the encoder has none"),
    "hidden_size": Used(refused=[66]),
    "intermediate_size": Used(refused=[7]),
    "num_hidden_layers": Used(),
    "num_attention_heads": Used(refused=[5]),
    "layerdrop": TRAINING,
}
AUDIO_MORE = {
    "torch_dtype": BASE["dtype"],
    "model_type": Used(refused=["whisper"]),
    "d_model": Used(refused=[66]),  # Whisper's names
    "encoder_layers": Used(),
    "encoder_attention_heads": Used(refused=[5]),
    "encoder_ffn_dim": Used(refused=[7], named="intermediate_size"),
    "encoder_layerdrop": TRAINING,
    "head_dim": Irrelevant("published; the encoder divides hidden_size by its heads"),
    "num_key_value_heads": Irrelevant("published; the encoder has as many as heads"),
    "initializer_factor": TRAINING,
}

FAMILY = Family(
    checkpoint=lambda: audio_checkpoints.folder_of("voxtral-new"),
    modeling="voxtral.modeling_voxtral",
    tables={"": Table(VoxtralConfig, FIELDS, MORE),
            "audio_config": Table(VoxtralEncoderConfig, AUDIO, AUDIO_MORE),
            "text_config": Table(LlamaConfig, llama.FIELDS | {"tie_word_embeddings": qwen2_audio.UNTIED},
                                 OLD | OLD_ROPE | {"model_type": Used(refused=["mamba"])}),
            "text_config.rope_parameters": Table(None, rope_parameters())},
)
