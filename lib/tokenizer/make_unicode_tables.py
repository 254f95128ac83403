"""Writes unicode_tables.cpp: where the character tables of the reference (the `tokenizers` package with its Oniguruma,
Rust std and Rust crates, each of another Unicode version) differ from those of PCRE2 10.42 (Unicode 14) and utf8proc
2.8 (Unicode 15), on which lmm is built. Asks the reference about every code point; takes about a minute.

    python lib/tokenizer/make_unicode_tables.py > lib/tokenizer/unicode_tables.cpp

Needs Python 3.11 (whose unicodedata is Unicode 14, as PCRE2 10.42) and the `tokenizers` package.
"""

import string
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

assert unicodedata.unidata_version == "14.0.0", unicodedata.unidata_version
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

# What stands in for a code point that came after Unicode 14, by property and by length in UTF-8.
STAND_INS = [
    (r"\p{Han}", 0x4E00, 0x20000),
    (r"\p{Lu}", 0x2C60, 0x10400),
    (r"\p{Ll}", 0x2C61, 0x10428),
    (r"\p{Lm}", 0x2C7C, 0x16B40),
    (r"\p{L}", 0x0905, 0x10000),
    (r"\p{Nd}", 0x0966, 0x11066),
    (r"\p{N}", 0x09F4, 0x10107),
    (r"\p{M}", 0x0901, 0x11001),
    (r"\p{P}", 0x0964, 0x10100),
    (r"\p{S}", 0x2600, 0x1F600),
]


def ranges(values):
    """[(first, last, value)] of a dict code point -> value."""
    out = []
    for c in sorted(values):
        if out and out[-1][1] == c - 1 and out[-1][2] == values[c]:
            out[-1][1] = c
        else:
            out.append([c, c, values[c]])
    return out


def matches(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "isolated")
    return lambda c: len(split.pre_tokenize_str("\u0001" + chr(c) + "\u0001")) == 3


def stand_ins():
    new = [c for c in CODE_POINTS if unicodedata.category(chr(c)) == "Cn"]
    found = {}
    for pattern, three, four in STAND_INS:
        is_match = matches(pattern)
        for c in new:
            if c not in found and is_match(c):
                assert c >= 0x800
                found[c] = three if c < 0x10000 else four
    return found


def category(c):
    return unicodedata.category(chr(c))


def splits(pre_tokenizer):
    return {c for c in CODE_POINTS if len(pre_tokenizer.pre_tokenize_str("a" + chr(c) + "a")) != 1}


def changed(normalizer):
    return {c for c in CODE_POINTS if normalizer.normalize_str(chr(c)) != chr(c)}


def flags(c_set):
    return dict.fromkeys(c_set, 1)


def table(name, comment, rows, with_value=False):
    print(f"\n// {comment}")
    print(f"const std::vector<{'StandIn' if with_value else 'Range'}>& {name}() {{")
    print(f"  static const std::vector<{'StandIn' if with_value else 'Range'}> table = {{")
    line = "     "
    for first, last, value in rows:
        item = f" {{0x{first:X}, 0x{last:X}" + (f", 0x{value:X}" if with_value else "") + "},"
        if len(line) + len(item) > 118:
            print(line)
            line = "     "
        line += item
    print(line + "};\n  return table;\n}")


def main():
    print("// Made by make_unicode_tables.py; do not edit.")
    print('#include "lib/tokenizer/unicode_tables.hpp"\n\nnamespace lmm::tokenizer::unicode {')
    table(
        "stand_ins",
        "Code points after Unicode 14 and an older one of the same kind and UTF-8 length.",
        ranges(stand_ins()),
        True,
    )
    numeric = splits(pre_tokenizers.Digits(individual_digits=True))
    table("numeric", "char::is_numeric of Rust.", ranges(flags(numeric)))
    punctuation = {c for c in splits(pre_tokenizers.Punctuation()) if chr(c) not in string.punctuation or c > 127}
    table("punctuation", "is_punctuation of the crate unicode_categories, without ASCII.", ranges(flags(punctuation)))
    table(
        "combining_marks",
        "is_combining_mark of the crate unicode-normalization-alignments.",
        ranges(flags(changed(normalizers.StripAccents()))),
    )
    nfkd = normalizers.NFKD()
    below = "\u0334"  # combining class 1: goes before every mark of a higher class
    ordered = {
        c
        for c in CODE_POINTS
        if nfkd.normalize_str("a" + chr(c) + below) == "a" + below + nfkd.normalize_str(chr(c))
        and nfkd.normalize_str(chr(c)) == chr(c)
    }
    table(
        "reordered_marks", "Code points with a canonical combining class above 1 in that crate.", ranges(flags(ordered))
    )
    decomposed = {c for c in changed(nfkd) if not 0xAC00 <= c <= 0xD7A3}
    table(
        "decomposed", "Code points that NFKD changes in that crate, Hangul syllables aside.", ranges(flags(decomposed))
    )
    lower = normalizers.Lowercase()
    lowered = {c: ord(lower.normalize_str(chr(c))) for c in changed(lower) if len(lower.normalize_str(chr(c))) == 1}
    late = {c: v for c, v in lowered.items() if chr(c).lower() != chr(v)}
    table("late_lowercase", "Lower case of letters after Unicode 14.", ranges(late), True)
    print("\n}  // namespace lmm::tokenizer::unicode")


main()
