"""Machine code for this processor: loops over vectors, written with LLVM and called like any function."""

import ctypes
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from llvmlite import binding, ir

I1, I32, I64, POINTER = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.PointerType()
_REALS = {torch.float32: ir.FloatType(), torch.float64: ir.DoubleType()}


@dataclass(frozen=True, slots=True)
class Processor:
    """The vector registers of this processor.

    Attributes
    ----------
    vector_bytes : int
        Size of a register; two of NEON's count as one.
    accumulators : int
        Sums that registers hold at once, with room left for what is added to them.
    """

    vector_bytes: int
    accumulators: int

    def vector(self, dtype: torch.dtype, numbers: int) -> Any:
        """Return the type of the shortest vector for so many numbers, or else of the longest."""
        lanes = min(self.vector_bytes // dtype.itemsize, 2 ** math.ceil(math.log2(numbers)))
        return ir.VectorType(_REALS[dtype], lanes)


@cache
def processor() -> Processor:
    """Return what this processor has."""
    return Processor(64, 16) if binding.get_host_cpu_features().get("avx512f") else Processor(32, 8)


def compile_function(pointers: int, counts: int, write: Callable[..., None]) -> Callable[..., None]:
    """Compile a function of pointers and counts that returns nothing.

    Parameters
    ----------
    pointers, counts : int
        How many arguments of each kind it takes; a pointer is an address, as ``Tensor.data_ptr()`` gives it.
    write : callable
        Writes the body: called with the builder and the arguments, it ends before the return.
    """
    module = ir.Module()
    kind = ir.FunctionType(ir.VoidType(), [POINTER] * pointers + [I64] * counts)
    function = ir.Function(module, kind, "compiled")
    builder = ir.IRBuilder(function.append_basic_block())
    write(builder, *function.args)
    builder.ret_void()
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=binding.get_host_cpu_features().flatten(), opt=3
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(str(module)), machine)
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * pointers, *[ctypes.c_int64] * counts)
    compiled = prototype(engine.get_function_address("compiled"))

    def call(*arguments: int) -> None:
        _ = engine  # which owns the code
        compiled(*arguments)

    return call


def loop(builder: Any, count: Any, values: Sequence[Any], body: Callable[..., Sequence[Any]]) -> Sequence[Any]:
    """Write a loop: ``for i in range(count): values = body(i, values)``; return the values after it.

    The count, at least 1, is an int or a value of the function; the values stay in registers.
    """
    before = builder.block
    inside = builder.append_basic_block()
    builder.branch(inside)
    builder.position_at_end(inside)
    index, *carried = (builder.phi(kind) for kind in (I64, *(value.type for value in values)))
    turned = body(index, carried)
    following = builder.add(index, I64(1))
    for phi, first, later in zip((index, *carried), (I64(0), *values), (following, *turned), strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, builder.block)
    after = builder.append_basic_block()
    count = I64(count) if isinstance(count, int) else count
    builder.cbranch(builder.icmp_unsigned("<", following, count), inside, after)
    builder.position_at_end(after)
    return turned


def at(builder: Any, pointer: Any, index: Any, kind: Any) -> Any:
    """Return the address of the number at an index, an int or a value of the function."""
    return builder.gep(pointer, [I64(index) if isinstance(index, int) else index], source_etype=kind)


def fill(builder: Any, number: Any, vector: Any) -> Any:
    """Return a vector with a number in every place."""
    nothing = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(nothing, number, I32(0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(I32, vector.count), [0] * vector.count))


def multiply_add(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a·b + c, rounded once where the processor can."""
    return builder.fadd(builder.fmul(a, b, flags=["contract"]), c, flags=["contract"])


def load(builder: Any, pointer: Any, kind: Any) -> Any:
    """Load a number, or a vector from wherever its first number is."""
    return builder.load(pointer, typ=kind, align=_size(kind))


def store(builder: Any, value: Any, pointer: Any) -> None:
    """Store a number, or a vector from wherever its first number is to be."""
    builder.store(value, pointer, align=_size(value.type))


def square_root(builder: Any, value: Any) -> Any:
    """Return the square root of a number, or of each of a vector."""
    kind = value.type
    own = f"v{kind.count}{_SHORT[str(kind.element)]}" if isinstance(kind, ir.VectorType) else _SHORT[str(kind)]
    return builder.call(_intrinsic(builder, f"llvm.sqrt.{own}", kind, [kind]), [value])


def store_first(builder: Any, values: Any, pointer: Any, count: int) -> None:
    """Store the first numbers of a vector, and leave the memory after them alone."""
    kind = values.type
    mask = ir.VectorType(I1, kind.count)
    name = f"llvm.masked.store.v{kind.count}{_SHORT[str(kind.element)]}.p0"
    function = _intrinsic(builder, name, ir.VoidType(), [kind, POINTER, I32, mask])
    lanes = ir.Constant(mask, [int(lane < count) for lane in range(kind.count)])
    builder.call(function, [values, pointer, I32(_size(kind)), lanes])


def _intrinsic(builder: Any, name: str, result: Any, arguments: list[Any]) -> Any:
    return builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(result, arguments), name)


def _size(kind: Any) -> int:
    """Return the bytes of a number, or of one of a vector's."""
    return 8 if str(getattr(kind, "element", kind)) == "double" else 4


_SHORT = {"float": "f32", "double": "f64", "i32": "i32"}
