"""What a user can mend: one line that says what is wrong, where, and what to do. The command exits with code 2."""


class UserError(ValueError):
    """Something outside the program is wrong; the message is all that the user is shown."""


class ConfigError(UserError):
    """A setting is wrong; the message names its dotted key and the nearest right one."""


def about(key: str, error: ConfigError) -> ConfigError:
    """The same, said of a setting, unless it names one itself."""
    return error if str(error).startswith("'") else ConfigError(f"'{key}': {error}")


class DataError(UserError):
    """A data file is wrong; the message has one line a problem: ``file:row: problem; remedy``."""


class NotANumberError(UserError):
    """A step's loss or gradient is not a finite number; it was not taken, so the weights are still good."""


class NoRoomError(RuntimeError):
    """The machine has not the disk or the memory for it; the message says how much is there. Exit code 3."""


class Interrupted(Exception):  # noqa: N818 - it is no error: the run can go on
    """A signal stopped the run after its checkpoint was saved; `code` is the exit code, 128 + the signal's number."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
