"""What the tests of Qwen2-Audio and of Voxtral have in common. Judged as test_model.py judges; log-mel features, which come
out of two Fourier transforms, within 1e-4 as those of test_sound.py."""
import re
import shutil

import numpy as np

from test_model import (BF16_MEAN_MARGIN, BF16_TAP_MARGIN, FP32_TOLERANCE, ONE_ROW, compare, geometric_mean, near_ties,
                        squares)
from test_model import Driver as BatchDriver

FEATURES_TOLERANCE = 1e-4


class Driver(BatchDriver):
    def hear(self, prompt, sounds=(), **more):
        return self.ask(prompt, parts=[{"audio": str(path)} for path in sounds], **more)


def pieces(driver, folder, prompt, sounds=(), **more):
    """Taps of a prompt: by name, a list of what was seen under it, in order."""
    folder.mkdir(exist_ok=True)
    answer = driver.hear(prompt, sounds, taps=str(folder), max_tokens=1, **more)
    assert "error" not in answer, answer
    out = {}
    for name, shape in answer["shapes"].items():
        values = np.fromfile(folder / f"{name}.f32", np.float32).reshape(shape)
        out.setdefault(re.sub(r"\.step\d+$", "", name), []).append(values)
    shutil.rmtree(folder)
    return out


def check_fp32(ours, theirs, what):
    """Within 2e-4 of each tap's largest value, features within 1e-4 of themselves; gives the worst of the former."""
    errors = compare(ours, theirs)
    if "input_features" in theirs:
        apart = np.abs(np.squeeze(ours["input_features"]) - np.squeeze(theirs["input_features"].numpy())).max()
        assert apart <= FEATURES_TOLERANCE, (what, "input_features", apart)
    wrong = {name: float(error) for name, error in errors.items() if not error <= FP32_TOLERANCE}
    assert not wrong, f"{what}: {len(wrong)} of {len(errors)} taps differ: {wrong}"
    return max(errors.values())


class Bf16:
    """Our bf16 error over transformers', both against transformers' fp32."""

    def __init__(self):
        self.mine, self.their = {}, {}

    def add(self, ours, theirs, truth):
        for total, found in ((self.mine, squares(ours, truth)), (self.their, squares(theirs, truth))):
            for name, value in found.items():
                total[name] = total.get(name, 0.0) + value

    def ratios(self):
        return {name: float(np.sqrt(self.mine[name] / self.their[name])) for name in self.mine}


def judge(ratios):
    """The mean over taps of many rows, the worst of them, and whether both are within test_model.py's margins."""
    whole = {name: ratio for name, ratio in ratios.items() if name not in ONE_ROW}
    worst = max(whole, key=whole.get)
    mean = geometric_mean(whole.values())
    return mean, worst, mean <= BF16_MEAN_MARGIN and whole[worst] <= BF16_TAP_MARGIN


def greedy(driver, model, answer, inputs, max_tokens, what):
    """Near ties among the tokens of an answer, which is else the reference's own."""
    assert "error" not in answer, answer
    found = near_ties(model, inputs, answer, max_tokens, what)
    if found == 0:
        assert answer["token_ids"] == model.greedy(inputs, max_tokens), what
    return found
