"""Strings for the tokenizer parity test: seeded, in many scripts, with all that trips tokenizers up."""

import random

# Ranges of code points, assigned or not, per script.
SCRIPTS = {
    "latin": [(0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF), (0xA720, 0xA7FF)],
    "greek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "cyrillic": [(0x400, 0x52F), (0x1C80, 0x1C88)],
    "armenian": [(0x531, 0x58F)],
    "hebrew": [(0x591, 0x5F4), (0xFB1D, 0xFB4F)],
    "arabic": [(0x600, 0x6FF), (0x750, 0x77F), (0xFB50, 0xFDFF)],
    "syriac": [(0x700, 0x74F)],
    "devanagari": [(0x900, 0x97F)],
    "bengali": [(0x980, 0x9FE)],
    "gurmukhi": [(0xA01, 0xA76)],
    "tamil": [(0xB82, 0xBFA)],
    "telugu": [(0xC00, 0xC7F)],
    "sinhala": [(0xD81, 0xDF4)],
    "thai": [(0xE01, 0xE5B)],
    "lao": [(0xE81, 0xEDF)],
    "tibetan": [(0xF00, 0xFDA)],
    "myanmar": [(0x1000, 0x109F)],
    "georgian": [(0x10A0, 0x10FF), (0x1C90, 0x1CBF)],
    "hangul": [(0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x3131, 0x318E)],
    "ethiopic": [(0x1200, 0x139F)],
    "cherokee": [(0x13A0, 0x13FD), (0xAB70, 0xABBF)],
    "khmer": [(0x1780, 0x17F9)],
    "mongolian": [(0x1800, 0x18AA)],
    "kana": [(0x3041, 0x30FF), (0xFF65, 0xFF9F)],
    "han": [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x30000, 0x323AF)],
    "bopomofo": [(0x3105, 0x312F)],
    "gothic": [(0x10330, 0x1034A)],
    "adlam": [(0x1E900, 0x1E95F)],
    "math": [(0x1D400, 0x1D7FF), (0x2200, 0x22FF)],
    "fullwidth": [(0xFF01, 0xFF60)],
    "new": [(0x1E4D0, 0x1E4F9), (0x11F00, 0x11F59), (0x105C0, 0x105F3), (0x10D40, 0x10D85), (0x1E5D0, 0x1E5FA)],
}
EMOJI = [
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "👍🏽",
    "🇩🇪🇫🇷",
    "❤️",
    "☕",
    "😀",
    "🧑🏿‍💻",
    "1️⃣",
    "🫨",
    "🩷",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "⛹🏻‍♀️",
    "\u200d",
    "\ufe0f",
]
BLANKS = [
    " ",
    "  ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    " \n ",
    "\u00a0",
    "\u2003",
    "\u3000",
    "\u200b",
    "\u2028",
    "\u0085",
    "\x0b",
    "\x0c",
    "\u180e",
    "\ufeff",
    " " * 17,
    "\t\t\t",
    "\n" * 9,
    "\u1680",
    "\u202f",
]
CONTROLS = [
    "\x00",
    "\x01",
    "\x07",
    "\x1b[0m",
    "\x7f",
    "\u0080",
    "\u009f",
    "\u202e",
    "\u2066",
    "\ufffe",
    "\uffff",
    "\u00ad",
]
MARKS = [
    "\u0301",
    "\u0323",
    "\u0308",
    "\u0334",
    "\u20d7",
    "\u0345",
    "\u3099",
    "\u0e48",
    "\u05b0",
    "\u0652",
    "\u0344",
    "\u0f73",
    "\u093c",
    "\u09be",
    "\U0001d165",
    "\u0300\u0327",
    "\u1161",
    "\u11a8",
]
WORDS = [
    "the",
    "The",
    "THE",
    "picture",
    "Hello",
    "world",
    "I'm",
    "we'll",
    "they've",
    "it's",
    "don't",
    "IT'S",
    "'Re",
    "O'Neil",
    "can't",
    "foo_bar",
    "fooBar",
    "x86_64",
    "http://example.com/a?b=c&d=%20#e",
    "user@example.org",
    "C++",
    "a.b.c",
    "e.g.",
    "...",
    "…",
    "—",
    "“quoted”",
    "(parenthesis)",
    "[x]",
    "{y}",
    "<z>",
    "$9.99",
    "100%",
    "№5",
    "3.14159",
    "1234567890",
    "12,345,678",
    "0x1F",
    "1e-9",
    "½",
    "Ⅷ",
    "²³",
    "٣٤٥",
    "१२३",
    "௧௨",
    "𝟘𝟙",
    "ﬁne",
    "straße",
    "ÀÉÎ",
    "ſs",
    "Ω",
    "Ǆ",
    "İstanbul",
    "ıI",
    "ΌΣΟΣ",
    "schön",
    "naïve",
    "co\u0301ncat",
    "def f(x):\n    return x\n",
    "if (a && b) {",
    "<|",
    "|>",
    "</",
    "▁",
    "Ġ",
    "Ċ",
    "<0x41>",
    "##ing",
    "ß",
    "K",
    "Å",
    "한국어",
    "日本語",
    "中文",
    "สวัสดี",
    "नमस्ते",
    "שלום",
    "مرحبا",
]


