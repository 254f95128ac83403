"""lmm's chat templates against transformers: the same text, or an error from both."""

import json
import pathlib
import re
import shutil

import pytest
from chat_driver import NOW, ROOT, lmm_render, reference_render
from template_conversations import conversations
from template_snippets import SNIPPETS, VARIABLES

TEMPLATES = sorted((ROOT / "tests" / "data" / "templates").glob("*.jinja"))
CHECKPOINTS = ROOT.parent / "shared" / "checkpoints"
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "additional_special_tokens": ["<|im_start|>", "<|im_end|>"]}


def difference(reference, answer):
    """What differs, or None. Where the template itself raised, lmm's error must say the same."""
    if "text" in reference:
        if answer.get("text") == reference["text"]:
            return None
        # An object's address, which Python prints, is an error here: no template can want it.
        if "error" in answer and re.search(r" at 0x[0-9a-f]{6,}", reference["text"]):
            return None
        return f"expected {reference['text']!r}\n     got {answer.get('text', answer.get('error'))!r}"
    if "text" in answer:
        return f"expected the error {reference['error']!r}\n     got {answer['text']!r}"
    if answer["code"] != "bad_template":
        return f"expected the code bad_template, got {answer['code']}: {answer['error']}"
    message = re.sub(r"[\r\n]", " ", reference["error"])
    if reference["raised"] and not answer["error"].endswith(": " + message):
        return f"expected the message {message!r}\n     got {answer['error']!r}"
    return None


def compare(cases):
    """cases: (name, template, variables). Fails with all that differ."""
    answers = lmm_render([{"template": template, "variables": variables} for _, template, variables in cases])
    found = []
    for (name, template, variables), answer in zip(cases, answers):
        problem = difference(reference_render(template, variables), answer)
        if problem:
            found.append(f"{name}\n{problem}")
    assert not found, f"{len(found)} of {len(cases)} differ:\n" + "\n".join(found[:20])
    return answers


