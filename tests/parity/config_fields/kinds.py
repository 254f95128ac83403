"""What lmm does with a field of a config class. A family's file holds a TABLES of them; test_config_fields.py proves each.

    Used()                 read: a value of the wrong kind is refused by the field's name
    Used(refused=[...])    read, and these values, which transformers takes, are refused by name
    Refused([...])         not implemented: these values are refused by name, `accepted` ones mean nothing special
    Irrelevant("why")      not read: any value loads, and changes nothing that a model answers
"""
import dataclasses

MALFORMED = [["of no field's kind"]]


@dataclasses.dataclass
class Used:
    refused: list = dataclasses.field(default_factory=list)
    without: tuple = ()        # files of the checkpoint that hide the field: taken away
    instead_of: tuple = ()     # other fields of the same object that hide it: taken away
    beside: dict = dataclasses.field(default_factory=dict)  # fields of the same object without which it is not read
    malformed: object = dataclasses.field(default_factory=lambda: MALFORMED)
    named: str = ""            # what else the error may call it


@dataclasses.dataclass
class Refused:
    values: list
    accepted: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Irrelevant:
    why: str
    value: object = dataclasses.field(default_factory=lambda: MALFORMED)


@dataclasses.dataclass
class Table:
    """The fields of one object within config.json. `extra`: those that are no field of the class, such as older spellings."""

    config_class: type | None  # None: `fields` is the whole list
    fields: dict
    extra: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Family:
    checkpoint: callable       # () -> folder
    modeling: str              # the module below transformers.models whose `config.NAME` are fields too
    tables: dict               # path within config.json, such as "text_config.rope_parameters" -> Table


PYTHON = Irrelevant("how Python's forward hands over its result")
LABELS = Irrelevant("names of classes, for classification heads")
BASE = {  # of PreTrainedConfig
    "transformers_version": Irrelevant("which version wrote the file"),
    "architectures": Irrelevant("model_type names the family; lmm shows it, and no more", value=["SomethingElse"]),
    "output_hidden_states": PYTHON,
    "return_dict": PYTHON,
    "dtype": Irrelevant("each tensor says its own type, and the host asks for that of the arithmetic"),
    "chunk_size_feed_forward": Irrelevant("saves memory in training; no model of these reads it"),
    "is_encoder_decoder": Irrelevant("what these families are is known"),
    "id2label": LABELS,
    "label2id": LABELS,
    "problem_type": LABELS,
}
OLD = {"torch_dtype": BASE["dtype"], "model_type": Used()}

TRAINING = Irrelevant("training only")
CACHE = Irrelevant("lmm always keeps keys and values")
PADDING = Irrelevant("one sequence is never padded")
GENERATION = Used(without=("generation_config.json",))

ROPE_TYPES = Used(refused=["longrope", "proportional", "axial", "something"], named="rope_type")


def rope_parameters(**more):
    """Of RopeParameters. Those of one type are read with that type, so each case sets it."""
    return {
        "rope_theta": Used(),
        "rope_type": ROPE_TYPES,
        "partial_rotary_factor": Used(refused=[0.5]),
        "factor": Used(),
        "original_max_position_embeddings": Used(),
        "attention_factor": Used(),
        "beta_fast": Used(),
        "beta_slow": Used(),
        "mscale": Used(),
        "mscale_all_dim": Used(),
        "truncate": Used(),
        "low_freq_factor": Used(),
        "high_freq_factor": Used(),
        "short_factor": Irrelevant("of longrope, which is refused"),
        "long_factor": Irrelevant("of longrope, which is refused"),
        "mrope_section": Used(),
    } | more


WITH_TYPE = {  # fields that one rope_type reads
    "factor": {"rope_type": "linear"},
    "attention_factor": {"rope_type": "yarn", "factor": 2.0},
    "beta_fast": {"rope_type": "yarn", "factor": 2.0},
    "beta_slow": {"rope_type": "yarn", "factor": 2.0},
    "mscale": {"rope_type": "yarn", "factor": 2.0},
    "mscale_all_dim": {"rope_type": "yarn", "factor": 2.0},
    "truncate": {"rope_type": "yarn", "factor": 2.0},
    "low_freq_factor": {"rope_type": "llama3", "factor": 2.0, "high_freq_factor": 4.0},
    "high_freq_factor": {"rope_type": "llama3", "factor": 2.0, "low_freq_factor": 1.0},
}
OLD_ROPE = {"rope_theta": Used(instead_of=("rope_parameters",)), "rope_scaling": Used(),
            "partial_rotary_factor": Used(refused=[0.5])}
