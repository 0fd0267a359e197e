"""One session with its argument tables, built once: a call writes pointers into them and nothing else."""

import ctypes
import sys
from ctypes import c_int32, c_int64

import numpy as np

from . import runtime
from .dtypes import from_numpy
from .errors import RunError

_DATA_OFFSET = object.__basicsize__
_read_pointer = ctypes.c_void_p.from_address


def _address_in_object(x):
    """The array's data pointer, read where numpy's C API (PyArrayObject_fields) keeps it: the first field."""
    return _read_pointer(id(x) + _DATA_OFFSET).value


def _address_by_interface(x):
    """The same as Python knows it, which costs seven times as much: more than all the rest of a call."""
    return x.__array_interface__["data"][0]


def _choose_address():
    if sys.implementation.name != "cpython":
        return _address_by_interface
    samples = [np.zeros(3, np.float32), np.arange(12)[::-2], np.zeros((2, 0), np.int8), np.array(1.0)]
    agree = all(_address_in_object(x) == _address_by_interface(x) for x in samples)
    return _address_in_object if agree else _address_by_interface


address_of = _choose_address()


def _array(values):
    """A ctypes array of int64, at least one element long so that it always has an address."""
    return (c_int64 * max(len(values), 1))(*values)


class Session:
    """Runs one model, one call at a time; Model keeps one for each call that is under way."""

    def __init__(self, model):
        """Creates the session and its tables for the model's inputs and outputs."""
        self.library = runtime.library()
        # Not the model itself, which keeps its idle sessions.
        self.input_dtypes = model.input_dtypes
        self.output_dtypes = model.output_dtypes
        self.output_numbers = model.output_numbers
        self.output_recipes = list(model.output_recipes)
        self.handle = ctypes.c_void_p()
        runtime.check(self.library.bit_session_create(model.handle, ctypes.byref(self.handle)))
        n_in, n_out = len(model.inputs), len(model.outputs)
        self.inputs = (runtime.Tensor * max(n_in, 1))()
        self.outputs = (runtime.Tensor * max(n_out, 1))()
        for table in (self.inputs, self.outputs):
            for tensor in table:
                tensor.size = ctypes.sizeof(runtime.Tensor)
        # Elements of a ctypes array are made anew at every access, so they are kept.
        self.input_rows = [self.inputs[i] for i in range(n_in)]
        self.output_rows = [self.outputs[i] for i in range(n_out)]
        self.shapes = [None] * n_in
        self.keep = [None] * n_in
        self.output_shapes = [None] * n_out
        self.output_keep = [None] * n_out
        self.arguments = (
            self.handle,
            ctypes.byref(self.inputs),
            c_int32(n_in),
            ctypes.byref(self.outputs),
            c_int32(n_out),
        )

    def __del__(self):
        handle = getattr(self, "handle", None)
        if handle:
            self.library.bit_session_destroy(handle)

    def _describe(self, index, x):
        """Writes dtype and shape of input `index` where they differ from the call before."""
        row = self.input_rows[index]
        shape = x.shape
        self.keep[index] = table = _array(shape)
        row.dtype = from_numpy(x.dtype)
        row.rank = len(shape)
        row.shape = ctypes.cast(table, ctypes.POINTER(c_int64))
        self.shapes[index] = shape

    def _describe_outputs(self):
        """Computes the outputs' shapes from the inputs'; None where only the run can know."""
        for index, recipe in enumerate(self.output_recipes):
            row = self.output_rows[index]
            shape = None if recipe is None else self._cook(recipe)
            self.output_shapes[index] = shape
            if shape is None:
                continue
            self.output_keep[index] = table = _array(shape)
            row.dtype = self.output_numbers[index]
            row.rank = len(shape)
            row.shape = ctypes.cast(table, ctypes.POINTER(c_int64))

    def _cook(self, recipe):
        shape = []
        for step in recipe:
            if isinstance(step, tuple):
                source, axis = step
                known = self.shapes[source]
                if known is None or axis >= len(known):
                    return None
                step = known[axis]
            shape.append(step)
        return tuple(shape)

    def run(self, arrays):
        """Runs the model on numpy arrays in graph order and returns a list of arrays."""
        rows, shapes, dtypes = self.input_rows, self.shapes, self.input_dtypes
        if len(arrays) != len(rows):
            raise RunError(f"expects {len(rows)} inputs, got {len(arrays)}", "BIT_WRONG_COUNT")
        changed = False
        held = []
        for index, x in enumerate(arrays):
            row = rows[index]
            if x.shape != shapes[index] or x.dtype is not dtypes[index]:
                changed = True
                self._describe(index, x)
                if x.dtype != dtypes[index]:
                    # Whatever happens now, the next call describes this input again.
                    shapes[index] = None
            if not x.flags.carray:
                # Neither read-only memory nor gaps need a copy; C cannot read unaligned elements.
                if not x.flags.aligned:
                    x = x.copy()
                held.append(x)
                if not x.flags.c_contiguous:
                    held.append(table := _array([stride // x.itemsize for stride in x.strides]))
                    row.strides = ctypes.cast(table, ctypes.POINTER(c_int64))
            row.data = address_of(x)
        if changed:
            self._describe_outputs()
        results = [None] * len(self.output_rows)
        for index, row in enumerate(self.output_rows):
            shape = self.output_shapes[index]
            if shape is None:
                row.data = None
            else:
                results[index] = y = np.empty(shape, self.output_dtypes[index])
                row.data = address_of(y)
        status = self.library.bit_session_run(*self.arguments)
        if held:
            for row in rows:
                row.strides = None
        if status == runtime.WRONG_SHAPE and any(y is not None for y in results):
            return self._run_unknown(arrays)
        if status:
            message = self.library.bit_error_message(self.handle).decode("utf-8", "replace")
            raise RunError(message or runtime.status_name(status), runtime.status_name(status))
        for index, y in enumerate(results):
            if y is None:
                results[index] = self._take(index)
        return results

    def _run_unknown(self, arrays):
        """The same where a model declares output dims that its graph does not keep: the run says them."""
        recipes, self.output_recipes = self.output_recipes, [None] * len(self.output_rows)
        self.shapes = [None] * len(self.shapes)
        try:
            return self.run(arrays)
        except RunError:
            # The inputs were wrong.
            self.output_recipes = recipes
            self.shapes = [None] * len(self.shapes)
            raise

    def _take(self, index):
        """Copies an output that the session owns."""
        row = self.output_rows[index]
        shape = tuple(row.shape[axis] for axis in range(row.rank))
        y = np.empty(shape, self.output_dtypes[index])
        if y.nbytes:
            ctypes.memmove(address_of(y), row.data, y.nbytes)
        row.data = None
        row.shape = None
        return y