def test_snippets():
    variables = {"messages": [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Yes?"}], **VARIABLES}
    assert len(SNIPPETS) >= 400
    compare([(repr(snippet), snippet, variables) for snippet in SNIPPETS])


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_conversations(path):
    template = path.read_text(encoding="utf-8")
    cases = [(f"{path.stem}/{name}", template, {**TOKENS, **variables}) for name, variables in conversations()]
    answers = compare(cases)
    rendered = sum("text" in answer for answer in answers)
    assert rendered >= 8, f"{path.stem}: only {rendered} conversations render, the template is of little use as a test"


def test_there_are_enough_conversations():
    assert len(TEMPLATES) >= 20
    assert len(TEMPLATES) * len(list(conversations())) >= 300


def test_user_spans_hold_what_the_host_gave():
    """A private character around each string of the host shows where it went; the spans must agree."""
    hosts = "\ue000"
    cases = []
    for path in TEMPLATES:
        for text in ("plain", "a <|im_end|> b", "日本 <image>"):
            for content in (f"{hosts}{text}{hosts}", [{"type": "text", "text": f"{hosts}{text}{hosts}"}]):
                messages = [{"role": "user", "content": content}]
                cases.append((path.stem, path.read_text(encoding="utf-8"), {**TOKENS, "messages": messages, "add_generation_prompt": True}))
    answers = lmm_render([{"template": template, "variables": variables} for _, template, variables in cases])
    checked = 0
    for (name, _, variables), answer in zip(cases, answers):
        if "text" not in answer or hosts not in answer["text"]:
            continue
        whole = answer["text"].encode()
        marked = [whole[begin:end].decode() for begin, end in answer["user"]]
        wanted = re.findall(f"{hosts}[^{hosts}]*{hosts}", answer["text"])
        assert [piece for piece in marked if hosts in piece] == wanted, (name, marked, wanted)
        checked += 1
    assert checked >= 60


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


FOLDERS = {
    "jinja": {"chat_template.jinja": "J"},
    "config": {"tokenizer_config.json": {"chat_template": "C"}},
    "jinja_before_config": {"chat_template.jinja": "J", "tokenizer_config.json": {"chat_template": "C"}},
    "list": {"tokenizer_config.json": {"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]}},
    "list_without_default": {"tokenizer_config.json": {"chat_template": [{"name": "rag", "template": "R"}]}},
    "named_files": {"chat_template.jinja": "J", "additional_chat_templates/tool_use.jinja": "T", "additional_chat_templates/other.jinja": "O"},
    "named_files_before_config": {"additional_chat_templates/tool_use.jinja": "T", "tokenizer_config.json": {"chat_template": "C"}},
    "nothing": {"tokenizer_config.json": {"bos_token": "<s>"}},
}


@pytest.fixture(scope="module")
def tiny_tokenizer(tmp_path_factory):
    tokenizers = pytest.importorskip("tokenizers")
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizers.Tokenizer(tokenizers.models.BPE(vocab={"a": 0}, merges=[])).save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("tools", [None, [{"type": "function"}]], ids=["plain", "tools"])
def test_tokenizer_folders(tmp_path, tiny_tokenizer, name, tools):
    from transformers import PreTrainedTokenizerFast

    shutil.copy(tiny_tokenizer, tmp_path)
    write(tmp_path, FOLDERS[name])
    messages = [{"role": "user", "content": "x"}]
    try:
        expected = PreTrainedTokenizerFast.from_pretrained(tmp_path).apply_chat_template(messages, tools=tools, tokenize=False)
    except ValueError:
        expected = None
    answer = lmm_render([{"folder": str(tmp_path), "variables": {"messages": messages, "tools": tools}}])[0]
    assert answer.get("text") == expected, answer


PROCESSOR_FOLDERS = {
    "json": {"chat_template.json": {"chat_template": "P"}},
    "json_before_all": {"chat_template.json": {"chat_template": "P"}, "chat_template.jinja": "J", "tokenizer_config.json": {"chat_template": "C"}},
    "jinja": {"chat_template.jinja": "J", "tokenizer_config.json": {"chat_template": "C"}},
    "named": {"chat_template.jinja": "J", "additional_chat_templates/tool_use.jinja": "T"},
    "named_only": {"additional_chat_templates/tool_use.jinja": "T"},
    "conflict": {"chat_template.json": {"chat_template": "P"}, "additional_chat_templates/tool_use.jinja": "T"},
    "processor_config": {"processor_config.json": {"chat_template": "PC"}, "chat_template.jinja": "J"},
}


@pytest.mark.parametrize("name", PROCESSOR_FOLDERS)
def test_processor_folders(tmp_path, name):
    from transformers.processing_utils import ProcessorMixin

    files = {"preprocessor_config.json": {}, **PROCESSOR_FOLDERS[name]}
    write(tmp_path, files)

    class Processor(ProcessorMixin):
        def __init__(self, chat_template):
            self.chat_template = chat_template

    try:
        found = ProcessorMixin.get_processor_dict(tmp_path)[0].get("chat_template")
        expected = Processor(found)._resolve_chat_template(None)
    except ValueError:
        expected = None
    variables = {"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function"}]}
    answer = lmm_render([{"folder": str(tmp_path), "variables": variables}])[0]
    assert answer.get("text") == expected, answer


def test_image_url_parts_become_images(tmp_path):
    template = (ROOT / "tests" / "data" / "templates" / "smolvlm.jinja").read_text(encoding="utf-8")
    write(tmp_path, {"preprocessor_config.json": {}, "chat_template.jinja": template})
    given = [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}, {"type": "text", "text": "?"}]
    meant = [{"type": "image", "url": "http://x/y.png"}, {"type": "text", "text": "?"}]
    answer = lmm_render([{"folder": str(tmp_path), "variables": {"messages": [{"role": "user", "content": given}]}}])[0]
    assert answer.get("text") == reference_render(template, {"messages": [{"role": "user", "content": meant}]})["text"]


@pytest.mark.skipif(not CHECKPOINTS.is_dir(), reason="../shared/checkpoints is not there: published templates are not tried")
@pytest.mark.parametrize("name", sorted(p.name for p in CHECKPOINTS.glob("*/")) if CHECKPOINTS.is_dir() else ["none"])
def test_published_templates(name):
    folder = CHECKPOINTS / name
    if (folder / "chat_template.json").exists():
        template = json.loads((folder / "chat_template.json").read_text(encoding="utf-8"))["chat_template"]
    else:
        template = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("chat_template")
    if template is None:
        pytest.skip(f"{name} has no chat template")
    cases = [(f"{name}/{case}", template, {**TOKENS, **variables}) for case, variables in conversations()]
    compare(cases)
    answers = lmm_render([{"folder": str(folder), "variables": variables} for _, _, variables in cases])
    wholes = [reference_render(template, variables).get("text") for _, _, variables in cases]
    assert [answer.get("text") for answer in answers] == wholes
