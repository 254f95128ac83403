"""Threads, forks, signals, the end of the program, and torch in the same process."""

import threading
import time

import pytest
from binding import PICTURE, QUESTION, slow

import lmm

ASK = [PICTURE, QUESTION]

# Threads


def in_threads(count, work):
    results = [None] * count

    def run(index):
        try:
            results[index] = work(index)
        except BaseException as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return results


def test_sessions_in_threads(model):
    expected = lmm.Session(model).ask(ASK, max_tokens=8).text
    answers = in_threads(6, lambda _: [lmm.Session(model).ask(ASK, max_tokens=8).text for _ in range(3)])
    assert answers == [[expected] * 3] * 6


def test_one_session_in_two_threads_is_busy(session):
    begun = threading.Event()

    def work(index):
        if index == 0:
            stop = threading.Timer(0.5, session.cancel)
            stop.start()
            return session.ask("hi", **{**slow(), "on_tap": lambda _: begun.set() or time.sleep(0.03)})
        begun.wait(60)
        return session.ask("x", max_tokens=1)

    reply, busy = in_threads(2, work)
    assert isinstance(reply, lmm.Reply) and reply.finish_reason == "cancelled" and isinstance(busy, lmm.Busy)
    assert [turn.message.text for turn in session.history][0] == "hi" and len(session.history) == 2


def test_close_in_another_thread(model):
    session, begun = lmm.Session(model), threading.Event()

    def work(index):
        if index == 0:
            return session.ask("hi", **{**slow(), "on_tap": lambda _: begun.set() or time.sleep(0.03)})
        begun.wait(60)
        session.close()

    result, _ = in_threads(2, work)
    assert isinstance(result, lmm.Cancelled) or result.finish_reason == "cancelled"


# Ctrl-C: the signal comes out of a timer, as from a terminal

INTERRUPT = """
import os, signal, threading, time, lmm
from binding import slow
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background of a shell ignores it
def interrupt(after):
    threading.Timer(after, os.kill, (os.getpid(), signal.SIGINT)).start()
"""


# What is interrupted, and whether what was said till then may stay as a turn.
INTERRUPTED = [
    ("session.ask('hi', **slow())", False),
    ("session.edit_last('hi', **slow())", False),
    ("list(session.stream('hi', **slow()))", True),
    ("session.start('hi', **slow()).get()", True),
    ("session.start('hi', **slow(), paused=True).step(60)", True),
    ("__import__('asyncio').run(session.aask('hi', **slow()))", True),
    ("session.ask('hi', max_tokens=9, taps='text.layer.*', on_tap=lambda _: time.sleep(0.2))", False),
]


def test_interrupt(run):
    out = run(INTERRUPT + f"""
session = lmm.Session(lmm.Model.load(MODEL))
def said():
    return [turn.message.text for turn in session.history]
for ask, stays in {INTERRUPTED!r}:
    session.reset()
    session.ask('first', max_tokens=1)
    before = said()
    interrupt(0.3)
    try:
        eval('lambda: ' + ask)()  # out of eval itself it would end the program later
        print('no interrupt', ask)
    except KeyboardInterrupt:
        after = said()
        print(after == before or stays and after[:2] == before and after[2] == 'hi')
    session.ask('again', max_tokens=2)
    assert len(said()) == len(after) + 2
""")
    assert out == "True\n" * len(INTERRUPTED)


def test_interrupt_while_a_model_loads(run):
    out = run(INTERRUPT + """
count = 0
def on_progress(_):
    global count
    count += 1
    if count == 1:
        os.kill(os.getpid(), signal.SIGINT)
try:
    while True:
        lmm.Model.load(MODEL, on_progress=on_progress)
except KeyboardInterrupt:
    print('interrupted')
print(lmm.Session(lmm.Model.load(MODEL)).ask('hi', max_tokens=1).usage.new_tokens)
""")
    assert out == "interrupted\n1\n"


def test_a_handler_of_ones_own(run):
    out = run(INTERRUPT + """
session = lmm.Session(lmm.Model.load(MODEL))
signal.signal(signal.SIGALRM, lambda *_: session.cancel())
signal.setitimer(signal.ITIMER_REAL, 0.4)
try:
    print(session.ask('hi', **slow()).finish_reason)
except lmm.Cancelled:  # before the first token
    print('cancelled')
""")
    assert out == "cancelled\n"


# Fork

FORK = """
import os, sys, lmm
model = lmm.Model.load(MODEL)
session = lmm.Session(model)
session.ask('hi', max_tokens=1)
"""


