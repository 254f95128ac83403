from transformers import SmolVLMConfig
from transformers.models.smolvlm.configuration_smolvlm import SmolVLMVisionConfig

from config_fields import idefics3

FAMILY = idefics3.family("smolvlm", "smolvlm", SmolVLMConfig, SmolVLMVisionConfig)
