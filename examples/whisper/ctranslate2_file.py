"""Reads the weights that CTranslate2 keeps in a model.bin.

The format, little-endian, as CTranslate2 writes it (python/ctranslate2/specs/model_spec.py) and reads it
(src/models/model.cc); string = uint16 length, the 0 at its end included, then its bytes:

    uint32 version of the format; string name of the specification; uint32 its revision
    uint32 count, then for each variable: string name; uint8 rank; uint32 size * rank; uint8 type; uint32 bytes; data
    uint32 count, then for each alias:    string alias; string name of the variable it stands for

A weight that is quantised to 8 or 16 bits has its scale beside it: W = weight / weight_scale, a scale for each row, or
one for all.
"""
import struct

import numpy as np

VERSION = 6
TYPES = (np.dtype("<f4"), np.dtype("i1"), np.dtype("<i2"), np.dtype("<i4"), np.dtype("<f2"), "bfloat16")


class Reader:
  """Takes pieces from a file held in memory, one after the other."""

  def __init__(self, data):
    self.data, self.at = memoryview(data), 0

  def take(self, size):
    if size > len(self.data) - self.at:
      raise ValueError(f"model.bin: {size} bytes wanted at {self.at}, {len(self.data) - self.at} are left")
    self.at += size
    return self.data[self.at - size:self.at]

  def number(self, form):
    return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))[0]

  def string(self):
    return bytes(self.take(self.number("H")))[:-1].decode()

  def variable(self):
    shape = tuple(self.number("I") for _ in range(self.number("B")))
    kind, size = self.number("B"), self.number("I")
    if kind >= len(TYPES): raise ValueError(f"model.bin: type {kind} at {self.at - 5}, known are 0 to {len(TYPES) - 1}")
    data = self.take(size)
    if TYPES[kind] == "bfloat16":
      return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    return np.frombuffer(data, TYPES[kind]).reshape(shape)


def read(data):
  """bytes of a model.bin -> name of the specification, {name: array}; quantised weights as float32."""
  file = Reader(data)
  version = file.number("I")
  if version != VERSION: raise ValueError(f"model.bin: version {version}, {VERSION} is read")
  specification, _ = file.string(), file.number("I")
  variables = {}
  for _ in range(file.number("I")):
    name = file.string()
    variables[name] = file.variable()
  for _ in range(file.number("I")):
    alias, name = file.string(), file.string()
    variables[alias] = variables[name]
  if file.at != len(file.data): raise ValueError(f"model.bin: {len(file.data) - file.at} bytes too many")
  return specification, dequantised(variables)


def dequantised(variables):
  out = {}
  for name, value in variables.items():
    scale = variables.get(name + "_scale")
    if name.endswith("_scale"): continue
    if scale is None:
      out[name] = value
      continue
    scale = scale.astype(np.float32)
    out[name] = value.astype(np.float32) / scale.reshape(scale.shape + (1,) * (value.ndim - scale.ndim))
  return out
