from transformers import Qwen2_5OmniThinkerConfig
from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import (
    Qwen2_5OmniAudioEncoderConfig, Qwen2_5OmniTextConfig, Qwen2_5OmniVisionEncoderConfig)

import omni_checkpoints
from config_fields import qwen2, qwen2_vl
from config_fields.kinds import BASE, OLD, OLD_ROPE, TRAINING, Family, Irrelevant, Table, Used, rope_parameters

TEMPLATE = qwen2_vl.TEMPLATE
SPEECH = Irrelevant("the talker's, which speaks; lmm answers in text")
NESTED = Irrelevant("the thinker's own field counts")
TOKEN = dict(refused=[-1, 640])
FIELDS = BASE | {
    "audio_config": Used(),
    "vision_config": Used(),
    "text_config": Used(),
    "audio_token_index": Used(**TOKEN),
    "image_token_index": Used(**TOKEN),
    "video_token_index": Used(**TOKEN),
    "position_id_per_seconds": Used(refused=[-1]),
    "seconds_per_chunk": Irrelevant("how a video's own sound is laid between its frames; lmm's videos have none"),
    "audio_start_token_id": TEMPLATE,
    "audio_end_token_id": TEMPLATE,
    "user_token_id": SPEECH,
    "initializer_range": TRAINING,
    "tie_word_embeddings": Used(),
}
MORE = OLD | {
    "audio_token_id": Used(**TOKEN),  # the same by newer names
    "image_token_id": Used(**TOKEN),
    "video_token_id": Used(**TOKEN),
    "vision_start_token_id": TEMPLATE,
    "vision_end_token_id": TEMPLATE,
}
AUDIO = BASE | {
    "num_mel_bins": Used(refused=[80]),
    "encoder_layers": Used(),
    "encoder_attention_heads": Used(refused=[5]),
    "encoder_ffn_dim": Used(),
    "d_model": Used(),
    "dropout": TRAINING,
    "attention_dropout": TRAINING,
    "activation_function": Used(refused=["something"]),
    "activation_dropout": TRAINING,
    "scale_embedding": Irrelevant("the encoder computes a factor of it and uses it nowhere"),
    "initializer_range": TRAINING,
    "max_source_positions": Used(),
    "n_window": Used(refused=[61]),
    "output_dim": Used(refused=[65]),
}
AUDIO_MORE = {
    "torch_dtype": BASE["dtype"],
    "model_type": Used(refused=["whisper"]),
    "num_hidden_layers": Used(),  # the names that all configs share
    "num_attention_heads": Used(),
    "hidden_size": Used(),
    "intermediate_size": Used(),
}
VISION = qwen2_vl.TOWER | {"intermediate_size": Used(), "out_hidden_size": Used(), "window_size": Used(refused=[27]),
                           "fullatt_block_indexes": Used()}
TEXT = qwen2.DECODER | qwen2.WINDOWS | {"tie_word_embeddings": NESTED}
TEXT_MORE = OLD | OLD_ROPE | {"model_type": Used(refused=["mamba"]), "head_dim": Used()}

SPEAKING = [  # what the modeling file's other models read of their own configs
    "thinker_config", "talker_config", "token2wav_config", "dit_config", "bigvgan_config", "enable_audio_output", "embedding_size",
    "tts_codec_end_token_id", "tts_codec_mask_token_id", "tts_codec_pad_token_id", "tts_codec_start_token_id", "tts_text_end_token_id",
    "tts_text_pad_token_id", "tts_text_start_token_id", "block_size", "emb_dim", "enc_attention_channels", "enc_channels", "enc_dilations",
    "enc_dim", "enc_emb_dim", "enc_kernel_sizes", "enc_res2net_scale", "enc_se_channels", "ff_mult", "look_ahead_layers",
    "look_backward_layers", "mel_dim", "num_embeds", "repeats", "resblock_dilation_sizes", "resblock_kernel_sizes",
    "upsample_initial_channel", "upsample_kernel_sizes", "upsample_rates",
]


def tables(path):
    """Of the thinker at `path` of config.json. Where that is within a whole model's file, it alone says how to generate."""
    at = lambda part: ".".join(filter(None, (path, part)))  # noqa: E731
    rope = rope_parameters(mrope_section=qwen2_vl.MROPE)
    text = TEXT | ({name: Used() for name in ("bos_token_id", "eos_token_id", "pad_token_id")} if path else {})
    return {path: Table(Qwen2_5OmniThinkerConfig, FIELDS, MORE),
            at("audio_config"): Table(Qwen2_5OmniAudioEncoderConfig, AUDIO, AUDIO_MORE),
            at("vision_config"): Table(Qwen2_5OmniVisionEncoderConfig, VISION, qwen2_vl.OLD_TOWER | {"tokens_per_second": Irrelevant("Qwen2.5-VL's")}),
            at("vision_config.rope_parameters"): qwen2_vl.TOWER_ROPE,
            at("text_config"): Table(Qwen2_5OmniTextConfig, text, TEXT_MORE),
            at("text_config.rope_parameters"): Table(None, rope)}


FAMILY = Family(checkpoint=lambda: omni_checkpoints.folder_of("omni-thinker"), modeling="qwen2_5_omni.modeling_qwen2_5_omni",
                tables=tables("") | {"": Table(Qwen2_5OmniThinkerConfig, FIELDS, MORE | {name: SPEECH for name in SPEAKING})})
