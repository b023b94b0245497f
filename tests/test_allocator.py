"""What is given back stays with the process."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from genai_hf import allocator

getattr(allocator, sys.argv[1])()
for number in range(6):
    if number == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    large = [np.ones(2**23) for _ in range(3)]  # 64 MiB each
    del large
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is told anything")
def test_pages_are_handed_out_once():
    def faults(how: str) -> int:
        done = subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults("keep") < 100
    assert faults("settled") > 1000
