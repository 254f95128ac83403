"""A test program that answers a line with a line, for as long as the tests need it."""

import subprocess


class LineDriver:
    def __init__(self, *command):
        words = [str(word) for word in command]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self, request):
        self.process.stdin.write(f"{request}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the driver ended at {request}"
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(timeout=60) == 0


class WordDriver(LineDriver):
    """Requests are words with tabs between them; answers are numbers, or an error. Arrays come in the file `out`."""

    def __init__(self, program, folder):
        super().__init__(program)
        self.out = folder / "out"

    def ask(self, *words):
        """Numbers of the answer, or its error text."""
        answer = self.line("\t".join(map(str, words)))
        return answer.strip() if answer.startswith("error") else [float(word) for word in answer.split()]
