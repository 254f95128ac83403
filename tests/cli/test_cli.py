"""What the lmm command promises: exit codes, one-line errors, JSON, pipes, Ctrl-C. Run on the model of the project."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import time

import numpy
import pytest
from safetensors import safe_open

ROOT = pathlib.Path(__file__).resolve().parents[2]
LMM = pathlib.Path(os.environ.get("LMM_BUILD", ROOT / "build")) / "bin" / "lmm"
MODEL = ROOT / "examples/pocket/model"
PICTURE = ROOT / "examples/pictures/burger.png"
QUESTION = "Name the object."


def run(*arguments, stdin=b"", code=0, **options):
    """Runs lmm; gives its standard output and error. Every error is one line that begins with "lmm: error: "."""
    done = subprocess.run([LMM, *map(os.fspath, arguments)], input=stdin, capture_output=True, timeout=300, **options)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == code, (done.returncode, out, err)
    if code:
        assert err.startswith("lmm: error: ") and err.count("\n") == 1 and err.endswith("\n"), err
    else:
        assert err == ""
    return out, err


def ask_json(*arguments, **options):
    return json.loads(run("ask", MODEL, "--json", *arguments, **options)[0])


# Help, version, wrong usage


def test_version():
    assert run("--version")[0].startswith("lmm 0.")


@pytest.mark.parametrize("command", ["ask", "chat", "listen", "info", "tokenize", "trace", "bench"])
def test_help_has_examples(command):
    assert command in run("--help")[0]
    out, _ = run(command, "--help")
    assert "Examples:" in out and f"lmm {command} MODEL" in out


@pytest.mark.parametrize("arguments", [
    [],
    ["paint"],
    ["ask"],
    ["ask", MODEL],
    ["ask", MODEL, "one", "two"],
    ["ask", MODEL, "--no-such-option", "x"],
    ["ask", MODEL, "--dtype", "int3", "x"],
    ["ask", MODEL, "--max-tokens", "many", "x"],
    ["ask", MODEL, "--max-memory", "8Q", "x"],
    ["ask", MODEL, "--logit-bias", "5", "x"],
    ["ask", MODEL, "--logit-bias", "a=b", "x"],
    ["ask", MODEL, "--raw", "--system", "y", "x"],
    ["ask", MODEL, "x", "-i"],
    ["ask", MODEL, "x", "--transcriber", MODEL],
    ["listen", MODEL],
    ["listen", MODEL, "x.wav", "--words"],
    ["listen", MODEL, "x.wav", "--srt", "--vtt"],
    ["listen", MODEL, "x.wav", "--json", "--vtt"],
    ["tokenize", MODEL],
    ["tokenize", MODEL, "x", "--text"],
    ["tokenize", MODEL, "x", "--messages", "y"],
    ["trace", MODEL, "x"],
    ["bench", MODEL, "--repeat", "0"],
])
def test_wrong_usage(arguments):
    out, err = run(*arguments, code=2)
    assert out == "" and "--help" in err


# Errors


@pytest.mark.parametrize("command", [["ask", "FOLDER", "x"], ["info", "FOLDER"], ["tokenize", "FOLDER", "x"], ["chat", "FOLDER"],
                                     ["bench", "FOLDER"], ["trace", "FOLDER", "--out", "t", "x"]], ids=lambda c: c[0])
def test_missing_and_empty_model_folder(command, tmp_path):
    for folder in (tmp_path / "nothing here", tmp_path):
        out, err = run(*(folder if word == "FOLDER" else word for word in command), code=1)
        assert out == "" and str(folder) in err


def test_missing_and_broken_picture(tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(PICTURE.read_bytes()[:200])
    for picture in (tmp_path / "none.png", broken, tmp_path):
        assert str(picture) in run("ask", MODEL, "-i", picture, "x", code=1)[1]


@pytest.mark.parametrize("arguments, named", [
    (["--device", "cuda:99", "x"], "cuda:99"),
    (["--device", "abacus", "x"], "abacus"),
    (["--threads", "-1", "x"], "threads"),
    (["--max-memory", "1K", "x"], "1024"),
    (["--temperature", "-1", "x"], "temperature"),
    (["--top-p", "1.5", "x"], "top_p"),
    (["--max-tokens", "0", "x"], "max_tokens"),
    (["--template-variables", "{", "x"], "template_variables"),
    (["--tools", "no such file", "x"], "no such file"),
    (["word " * 2000], "512"),
])
def test_bad_values(arguments, named):
    out, err = run("ask", MODEL, *arguments, code=1)
    assert out == "" and named in err


def test_text_that_is_no_utf8():
    for arguments in ([b"caf\xe9"], [b"--system", b"caf\xe9", b"x"], [b"--stop", b"\xff", b"x"]):
        assert "UTF-8" in run("ask", MODEL, *arguments, code=1)[1]
    assert "UTF-8" in run("ask", MODEL, "-", stdin=b"caf\xe9", code=1)[1]


# ask


def test_json_holds_the_reply():
    reply = ask_json("-i", PICTURE, QUESTION)
    assert list(reply) == ["text", "token_ids", "finish_reason", "boxes", "points", "segments", "usage", "timings"]
    assert list(reply["usage"]) == ["prompt_tokens", "image_tokens", "audio_tokens", "image_tiles", "reused_tokens", "new_tokens"]
    assert list(reply["timings"]) == ["load", "preprocess", "encode", "prefill", "decode", "per_token"]
    assert reply["finish_reason"] == "eos" and reply["text"].strip()
    usage = reply["usage"]
    assert usage["new_tokens"] == len(reply["token_ids"]) > 0
    assert 0 < usage["image_tokens"] < usage["prompt_tokens"] and usage["reused_tokens"] == 0
    assert all(seconds >= 0 for seconds in reply["timings"].values()) and reply["timings"]["encode"] > 0


def test_streamed_text_is_the_reply_without_leading_white_space():
    assert run("ask", MODEL, "-i", PICTURE, QUESTION)[0] == ask_json("-i", PICTURE, QUESTION)["text"].lstrip() + "\n"


def test_prompt_from_standard_input():
    expected = run("ask", MODEL, "-i", PICTURE, QUESTION)[0]
    for text in (QUESTION, QUESTION + "\n", QUESTION + "\r\n"):
        assert run("ask", MODEL, "-i", PICTURE, "-", stdin=text.encode())[0] == expected


def test_length_stop_and_bias():
    assert ask_json("--max-tokens", "2", "-i", PICTURE, QUESTION)["finish_reason"] == "length"
    whole = ask_json("-i", PICTURE, QUESTION)
    stopped = ask_json("-i", PICTURE, "--stop", whole["text"][2:4], QUESTION)
    assert stopped["finish_reason"] == "stop" and stopped["text"] == whole["text"][:2]
    biased = ask_json("-i", PICTURE, "--logit-bias", f"{whole['token_ids'][0]}=-1e9", QUESTION)
    assert biased["token_ids"][0] != whole["token_ids"][0]


def test_the_same_seed_the_same_reply():
    arguments = ["--temperature", "3", "--min-tokens", "12", "--max-tokens", "12", "-i", PICTURE, QUESTION]
    first, again, other = (ask_json("--seed", seed, *arguments)["token_ids"] for seed in ("7", "7", "8"))
    assert first == again != other


def test_raw_prompt_is_the_rendered_one(tmp_path):
    """The template's own text given as raw prompt leads to the same tokens, with the picture at its placeholder."""
    messages = tmp_path / "messages.json"
    messages.write_text(json.dumps([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]))
    rendered, _ = run("tokenize", MODEL, "--messages", messages, "--text")
    assert "<image>" in rendered
    raw, chat = ask_json("--raw", "-i", PICTURE, rendered), ask_json("-i", PICTURE, QUESTION)
    assert (raw["token_ids"], raw["usage"]) == (chat["token_ids"], chat["usage"])
    assert "2 picture" in run("ask", MODEL, "--raw", "-i", PICTURE, "<image><image>x", code=1)[1]


