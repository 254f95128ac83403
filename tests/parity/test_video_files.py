"""`lmm ask --video FILE` and `lmm trace --video FILE`: which frames of a file are looked at, upright, and what is wrong with
files. The frames of tests/data/videos tell their index by their shade."""
import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("transformers")
from safetensors.numpy import load_file  # noqa: E402

import checkpoints  # noqa: E402
import qwen_vl_checkpoints as qwen  # noqa: E402

VIDEOS = pathlib.Path(__file__).resolve().parents[1] / "data" / "videos"
KINDS = ["clip.mp4", "clip.avi", "clip.webm", "clip.mkv"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Tiny checkpoints whose videos are seen at 56x56 or 64x64 pixels."""
    out = {}
    for name, kind, side in [("qwen2-vl-old", 2, 28), ("qwen3-vl-new", 3, 32)]:
        out[kind] = tmp_path_factory.mktemp("model") / name
        shutil.copytree(qwen.folder_of(name), out[kind])
        frames = 1 if kind == 2 else 24
        settings = {"video_processor_type": f"Qwen{kind}VLVideoProcessor", "image_mean": [0.0] * 3, "image_std": [1.0] * 3,
                    "size": {"shortest_edge": side * side * 4, "longest_edge": side * side * 4 * frames}}
        (out[kind] / "video_preprocessor_config.json").write_text(json.dumps(settings))
    return out


def run(lmm, *words):
    return subprocess.run([str(word) for word in (lmm, *words)], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def reads_videos(lmm, folders):
    result = run(lmm, "ask", folders[2], "--video", VIDEOS / "clip.mp4", "--max-tokens", 1, "Hm?")
    if "built without FFmpeg's libraries" in result.stderr:
        pytest.skip("lmm was built without FFmpeg's libraries")


def seen(lmm, folder, path, out, *more):
    """(frames, 3, side, side) of what the model is shown, in shades of 0 to 255."""
    result = run(lmm, "trace", folder, "--dtype", "fp32", "--video", path, "--taps", "pixel_values", "--out", out, *more, "Hm?")
    assert result.returncode == 0, result.stderr
    patches = load_file(out)["pixel_values"]  # (steps * 16, 3 * 2 * side * side)
    side = round((patches.shape[1] / 6) ** 0.5)
    patches = patches.reshape(-1, 2, 2, 2, 2, 3, 2, side, side)  # step, block row and column, row and column, channel, frame, y, x
    frames = patches.transpose(0, 6, 5, 1, 3, 7, 2, 4, 8).reshape(-1, 3, 4 * side, 4 * side)
    return frames * 255


def shades(frames):
    """Of the left halves, away from the edges."""
    return frames[:, :, 8:-8, 4:20].mean(axis=(1, 2, 3))


@pytest.mark.parametrize("name", KINDS)
def test_all_frames_in_order(lmm, reads_videos, folders, tmp_path, name):
    frames = seen(lmm, folders[2], VIDEOS / name, tmp_path / "taps.safetensors")
    assert len(frames) == 24
    np.testing.assert_allclose(shades(frames), 10 * np.arange(24), atol=4)
    right = frames[:, :, 8:-8, -20:-4].mean(axis=(2, 3))
    np.testing.assert_allclose(right, np.stack([250 - 10 * np.arange(24), np.full(24, 20), np.full(24, 20)], axis=1), atol=12)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("kind,fps,indices", [(2, 2, [0, 6, 12, 18]), (2, 5, list(range(0, 24, 2))), (3, 0, [0, 8, 15, 23]),
                                              (3, 5, np.linspace(0, 23, 12).round().astype(int))])
def test_only_the_frames_that_the_processor_samples(lmm, reads_videos, folders, tmp_path, name, kind, fps, indices):
    frames = seen(lmm, folders[kind], VIDEOS / name, tmp_path / "taps.safetensors", *(("--fps", fps) if fps else ()))
    assert len(frames) == len(indices)
    np.testing.assert_allclose(shades(frames), 10 * np.asarray(indices), atol=5)


def test_turned_upright(lmm, reads_videos, folders, tmp_path):
    frames = seen(lmm, folders[2], VIDEOS / "rotated.mp4", tmp_path / "taps.safetensors", "--fps", 2)
    lower = frames[:, :, -20:-4, 8:-8].mean(axis=(1, 2, 3))  # what is left in the file lies below
    np.testing.assert_allclose(lower, [0, 60, 120, 180], atol=5)
    upper = frames[:, :, 4:20, 8:-8].mean(axis=(2, 3))
    np.testing.assert_allclose(upper[:, 0], [250, 190, 130, 70], atol=12)


def test_time_stamps_of_a_file(lmm, reads_videos, folders):
    result = run(lmm, "ask", folders[3], "--video", VIDEOS / "clip.mp4", "--max-tokens", 1, "--json", "Hm?")
    assert result.returncode == 0, result.stderr
    usage = json.loads(result.stdout)["usage"]
    assert usage["image_tokens"] == 2 * 4  # 4 frames of 2x2 merged patches, two by two


def test_pictures_and_videos(lmm, reads_videos, folders):
    picture = checkpoints.ROOT / "examples" / "pictures" / "ring.png"
    result = run(lmm, "ask", folders[2], "-i", picture, "--video", VIDEOS / "clip.mp4", "--fps", 2, "--video", VIDEOS / "clip.mkv",
                 "--max-tokens", 2, "--json", "Which?")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["usage"]["image_tiles"] == 1 + 2 + 2


def test_in_a_conversation(lmm, reads_videos, folders):
    result = subprocess.run([lmm, "chat", folders[2], "--fps", "2", "--max-tokens", "2"], capture_output=True, text=True, timeout=120,
                            input=f"/video {VIDEOS / 'clip.mp4'}\nWhat?\n/video nothing.mp4\nAnd?\n")
    assert "nothing.mp4: no such file" in result.stderr and result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1


def refusal(lmm, folder, path, *more):
    result = run(lmm, "ask", folder, "--video", path, *more, "Hm?")
    assert result.returncode == 1 and result.stdout == "" and len(result.stderr.strip().splitlines()) == 1, result
    return result.stderr


def test_files_that_are_no_videos(lmm, reads_videos, folders, tmp_path):
    assert "no such file" in refusal(lmm, folders[2], tmp_path / "absent.mp4")
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("This is no video at all.\n" * 40)
    for name in ("empty.mp4", "text.mp4", "."):
        assert "cannot be read as a video" in refusal(lmm, folders[2], tmp_path / name), name
    assert "there is no video in it" in refusal(lmm, folders[2], VIDEOS / "sound.wav")


@pytest.mark.parametrize("name", KINDS)
def test_files_that_are_cut_off(lmm, reads_videos, folders, tmp_path, name):
    """Wherever: an error, or, of a format that tells no number of frames, the frames that are there."""
    whole = (VIDEOS / name).read_bytes()
    path = tmp_path / name
    refused = 0
    for part in (0.02, 0.3, 0.6, 0.9, 0.99):
        path.write_bytes(whole[:int(len(whole) * part)])
        result = run(lmm, "ask", folders[2], "--video", path, "--max-tokens", 1, "Hm?")
        assert result.returncode in (0, 1), result
        if result.returncode == 1:
            assert path.name in result.stderr and len(result.stderr.strip().splitlines()) == 1, result
            refused += 1
    assert refused >= {"clip.mp4": 5, "clip.avi": 4}.get(name, 1)  # of the AVI the last 1% is an index


def test_damaged_files(lmm, reads_videos, folders, tmp_path):
    """Bytes at random: an answer or one line, never the end of the program."""
    rng = np.random.default_rng(4)
    for name in KINDS:
        for i in range(4):
            data = np.frombuffer((VIDEOS / name).read_bytes(), np.uint8).copy()
            places = rng.integers(0, len(data), 1 + 8 * i)
            data[places] = rng.integers(0, 256, len(places))
            path = tmp_path / name
            path.write_bytes(data.tobytes())
            result = run(lmm, "ask", folders[2], "--video", path, "--fps", 2, "--max-tokens", 1, "Hm?")
            assert result.returncode in (0, 1), result
            assert result.returncode == 0 or len(result.stderr.strip().splitlines()) == 1, result


def test_a_model_without_videos(lmm, reads_videos):
    assert "takes no videos" in refusal(lmm, checkpoints.POCKET, VIDEOS / "clip.mp4")


def test_a_playlist_leads_nowhere(lmm, reads_videos, folders, tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    assert "list.m3u8" in refusal(lmm, folders[2], path)
