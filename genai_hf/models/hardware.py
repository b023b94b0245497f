"""On what a run ran, for its report: nothing of it decides anything."""

import os
import platform
from pathlib import Path

import torch


def hardware() -> dict[str, str]:
    """Names of the processor and of the accelerators, number of cores, and the system."""
    devices = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "accelerators": ", ".join(devices) or ("Apple GPU" if torch.backends.mps.is_available() else "none"),
        "system": f"{platform.system()} {platform.machine()}",
    }
    return {name: value for name, value in found.items() if value}


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        named = [line for line in information.read_text("utf-8").splitlines() if line.startswith("model name")]
        return named[0].partition(":")[2].strip() if named else platform.machine()
    return platform.processor()
