// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "bit/Conversion/BitToLLVM/BitToLLVM.h"
#include "bit/Dialect/Bit/IR/BitOps.h"
#include "bit/Support/NodeLocation.h"
#include "bit/abi.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace {

/// Emits reads of the caller's bit_abi_call and calls through its table. Field
/// offsets are those of bit/abi.h, which this file shares with the runtime.
class CallEmitter {
public:
  CallEmitter(OpBuilder &builder, Location loc, Value call)
      : builder(builder), loc(loc), call(call),
        pointer(LLVM::LLVMPointerType::get(builder.getContext())) {}

  Value loadField(Type type, Value base, int64_t offset) {
    Value place = LLVM::GEPOp::create(
        builder, loc, pointer, builder.getI8Type(), base,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    return LLVM::LoadOp::create(builder, loc, type, place);
  }

  /// Returns element `index` of the array of `type` that the call's field at
  /// `offset` points to.
  Value loadElement(Type type, Value array, int32_t index) {
    Value place = LLVM::GEPOp::create(builder, loc, pointer, type, array,
                                      ArrayRef<LLVM::GEPArg>{index});
    return LLVM::LoadOp::create(builder, loc, type, place);
  }

  Value getField(int64_t offset) { return loadField(pointer, call, offset); }

  /// Calls the function of the table at `offset`; the call is its first
  /// argument.
  LLVM::CallOp callRuntime(int64_t offset, Type result, ValueRange arguments) {
    SmallVector<Type> types = {pointer};
    llvm::append_range(types, arguments.getTypes());
    auto type = LLVM::LLVMFunctionType::get(result, types);
    Value api = getField(offsetof(bit_abi_call, api));
    SmallVector<Value> operands = {loadField(pointer, api, offset), call};
    llvm::append_range(operands, arguments);
    return LLVM::CallOp::create(builder, loc, type, operands);
  }

  Type getPointerType() const { return pointer; }

private:
  OpBuilder &builder;
  Location loc;
  Value call;
  LLVM::LLVMPointerType pointer;
};

/// Splits the block before `op`; what follows runs only if `ok`. Leaves
/// `rewriter` in the block that runs otherwise, which returns a failure, and
/// returns where to go on.
Block *emitGuard(ConversionPatternRewriter &rewriter, Location loc, Value ok) {
  Block *block = rewriter.getInsertionBlock();
  Block *next = rewriter.splitBlock(block, rewriter.getInsertionPoint());
  Block *failed = rewriter.createBlock(next->getParent());
  rewriter.setInsertionPointToEnd(block);
  LLVM::CondBrOp::create(rewriter, loc, ok, next, failed);
  rewriter.setInsertionPointToStart(failed);
  Value status =
      LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32Type(), 1);
  auto ret = LLVM::ReturnOp::create(rewriter, loc, status);
  rewriter.setInsertionPoint(ret);
  return next;
}

/// Guards against a null `memory`: the runtime has said why.
void emitNullGuard(ConversionPatternRewriter &rewriter, Location loc,
                   Value memory) {
  Value null = LLVM::ZeroOp::create(rewriter, loc, memory.getType());
  Value ok = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::ne,
                                  memory, null);
  rewriter.setInsertionPointToStart(emitGuard(rewriter, loc, ok));
}

/// Base of the ops whose result is memory: `data` becomes its descriptor.
template <typename OpTy> struct BufferLowering : ConvertOpToLLVMPattern<OpTy> {
  using ConvertOpToLLVMPattern<OpTy>::ConvertOpToLLVMPattern;

  /// What a descriptor of the op's type holds beside its address.
  struct Layout {
    SmallVector<Value> sizes, strides;
  };

  Layout getLayout(OpTy op, ValueRange dynamicSizes,
                   ConversionPatternRewriter &rewriter) const {
    auto type = cast<MemRefType>(op.getType());
    if (type.hasStaticShape())
      dynamicSizes = {};
    Layout layout;
    Value elements;
    this->getMemRefDescriptorSizes(op.getLoc(), type, dynamicSizes, rewriter,
                                   layout.sizes, layout.strides, elements,
                                   /*sizeInBytes=*/false);
    return layout;
  }

  void replaceByBuffer(OpTy op, Value data, const Layout &layout,
                       ConversionPatternRewriter &rewriter) const {
    rewriter.replaceOp(op,
                       {this->createMemRefDescriptor(
                           op.getLoc(), cast<MemRefType>(op.getType()), data,
                           data, layout.sizes, layout.strides, rewriter)});
  }
};

