"""What can go wrong; every message is the tool's or the runtime's own, whole."""


class Error(RuntimeError):
    """Base of the package's errors."""


class CompileError(Error):
    """bit-opt failed; `exit_code` is 1 for a model it cannot compile, 2 for wrong options."""

    def __init__(self, message, exit_code=1):
        super().__init__(message)
        self.exit_code = exit_code


class RunError(Error):
    """A library cannot be opened or run; `status` is the name of the runtime's status."""

    def __init__(self, message, status="BIT_INVALID_ARGUMENT"):
        super().__init__(message)
        self.status = status
