"""libbitrt's C interface (bit/runtime.h) as ctypes declarations."""

import ctypes
from ctypes import POINTER, c_char_p, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from functools import cache

from .errors import RunError
from .paths import runtime_library

# The numbers of bit_status.
STATUS_NAMES = (
    "BIT_OK BIT_INVALID_ARGUMENT BIT_OUT_OF_MEMORY BIT_FILE_ERROR BIT_BAD_LIBRARY BIT_ABI_MISMATCH "
    "BIT_UNSUPPORTED_CPU BIT_BAD_LEVEL BIT_BAD_WEIGHTS BIT_WRONG_COUNT BIT_WRONG_DTYPE BIT_WRONG_RANK "
    "BIT_WRONG_SHAPE BIT_WRONG_STRIDES BIT_BAD_POINTER BIT_RUN_FAILED BIT_SESSION_BUSY BIT_RANGE"
).split()
HUGE_PAGES = 1  # BIT_HUGE_PAGES
VERIFY_WEIGHTS = 2  # BIT_VERIFY_WEIGHTS
WRONG_SHAPE = STATUS_NAMES.index("BIT_WRONG_SHAPE")


class Tensor(ctypes.Structure):
    """bit_tensor."""

    _fields_ = [
        ("size", c_size_t),
        ("data", c_void_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
    ]


class TensorInfo(ctypes.Structure):
    """bit_tensor_info."""

    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("dims", POINTER(c_int64)),
        ("dim_names", POINTER(c_char_p)),
    ]


class Options(ctypes.Structure):
    """bit_options."""

    _fields_ = [
        ("size", c_size_t),
        ("threads", c_int32),
        ("flags", c_uint32),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
        ("allocator", c_void_p),
        ("weights_path", c_char_p),
        ("level", c_char_p),
    ]


class Description(ctypes.Structure):
    """bit_model_desc, the compiled library's own table."""

    _fields_ = [
        ("abi_version", c_uint32),
        ("size", c_uint32),
        ("name", c_char_p),
        ("compiler_version", c_char_p),
        ("model_hash", c_uint64 * 2),
        ("n_inputs", c_int32),
        ("n_outputs", c_int32),
        ("n_levels", c_int32),
        ("reserved", c_uint32),
        ("inputs", c_void_p),
        ("outputs", c_void_p),
        ("levels", c_void_p),
        ("weights", c_void_p),
        ("weights_bytes", c_uint64),
        ("arena_bytes", c_uint64),
        ("weights_file", c_char_p),
        ("weights_hash", c_uint64 * 2),
        ("manifest_json", c_char_p),
    ]


_FUNCTIONS = {
    "bit_last_error": (c_char_p, []),
    "bit_runtime_version": (c_char_p, []),
    "bit_runtime_abi_version": (c_uint32, []),
    "bit_dtype_name": (c_char_p, [c_int32]),
    "bit_dtype_bytes": (c_size_t, [c_int32]),
    "bit_model_load": (c_int32, [c_char_p, POINTER(Options), POINTER(c_void_p)]),
    "bit_model_close": (None, [c_void_p]),
    "bit_model_description": (POINTER(Description), [c_void_p]),
    "bit_model_name": (c_char_p, [c_void_p]),
    "bit_model_level": (c_char_p, [c_void_p]),
    "bit_model_threads": (c_int32, [c_void_p]),
    "bit_model_input_count": (c_int32, [c_void_p]),
    "bit_model_output_count": (c_int32, [c_void_p]),
    "bit_model_input_info": (c_int32, [c_void_p, c_int32, POINTER(TensorInfo)]),
    "bit_model_output_info": (c_int32, [c_void_p, c_int32, POINTER(TensorInfo)]),
    "bit_session_create": (c_int32, [c_void_p, POINTER(c_void_p)]),
    "bit_session_destroy": (None, [c_void_p]),
    # No argtypes: converting arguments by them costs more than the call; Session passes ready ctypes objects.
    "bit_session_run": (c_int32, None),
    "bit_error_message": (c_char_p, [c_void_p]),
    "bit_session_arena_bytes": (c_uint64, [c_void_p]),
}


@cache
def library():
    """libbitrt, opened once a process."""
    lib = ctypes.CDLL(runtime_library())
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(lib, name)
        function.restype = result
        if arguments is not None:
            function.argtypes = arguments
    return lib


def status_name(status):
    """The C name of a status."""
    return STATUS_NAMES[status] if 0 <= status < len(STATUS_NAMES) else f"status {status}"


def check(status):
    """Raises what a failed call without a session had to say."""
    if status:
        message = library().bit_last_error().decode("utf-8", "replace")
        raise RunError(message or status_name(status), status_name(status))
