"""tekken.json against mistral-common: ids of texts, of texts with special tokens, decoded texts; files that lie."""
import json
import random

import pytest

pytest.importorskip("transformers")
pytest.importorskip("mistral_common")

import audio_checkpoints as audio  # noqa: E402
from test_model import refusal  # noqa: E402
from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy  # noqa: E402
from mistral_common.tokens.tokenizers.tekken import Tekkenizer  # noqa: E402
from test_tokenizer import drive, encode, id_record  # noqa: E402
from tokenizer_texts import inputs  # noqa: E402

KINDS = {
    "plain": {},
    "few": dict(count=256),  # no merges at all
    "many": dict(count=3000, specials=1000),
    "all-pairs": dict(count=600, extra=[bytes([97] * n) for n in (6, 5, 4, 3, 2)] + [b"ab", b"bc", b"abc", b"ca", b"bca", b"cab", b"abcabc"]),
    "cut": dict(count=600, cut=100),  # default_vocab_size leaves the last of the vocabulary out
    "v3": dict(version="v3", names=None),
}


def content(count=560, specials=audio.SPECIALS, extra=(), cut=0, names=audio.TEKKEN_SPECIAL, **more):
    tokens = audio.trained_bytes(count)[:count]
    out = audio.tekken([*tokens, *(token for token in extra if token not in tokens)], specials, names=names or [], **more)
    out["config"]["default_vocab_size"] -= cut
    if names is None:
        del out["special_tokens"]
    return out


@pytest.fixture(scope="module", params=KINDS)
def pair(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tekken")
    (folder / "tekken.json").write_text(json.dumps(content(**KINDS[request.param])))
    return folder, Tekkenizer.from_file(folder / "tekken.json")


def texts():
    rng = random.Random(5)
    made = ["".join(rng.choice("aab bc") for _ in range(rng.randrange(1, 40))) for _ in range(300)]
    given = [data.decode("utf-8", "replace") for data in inputs(1000, audio.TEKKEN_SPECIAL, 2)]
    return [*given, *made, "a" * 500, "abc" * 300, ""]


def test_ids(pair):
    """All of a text is text: mistral-common's encode() knows no special tokens."""
    folder, theirs = pair
    given = texts()
    for text, ids in zip(given, drive(folder, [encode(text.encode(), parse=False) for text in given]), strict=True):
        assert ids == theirs.encode(text, bos=True, eos=False), text


def test_special_tokens_between_texts(pair):
    folder, theirs = pair
    names = [token["token_str"] for token in theirs._all_special_tokens]
    rng = random.Random(3)
    given, expected = [], []
    for _ in range(200):
        text, ids = "", [theirs.bos_id]
        for _ in range(rng.randrange(1, 8)):
            name = rng.choice(names)
            word = rng.choice(["", " ", "a b", "дом", "\n\n x", "12"])
            text += name + word
            ids += [theirs.get_special_token(name), *theirs.encode(word, bos=False, eos=False)]
        given.append(text)
        expected.append(ids)
    for text, mine, ids in zip(given, drive(folder, [encode(text.encode()) for text in given]), expected, strict=True):
        assert mine == ids, text


def test_decoded(pair):
    folder, theirs = pair
    rng = random.Random(7)
    special = theirs.num_special_tokens
    lists = [[rng.randrange(special, theirs.n_words) for _ in range(rng.randrange(0, 20))] for _ in range(300)]
    lists += [theirs.encode(text, bos=True, eos=True) for text in texts()[:300]]
    lists += [[rng.randrange(special if rng.random() < 0.3 else theirs.n_words) for _ in range(20)] for _ in range(300)]
    for skip, policy in ((True, SpecialTokenPolicy.IGNORE), (False, SpecialTokenPolicy.KEEP)):
        for kind in "DS":
            for ids, mine in zip(lists, drive(folder, [id_record(kind, ids, skip) for ids in lists]), strict=True):
                text = mine if kind == "D" else b"".join(mine)
                assert text.decode() == theirs.decode(ids, special_token_policy=policy), ids


def broken():
    def case(change, expected):
        return change, expected

    return {
        "no config": case(lambda c: c.pop("config"), "config is missing"),
        "no pattern": case(lambda c: c["config"].pop("pattern"), "pattern"),
        "bad pattern": case(lambda c: c["config"].update(pattern="(("), "tekken.json"),
        "version": case(lambda c: c["config"].update(version="v99"), 'version is "v99"'),
        "size": case(lambda c: c["config"].update(default_vocab_size=100000), "vocab has 560 tokens"),
        "small size": case(lambda c: c["config"].update(default_vocab_size=60), "default_vocab_size is 60"),
        "size of a kind": case(lambda c: c["config"].update(default_vocab_size="1"), "default_vocab_size"),
        "specials": case(lambda c: c["config"].update(default_num_special_tokens=10, default_vocab_size=570), "35 special tokens"),
        "many specials": case(lambda c: c["config"].update(default_num_special_tokens=10**12), "default_num_special_tokens is"),
        "no vocab": case(lambda c: c.update(vocab={}), "vocab is no list"),
        "rank": case(lambda c: c["vocab"][300].update(rank=299), "vocab[300]: rank is 299"),
        "rank of a kind": case(lambda c: c["vocab"][300].update(rank="300"), "vocab[300]: rank"),
        "entry": case(lambda c: c["vocab"].__setitem__(300, 7), "vocab[300]"),
        "base64": case(lambda c: c["vocab"][300].update(token_bytes="a!bc"), "vocab[300]: token_bytes"),
        "base64 length": case(lambda c: c["vocab"][300].update(token_bytes="abc"), "vocab[300]: token_bytes"),
        "empty": case(lambda c: c["vocab"][300].update(token_bytes=""), "vocab[300]: token_bytes"),
        "twice": case(lambda c: c["vocab"][300].update(token_bytes=c["vocab"][299]["token_bytes"]), "vocab[300] stands there twice"),
        "not the bytes": case(lambda c: c["vocab"][5].update(token_bytes="YWI="), "vocab[5]: the first 256"),
        "long": case(lambda c: c["vocab"][300].update(token_bytes="AAAA" * 1000), "3000 bytes"),
        "special twice": case(lambda c: c["special_tokens"][3].update(token_str="<s>"), '"<s>" stands there twice'),
        "special rank": case(lambda c: c["special_tokens"][3].update(rank=4), "special_tokens[3]: rank is 4"),
        "special of a kind": case(lambda c: c["special_tokens"][3].update(token_str=4), "special_tokens[3]: token_str"),
        "no specials": case(lambda c: c["config"].update(version="v11") or c.pop("special_tokens"), "special_tokens is missing"),
        "no bos": case(lambda c: c["special_tokens"][1].update(token_str="<x>"), "bos_token"),
    }


@pytest.mark.parametrize("name", broken())
def test_files_that_lie(lmm, tmp_path, name):
    change, expected = broken()[name]
    made = content()
    change(made)
    (tmp_path / "tekken.json").write_text(json.dumps(made))
    assert expected in refusal(lmm, "tokenize", tmp_path, "Hm?"), name


def test_files_cut_off(lmm, tmp_path):
    whole = json.dumps(content(count=300))
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "tekken.json").write_text(whole[:length])
        assert "tekken.json" in refusal(lmm, "tokenize", tmp_path, "Hm?")
