"""lib/tokenizer against transformers' AutoTokenizer: ids, decoded text and streamed pieces, on the same strings.

Folders come from tokenizer_zoo.py, from examples/pocket/model, and, where ../shared is there, from published
checkpoints.
"""

import json
import os
import pathlib
import random
import struct
import subprocess

import pytest

transformers = pytest.importorskip("transformers")
transformers.logging.set_verbosity_error()
import tokenizer_zoo as zoo  # noqa: E402
from tokenizer_texts import inputs  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DRIVER = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")) / "bin" / "tokenizer_driver"
FULL_COUNT = 22000  # at least 20,000 different ones
SMALL_COUNT = 1000
FAILED = 0xFFFFFFFF


def drive(folder, records):
    """Answers of the driver, one parser per record: [(bytes, parser)] -> [answer]."""
    run = subprocess.run(
        [DRIVER, folder],
        input=b"".join(record for record, _ in records),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr.decode()
    out, at = [], 0

    def number():
        nonlocal at
        at += 4
        return struct.unpack_from("<I", run.stdout, at - 4)[0]

    def blob():
        nonlocal at
        size = number()
        at += size
        return run.stdout[at - size : at]

    for _, kind in records:
        count = number()
        if count == FAILED:
            out.append(RuntimeError(blob().decode()))
        elif kind == "ids":
            out.append(list(struct.unpack_from(f"<{count}i", run.stdout, at)))
            at += 4 * count
        elif kind == "text":
            out.append(run.stdout[at : at + count])
            at += count
        else:
            out.append([blob() for _ in range(count)])
    assert at == len(run.stdout)
    return out


def encode(text, special=True, parse=True, literal=()):
    spans = b"".join(struct.pack("<II", *span) for span in literal)
    return struct.pack("<cBBI", b"E", special, parse, len(literal)) + spans + struct.pack("<I", len(text)) + text, "ids"


def id_record(kind, ids, skip):
    return struct.pack(f"<cBI{len(ids)}i", kind.encode(), skip, len(ids), *ids), "text" if kind == "D" else "pieces"


def first_difference(folder, what, ours, theirs, texts):
    for mine, reference, text in zip(ours, theirs, texts):
        assert mine == reference, f"{folder.name}: {what} of {text!r}"
    assert len(ours) == len(theirs)


def compare(folder, count, seed):
    reference = transformers.AutoTokenizer.from_pretrained(folder)
    info = json.loads(drive(folder, [(b"I", "text")])[0])
    assert info["vocab_size"] == len(reference)
    assert info["special_tokens"] == {k: str(v) for k, v in reference.special_tokens_map.items()}
    vocab = sorted(reference.get_vocab().values())
    assert info["pieces"] == reference.convert_ids_to_tokens(vocab)
    for name in ["bos", "eos", "pad", "unk"]:
        assert info[f"{name}_id"] == getattr(reference, f"{name}_token_id")

    tokens = [str(t) for t in reference.added_tokens_decoder.values()]
    raw = inputs(count, tokens, seed)
    assert count < FULL_COUNT or len(set(raw)) >= 20000
    texts = [data.decode("utf-8", "replace") for data in raw]
    split = [i for i in range(0, count, 7)]
    ours = drive(
        folder,
        [encode(data) for data in raw]
        + [encode(data, special=False) for data in raw[::7]]
        + [encode(raw[i], parse=False) for i in split],
    )
    theirs = reference(texts).input_ids
    first_difference(folder, "ids", ours[:count], theirs, texts)
    plain = reference(texts[::7], add_special_tokens=False).input_ids
    first_difference(folder, "ids without special tokens", ours[count : count + len(plain)], plain, texts[::7])
    as_text = reference([texts[i] for i in split], split_special_tokens=True).input_ids
    first_difference(
        folder, "ids with special tokens as text", ours[count + len(plain) :], as_text, [texts[i] for i in split]
    )

    rng = random.Random(seed)
    ids = theirs + [rng.choices(vocab, k=rng.randint(1, 30)) for _ in range(count // 4)]
    records = []
    for sequence in ids:
        records += [
            id_record("D", sequence, 0),
            id_record("D", sequence, 1),
            id_record("S", sequence, len(sequence) % 2),
        ]
    answers = drive(folder, records)
    for i, sequence in enumerate(ids):
        whole, skipped, pieces = answers[3 * i : 3 * i + 3]
        assert whole.decode() == reference.decode(sequence), (folder.name, sequence)
        assert skipped.decode() == reference.decode(sequence, skip_special_tokens=True), (folder.name, sequence)
        assert b"".join(pieces) == (skipped if len(sequence) % 2 else whole), (folder.name, sequence)
        for piece in pieces:
            piece.decode()  # whole characters only


@pytest.mark.parametrize("name", zoo.FULL)
def test_full(tmp_path, name):
    zoo.FULL[name](tmp_path / name)
    compare(tmp_path / name, FULL_COUNT, seed=1)


@pytest.mark.parametrize("name", zoo.SMALL)
def test_small(tmp_path, name):
    zoo.SMALL[name](tmp_path / name)
    compare(tmp_path / name, SMALL_COUNT, seed=sum(name.encode()))


def test_pocket_model():
    folder = ROOT / "examples" / "pocket" / "model"
    if not (folder / "tokenizer.json").exists():
        pytest.skip("examples/pocket/model is not there")
    compare(folder, SMALL_COUNT, seed=3)


@pytest.mark.parametrize(
    "name", ["checkpoints/SmolVLM-256M-Instruct", "checkpoints/qwen-tokenizer", "pocket/seed-checkpoint"]
)
def test_published(name):
    folder = ROOT.parent / "shared" / name
    if not folder.exists():
        pytest.skip(f"../shared/{name} is not there")
    compare(folder, FULL_COUNT if name.startswith("checkpoints") else SMALL_COUNT, seed=4)


def test_literal_text_makes_no_special_token(tmp_path):
    """What a user writes never becomes an added token; with harmless text, literal spans change nothing."""
    zoo.FULL["llama3"](tmp_path / "llama3")
    folder = tmp_path / "llama3"
    reference = transformers.AutoTokenizer.from_pretrained(folder)
    added = {i for i in reference.added_tokens_decoder}
    tokens = [str(t) for t in reference.added_tokens_decoder.values()]
    before, after = b"<|begin_of_text|>user\n", b"<|eot_id|>\n"
    hostile = inputs(3000, tokens, 5)
    harmless = inputs(3000, [], 6)
    records = [encode(before + t + after, literal=[(len(before), len(before) + len(t))]) for t in hostile + harmless]
    answers = drive(folder, records)
    for text, ids in zip(hostile, answers):
        assert sum(i in added for i in ids) == 3, text
        assert reference.decode(ids) == "<|begin_of_text|>" + (before + text + after).decode("utf-8", "replace")
    theirs = reference([(before + t + after).decode("utf-8", "replace") for t in harmless]).input_ids
    first_difference(folder, "ids", answers[3000:], theirs, harmless)
