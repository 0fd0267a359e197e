// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a model of tensors to functions over buffers that a target compiles.

#ifndef BIT_DIALECT_BIT_TRANSFORMS_MODELPASSES_TD
#define BIT_DIALECT_BIT_TRANSFORMS_MODELPASSES_TD

include "mlir/Pass/PassBase.td"

def FuseElementwise : Pass<"bit-fuse-elementwise"> {
  let summary = "fuse elementwise operations into the one that reads them";
  let description = [{
    Upstream's fusion of elementwise `linalg.generic` ops, where nothing is
    computed twice: the producer has one user, and that reads each element once.
    So an activation goes into the next elementwise op or row reduction, but not
    into a product, which reads each element once an output column.
  }];
  let statistics = [
    Statistic<"numFused", "fused", "fusions allowed">,
    Statistic<"numDeclined", "declined", "fusions that would compute twice">,
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def ReinterpretShapes : Pass<"bit-reinterpret-shapes"> {
  let summary = "turn memref.expand_shape into memref.reinterpret_cast";
  let description = [{
    Buffers without gaps only. Upstream's expand-strided-metadata, which comes
    after, crashes on an expansion to several dimensions known only at run time,
    as the leading ones of activations are.
  }];
  let statistics = [
    Statistic<"numReinterpreted", "reinterpreted", "expansions rewritten">,
    Statistic<"numDeclined", "declined", "expansions left alone">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def ExtractWeights : Pass<"bit-extract-weights", "::mlir::ModuleOp"> {
  let summary = "move constants out of functions into bit.weight";
  let description = [{
    Every tensor constant that is not a splat becomes a `bit.get_weight` of a
    `bit.weight`; equal constants share one. Weights lie in the section in the
    order in which the model uses them, 64-byte aligned.
  }];
  let options = [
    Option<"minBytes", "min-bytes", "int64_t", /*default=*/"64",
           "leave constants of fewer bytes where they are">,
  ];
  let statistics = [
    Statistic<"numExtracted", "extracted", "constants extracted">,
    Statistic<"numDeclined", "declined", "constants left in functions">,
  ];
  let dependentDialects = ["::bit::BitDialect"];
}

def SeparateDestinations : Pass<"bit-separate-destinations"> {
  let summary = "give every operation a destination of its own";
  let description = [{
    CSE makes one `tensor.empty` of all that have the same size, and one
    `linalg.fill` of all with the same value. Bufferization then sees operations
    that write to one tensor: it compares each with each, which takes time
    quadratic in the number of layers, and copies what was filled. Every use
    gets a clone; that temporaries share memory is the arena's business.
  }];
  let statistics = [
    Statistic<"numFills", "fills", "fills cloned">,
    Statistic<"numEmpties", "empties", "empty tensors cloned">,
  ];
}

def SettleNans : Pass<"bit-settle-nans", "::mlir::func::FuncOp"> {
  let summary = "make the NaNs that somebody sees the same on every processor";
  let description = [{
    The sign and the digits of a NaN that arithmetic makes are the processor's, and
    of two NaNs in one addition the code generator's choice. So that a model gives the same bits
    everywhere, a NaN that reaches a result of a public function, or is read as
    an integer (`arith.bitcast`), becomes the one with only the highest digit,
    0x7FC00000 in f32.

    The pass goes back over what only moves elements (copies, slices, choices,
    changes of sign, loops and branches that hand them on) to what computed them,
    and adds a comparison and a select there: to the body of an elementwise
    `linalg.generic`, to the epilogue of a kernel, else as a loop of its own behind the operation.
    What is only moved from an input to a result keeps its bits.
  }];
  let statistics = [
    Statistic<"numSettled", "settled", "computations that settle their NaNs">,
    Statistic<"numLoops", "loops", "computations behind which a loop does it">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def BufferizeModel : Pass<"bit-bufferize-model", "::mlir::ModuleOp"> {
  let summary = "turn tensors into buffers, inputs read-only";
  let description = [{
    One-shot bufferization across function boundaries with plain layouts. The
    model's inputs belong to the caller: they are marked as not writable, which
    is not the default, and an operation that would write one in place gets a
    copy.

    What branches and loop bodies yield is copied first where its buffer might be
    a part of another one: no buffer that leaves a region has gaps.
  }];
  let statistics = [
    Statistic<"numFunctions", "bufferized", "functions bufferized">,
    Statistic<"numDeclined", "declined", "functions without a body">,
  ];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::linalg::LinalgDialect"];
}

def CarryBuffers : Pass<"bit-carry-buffers"> {
  let summary = "give what a loop carries memory of its own";
  let description = [{
    A loop's body leaves the next iteration's buffers wherever it computed them.
    This pass copies each to an allocation at the body's end, so that every other
    allocation of the body dies with the iteration, and its place serves the next
    one. What the body changes in place stays where it is. Values that may lie in
    the memory that others are copied to, as when two change places, are copied
    twice.

    The copies that bufferization makes of the condition's arguments go.
  }];
  let statistics = [
    Statistic<"numCarried", "carried", "carried buffers that are copied">,
    Statistic<"numDeclined", "declined", "carried buffers changed in place">,
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def BindRuntime : Pass<"bit-bind-runtime", "::mlir::func::FuncOp"> {
  let summary = "read inputs from the call, write outputs where it says";
  let description = [{
    Gives public functions the form of the ABI: one `!bit.call` argument and a
    status. Arguments become `bit.input`, results `bit.output`. A result that
    the function allocates itself is written in place: its `bit.output` stands
    where its allocation stood. Anything else (an input, a constant, a view, a
    value returned twice) is copied at the end.
  }];
  let statistics = [
    Statistic<"numInPlace", "in-place", "outputs written in place">,
    Statistic<"numCopied", "copied", "outputs copied at the end">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def FuseRows : Pass<"bit-fuse-rows", "::mlir::func::FuncOp"> {
  let summary = "compute what a quantizer reads row by row with it";
  let description = [{
    A norm before a quantizer is a few operations over rows: sums along them,
    numbers made of these, elementwise arithmetic. Where each goes over the rows
    that the quantizer has, one loop over rows in a `bit.group` replaces all: a
    row stays in the nearest cache from the first operation to its codes, and
    what only they use lies on the thread's stack, one row of it, instead of in
    the arena. Each operation is what it was, on one row, so bits are the same.

    Operations count that write what a later one of them reads, with at most one
    loop besides those over rows, of any shape with as many rows; they write
    allocations only, whole and by rows, so that no row depends on another. Other
    operations may stand between them if they share no memory that one writes.
  }];
  let statistics = [
    Statistic<"numFused", "fused", "quantizers with operations before them">,
    Statistic<"numDeclined", "declined", "quantizers without any">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def GroupSiblings : Pass<"bit-group-siblings", "::mlir::func::FuncOp"> {
  let summary = "make one kernel of products that read the same codes";
  let description = [{
    Puts neighbouring `bit.packed_matmul`s of the same activations in a
    `bit.siblings`, where the first one stands: those of which none reads or
    writes what another one writes, such as queries, keys and values; or two of
    the same sizes and kernel of which the second's epilogue reads the first's
    result at the place of its own, such as gate * up. Operations of others may
    stand between them if they share no memory that one writes.

    Kernels that fill tables on the caller's stack (layout T5) are left alone:
    several of them would not fit it.
  }];
  let statistics = [
    Statistic<"numGrouped", "grouped", "products that share a kernel">,
    Statistic<"numDeclined", "declined", "products on their own">,
  ];
  let dependentDialects = ["::bit::BitDialect"];
}

def PlanArena : Pass<"bit-plan-arena", "::mlir::func::FuncOp"> {
  let summary = "place temporaries in one arena";
  let description = [{
    A temporary's place is chosen at compile time: static sizes by first fit, the
    largest first, among those alive at the same time; dynamic sizes in slots
    that temporaries share which are never alive together, each as large as its
    largest member turns out to be. One `bit.reserve` at the start asks for the
    whole. A size that depends on data, not only on the inputs' dimensions,
    becomes a `bit.allocate`, in a loop one that `reuse`s its memory.

    Temporaries of branches and loop bodies are placed like others: those of two
    branches are never alive together, and what is alive before a loop and read in
    it lives until its end. It expects that an allocation in a loop is
    dead when the iteration ends or is what the next one carries, which
    `bit-carry-buffers` sees to.
  }];
  let statistics = [
    Statistic<"numPlanned", "planned", "temporaries placed in the arena">,
    Statistic<"numDeclined", "declined", "temporaries of data-dependent size">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def OutlineKernels : Pass<"bit-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "give every kernel a private function, equal ones the same";
  let description = [{
    Each operation on buffers that loops becomes a function of its buffers and
    scalars; operations equal but for what they are applied to share one. What
    remains of the public function is a list of calls, and a model of thirty
    equal layers compiles one.
  }];
  let statistics = [
    Statistic<"numOutlined", "outlined", "functions made">,
    Statistic<"numShared", "shared", "operations that call a known function">,
  ];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def OutlineRepeats : Pass<"bit-outline-repeats", "::mlir::ModuleOp"> {
  let summary = "make equal layers calls of one function";
  let description = [{
    Finds the longest run of operations that a public function repeats: equal
    ones in equal order, as the layers of a transformer are. Its period becomes a
    private function and each repetition a call. What differs between them are
    arguments: the places of weights in their section, of temporaries in the
    arena, inputs and outputs. Views are made anew inside, from their offsets, so
    that a call takes numbers, not descriptors.

    Only what has effects is compared; what such an operation is applied to may
    be computed anywhere. Checks of sizes alone are no part of a repetition: they
    run before its call. A check that depends on data, or memory of such a size,
    ends a run, for its failure ends the model's function and names its node.
    Where one repetition uses what another one, or an operation outside, computes
    as a value and not in memory, the run is left as it is.
  }];
  let options = [
    Option<"minOps", "min-ops", "int64_t", /*default=*/"8",
           "least number of operations that calls must save">,
  ];
  let statistics = [
    Statistic<"numOutlined", "outlined", "functions made">,
    Statistic<"numCalls", "calls", "repetitions that became calls">,
    Statistic<"numDeclined", "declined", "runs left alone">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::func::FuncDialect",
                           "::mlir::arith::ArithDialect"];
}

def CloneLevels : Pass<"bit-clone-levels", "::mlir::ModuleOp"> {
  let summary = "copy all functions for each instruction-set level";
  let description = [{
    `@f` becomes `@f.LEVEL` with the level's target features as its
    `passthrough` attribute, for every level; the copies call each other. A
    level with a base differs from it in kernels of packed weights only: of
    private functions that neither have such products nor call one that has,
    it calls the base's copy.
  }];
  let options = [
    ListOption<"levels", "levels", "std::string",
               "levels, each as name:+feature+feature or "
               "name:+feature+feature:base, the best first">,
  ];
  let statistics = [
    Statistic<"numCloned", "cloned", "functions copied">,
    Statistic<"numDeclined", "declined", "functions without a body">,
  ];
}

def FuseParallel : Pass<"bit-fuse-parallel", "::mlir::ModuleOp"> {
  let summary = "make one parallel loop of those of bit.siblings";
  let description = [{
    The first `scf.forall` of each member becomes a part of one
    `bit.parallel_ranges` over the sum of their counts, then the second of each,
    and so on; so threads meet once and not once a member. Of `ordered` members
    a range is that range of both, one after the other, where their bounds are
    proven to be equal; else their loops follow each other.

    A range of a loop becomes a function; equal ones, as those of keys and
    values, are one. Which thread computes an item is the loop's matter, so
    results are the same.
  }];
  let statistics = [
    Statistic<"numJoined", "joined", "loops that became part of another">,
    Statistic<"numDeclined", "declined", "loops of siblings left as they are">,
    Statistic<"numShared", "shared", "loops whose ranges have a known function">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::scf::SCFDialect"];
}

def OutlineParallel : Pass<"bit-outline-parallel", "::mlir::ModuleOp"> {
  let summary = "make parallel loops functions that the runtime splits";
  let description = [{
    An `scf.forall` of one dimension on buffers becomes a function of a range
    and a context, and a `bit.parallel_for` that runs it. What the loop captures
    travels in a struct on the caller's stack, constants excepted; so does a
    `bit.parallel_ranges`. Other loops, and loops inside parallel ones, are
    declined and run in order.
  }];
  let statistics = [
    Statistic<"numOutlined", "outlined", "loops outlined">,
    Statistic<"numDeclined", "declined", "loops left sequential">,
  ];
  let dependentDialects = ["::bit::BitDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect"];
}

#endif // BIT_DIALECT_BIT_TRANSFORMS_MODELPASSES_TD
