"""What can happen to a file. Nothing of the project is imported here, for the stock Trainer's script needs it too."""

import random
from pathlib import Path


def damage(file: Path, draw: random.Random) -> str:
    """Do one thing to a file; what it was."""
    content = file.read_bytes()
    kind = draw.choice(["flipped bit", "cut file", "missing file"] if content else ["missing file"])
    if kind == "missing file":
        file.unlink()
    elif kind == "cut file":
        file.write_bytes(content[: draw.randrange(len(content))])
    else:
        place = draw.randrange(len(content) * 8)
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        file.write_bytes(flipped)
    return kind
