"""Tokenizer: whole words for questions and names, single characters for everything that is read from the picture.

A plain `tokenizers` BPE without merges: a piece that is in the vocabulary becomes one token, any other piece becomes its
characters. Text read from a picture stands in quotes, so it is always spelled.
"""
import json
import re

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

import korean
import things
from wordings import LEARNT, WORDINGS

SPECIAL = ["<pad>", "<unk>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<global-img>", "<image>"]
MARKS = ["<box>", "</box>"]
CHAT_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}:{% if message['content'] is string %} {{ message['content'] }}"
    "{% else %}{% for c in message['content'] %}{% if c['type'] == 'image' %}<image>{% elif c['type'] == 'text' %}"
    "{% if message['role'] == 'assistant' %} {% endif %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}")


def splitter():
  return pre_tokenizers.Sequence([pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never", split=True),
                                  pre_tokenizers.Split(Regex(r'▁?"|[?.,:!\n]'), "isolated")])


def word_pieces():
  """Every piece that questions and answers are made of, spelled text apart."""
  texts = ["User:", "\nAssistant:", ' "', " and", " in", " order"]
  for lists in [*WORDINGS.values(), *LEARNT.values()]: texts += [t.format(n="x", m="x", a="a", p="x", c="x", s="to the left of", k=1) for t in lists]
  for name in list(things.ALL_THINGS) + things.SHAPES: texts += [f" {name}", f" {things.plural(name)}", f" {things.with_article(name)}"]
  texts += [" " + w for w in [*things.MOODS, *things.COLOURS, "yes", "no", "nothing", "not there", "left", "right", "above", "below", "A", "B", "C", "D", "the", "is gone", "is new", "moved", "changed colour"]]
  texts += [" " + w for w in [*korean.NAMES.values(), *korean.COLOURS.values(), *korean.WORDS.values()]] + ["\nUser:"]
  texts += [f" {i}" for i in range(12)] + [f" {i}" for i in range(0, 1001, 20)]
  split, pieces = splitter(), {}
  for text in texts:
    for piece, _ in split.pre_tokenize_str(text): pieces[piece] = 1
  return [p for p in pieces if len(p) > 1 and re.sub("▁", "", p)]


def build(base=None):
  """A tokenizer; `base`: an earlier tokenizer.json whose token numbers are kept, new pieces being added behind them."""
  chars = list("▁\n\"?.,:!'-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") + sorted(set(things.SYLLABLES))
  tokens = SPECIAL + chars
  if base:
    saved = json.load(open(base, encoding="utf-8"))
    ids = saved["model"]["vocab"] | {t["content"]: t["id"] for t in saved["added_tokens"]}
    tokens = sorted(ids, key=ids.get)
    if [ids[t] for t in tokens] != list(range(len(tokens))): raise ValueError(f"{base}: the token numbers have gaps")
  vocab = {t: i for i, t in enumerate(dict.fromkeys(tokens + word_pieces() + MARKS))}
  tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>", ignore_merges=True, fuse_unk=False))
  tokenizer.pre_tokenizer, tokenizer.decoder = splitter(), decoders.Metaspace(replacement="▁", prepend_scheme="never")
  tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
  tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in MARKS])
  return tokenizer


class PocketTokenizer:
  """Encodes questions and answers as the chat template does: prefix + question + reply. Wraps a `tokenizers` tokenizer."""

  def __init__(self, inner, picture_tokens):
    self.inner = inner
    self.pad, _, self.start, self.end, self.fake, self.frame, self.image = range(7)
    self.size, self.known = self.inner.get_vocab_size(), {}
    self.opening, self.picture = [self.start] + self.encode("User:"), [self.fake, self.frame] + [self.image] * picture_tokens + [self.fake]

  def encode(self, text):
    return self.inner.encode(text, add_special_tokens=False).ids

  def prefix(self, pictures=1):
    """What stands before a question about one picture or more."""
    return self.opening + self.picture * pictures

  def question(self, text):
    """A question; or question, answer and next question, a line each."""
    if text not in self.known:
      asked, *later = text.split("\n")
      ids = self.encode(asked) + [self.end] + self.encode("\nAssistant:")
      for answer, asked in zip(later[::2], later[1::2]): ids = ids + self.reply(answer) + self.encode("\nUser:" + asked) + [self.end] + self.encode("\nAssistant:")
      self.known[text] = ids
    return self.known[text]

  def reply(self, text):
    key = "reply", text
    if key not in self.known: self.known[key] = self.encode(" " + text) + [self.end]
    return self.known[key]

  def decode(self, ids):
    return self.inner.decode([i for i in ids if i >= len(SPECIAL)], skip_special_tokens=False)
