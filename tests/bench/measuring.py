"""What a process of a benchmark measures of itself and of its machine."""
import statistics
import time
from pathlib import Path


def peak_memory() -> int:
    """Most bytes that this process has held so far. getrusage counts what stood there before exec(), too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status does not tell the peak memory")


def median_of(function, repeats: int = 3) -> float:
    """Seconds that a call takes, behind one that warms up."""
    function()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def processor_name() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"