# chat


def test_chat_through_a_pipe():
    first = run("ask", MODEL, "-i", PICTURE, QUESTION)[0]
    out, _ = run("chat", MODEL, stdin=f"/image {PICTURE}\n{QUESTION}\n/reset\n/image {PICTURE}\n{QUESTION}\n".encode())
    assert out == first * 2
    out, _ = run("chat", MODEL, "-i", PICTURE, stdin=f"{QUESTION}\n/undo\n/undo\n/quit\nnever asked\n".encode())
    assert out == first


@pytest.mark.parametrize("failing, told", [("/image nowhere.png", "nowhere.png"), ("/dance", "/dance"), ("/image", "needs a file"),
                                           ("burger " * 1000, "the prompt has")])
def test_a_chat_script_ends_at_its_first_error(failing, told):
    """It answered about a picture that it had not found."""
    script = f"/image {PICTURE}\n{QUESTION}\n{failing}\n{QUESTION}\n"
    done = subprocess.run([LMM, "chat", MODEL], input=script.encode(), capture_output=True, timeout=300)
    assert done.returncode == 1 and done.stdout.decode() == run("ask", MODEL, "-i", PICTURE, QUESTION)[0]
    error = done.stderr.decode()
    assert error.startswith("lmm: error: ") and error.count("\n") == 1 and told in error


