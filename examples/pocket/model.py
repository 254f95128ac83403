"""The same network as transformers' Idefics3ForConditionalGeneration, in plain PyTorch, with the same parameter names.

Differences are only for training: helper heads that label patches (dropped on export), and a mask that packs several
questions about one picture behind one shared picture prefix.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

SIZES = dict(image=160, patch=16, v_dim=256, v_layers=6, v_heads=4, v_mlp=1024, scale=1,
             t_dim=256, t_layers=5, t_heads=4, t_kv=2, t_mlp=704, theta=10000., vocab=0)
TINY = dict(v_dim=32, v_layers=1, v_heads=2, v_mlp=64, t_dim=32, t_layers=1, t_heads=2, t_kv=1, t_mlp=64)


def picture_tokens(sizes):
  return (sizes["image"] // sizes["patch"] // sizes["scale"]) ** 2


def attend(q, k, v, mask=None):
  """Attention. On a CPU in bfloat16 two plain matrix products are far quicker than the fused kernel, above all backwards."""
  if q.is_cuda: return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
  scores = (q * q.shape[-1] ** -.5) @ k.transpose(-1, -2)
  return (scores if mask is None else scores + mask).softmax(-1) @ v


def heads(x, count):
  return x.unflatten(-1, (count, -1)).transpose(1, 2)


class VisionAttention(nn.Module):
  def __init__(self, dim, count):
    super().__init__()
    self.count = count
    self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(dim, dim) for _ in range(4))

  def forward(self, x):
    q, k, v = (heads(f(x), self.count) for f in (self.q_proj, self.k_proj, self.v_proj))
    return self.out_proj(attend(q, k, v).transpose(1, 2).flatten(2))


class VisionMLP(nn.Module):
  def __init__(self, dim, hidden):
    super().__init__()
    self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

  def forward(self, x):
    return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class VisionLayer(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.layer_norm1, self.layer_norm2 = nn.LayerNorm(c["v_dim"], eps=1e-6), nn.LayerNorm(c["v_dim"], eps=1e-6)
    self.self_attn, self.mlp = VisionAttention(c["v_dim"], c["v_heads"]), VisionMLP(c["v_dim"], c["v_mlp"])

  def forward(self, x):
    x = x + self.self_attn(self.layer_norm1(x))
    return x + self.mlp(self.layer_norm2(x))


class VisionEmbeddings(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.patch_embedding = nn.Conv2d(3, c["v_dim"], c["patch"], c["patch"])
    self.position_embedding = nn.Embedding((c["image"] // c["patch"]) ** 2, c["v_dim"])

  def forward(self, pixels):                              # (B, 3, H, W) -> (B, patches, dim), the convolution as one matrix product
    weight, p = self.patch_embedding.weight, self.patch_embedding.kernel_size[0]
    patches = pixels.unflatten(3, (-1, p)).unflatten(2, (-1, p)).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
    return F.linear(patches, weight.flatten(1), self.patch_embedding.bias) + self.position_embedding.weight


class VisionEncoder(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.layers = nn.ModuleList(VisionLayer(c) for _ in range(c["v_layers"]))


class VisionModel(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.embeddings, self.encoder, self.post_layernorm = VisionEmbeddings(c), VisionEncoder(c), nn.LayerNorm(c["v_dim"], eps=1e-6)

  def forward(self, pixels):
    x = self.embeddings(pixels)
    for layer in self.encoder.layers: x = layer(x)
    return self.post_layernorm(x)


class Projection(nn.Module):
  def __init__(self, i, o):
    super().__init__()
    self.proj = nn.Linear(i, o, bias=False)


class Connector(nn.Module):
  """Pixel shuffle: scale x scale neighbouring patches become one picture token."""

  def __init__(self, c):
    super().__init__()
    self.scale, self.modality_projection = c["scale"], Projection(c["v_dim"] * c["scale"] ** 2, c["t_dim"])

  def forward(self, x):
    b, t, d = x.shape
    n, k = int(t ** .5), self.scale
    x = x.view(b, n // k, k, n // k, k, d).transpose(2, 3).reshape(b, (n // k) ** 2, k * k * d)
    return self.modality_projection.proj(x)


class RMSNorm(nn.Module):
  def __init__(self, dim):
    super().__init__()
    self.weight = nn.Parameter(torch.ones(dim))

  def forward(self, x):
    return F.rms_norm(x, x.shape[-1:], self.weight, 1e-5)


class TextAttention(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.count, self.kv = c["t_heads"], c["t_kv"]
    dim, kv_dim = c["t_dim"], c["t_dim"] // c["t_heads"] * c["t_kv"]
    self.q_proj, self.o_proj = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
    self.k_proj, self.v_proj = nn.Linear(dim, kv_dim, bias=False), nn.Linear(dim, kv_dim, bias=False)

  def forward(self, x, cos, sin, mask, cache=None, skip=0):
    """cache: (keys, values, positions to write at) while answering, else None; skip: so many first tokens ask nothing."""
    turned = lambda z, cos, sin: z * cos + torch.cat((-z[..., z.shape[-1] // 2:], z[..., : z.shape[-1] // 2]), -1) * sin
    q = turned(heads(self.q_proj(x[:, skip:]), self.count), cos[:, :, skip:], sin[:, :, skip:])
    k, v = turned(heads(self.k_proj(x), self.kv), cos, sin), heads(self.v_proj(x), self.kv)
    if cache is not None:
      keys, values, at = cache
      row = torch.arange(len(x), device=x.device)[:, None]
      keys[row, :, at], values[row, :, at] = k.transpose(1, 2), v.transpose(1, 2)
      k, v = keys, values
    k, v = (z.repeat_interleave(self.count // self.kv, 1) for z in (k, v))
    return self.o_proj(attend(q, k, v, mask if mask is None else mask[:, :, skip:]).transpose(1, 2).flatten(2))


class TextMLP(nn.Module):
  def __init__(self, dim, hidden):
    super().__init__()
    self.gate_proj, self.up_proj = nn.Linear(dim, hidden, bias=False), nn.Linear(dim, hidden, bias=False)
    self.down_proj = nn.Linear(hidden, dim, bias=False)

  def forward(self, x):
    return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class TextLayer(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.self_attn, self.mlp = TextAttention(c), TextMLP(c["t_dim"], c["t_mlp"])
    self.input_layernorm, self.post_attention_layernorm = RMSNorm(c["t_dim"]), RMSNorm(c["t_dim"])

  def forward(self, x, cos, sin, mask, cache=None, skip=0):
    x = x[:, skip:] + self.self_attn(self.input_layernorm(x), cos, sin, mask, cache, skip)
    return x + self.mlp(self.post_attention_layernorm(x))


class TextModel(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.sizes, self.embed_tokens = c, nn.Embedding(c["vocab"], c["t_dim"])
    self.layers, self.norm = nn.ModuleList(TextLayer(c) for _ in range(c["t_layers"])), RMSNorm(c["t_dim"])

  def forward(self, x, positions, mask, caches=None, skip=0):
    """skip: so many first tokens need no output, so that the last layer leaves them out."""
    dim = self.sizes["t_dim"] // self.sizes["t_heads"]
    speed = 1 / self.sizes["theta"] ** (torch.arange(0, dim, 2, device=x.device).float() / dim)
    angles = positions[:, None, :, None].float() * torch.cat((speed, speed))
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    for i, layer in enumerate(self.layers): x = layer(x, cos, sin, mask, caches and (*caches[0][i], caches[1]), skip if layer is self.layers[-1] else 0)
    return self.norm(x)


class Inner(nn.Module):
  def __init__(self, c):
    super().__init__()
    self.vision_model, self.connector, self.text_model = VisionModel(c), Connector(c), TextModel(c)


class PocketVLM(nn.Module):
  """`sizes` as SIZES with the vocabulary filled in; `classes`: how many things the label head knows."""

  def __init__(self, sizes, classes):
    super().__init__()
    self.sizes, self.model = sizes, Inner(sizes)
    outputs = dict(obj=classes + 1, chr=2 * 37, num=2 * 13, initial=20, vowel=22, final=29, col=12, mark=13, ctr=2, box=4)
    self.label_heads = nn.ModuleDict({k: nn.Linear(sizes["v_dim"], n) for k, n in outputs.items()})
    for name, p in self.named_parameters():
      if p.dim() > 1: nn.init.normal_(p, std=.02)
      elif name.endswith("bias"): nn.init.zeros_(p)
    nn.init.normal_(self.model.vision_model.embeddings.patch_embedding.weight, std=.03)

  def see(self, pixels):
    """(B, 3, H, W) in [-1, 1] -> patch features (B, patches, dim)."""
    return self.model.vision_model(pixels)

  def label(self, features):
    out = {k: head(features).float() for k, head in self.label_heads.items()}
    return out | {k: out[k].unflatten(-1, (2, -1)) for k in ("chr", "num")}        # for the left and for the right half of a patch

  def decode(self, features, ids, positions, segments, image_token, wanted):
    """Logits where `wanted` (bool B, T). features: of all pictures in their order. Rows hold the picture prefix (segment 0), then questions (segments 1, 2, ...;
    padding -1); each question sees the prefix and itself."""
    text = self.model.text_model
    x = text.embed_tokens(ids)
    x = x.masked_scatter((ids == image_token)[..., None], self.model.connector(features).to(x.dtype))
    t = ids.shape[1]
    visible = (segments[:, None, :] == segments[:, :, None]) | (segments[:, None, :] == 0)
    visible &= torch.ones(t, t, dtype=torch.bool, device=ids.device).tril()
    mask = torch.zeros(len(ids), 1, t, t, dtype=x.dtype, device=ids.device).masked_fill_(~visible[:, None], -1e4)
    skip = int((segments == 0).sum(1).min())
    return F.linear(text(x, positions, mask, skip=skip)[wanted[:, skip:]], text.embed_tokens.weight)

  @torch.no_grad()
  def answer(self, pixels, tokenizer, questions, longest=26):
    """Greedy answers. questions: [(how many of the pictures it is about, text)]"""
    self.eval()
    text, c, device = self.model.text_model, self.sizes, pixels.device
    rows = [tokenizer.prefix(n) + tokenizer.question(q) for n, q in questions]
    b, lengths = len(rows), torch.tensor([len(r) for r in rows], device=device)
    t = int(lengths.max())
    ids = torch.tensor([r + [tokenizer.pad] * (t - len(r)) for r in rows], device=device)
    x = text.embed_tokens(ids)
    x = x.masked_scatter((ids == tokenizer.image)[..., None], self.model.connector(self.see(pixels)).to(x.dtype))
    room = lambda: torch.zeros(b, c["t_kv"], t + longest, c["t_dim"] // c["t_heads"], dtype=x.dtype, device=device)
    caches, at = [(room(), room()) for _ in text.layers], torch.arange(t, device=device).expand(b, t)
    slots, out, row = torch.arange(t + longest, device=device), [[] for _ in rows], torch.arange(b, device=device)
    for step in range(longest):
      mask = torch.zeros(b, 1, at.shape[1], t + longest, dtype=x.dtype, device=device).masked_fill_(slots > at[:, None, :, None], -1e4)
      hidden = text(x, at, mask, (caches, at))
      last = hidden[row, lengths - 1] if step == 0 else hidden[:, 0]
      token = F.linear(last, text.embed_tokens.weight).argmax(-1)
      for i, k in enumerate(token.tolist()): out[i].append(k)
      if all(tokenizer.end in o for o in out): break
      at, x = lengths[:, None] + step, text.embed_tokens(token)[:, None]
    return [tokenizer.decode(o[: o.index(tokenizer.end)] if tokenizer.end in o else o).strip() for o in out]


def take_over(model, state):
  """Loads what fits. An embedding or a label head that has grown keeps its rows; the new ones keep their start. A connector that
  now takes one patch where it took several begins with the sum of what it did to each."""
  own, taken = model.state_dict(), 0
  for name, value in state.items():
    if name not in own: continue
    target, value = own[name], value.float().to(own[name].device)
    if target.shape == value.shape: target.copy_(value)
    elif target.shape[1:] == value.shape[1:] and target.shape[0] > value.shape[0]: target[: value.shape[0]].copy_(value)
    elif "connector" in name and target.shape[0] == value.shape[0] and value.shape[1] % target.shape[1] == 0: target.copy_(value.unflatten(1, (-1, target.shape[1])).sum(1))
    else: continue
    taken += 1
  return f"took over {taken} of {len(own)} tensors"
