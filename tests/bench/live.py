#!/usr/bin/env python3
"""How far live texts are behind the speaker: plays a recording into Session.listen in pieces of 0.1 s, at the pace of a
microphone, and tells how long after the sound each text came that covers it.

  LMM_LIBRARY=build/lib/liblmm.so python tests/bench/live.py WHISPER RECORDING.wav [--dtype bf16] [--weights int8] [--seconds 60]

Needs soundfile.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import soundfile

sys.path.append(str(Path(__file__).resolve().parents[2] / "bindings" / "python"))
import lmm  # noqa: E402

PIECE = 0.1  # seconds


def play(listener: lmm.Listener, samples, rate: int) -> list[tuple[lmm.Utterance, float]]:
    """Utterances, each with the seconds from the push of its last sound to its text."""
    told = []
    started, size = time.perf_counter(), int(PIECE * rate)
    for at in range(0, len(samples), size):
        pushed = min(at + size, len(samples)) / rate
        while (left := started + pushed - time.perf_counter()) > 0:
            told += [(one, time.perf_counter() - started - one.end) for one in listener.wait(min(left, 0.01))]
            time.sleep(min(max(started + pushed - time.perf_counter(), 0), 0.005))
        listener.push_array(samples[at:at + size], rate)
    listener.finish()
    while not listener.done:
        told += [(one, time.perf_counter() - started - one.end) for one in listener.wait()]
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("recording")
    parser.add_argument("--dtype", default="bf16")
    parser.add_argument("--weights", choices=["full", "int8", "int4"], default="full")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    samples, rate = soundfile.read(options.recording, dtype="float32", frames=-1)
    samples = samples[: int(options.seconds * rate)]
    session = lmm.Session(lmm.Model.load(options.model, dtype=options.dtype, weights=options.weights, threads=options.threads))
    play(session.listen(speech_language="en"), samples[: 5 * rate], rate)  # warm
    told = play(session.listen(speech_language="en"), samples, rate)
    for name, some in (("partial", [late for one, late in told if not one.is_final]),
                       ("final", [late for one, late in told if one.is_final])):
        ordered = sorted(some) or [0.0]
        print(json.dumps({"texts": name, "count": len(some), "median_s": round(ordered[len(ordered) // 2], 3),
                          "p90_s": round(ordered[int(len(ordered) * 0.9)], 3), "most_s": round(ordered[-1], 3)}))


if __name__ == "__main__":
    main()