def test_after_fork_there_is_a_clear_error(run):
    out = run(FORK + """
pending = session.start('hi', paused=True)
child = os.fork()
if child == 0:
    import gc
    said = []
    for use in (lambda: session.ask('x'), lambda: lmm.Session(model), session.fork, lambda: session.history, pending.get,
                lambda: list(session.stream('x')), session.pop, session.reset, session.cancel, lambda: pending.step(1),
                lambda: setattr(session, 'history', []), lambda: model.tokenizer, lambda: pending.progress):
        try:
            use()
            said.append('nothing')
        except lmm.Unsupported as error:
            said.append('fork' in str(error) and str(os.getpid()) in str(error))
    pending.cancel()
    session.close()
    del session, pending, model
    gc.collect()
    print(set(said), flush=True)
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
pending.cancel()
print(session.ask('x', max_tokens=1).usage.new_tokens)
""")
    assert out == "{True}\n0\n1\n"


def test_after_fork_a_model_can_be_loaded_anew(run):
    out = run(FORK + """
child = os.fork()
if child == 0:
    lines = []
    own = lmm.Session(lmm.Model.load(MODEL, on_log=lambda level, line: lines.append(line)))
    print(own.ask([lmm.Image.open(PICTURE), 'Name the object.'], max_tokens=8).text.strip(), flush=True)
    sys.exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
    assert out.endswith("\n0\n") and "burger" in out


def test_multiprocessing(run):
    out = run("""
import multiprocessing, lmm
model = lmm.Model.load(MODEL)
session = lmm.Session(model)
def work(text):
    try:
        return session.ask(text, max_tokens=1).text
    except lmm.LmmError as error:
        return error.code
with multiprocessing.get_context('fork').Pool(2) as pool:
    print(pool.map(work, ['a', 'b']))
print(session.ask('hi', max_tokens=1).usage.new_tokens)
""")
    assert out == "['unsupported', 'unsupported']\n1\n"


# The end of the program, in the middle of things


@pytest.mark.parametrize("middle, end", [
    ("stream = session.stream('hi', **slow()); next(stream)", ""),
    ("pending = session.start('hi', **slow())", "import sys; sys.exit(0)"),
    ("pending = session.start('hi', paused=True, taps='*', on_tap=print)", "import gc; gc.disable(); cycle = [session]; cycle.append(cycle)"),
    ("session.ask('hi', max_tokens=1)", "import builtins; builtins.kept = session"),
    ("lmm.kept = (session, session.stream('hi', **slow()))", ""),
    ("import threading; threading.Thread(target=session.ask, args=('hi',), kwargs=slow(6)).start()", ""),
])  # fmt: skip
def test_the_program_ends(run, middle, end):
    assert run(f"""
import lmm
from binding import slow
lines = []
session = lmm.Session(lmm.Model.load(MODEL, on_log=lambda level, line: lines.append(line)))
{middle}
print('end')
{end}
""") == "end\n"


def test_a_daemon_thread_does_not_hold_the_program(run):
    run("""
import lmm, threading
from binding import slow
session = lmm.Session(lmm.Model.load(MODEL))
def work():
    try:
        session.ask('hi', **slow())
    except lmm.LmmError:
        pass
threading.Thread(target=work, daemon=True).start()
import time; time.sleep(0.3)
""")


# torch in the same process: one libtorch for both, whichever comes first

TORCH = """
def use_torch():
    import torch
    layer = torch.nn.Linear(64, 64)
    loss = layer(torch.randn(8, 64)).square().mean()
    loss.backward()
    assert layer.weight.grad.shape == (64, 64)
    return torch.get_num_threads()
def use_lmm():
    import lmm
    session = lmm.Session(lmm.Model.load(MODEL, threads=1))
    assert 'burger' in session.ask([lmm.Image.open(PICTURE), 'Name the object.'], max_tokens=8).text
    return session
def mapped():
    with open('/proc/self/maps') as maps:
        return {line.split()[-1] for line in maps if 'libtorch_cpu.so' in line}
"""


@pytest.mark.parametrize("order", ["import torch; kept = use_lmm(); threads = use_torch()", "kept = use_lmm(); threads = use_torch()"])
def test_torch(run, order):
    out = run(TORCH + order + """
import torch
before = torch.get_num_threads()
kept.ask('hi', max_tokens=2)
assert torch.get_num_threads() == before == threads
again = use_torch(), use_lmm()
print(len(mapped()))
""")
    assert out == "1\n"


def test_lmm_without_torch(run):
    assert run(TORCH + "use_lmm(); import sys; print([name for name in ('torch', 'numpy', 'PIL') if name in sys.modules])") == "[]\n"
