"""Muon (momentum, then the nearest orthogonal matrix by Newton-Schulz steps) for the layers' matrices, AdamW for the rest."""
import torch

STEPS = ((4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037), (2.8769, -3.1427, 1.2046), (2.8366, -3.0525, 1.2012))


class Muon(torch.optim.Optimizer):
  def __init__(self, params, lr, weight_decay=0., momentum=.95):
    super().__init__(params, dict(lr=lr, weight_decay=weight_decay, momentum=momentum))

  @torch.no_grad()
  def step(self):
    for group in self.param_groups:
      by_shape = {}
      for p in group["params"]:
        if p.grad is not None: by_shape.setdefault((min(p.shape), max(p.shape)), []).append(p)
      for params in by_shape.values():                         # matrices of one shape (or its transpose) go in one batch
        updates = []
        for p in params:
          m = self.state[p].setdefault("m", torch.zeros_like(p))
          m.lerp_(p.grad, 1 - group["momentum"])
          u = p.grad.lerp(m, group["momentum"])
          updates.append(u if u.shape[0] <= u.shape[1] else u.T)
        x = torch.stack(updates)
        if x.is_cuda: x = x.bfloat16()
        x = x / (x.float().norm(dim=(1, 2), keepdim=True) * 1.01 + 1e-7).to(x.dtype)
        for a, b, c in STEPS:
          y = x @ x.mT
          x = a * x + (b * y + c * y @ y) @ x
        for p, u in zip(params, x.float()):
          p.mul_(1 - group["lr"] * group["weight_decay"]).add_(u if p.shape[0] <= p.shape[1] else u.T, alpha=-group["lr"] * .2 * max(p.shape) ** .5)


def optimizers(model, lr, weight_decay):
  """[Muon, AdamW]; each group remembers its highest rate as `peak`."""
  hidden = [p for n, p in model.named_parameters() if p.dim() == 2 and ".layers." in n]
  ids = {id(p) for p in hidden}
  rest = [(n, p) for n, p in model.named_parameters() if id(p) not in ids]
  decayed = [p for n, p in rest if p.dim() > 1 and "embed" not in n]
  plain = [p for n, p in rest if not (p.dim() > 1 and "embed" not in n)]
  adam = torch.optim.AdamW([dict(params=decayed, weight_decay=weight_decay), dict(params=plain, weight_decay=0.)], lr=min(lr, 1e-3), betas=(.9, .98))
  result = [Muon(hidden, lr, weight_decay), adam]
  for optimizer in result:
    for group in optimizer.param_groups: group["peak"] = group["lr"]
  return result