def test_chat_system_prompt_is_that_of_ask():
    asked = run("ask", MODEL, "--system", "Be brief.", "-i", PICTURE, QUESTION)[0]
    assert run("chat", MODEL, "-i", PICTURE, stdin=f"/system Be brief.\n{QUESTION}\n".encode())[0] == asked
    assert run("chat", MODEL, "--system", "Be brief.", "-i", PICTURE, stdin=QUESTION.encode())[0] == asked


# info, tokenize


def test_info():
    info = json.loads(run("info", MODEL, "--json")[0])
    assert info["family"] == "idefics3" and info["sees_images"] and info["has_chat_template"]
    assert info["context_length"] == 512 and info["towers"] == ["vision", "text"]
    with safe_open(MODEL / "model.safetensors", "np") as file:
        assert info["parameters"] == sum(file.get_tensor(name).size for name in file.keys())
    assert "idefics3" in run("info", MODEL)[0]


def test_tokenize():
    whole = json.loads(run("tokenize", MODEL, "--json", "a burger\n")[0])
    assert list(whole) == ["ids", "pieces"] and len(whole["ids"]) == len(whole["pieces"]) > 0
    assert json.loads(run("tokenize", MODEL, "--json", "-", stdin=b"a burger\n")[0]) == whole
    lines = run("tokenize", MODEL, "a burger\n")[0].splitlines()
    assert [int(line.split()[0]) for line in lines] == whole["ids"]
    assert [json.loads(line.split(maxsplit=1)[1]) for line in lines] == whole["pieces"]
    plain = json.loads(run("tokenize", MODEL, "--json", "--no-special", "a burger\n")[0])["ids"]
    assert plain and plain == whole["ids"][-len(plain):]


def test_tokenize_needs_no_weights(tmp_path):
    for file in MODEL.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).symlink_to(file)
    assert run("tokenize", tmp_path, "hello") == run("tokenize", MODEL, "hello")
    assert "safetensors" in run("ask", tmp_path, "hello", code=1)[1]


def test_tokenize_messages(tmp_path):
    messages = tmp_path / "messages.json"
    messages.write_text(json.dumps({"messages": [{"role": "user", "content": "Hello"}], "add_generation_prompt": False}))
    out = json.loads(run("tokenize", MODEL, "--messages", messages, "--json")[0])
    assert list(out) == ["ids", "pieces", "text"] and "Hello" in out["text"] and "Assistant:" not in out["text"]
    assert run("tokenize", MODEL, "--messages", messages, "--text")[0] == out["text"]
    assert run("tokenize", MODEL, "--messages", "-", "--text", stdin=messages.read_bytes())[0] == out["text"]
    messages.write_text('[{"role": "user",\n "content": }]')
    assert "line 2" in run("tokenize", MODEL, "--messages", messages, code=1)[1]


# trace


def test_trace(tmp_path):
    out = tmp_path / "trace.safetensors"
    out.write_text("what was there before")
    run("trace", MODEL, "-i", PICTURE, "--taps", "*", "--max-tokens", "3", "--out", out, QUESTION)
    assert list(tmp_path.iterdir()) == [out]
    reply = ask_json("--max-tokens", "3", "-i", PICTURE, QUESTION)
    with safe_open(out, "np") as file:
        names = set(file.keys())
        assert {"pixel_values", "logits", "logits.step1"} <= names
        assert file.get_tensor("pixel_values").shape[-3:] == (3, 160, 160)
        steps = [file.get_tensor(name) for name in ("logits", "logits.step1", "logits.step2") if name in names]
        chosen = [int(logits.reshape(-1, logits.shape[-1])[-1].argmax()) for logits in steps]
        assert all(numpy.isfinite(logits).all() for logits in steps)
        assert chosen == reply["token_ids"] == json.loads(file.metadata()["token_ids"])


