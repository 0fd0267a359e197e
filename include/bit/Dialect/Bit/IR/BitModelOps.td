// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a model is made of beside its computation: constants that live in the
// weights section, and what a running model asks of the runtime.

#ifndef BIT_DIALECT_BIT_IR_BITMODELOPS_TD
#define BIT_DIALECT_BIT_IR_BITMODELOPS_TD

include "bit/Dialect/Bit/IR/BitBase.td"
include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Bit_CallType : TypeDef<Bit_Dialect, "Call"> {
  let mnemonic = "call";
  let summary = "the run that is in progress: the caller's tensors, the arena, "
                "the weights' address";
  let description = [{
    Every function of a compiled model takes it as its first argument. It is a
    pointer to the runtime's `bit_abi_call`.
  }];
}

def Bit_WeightOp : Bit_Op<"weight", [Symbol]> {
  let summary = "names a constant that is stored in the weights section";
  let description = [{
    Takes the constant out of the functions, so that functions that differ in
    their weights only are equal, and out of LLVM IR, which copies constants.
    `offset` is the constant's place in the section, in bytes, a multiple of 64.

    With `width` a matrix is stored as `bit.pack_panels` arranges it, in panels
    of so many columns, and with `quads` with four k side by side; `value` stays
    as the model has it until the section is written, so that no second copy of a
    model's weights is made.

    (C1) `value` has a static shape of `type`.
    (C2) `offset`, where it is there, is a non-negative multiple of 64.
    (C3) with `width`, a positive multiple of 16, `value` is a matrix of f32, f16,
    bf16 or i8, with `quads` of i8; without, there is no `transposed` and no `quads`.

    ```mlir
    bit.weight @ffn_up at 128 = dense<[1, 2, 3, 4]> : tensor<4xi8>
    bit.weight @head panels 16 transposed = dense<[[1.0], [2.0]]> : tensor<2x1xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, ElementsAttr:$value,
      OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$width,
      UnitAttr:$quads, UnitAttr:$transposed);
  let assemblyFormat = [{
    $sym_name (`at` $offset^)? (`panels` $width^)? (`quads` $quads^)?
    (`transposed` $transposed^)? attr-dict `=` $value
  }];
  let extraClassDeclaration = [{
    /// How `value` is arranged, where it has `width`.
    std::optional<PanelLayout> getPanelLayout();
    /// The shape and elements that are stored.
    mlir::RankedTensorType getStoredType();
    /// Bytes the constant takes in the section, unpadded.
    int64_t getByteSize();
  }];
}

def Bit_GetWeightOp : Bit_Op<"get_weight",
    [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
     DeclareOpInterfaceMethods<BufferizableOpInterface,
       ["bufferize", "isWritable"]>]> {
  let summary = "the value, or the read-only memory, of a bit.weight";
  let description = [{
    (C1) `weight` names a bit.weight of the module.
    (C2) The result has the shape and element type that are stored.

    ```mlir
    bit.weight @ffn_up = dense<[1, 2, 3, 4]> : tensor<4xi8>
    func.func @use_weight() -> tensor<4xi8> {
      %w = bit.get_weight @ffn_up : tensor<4xi8>
      return %w : tensor<4xi8>
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weight);
  let results = (outs AnyTypeOf<[AnyStaticShapeTensor,
      AnyStaticShapeMemRef]>:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
  let hasVerifier = 0;
}

def Bit_WeightAtOp : Bit_Op<"weight_at", [Pure]> {
  let summary = "the read-only memory at a place of the weights section";
  let description = [{
    What `bit.get_weight` returns, for the weight that lies `offset` bytes from
    the section's start: a function of equal layers takes their weights as
    numbers.

    ```mlir
    func.func @layer(%call: !bit.call, %offset: index) {
      %w = bit.weight_at %call[%offset] : memref<4x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins Bit_CallType:$call, Index:$offset);
  let results = (outs AnyStaticShapeMemRef:$result);
  let assemblyFormat = "$call `[` $offset `]` attr-dict `:` type($result)";
  let hasVerifier = 0;
}

def Bit_InputOp : Bit_Op<"input", [Pure]> {
  let summary = "the caller's memory of one input of the running model";
  let description = [{
    The runtime has checked rank, type and static dimensions before, and has
    made the tensor contiguous.

    ```mlir
    func.func @first_input(%call: !bit.call) -> memref<?x64xf32> {
      %x = bit.input %call[0] : memref<?x64xf32>
      return %x : memref<?x64xf32>
    }
    ```
  }];
  let arguments = (ins Bit_CallType:$call, ConfinedAttr<I32Attr,
      [IntNonNegative]>:$index);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = "$call `[` $index `]` attr-dict `:` type($result)";
  let hasVerifier = 0;
}

def Bit_OutputOp : Bit_Op<"output",
    [MemoryEffects<[MemAlloc, MemWrite]>]> {
  let summary = "asks where one output of the running model goes";
  let description = [{
    Its dimensions are known here, and here the runtime compares them with what
    the caller expects; a mismatch ends the run with the runtime's message.

    (C1) There is one size for each dynamic dimension of the result.

    ```mlir
    func.func @first_output(%call: !bit.call, %m: index) {
      %y = bit.output %call[0](%m) : memref<?x10xf32>
      return
    }
    ```
  }];
  let arguments = (ins Bit_CallType:$call, ConfinedAttr<I32Attr,
      [IntNonNegative]>:$index, Variadic<Index>:$sizes);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $call `[` $index `]` `(` $sizes `)` attr-dict `:` type($result)
  }];
}

def Bit_ReserveOp : Bit_Op<"reserve", [MemoryEffects<[MemAlloc, MemWrite]>]> {
  let summary = "makes the arena of the running model at least so large";
  let description = [{
    Returns memory for all temporaries of a run, 64-byte aligned. It belongs to
    the session and grows only. Without memory the run ends with an error.

    ```mlir
    func.func @arena(%call: !bit.call, %bytes: index) {
      %arena = bit.reserve %call[%bytes] : memref<?xi8>
      return
    }
    ```
  }];
  let arguments = (ins Bit_CallType:$call, Index:$bytes);
  let results = (outs MemRefRankOf<[I8], [1]>:$result);
  let assemblyFormat = "$call `[` $bytes `]` attr-dict `:` type($result)";
  let hasVerifier = 0;
}

def Bit_AllocateOp : Bit_Op<"allocate", [MemoryEffects<[MemAlloc, MemWrite]>]> {
  let summary = "memory whose size depends on data, until the end of the run";
  let description = [{
    What the arena cannot hold because its size is not a function of the inputs'
    dimensions. `bytes` is that of the result, computed without overflow. Without
    memory the run ends with an error.

    With `reuse` the memory lives until the operation is executed again: it then
    returns the same memory where that is large enough, and otherwise new memory
    of at least 1.5 times the size, so that a loop takes no more than three times
    what its largest iteration does.

    (C1) There is one size for each dynamic dimension of the result.

    ```mlir
    func.func @temporary(%call: !bit.call, %bytes: index, %n: index) {
      %t = bit.allocate %call[%bytes] (%n) : memref<?x4xf32>
      return
    }
    ```
  }];
  let arguments = (ins Bit_CallType:$call, Index:$bytes,
      Variadic<Index>:$sizes, UnitAttr:$reuse);
  let results = (outs AnyMemRef:$result);
  let assemblyFormat = [{
    $call `[` $bytes `]` `(` $sizes `)` (`reuse` $reuse^)? attr-dict `:`
    type($result)
  }];
}

def Bit_GroupOp : Op<Bit_Dialect, "group",
    [NoRegionArguments, NoTerminator, RecursiveMemoryEffects, SingleBlock]> {
  let summary = "operations on buffers that become one function";
  let description = [{
    What `bit-fuse-rows` made one loop of stays one kernel until
    `bit-outline-kernels` gives it its function, whatever a canonicalization
    does to a loop of one iteration.

    Example:

    ```mlir
    func.func @negate_and_copy(%x: memref<64xf32>, %y: memref<64xf32>, %z: memref<64xf32>) {
      bit.group {
        linalg.negf ins(%x : memref<64xf32>) outs(%y : memref<64xf32>)
        linalg.copy ins(%y : memref<64xf32>) outs(%z : memref<64xf32>)
      }
      return
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$body attr-dict";
}

def Bit_SiblingsOp : Op<Bit_Dialect, "siblings",
    [NoRegionArguments, NoTerminator, RecursiveMemoryEffects, SingleBlock]> {
  let summary = "products that threads share as one";
  let description = [{
    Each region is a member, whose loops `bit-fuse-parallel` joins with those of
    the others: no member reads or writes what another one writes, so they may
    run in any order and at the same time.

    With `ordered` the second reads of what the first writes the elements at
    the places of its own results. The two are products by as many weights of
    the same kernel, so that what thread has an item of the first has the same
    item of the second, after it.

    Constraints:
    (C1) there are at least two members, with `ordered` two.

    Example:

    ```mlir
    func.func @two(%a: memref<8xf32>, %b: memref<8xf32>) {
      %c = arith.constant 1.0 : f32
      bit.siblings {
        scf.forall (%i) in (8) {
          memref.store %c, %a[%i] : memref<8xf32>
        }
      }, {
        scf.forall (%i) in (8) {
          memref.store %c, %b[%i] : memref<8xf32>
        }
      }
      return
    }
    ```
  }];
  let arguments = (ins UnitAttr:$ordered);
  let regions = (region VariadicRegion<SizedRegion<1>>:$members);
  let assemblyFormat = "(`ordered` $ordered^)? $members attr-dict";
  let hasVerifier = 1;
}

def Bit_ParallelRangesOp : Op<Bit_Dialect, "parallel_ranges",
    [NoTerminator, RecursiveMemoryEffects, SingleBlock]> {
  let summary = "runs its region over ranges that make up 0..count";
  let description = [{
    Threads share the ranges `[lo, hi)`; the region must compute the same for
    every split. Where an `scf.forall` computes item after item, the region has
    a range at hand: all items of one product, then those of another one.

    (C1) The region has two arguments of type index.

    ```mlir
    func.func private @rows(index, index)
    func.func @all_rows(%n: index) {
      bit.parallel_ranges %n {
      ^bb0(%lo: index, %hi: index):
        func.call @rows(%lo, %hi) : (index, index) -> ()
      }
      return
    }
    ```
  }];
  let arguments = (ins Index:$count);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$count $body attr-dict";
  let hasVerifier = 1;
}

def Bit_ParallelForOp : Bit_Op<"parallel_for",
    [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "runs a function over 0..count, split among threads";
  let description = [{
    `body(context, lo, hi)` must compute the same for every split of the range.

    (C1) `body` names a function of the context's type and two i64.

    ```mlir
    func.func private @rows(!llvm.ptr, i64, i64)
    func.func @all_rows(%call: !bit.call, %context: !llvm.ptr, %n: index) {
      bit.parallel_for %call @rows(%context : !llvm.ptr) count %n
      return
    }
    ```
  }];
  let arguments = (ins Bit_CallType:$call, FlatSymbolRefAttr:$body,
      AnyType:$data, Index:$count);
  let assemblyFormat = [{
    $call $body `(` $data `:` type($data) `)` `count` $count attr-dict
  }];
  let hasVerifier = 0;
}

def Bit_NumThreadsOp : Bit_Op<"num_threads", [Pure]> {
  let summary = "how many threads may share a loop of the running model";
  let description = [{
    At least 1. How work is split may depend on it, what is computed must not.

    ```mlir
    func.func @rows(%call: !bit.call) -> index {
      %threads = bit.num_threads %call
      return %threads : index
    }
    ```
  }];
  let arguments = (ins Bit_CallType:$call);
  let results = (outs Index:$result);
  let assemblyFormat = "$call attr-dict";
  let hasVerifier = 0;
}

#endif // BIT_DIALECT_BIT_IR_BITMODELOPS_TD