def word(rng, script):
    ranges = SCRIPTS[script]
    out = []
    for _ in range(rng.randint(1, 9)):
        low, high = rng.choice(ranges)
        out.append(chr(rng.randint(low, high)))
        if rng.random() < 0.08:
            out.append(rng.choice(MARKS))
    return "".join(out)


def text(rng, tokens):
    """One string; `tokens` are texts of added tokens."""
    scripts = rng.sample(list(SCRIPTS), rng.choice([1, 1, 2, 3]))
    out = []
    for _ in range(rng.randint(0, 12)):
        roll = rng.random()
        if roll < 0.38:
            out.append(word(rng, rng.choice(scripts)))
        elif roll < 0.60:
            out.append(rng.choice(WORDS))
        elif roll < 0.68:
            out.append(rng.choice(EMOJI))
        elif roll < 0.74:
            out.append("".join(rng.choice("0123456789") for _ in range(rng.randint(1, 7))))
        elif roll < 0.78:
            out.append(rng.choice(CONTROLS))
        elif roll < 0.88 and tokens:
            token = rng.choice(tokens)
            cut = rng.random()
            if cut < 0.15:
                token = token[: rng.randint(0, len(token))]
            elif cut < 0.2:
                token = token.swapcase()
            out.append(token)
        elif roll < 0.93:
            out.append(rng.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") * rng.randint(1, 4))
        else:
            out.append(chr(rng.choice([rng.randint(0, 0xD7FF), rng.randint(0xE000, 0x10FFFF)])))
        if rng.random() < 0.7:
            out.append(rng.choice(BLANKS) if rng.random() < 0.4 else " ")
    return "".join(out)


def damaged(rng, string):
    """The bytes of a string, some of them spoilt."""
    data = bytearray(string.encode())
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(data))
        if data and rng.random() < 0.4:
            del data[min(at, len(data) - 1)]
        else:
            data[at:at] = rng.choice(
                [
                    b"\xff",
                    b"\xc3",
                    b"\xe2\x82",
                    b"\xf0\x9f\x98",
                    b"\x80",
                    b"\xed\xa0\x80",
                    b"\xc0\xaf",
                    b"\xf4\x90\x80\x80",
                ]
            )
    return bytes(data)


def inputs(count, tokens, seed):
    """`count` byte strings; every eighth is no valid UTF-8."""
    rng = random.Random(seed)
    out = []
    for i in range(count):
        string = text(rng, tokens)
        out.append(damaged(rng, string) if i % 8 == 7 else string.encode())
    return out


def corpus(seed, lines=1500):
    rng = random.Random(seed)
    return [text(rng, []) for _ in range(lines)] + [" ".join(rng.choices(WORDS, k=12)) for _ in range(300)]