struct InputLowering : BufferLowering<bit::InputOp> {
  using BufferLowering::BufferLowering;

  LogicalResult
  matchAndRewrite(bit::InputOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getType());
    CallEmitter emitter(rewriter, loc, adaptor.getCall());
    int32_t index = op.getIndex();
    Value data = emitter.loadElement(
        emitter.getPointerType(),
        emitter.getField(offsetof(bit_abi_call, inputs)), index);
    SmallVector<Value> dynamicSizes;
    if (!type.hasStaticShape()) {
      Value dims = emitter.loadElement(
          emitter.getPointerType(),
          emitter.getField(offsetof(bit_abi_call, input_dims)), index);
      for (int64_t i = 0; i < type.getRank(); ++i)
        if (type.isDynamicDim(i))
          dynamicSizes.push_back(
              emitter.loadElement(rewriter.getI64Type(), dims, i));
    }
    replaceByBuffer(op, data, getLayout(op, dynamicSizes, rewriter), rewriter);
    return success();
  }
};

/// Returns the descriptor of what lies at `offset` in the weights section.
Value createWeight(ConversionPatternRewriter &rewriter, Location loc,
                   const LLVMTypeConverter &converter, Value call, Value offset,
                   MemRefType type) {
  Value base = CallEmitter(rewriter, loc, call)
                   .getField(offsetof(bit_abi_call, weights));
  Value data =
      LLVM::GEPOp::create(rewriter, loc, base.getType(), rewriter.getI8Type(),
                          base, ArrayRef<LLVM::GEPArg>{offset});
  return MemRefDescriptor::fromStaticShape(rewriter, loc, converter, type,
                                           data);
}

struct GetWeightLowering : ConvertOpToLLVMPattern<bit::GetWeightOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(bit::GetWeightOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto weight = SymbolTable::lookupNearestSymbolFrom<bit::WeightOp>(
        op, op.getWeightAttr());
    auto function = op->getParentOfType<FunctionOpInterface>();
    if (!weight || !weight.getOffset() || function.getNumArguments() == 0)
      return rewriter.notifyMatchFailure(op, "weight has no place");
    Location loc = op.getLoc();
    Value offset = LLVM::ConstantOp::create(
        rewriter, loc, rewriter.getI64Type(), *weight.getOffset());
    rewriter.replaceOp(op, createWeight(rewriter, loc, *getTypeConverter(),
                                        function.getArgument(0), offset,
                                        cast<MemRefType>(op.getType())));
    return success();
  }
};

struct WeightAtLowering : ConvertOpToLLVMPattern<bit::WeightAtOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(bit::WeightAtOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op,
                       createWeight(rewriter, op.getLoc(), *getTypeConverter(),
                                    adaptor.getCall(), adaptor.getOffset(),
                                    cast<MemRefType>(op.getType())));
    return success();
  }
};

struct OutputLowering : BufferLowering<bit::OutputOp> {
  using BufferLowering::BufferLowering;

