"""`genai-hf`: list the recipes, run one, or call a verb. Nothing heavier than Hydra is imported before a recipe is."""

import errno
import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import NoReturn

from genai_hf import primitives, verbs
from genai_hf.errors import Interrupted, NoRoomError, UserError
from genai_hf.ranks import WORDS, leave, note_code, rank, ranks, watch_launcher

USAGE = """usage: genai-hf RECIPE [key=value …]     run it (--help shows its settings; -m sweeps: key=1,2,3)
       genai-hf VERB …                   use, look at or check"""

# Paths that the user named and the system refuses.
MENDABLE_ERRORS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
DONE, FAULT, MENDABLE, NO_ROOM = 0, 1, 2, 3


def command() -> NoReturn:
    """`genai-hf` itself: end the process with the exit code; a launcher's rank at once."""
    sys.modules["kernels"] = None  # type: ignore[assignment] # or bitsandbytes gets native code from the Hub by it
    sys.excepthook = tell_fault
    primitives.keep_few()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: a terminal may have few letters
    code = main()
    if ranks() > 1:
        leave(code)
    gc.freeze()  # what is left goes with the process: Python would look through all of it once more
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; a fault of ours raises and leaves its traceback."""
    code = FAULT
    watch_launcher()
    try:
        code = answer(list(typed() if arguments is None else arguments))
    finally:
        note_code(code)
    return code


def typed() -> list[str]:
    """The words of the command, which `launch` hands to its ranks besides, secrets and all."""
    if WORDS not in os.environ:
        return sys.argv[1:]
    import json

    return [str(word) for word in json.loads(os.environ.pop(WORDS))]


def answer(words: list[str]) -> int:
    """Do what the words ask for, and say what went wrong in a line."""
    gc.disable()  # nothing that an answer of a fifth of a second makes is worth collecting
    try:
        return dispatch(words)
    except UserError as error:
        return say(words, str(error), MENDABLE)
    except Interrupted as interruption:
        return say(words, str(interruption), interruption.code)
    except KeyboardInterrupt:
        return say(words, "interrupted", 130)
    except BrokenPipeError:  # the reader of our output has gone: `genai-hf … | head`
        sys.stderr.close()
        return DONE
    except (MemoryError, OSError, RuntimeError) as error:
        limit = limits(error)
        if limit is None:
            raise
        return say(words, *limit)


def dispatch(words: list[str]) -> int:
    """Call the verb that the first word names; a recipe's name means `run`."""
    if not words or words[0] in {"-h", "--help", "help", "list"}:
        print(listing())
        return DONE
    if words[0] == "--version":
        from genai_hf import __version__

        print(f"genai-hf {__version__}")
        return DONE
    require_surroundings(words)
    name, rest = (words[0], words[1:]) if words[0] in verbs.known() - {"run"} else ("run", words)
    if name != "run" and {"-h", "--help"} & set(rest):
        print(_described(name))
        return DONE
    verb = importlib.import_module(f"genai_hf.verbs.{name}")
    return int(verb.main(rest))


def listing() -> str:
    """The recipes and the verbs, one line each."""
    from genai_hf import recipe_files

    recipes = [f"  {name:18}{recipe.summary}" for name, recipe in recipe_files.shipped().items()]
    shown = [f"  {name:18}{_described(name).splitlines()[0]}" for name in sorted(verbs.known() - {"run"})]
    return "\n".join([USAGE, "", "recipes", *recipes, "", "verbs", *shown])


def require_surroundings(words: Sequence[str]) -> None:
    """See that the words can be written into the files of a run, and that there is a folder to work in.

    Raises:
        UserError: A word is no text in the terminal's encoding, or the working directory is gone.
    """
    encoding = sys.getfilesystemencoding()
    remedy = "type it as UTF-8" if encoding == "utf-8" else "set LC_ALL=C.UTF-8 in the environment"
    for word in words:
        if any("\ud800" <= letter <= "\udfff" for letter in word):  # bytes that Python could not read
            meant = os.fsencode(word).decode("utf-8", "replace")
            raise UserError(f"'{meant}' cannot be read as {encoding}, this terminal's encoding; {remedy}")
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is not imported yet
    except OSError as error:
        raise UserError(f"the working directory is gone ({error.strerror}); change into one that is there") from error


def tell_fault(kind: type[BaseException], error: BaseException, place: TracebackType | None) -> None:
    """What Python calls for a fault of ours: its traceback, without the secrets that its values may hold."""
    import traceback

    from genai_hf import secrets

    print(secrets.redact("".join(traceback.format_exception(kind, error, place))), end="", file=sys.stderr)


def say(words: Sequence[str], message: str, code: int) -> int:
    """Tell the user, once however many ranks there are, but where a machine of one has no room; return the code."""
    from genai_hf import secrets

    if rank() == 0 or code == NO_ROOM:
        where = f" (rank {rank()})" if ranks() > 1 and code == NO_ROOM else ""
        print(f"genai-hf {words[0] if words else ''}".strip() + f"{where}: {secrets.redact(message)}", file=sys.stderr)
    return code


def limits(error: BaseException) -> tuple[str, int] | None:
    """What the machine cannot or may not do, if that is what the error means, and the exit code for it."""
    if isinstance(error, NoRoomError):
        return str(error), NO_ROOM
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"no room left on the disk of {error.filename or 'the run folder'}; free some and repeat the command",
            NO_ROOM,
        )
    said = str(error) if isinstance(error, RuntimeError) else ""  # as PyTorch says it on a processor
    if isinstance(error, MemoryError) or "can't allocate memory" in said or "out of memory" in said:
        halve = "halve trainer.per_device_train_batch_size and double trainer.gradient_accumulation_steps"
        return f"out of memory; {halve}", NO_ROOM
    if "home directory" in said:  # as pathlib says it of ~name
        return f"{said.strip('. ')} of a path that begins with ~; write it out", MENDABLE
    if isinstance(error, OSError) and error.errno in MENDABLE_ERRORS and error.filename:
        return f"{error.filename}: {error.strerror}; choose another place, or allow it", MENDABLE
    return None


def _described(verb: str) -> str:
    """What a verb's source says of it, read without importing it; the first line is its summary."""
    import ast
    from pathlib import Path

    source = Path(verbs.__path__[0], f"{verb}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)) or ""