def test_trace_glob(tmp_path):
    run("trace", MODEL, "-i", PICTURE, "--taps", "vision.*", "--out", tmp_path / "t", QUESTION)
    with safe_open(tmp_path / "t", "np") as file:
        assert file.keys() and all(name.startswith("vision.") for name in file.keys())
    assert "nonsense.*" in run("trace", MODEL, "--taps", "nonsense.*", "--out", tmp_path / "u", "x", code=1)[1]
    assert not (tmp_path / "u").exists()


def test_trace_on_a_full_disk(tmp_path):
    """A file that may not grow stands for a disk that is full: one error, and nothing is left behind or replaced."""
    out = tmp_path / "trace.safetensors"
    out.write_text("what was there before")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    assert str(out) in run("trace", MODEL, "--taps", "*", "--out", out, "x", code=1, preexec_fn=limit)[1]
    assert list(tmp_path.iterdir()) == [out] and out.read_text() == "what was there before"
    assert "/dev/full" in run("trace", MODEL, "--taps", "*", "--out", "/dev/full", "x", code=1)[1]
    assert "none" in run("trace", MODEL, "--taps", "*", "--out", tmp_path / "none" / "t", "x", code=1)[1]


# bench


def test_bench():
    result = json.loads(run("bench", MODEL, "-i", PICTURE, "--prompt-tokens", "20", "--new-tokens", "5", "--repeat", "2", "--json")[0])
    assert result["tiles"] == 1 and result["new_tokens"] == 5 and result["image_tokens"] == 100
    assert result["prompt_tokens"] >= 45 and result["repeat"] == 2
    for key in ("load_seconds", "encode_seconds", "prefill_tokens_per_second", "decode_tokens_per_second", "peak_memory_bytes"):
        assert result[key] > 0, key


# Ctrl-C and closed pipes


def start(*arguments):
    return subprocess.Popen([LMM, *map(os.fspath, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))


def catches_interrupts(process):
    """Whether the program has come so far that it has a handler of SIGINT (bit 1 of the signals caught)."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("SigCgt:")[1].split()[0], 16) & 1 << (signal.SIGINT - 1) != 0


def test_interrupt_keeps_the_text_so_far():
    arguments = ["ask", MODEL, "--min-tokens", "200", "--max-tokens", "200", "--threads", "1", QUESTION]
    whole = run(*arguments)[0]
    for _ in range(20):  # the machine may be so busy that the whole answer is there before the signal
        with start(*arguments) as process:
            first = process.stdout.read(1)
            process.send_signal(signal.SIGINT)
            text = (first + process.stdout.read()).decode()
            err = process.stderr.read().decode()
        if process.returncode != 0:
            break
    assert process.returncode == 130 and err == ""
    assert text.endswith("\n") and whole.startswith(text[:-1]) and len(text) < len(whole)


def test_interrupt_of_a_long_run():
    with start("bench", MODEL, "--new-tokens", "100", "--repeat", "1000") as process:
        while not catches_interrupts(process):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == b"" and err == b"lmm: error: cancelled\n"


def test_reader_that_goes_away():
    with start("ask", MODEL, "--min-tokens", "200", "--max-tokens", "200", QUESTION) as process:
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141 and err == b""


def test_output_that_is_closed_or_full(tmp_path):
    for command in (["ask", MODEL, QUESTION], ["ask", MODEL, "--json", QUESTION], ["info", MODEL], ["--help"]):
        run(*command, code=1, preexec_fn=lambda: os.close(1))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([LMM, *map(os.fspath, command)], stdout=full, stderr=subprocess.PIPE, timeout=300)
        assert done.returncode == 1 and done.stderr.startswith(b"lmm: error: writing standard output failed")


# Instruction sets


@pytest.mark.parametrize("limit", ["portable", "avx2", "avx512"])
def test_the_same_reply_with_other_instructions(limit):
    narrow = run("ask", MODEL, "-i", PICTURE, "--weights", "int8", QUESTION, env=os.environ | {"LMM_MAX_ISA": limit})
    assert narrow == run("ask", MODEL, "-i", PICTURE, "--weights", "int8", QUESTION)


def test_unknown_instructions():
    err = run("ask", MODEL, "x", code=1, env=os.environ | {"LMM_MAX_ISA": "avx3"})[1]
    assert "LMM_MAX_ISA" in err and '"avx3"' in err and "portable, avx2" in err