  LogicalResult
  matchAndRewrite(bit::OutputOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Layout layout = getLayout(op, adaptor.getSizes(), rewriter);
    CallEmitter emitter(rewriter, loc, adaptor.getCall());
    Value dims = storeDims(rewriter, op, layout.sizes);
    Value index = LLVM::ConstantOp::create(rewriter, loc, rewriter.getI32Type(),
                                           op.getIndexAttr());
    Value data = emitter
                     .callRuntime(offsetof(bit_abi_functions, output),
                                  emitter.getPointerType(), {index, dims})
                     .getResult();
    emitNullGuard(rewriter, loc, data);
    replaceByBuffer(op, data, layout, rewriter);
    return success();
  }

private:
  static Value storeDims(ConversionPatternRewriter &rewriter, bit::OutputOp op,
                         ArrayRef<Value> sizes) {
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Type i64 = rewriter.getI64Type();
    Value count = LLVM::ConstantOp::create(rewriter, loc, i64,
                                           std::max<int64_t>(1, sizes.size()));
    Value dims = LLVM::AllocaOp::create(rewriter, loc, pointer, i64, count);
    for (auto [i, size] : llvm::enumerate(sizes)) {
      Value place =
          LLVM::GEPOp::create(rewriter, loc, pointer, i64, dims,
                              ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
      LLVM::StoreOp::create(rewriter, loc, size, place);
    }
    return dims;
  }
};

struct ReserveLowering : BufferLowering<bit::ReserveOp> {
  using BufferLowering::BufferLowering;

  LogicalResult
  matchAndRewrite(bit::ReserveOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    CallEmitter emitter(rewriter, op.getLoc(), adaptor.getCall());
    Value data = emitter
                     .callRuntime(offsetof(bit_abi_functions, reserve),
                                  emitter.getPointerType(), adaptor.getBytes())
                     .getResult();
    emitNullGuard(rewriter, op.getLoc(), data);
    replaceByBuffer(op, data, getLayout(op, adaptor.getBytes(), rewriter),
                    rewriter);
    return success();
  }
};

struct AllocateLowering : BufferLowering<bit::AllocateOp> {
  using BufferLowering::BufferLowering;

  LogicalResult
  matchAndRewrite(bit::AllocateOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value data = op.getReuse() ? reuse(op, adaptor, rewriter)
                               : allocate(op.getLoc(), adaptor.getCall(),
                                          adaptor.getBytes(), rewriter);
    replaceByBuffer(op, data, getLayout(op, adaptor.getSizes(), rewriter),
                    rewriter);
    return success();
  }

private:
  static Value allocate(Location loc, Value call, Value bytes,
                        ConversionPatternRewriter &rewriter) {
    CallEmitter emitter(rewriter, loc, call);
    Value data = emitter
                     .callRuntime(offsetof(bit_abi_functions, alloc),
                                  emitter.getPointerType(), bytes)
                     .getResult();
    emitNullGuard(rewriter, loc, data);
    return data;
  }

  /// Keeps address and size on the stack: of nothing, at first.
  static Value reuse(bit::AllocateOp op, OpAdaptor adaptor,
                     ConversionPatternRewriter &rewriter) {
    Location loc = op.getLoc();
    auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
    Type i64 = rewriter.getI64Type();
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(rewriter, loc, i64, value);
    };
    Value kept, keptBytes;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(
          &op->getParentOfType<FunctionOpInterface>()
               .getFunctionBody()
               .front());
      Value one = constant(1);
      kept = LLVM::AllocaOp::create(rewriter, loc, pointer, pointer, one);
      keptBytes = LLVM::AllocaOp::create(rewriter, loc, pointer, i64, one);
      LLVM::StoreOp::create(rewriter, loc, constant(-1), keptBytes);
    }
    Block *block = rewriter.getInsertionBlock();
    Block *next = rewriter.splitBlock(block, rewriter.getInsertionPoint());
    Block *grow = rewriter.createBlock(next);

