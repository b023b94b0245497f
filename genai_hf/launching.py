"""Starting the same command in several processes: `launch=…` calls the launcher that one would call by hand."""

import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from omegaconf import DictConfig

from genai_hf import secrets
from genai_hf.config import hint, overrides
from genai_hf.errors import ConfigError
from genai_hf.ranks import COMMAND, LAUNCHED, WORDS, rank, ranks
from genai_hf.settings import upstream

STARTERS = {
    "accelerate": ("accelerate", "launch", "--num_processes={processes}"),
    "torchrun": ("torchrun", "--standalone", "--nproc-per-node={processes}"),
    "srun": (
        *("srun", "--ntasks-per-node=1", "torchrun", "--nnodes=$SLURM_NNODES", "--nproc-per-node={processes}"),
        *("--rdzv-backend=c10d", "--rdzv-id=$SLURM_JOB_ID"),
        "--rdzv-endpoint=$(scontrol show hostnames | head -n 1):29500",
    ),
}
PARSERS = {  # whose options launch.arguments are, and where they are read
    "accelerate": ("accelerate launch", "accelerate.commands.launch"),
    **dict.fromkeys(("torchrun", "srun"), ("torchrun", "torch.distributed.run")),
}
OPTION = re.compile(r"--(?!no[-_]python|run[-_]path)([\w-]+)(=.*)?")  # none that runs another program
SIGNALLED = 128  # above it an exit code names the signal that ended a process
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


def check(cfg: DictConfig) -> None:
    """Refuse words that are no options of the launcher, and what is for one where there is none.

    Raises:
        ConfigError: The first.
    """
    starter, words = cfg.launch.starter, [OPTION.fullmatch(str(word)) for word in cfg.launch.arguments]
    for word, match in zip(cfg.launch.arguments, words, strict=True):
        if match is None:
            raise ConfigError(
                f"'launch.arguments': {word} is no option of the launcher's such as --gpu_ids=0,1; mend it"
            )
    if starter == "none":
        if words or cfg.launch.processes not in {None, 1}:
            key = "arguments" if words else "processes"
            raise ConfigError(f"'launch.{key}' does nothing without a launcher; say launch=gpus or launch=cpu2 besides")
        return
    program, module = PARSERS[starter]
    known = {option.replace("-", "_") for option in upstream.options(module)}
    for match in filter(None, words):
        if not any(option.startswith(match[1].replace("-", "_")) for option in known):
            near = hint(match[1].replace("-", "_"), known) or f"; {program} --help lists them"
            raise ConfigError(f"'launch.arguments': {program} has no option --{match[1]}{near}")


def is_wanted(cfg: DictConfig) -> bool:
    """Whether this process is to start others instead of training.

    Raises:
        ConfigError: It is one of another number of ranks than was asked for.
    """
    if not {"RANK", LAUNCHED} & set(os.environ):
        return bool(cfg.launch.starter != "none")
    if cfg.launch.starter in {"accelerate", "torchrun"}:
        if cfg.launch.processes not in {None, ranks()}:
            raise ConfigError(f"launch.processes={cfg.launch.processes} were asked for and {ranks()} run")
        if LAUNCHED not in os.environ and rank() == 0:
            print("launch=… starts nothing here: a launcher has started this process", file=sys.stderr)
    return False


def settle(cfg: DictConfig) -> None:
    """Write down how many processes there will be, where it depends on the machine.

    Raises:
        ConfigError: There is no GPU for `launch=gpus`, or no allocation for `launch=slurm`.
    """
    if cfg.launch.starter == "srun" and "SLURM_JOB_ID" not in os.environ:
        raise ConfigError(
            "launch=slurm works inside an allocation; put the line that 'check' shows into an sbatch script"
        )
    if cfg.launch.processes is None:
        import torch

        cfg.launch.processes = torch.accelerator.device_count()
        if not cfg.launch.processes:
            raise ConfigError("there is no GPU here to start a process on; launch=cpu2 starts two on the processor")


def line(cfg: DictConfig, folders: Sequence[Path] = ()) -> str:
    """The command that starts this config's processes, for those who type it."""
    starter = cfg.launch.starter if cfg.launch.starter != "none" else "accelerate"
    words = list(STARTERS[starter])
    if cfg.launch.starter == "none" or cfg.launch.processes is None:
        words = [word for word in words if "{processes}" not in word]  # accelerate counts the GPUs
    filled = [word.format(processes=cfg.launch.processes) for word in words]
    typed = [word if "$" in word else shlex.quote(word) for word in filled]  # of srun's, for a shell to fill in
    return " ".join([*typed, shlex.join([*_arguments(cfg), "-m", "genai_hf", *_shown(cfg, folders)])])


def launch(cfg: DictConfig, folders: Sequence[Path] = ()) -> int:
    """Start the processes, wait for them, and return rank 0's exit code.

    They are a session of their own, so that a signal reaches them once: through this process, which passes it on.
    """
    settle(cfg)
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder, "code")
        environment = os.environ | {
            LAUNCHED: str(code),
            COMMAND: f"{platform.node()}:{os.getpid()}",
            WORDS: json.dumps(_words(cfg, folders)),
            "TORCHELASTIC_SIGNALS_TO_HANDLE": "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", _threads(cfg)),
        }
        if Path.cwd() != Path(__file__).parents[1]:  # no module comes from the working directory, unless this does
            environment["PYTHONSAFEPATH"] = "1"
        started = subprocess.Popen(_command(cfg, folders), env=environment, start_new_session=True)
        before = {number: signal.signal(number, _forward(started)) for number in FORWARDED}
        try:
            ended = started.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        if ended and code.is_file():
            return int(code.read_text(encoding="utf-8"))
        return SIGNALLED - ended if ended < 0 else ended


def _command(cfg: DictConfig, folders: Sequence[Path]) -> list[str]:
    ours = ["-m", "genai_hf", *_shown(cfg, folders)]
    if cfg.launch.starter == "srun":
        return ["bash", "-c", line(cfg, folders)]
    head, *words = STARTERS[cfg.launch.starter]
    filled = [word.format(processes=cfg.launch.processes) for word in words]
    return [sys.executable, "-m", "genai_hf.launcher", head, *filled, *_arguments(cfg), *ours]


def _arguments(cfg: DictConfig) -> list[str]:
    """More words for the launcher; accelerate calls one process on one GPU no multi_gpu."""
    return [word for word in cfg.launch.arguments if word != "--multi_gpu" or cfg.launch.processes != 1]


def _words(cfg: DictConfig, folders: Sequence[Path]) -> list[str]:
    directories = [word for folder in folders for word in ("--config-dir", str(folder))]
    return [cfg.recipe, *overrides(cfg), *directories]


def _shown(cfg: DictConfig, folders: Sequence[Path]) -> list[str]:
    """The same without secrets."""
    return [secrets.redact(secrets.hide_override(word)) for word in _words(cfg, folders)]


def _threads(cfg: DictConfig) -> str:
    """Threads for each process: an equal share of the processors, for torchrun gives each one."""
    return str(max((os.cpu_count() or 1) // cfg.launch.processes, 1)) if cfg.launch.starter == "torchrun" else "1"


def _forward(started: "subprocess.Popen[bytes]") -> "signal._HANDLER":
    def pass_on(number: int, frame: FrameType | None) -> None:
        started.send_signal(number)

    return pass_on
