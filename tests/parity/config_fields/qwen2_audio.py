from transformers import Qwen2AudioConfig, Qwen2AudioEncoderConfig, Qwen2Config

import audio_checkpoints
from config_fields import qwen2
from config_fields.kinds import BASE, OLD, OLD_ROPE, TRAINING, Family, Irrelevant, Table, Used, rope_parameters

TOKEN = Used(refused=[-1, 640])
UNTIED = Irrelevant("the reference's class ties no weights")
FIELDS = BASE | {
    "audio_config": Used(),
    "text_config": Used(),
    "audio_token_index": TOKEN,
}
MORE = OLD | {
    "audio_token_id": TOKEN,  # the same by its newer name
    "ignore_index": TRAINING,
    "vocab_size": Irrelevant("the text model's own counts"),
    "tie_word_embeddings": UNTIED,
}
TOWER = {  # of every encoder that is Whisper's
    "num_mel_bins": Used(refused=[80]),
    "dropout": TRAINING,
    "attention_dropout": TRAINING,
    "activation_function": Used(refused=["something"]),
    "activation_dropout": TRAINING,
    "scale_embedding": Irrelevant("the encoder computes a factor of it and uses it nowhere"),
    "initializer_range": TRAINING,
    "max_source_positions": Used(refused=[60]),
}
AUDIO = BASE | TOWER | {
    "encoder_layers": Used(),
    "encoder_attention_heads": Used(refused=[5]),
    "encoder_ffn_dim": Used(),
    "encoder_layerdrop": TRAINING,
    "d_model": Used(refused=[66]),
}
AUDIO_MORE = {
    "torch_dtype": BASE["dtype"],
    "model_type": Used(refused=["whisper"]),
    "num_hidden_layers": Used(),  # the names that all configs share
    "num_attention_heads": Used(refused=[5]),
    "hidden_size": Used(refused=[66]),
    "intermediate_size": Used(),
}
TEXT = qwen2.DECODER | qwen2.WINDOWS | {"tie_word_embeddings": UNTIED}

FAMILY = Family(
    checkpoint=lambda: audio_checkpoints.folder_of("qwen2-audio-new"),
    modeling="qwen2_audio.modeling_qwen2_audio",
    tables={"": Table(Qwen2AudioConfig, FIELDS, MORE),
            "audio_config": Table(Qwen2AudioEncoderConfig, AUDIO, AUDIO_MORE),
            "text_config": Table(Qwen2Config, TEXT, OLD | OLD_ROPE | {"model_type": Used(refused=["mamba"]), "head_dim": Used()}),
            "text_config.rope_parameters": Table(None, rope_parameters(mrope_section=Used(refused=[[4, 2, 2]])))},
)
