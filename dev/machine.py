"""What the benchmarks need to know of the machine they run on."""

import os
import platform
import time


def processor():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")), platform.processor())


def busy():
    """Processor seconds used by the whole machine since it started."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, softirq, *_ = map(int, f.readline().split()[1:])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet(patience, window=1.0):
    """Returns once the machine was over 95 % idle for `window` seconds, or patience is at an end."""
    end = time.time() + patience
    while time.time() < end:
        before = busy()
        time.sleep(window)
        if busy() - before < 0.05 * window * os.cpu_count():
            return