    rewriter.setInsertionPointToEnd(block);
    Value capacity = LLVM::LoadOp::create(rewriter, loc, i64, keptBytes);
    Value fits = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::sle,
                                      adaptor.getBytes(), capacity);
    LLVM::CondBrOp::create(rewriter, loc, fits, next, grow);

    rewriter.setInsertionPointToEnd(grow);
    Value half = LLVM::SDivOp::create(rewriter, loc, capacity, constant(2));
    Value more = LLVM::AddOp::create(rewriter, loc, capacity, half);
    Value bytes = LLVM::SMaxOp::create(rewriter, loc, adaptor.getBytes(), more);
    Value data = allocate(loc, adaptor.getCall(), bytes, rewriter);
    LLVM::StoreOp::create(rewriter, loc, data, kept);
    LLVM::StoreOp::create(rewriter, loc, bytes, keptBytes);
    LLVM::BrOp::create(rewriter, loc, next);

    rewriter.setInsertionPointToStart(next);
    return LLVM::LoadOp::create(rewriter, loc, pointer, kept);
  }
};

struct NumThreadsLowering : ConvertOpToLLVMPattern<bit::NumThreadsOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(bit::NumThreadsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    CallEmitter emitter(rewriter, op.getLoc(), adaptor.getCall());
    rewriter.replaceOp(op, emitter.loadField(rewriter.getI64Type(),
                                             adaptor.getCall(),
                                             offsetof(bit_abi_call, threads)));
    return success();
  }
};

struct ParallelForLowering : ConvertOpToLLVMPattern<bit::ParallelForOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(bit::ParallelForOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    CallEmitter emitter(rewriter, loc, adaptor.getCall());
    Value body = LLVM::AddressOfOp::create(
        rewriter, loc, emitter.getPointerType(), op.getBodyAttr());
    Value grain =
        LLVM::ConstantOp::create(rewriter, loc, rewriter.getI64Type(), 1);
    emitter.callRuntime(offsetof(bit_abi_functions, parallel_for),
                        LLVM::LLVMVoidType::get(rewriter.getContext()),
                        {body, adaptor.getData(), adaptor.getCount(), grain});
    rewriter.eraseOp(op);
    return success();
  }
};

/// Returns the address of `message` as a C string constant of the module.
Value getMessage(ConversionPatternRewriter &rewriter, Location loc,
                 ModuleOp module, StringRef message) {
  std::string name =
      "bit.message." + llvm::utohexstr(llvm::xxh3_64bits(message));
  auto pointer = LLVM::LLVMPointerType::get(rewriter.getContext());
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(module.getBody());
    std::string terminated = message.str() + '\0';
    auto type =
        LLVM::LLVMArrayType::get(rewriter.getI8Type(), terminated.size());
    LLVM::GlobalOp::create(rewriter, loc, type, /*isConstant=*/true,
                           LLVM::Linkage::Private, name,
                           rewriter.getStringAttr(terminated));
  }
  return LLVM::AddressOfOp::create(rewriter, loc, pointer, name);
}

struct AssertLowering : ConvertOpToLLVMPattern<cf::AssertOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;

  LogicalResult
  matchAndRewrite(cf::AssertOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto function = op->getParentOfType<FunctionOpInterface>();
    if (function.getNumArguments() == 0 || function.getNumResults() != 1)
      return rewriter.notifyMatchFailure(op, "no status to return here");
    Location loc = op.getLoc();
    std::string message = bit::describeNode(loc);
    message += (message.empty() ? "" : ": ") + op.getMsg().str();
    Block *next = emitGuard(rewriter, loc, adaptor.getArg());
    Value text =
        getMessage(rewriter, loc, op->getParentOfType<ModuleOp>(), message);
    CallEmitter(rewriter, loc, function.getArgument(0))
        .callRuntime(offsetof(bit_abi_functions, fail),
                     LLVM::LLVMVoidType::get(rewriter.getContext()), text);
    rewriter.setInsertionPointToStart(next);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void bit::populateBitToLLVMPatterns(LLVMTypeConverter &converter,
                                    RewritePatternSet &patterns) {
  converter.addConversion([](CallType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
  patterns.add<InputLowering, GetWeightLowering, WeightAtLowering,
               OutputLowering, ReserveLowering, AllocateLowering,
               NumThreadsLowering, ParallelForLowering>(converter);
  // Above upstream's lowering to abort.
  patterns.add<AssertLowering>(converter, /*benefit=*/10);
}
