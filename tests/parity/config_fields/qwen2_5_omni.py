import dataclasses

from transformers import Qwen2_5OmniConfig, Qwen2_5OmniTalkerConfig, Qwen2_5OmniToken2WavConfig
from transformers.models.qwen2_5_omni.configuration_qwen2_5_omni import Qwen2_5OmniBigVGANConfig, Qwen2_5OmniDiTConfig

import omni_checkpoints
from config_fields import qwen2_5_omni_thinker as thinker
from config_fields.kinds import BASE, OLD, Family, Irrelevant, Table, Used

FIELDS = BASE | {
    "thinker_config": Used(),
    "talker_config": thinker.SPEECH,
    "token2wav_config": thinker.SPEECH,
    "enable_audio_output": thinker.SPEECH,
}


def unread(config_class):
    """A table of a config of which nothing is read."""
    return Table(config_class, {field.name: thinker.SPEECH for field in dataclasses.fields(config_class)})


FAMILY = Family(
    checkpoint=lambda: omni_checkpoints.folder_of("omni-new"),
    modeling="qwen2_5_omni.modeling_qwen2_5_omni",
    tables={"": Table(Qwen2_5OmniConfig, FIELDS, OLD)} | thinker.tables("thinker_config")
    | {"talker_config": unread(Qwen2_5OmniTalkerConfig), "token2wav_config": unread(Qwen2_5OmniToken2WavConfig),
       "token2wav_config.dit_config": unread(Qwen2_5OmniDiTConfig), "token2wav_config.bigvgan_config": unread(Qwen2_5OmniBigVGANConfig)})
