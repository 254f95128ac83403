"""Is an answer right, and how sure is a share? Exact match but for boxes (IoU 0.5), lists (F1) and Korean text (share of syllables)."""
import re
import statistics


def edit_distance(a, b):
  row = list(range(len(b) + 1))
  for i, x in enumerate(a):
    diagonal, row[0] = row[0], i + 1
    for j, y in enumerate(b): diagonal, row[j + 1] = row[j + 1], min(row[j] + 1, row[j + 1] + 1, diagonal + (x != y))
  return row[-1]


def overlap(got, wanted):
  a, b = [[int(v) for v in re.findall(r"\d+", text)] for text in (got, wanted)]
  if len(a) != 4: return 0.
  w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
  inner = max(0, w) * max(0, h)
  return inner / max((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner, 1e-9)


def grade(task, got, wanted):
  """(score of this item, extra measures)"""
  if wanted.startswith("<box>"):
    iou = overlap(got, wanted)
    return float(iou >= .5), {"mean IoU": iou}
  if task == "list":
    parts = lambda s: set(re.split(r", | and ", s))
    g, w = parts(got), parts(wanted)
    return 2 * len(g & w) / (len(g) + len(w)), {"exact": float(g == w)}
  if task in ("word", "handwriting", "digits", "hangul"):
    share = max(0., 1 - edit_distance(got.strip('"'), wanted.strip('"')) / max(len(wanted) - 2, 1))
    return (share, {"exact": float(got == wanted)}) if task == "hangul" else (float(got == wanted), {"characters": share})
  return float(got == wanted), {}


def interval(scores):
  """95% interval of the mean: Wilson's for right or wrong, the normal one for shares."""
  n, p, z = len(scores), statistics.fmean(scores), 1.96
  if set(scores) <= {0., 1.}:
    middle, half = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** .5
    return middle - half, middle + half
  half = z * statistics.pstdev(scores) / n ** .5
  return max(0., p - half), min(1., p + half)
