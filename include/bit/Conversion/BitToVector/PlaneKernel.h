// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What all kernels of layouts P1 and P2 share: packing, the loops over row
// blocks and tokens, the epilogue. A kernel adds the code of one tile.

#ifndef BIT_CONVERSION_BITTOVECTOR_PLANEKERNEL_H
#define BIT_CONVERSION_BITTOVECTOR_PLANEKERNEL_H

#include "bit/Dialect/Bit/IR/Kernel.h"
#include "bit/Layout/Planes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>
#include <string>

namespace bit {

/// Some groups of 16 rows of one row block, times some tokens, over all of K or
/// over the k that share a weight scale.
struct PlaneTile {
  mlir::Value x;      ///< memref<M x K>, i8 or f32
  mlir::Value packed; ///< memref<P x i8>
  mlir::Value token;  ///< the first token, an index
  mlir::Value offset; ///< of the first group's bytes in step 0, an index
  int64_t tokens;
  int64_t groups;
  int64_t blockGroups; ///< of the whole row block: the distance of the steps
  int64_t stepK;       ///< how many k a whole step has
  int64_t k;           ///< how many k the tile sums
  mlir::Value firstK;  ///< the first of them, an index; null for 0
  /// For each token an i32 that its sums start from; none for f32 activations.
  llvm::SmallVector<mlir::Value> start;

  /// `start` of a token in `lanes` lanes, i32.
  mlir::Value broadcastStart(mlir::OpBuilder &builder, mlir::Location loc,
                             int64_t token, int64_t lanes) const;
};

/// One step of a tile, while its code is built. All loads are at the
/// builder's insertion point.
class PlaneStep {
public:
  PlaneStep(mlir::OpBuilder &builder, mlir::Location loc, const PlaneTile &tile,
            mlir::Value step, int64_t width);

  /// Which step it is, an index.
  mlir::Value getNumber() const { return number; }

  /// How many of the step's k exist.
  int64_t getWidth() const { return width; }

  /// `count` bytes of a group from byte `first` on, as a vector of i8.
  mlir::Value loadWeights(int64_t group, int64_t first = 0,
                          int64_t count = 64) const;

  /// Fetches the cache line that loadWeights(group) reads `steps` later; there
  /// may be none.
  void prefetchWeights(int64_t group, int64_t steps) const;

  /// The four codes of a plane, one after another in an i32; 0 for those past
  /// the end of K, at least one of which exists.
  mlir::Value loadCodes(int64_t token, int64_t plane) const;

  /// `count` neighbouring codes from the step's code `first` on, as a vector of
  /// i8; 0 for those past the end of K.
  mlir::Value loadCodeRow(int64_t token, int64_t first, int64_t count) const;

  /// Activation `first` + `index`, i8 or f32, of those of the step, which
  /// exists. `first` is an index.
  mlir::Value loadActivation(int64_t token, mlir::Value first,
                             int64_t index) const;

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
  const PlaneTile &tile;
  int64_t width;
  mlir::Value number, bytes, firstK;
};

using PlaneStepBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    const PlaneStep &step, mlir::ValueRange carried)>;

/// Builds a loop over the whole steps [lower, upper) of a tile that carries
/// `init`.
llvm::SmallVector<mlir::Value>
buildPlaneStepLoop(mlir::OpBuilder &builder, mlir::Location loc,
                   const PlaneTile &tile, mlir::Value lower, mlir::Value upper,
                   mlir::ValueRange init, PlaneStepBody body);

/// The same over all steps; a last one that is not whole comes after the loop.
llvm::SmallVector<mlir::Value> buildPlaneSteps(mlir::OpBuilder &builder,
                                               mlir::Location loc,
                                               const PlaneTile &tile,
                                               mlir::ValueRange init,
                                               PlaneStepBody body);

/// Products of many tokens by many rows through tables of sums.
struct SumTables {
  int64_t lanes;     ///< i16 in a register: 16 or 32; the fewest tokens
  int64_t leastRows; ///< and the fewest rows
  int64_t leastK;
  int64_t maxRows; ///< that share tables of 32 tokens: their sums, 64 bytes a
                   ///< row, should fit the L2 cache and a thread's stack
};

/// A kernel that reads layout P1, of binary weights only, or P2.
class PlaneKernel : public Kernel {
public:
  /// For weights of 1 or 2 bits. "x86.vnni_p" is the prefix of "x86.vnni_p2".
  PlaneKernel(llvm::StringRef prefix, int64_t bits);
  ~PlaneKernel() override;

  /// `kernel` if it is one of planes, else null.
  static const PlaneKernel *find(const Kernel *kernel);

  llvm::StringRef getName() const final { return name; }
  llvm::StringRef getLayout() const final { return bits == 1 ? "p1" : "p2"; }
  int64_t getBits() const { return bits; }
  /// The k of a step.
  int64_t getStepK() const { return PlaneLayout::getStepK(bits); }

  int64_t getPackedBytes(int64_t n, int64_t k) const final;
  void pack(llvm::ArrayRef<int8_t> codes, int64_t n, int64_t k,
            llvm::MutableArrayRef<uint8_t> out) const final;
  int64_t getScaleRows() const final;
  mlir::LogicalResult supports(const PackedMatmulSpec &spec,
                               llvm::function_ref<mlir::InFlightDiagnostic()>
                                   emitError = nullptr) const final;
  void lower(mlir::OpBuilder &builder, PackedMatmulOp op) const final;

  /// The tables that `op` is multiplied by, if it is.
  std::optional<SumTables> chooseTables(PackedMatmulOp op) const;
  /// The most tokens of a tile: those of `tile = [rows, tokens, k]`, if given.
  int64_t getTokens(PackedMatmulOp op) const;
  /// The most groups of a tile of so many tokens.
  int64_t getGroups(PackedMatmulOp op, int64_t tokens) const;

  /// Whether tiles can be built of f32 activations.
  virtual bool supportsFloat() const { return false; }
  /// Which products are faster through tables of sums than by tiles, if any.
  virtual std::optional<SumTables> getTables() const { return std::nullopt; }
  /// The most tokens that a tile should have.
  virtual int64_t getTileTokens(bool floatActivations) const = 0;
  /// Whether there are tiles of so many tokens for those that tiles of
  /// getTileTokens leave over. There are of 1; others are made of several.
  virtual bool hasRestTile(int64_t tokens) const { return true; }
  /// The most groups that a tile of so many tokens should have, at most 4.
  virtual int64_t getTileGroups(bool floatActivations,
                                int64_t tokens) const = 0;

  /// Emits the sums of a tile, for each token those of each group, as vectors
  /// of 16 rows: `start` plus the sums of (w + 1) * x, modulo 2^32, where x is
  /// codes, else one chain of fma(x, f32(w), sum) in ascending k, from 0.
  virtual llvm::SmallVector<mlir::Value>
  buildTile(mlir::OpBuilder &builder, mlir::Location loc,
            const PlaneTile &tile) const = 0;

private:
  std::string name;
  int64_t bits;
};

} // namespace bit

#endif // BIT_CONVERSION_BITTOVECTOR_PLANEKERNEL_H
