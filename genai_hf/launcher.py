"""What `launch=` calls: torchrun or accelerate, without their words on a rank that has said itself what went wrong."""

import importlib
import logging
import sys

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

MODULES = {"accelerate": "accelerate.commands.accelerate_cli", "torchrun": "torch.distributed.run"}


def main() -> int:
    """Take the launcher's name and its words from the command line."""
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    sys.argv = sys.argv[1:]
    try:
        importlib.import_module(MODULES[sys.argv[0]]).main()
    except (ChildFailedError, SignalException):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
