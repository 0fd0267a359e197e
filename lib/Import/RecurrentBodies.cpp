// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LSTM, GRU and RNN as a Scan over time. What depends on the input alone is one
// product in front of it; products, weights and activations are then ordinary
// ones. f16 and bf16 are computed in f32.

#include "FunctionBody.h"
#include "OnnxBodies.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include <utility>

using llvm::formatv;
using ::onnx::FunctionBodyBuildContext;
using ::onnx::FunctionProto;
using ::onnx::OpSchema;
using ::onnx::TensorProto;

namespace bit::detail {
namespace {

enum class Cell { LSTM, GRU, RNN };

struct Activation {
  std::string name; ///< in lower case
  float alpha = 0, beta = 0;
};

std::string number(float value) { return formatv("{0:e9}", value); }

class RecurrentBody {
public:
  RecurrentBody(Cell cell, const FunctionBodyBuildContext &context,
                FunctionProto &function)
      : cell(cell), gates(cell == Cell::LSTM ? 4 : (cell == Cell::GRU ? 3 : 1)),
        context(context),
        body(function, context,
             {"X", "W", "R", "B", "lens", "initial_h", "initial_c", "P"},
             {"Y", "Y_h", "Y_c"}) {}

  void build();

private:
  void readAttributes();
  void readActivations();
  void checkShapes() const;
  void checkDim(const char *input, int dim, int64_t size,
                const char *what) const;
  int64_t getDim(const char *input, int dim) const;

  void addOperand(const char *name);
  void splitDirections(const std::string &name);
  void addMask();
  void addDirection(int direction);
  std::string getStep(int direction);
  std::string getLSTMStep(int direction);
  std::string getGRUStep(int direction);
  std::string getRNNStep(int direction);
  /// The gates `names` of what `source` holds side by side.
  std::string split(const std::string &names, const std::string &source,
                    int count);
  /// `to` = activation `index` of `from`.
  std::string activate(int index, const std::string &to,
                       const std::string &from);
  void addOutputs();

  void add(const std::string &nodes) { body.parse(nodes); }
  /// The names of a direction's values end with its number.
  static std::string at(const std::string &name, int direction) {
    return name + "_" + std::to_string(direction);
  }
  bool isReverse(int direction) const {
    return direction == 1 || directionName == "reverse";
  }

  Cell cell;
  int gates;
  const FunctionBodyBuildContext &context;
  FunctionBody body;

  std::string directionName;
  int directions = 1;
  bool isBatchFirst = false, isHalf = false, couplesGates = false;
  bool resetsAfter = false;
  float clip = 0;
  std::vector<Activation> activations;
  int constants = 0;
  /// Of the hidden state, -1 where it is known at run time only.
  int64_t hidden = -1;
};

} // namespace

//===----------------------------------------------------------------------===//
// What is given
//===----------------------------------------------------------------------===//

void RecurrentBody::readAttributes() {
  directionName = body.getString("direction");
  if (directionName.empty())
    directionName = "forward";
  if (directionName != "forward" && directionName != "reverse" &&
      directionName != "bidirectional")
    throw BodyError("expects a direction of forward, reverse or "
                    "bidirectional, got " +
                    directionName);
  directions = directionName == "bidirectional" ? 2 : 1;
  isBatchFirst = body.getInt("layout", 0) != 0;
  couplesGates = body.getInt("input_forget", 0) != 0;
  resetsAfter = body.getInt("linear_before_reset", 0) != 0;
  clip = body.getFloat("clip", 0);
  if (clip < 0)
    throw BodyError("expects a clip of 0 or more, got " + number(clip));
  const int type = body.getElementType("X");
  isHalf = type == TensorProto::FLOAT16 || type == TensorProto::BFLOAT16;
  readActivations();
}

/// alpha and beta lists hold those of the functions that have them, in order.
void RecurrentBody::readActivations() {
  const size_t each = cell == Cell::LSTM ? 3 : (cell == Cell::GRU ? 2 : 1);
  std::vector<std::string> names;
  if (const auto *given = context.getAttribute("activations"))
    names.assign(given->strings().begin(), given->strings().end());
  if (names.empty())
    for (int direction = 0; direction < directions; ++direction) {
      if (cell != Cell::RNN)
        names.push_back("Sigmoid");
      names.push_back("Tanh");
      if (cell == Cell::LSTM)
        names.push_back("Tanh");
    }
  if (names.size() != each * directions)
    throw BodyError("expects " + std::to_string(each * directions) +
                    " activations, got " + std::to_string(names.size()));
  auto getFloats = [&](const char *name) {
    std::vector<float> values;
    if (const auto *given = context.getAttribute(name))
      values.assign(given->floats().begin(), given->floats().end());
    return values;
  };
  std::vector<float> alphas = getFloats("activation_alpha"),
                     betas = getFloats("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  auto take = [](const std::vector<float> &values, size_t &next,
                 float defaultValue) {
    return next < values.size() ? values[next++] : defaultValue;
  };
  for (const std::string &name : names) {
    Activation activation{llvm::StringRef(name).lower()};
    llvm::StringRef lower = activation.name;
    const int parameters =
        llvm::StringSwitch<int>(lower)
            .Cases({"relu", "tanh", "sigmoid", "softsign", "softplus"}, 0)
            .Cases({"leakyrelu", "thresholdedrelu", "elu"}, 1)
            .Cases({"affine", "scaledtanh", "hardsigmoid"}, 2)
            .Default(-1);
    if (parameters < 0)
      throw BodyError("expects an activation that ONNX names, got " + name);
    const float alpha = llvm::StringSwitch<float>(lower)
                            .Case("leakyrelu", 0.01f)
                            .Case("hardsigmoid", 0.2f)
                            .Default(1.0f);
    const float beta = llvm::StringSwitch<float>(lower)
                           .Case("hardsigmoid", 0.5f)
                           .Case("scaledtanh", 1.0f)
                           .Default(0.0f);
    if (parameters > 0)
      activation.alpha = take(alphas, nextAlpha, alpha);
    if (parameters > 1)
      activation.beta = take(betas, nextBeta, beta);
    activations.push_back(activation);
  }
}

int64_t RecurrentBody::getDim(const char *input, int dim) const {
  const auto *shape = body.getShape(input);
  return shape && dim < shape->dim_size() && shape->dim(dim).has_dim_value()
             ? shape->dim(dim).dim_value()
             : -1;
}

void RecurrentBody::checkDim(const char *input, int dim, int64_t size,
                             const char *what) const {
  const int64_t own = getDim(input, dim);
  if (own >= 0 && own != size)
    throw BodyError(std::string("expects ") + what + " of size " +
                    std::to_string(size) + ", got " + std::to_string(own));
}

/// Sizes that broadcasting would let pass. Those that are known at run time
/// only are checked by Split and Squeeze.
void RecurrentBody::checkShapes() const {
  for (const char *input : {"X", "W", "R", "initial_h", "initial_c"})
    if (body.has(input) && body.getRank(input) >= 0 && body.getRank(input) != 3)
      throw BodyError(
          "expects X, W, R and initial states of rank 3, got rank " +
          std::to_string(body.getRank(input)));
  for (const char *input : {"B", "P"})
    if (body.has(input) && body.getRank(input) >= 0 && body.getRank(input) != 2)
      throw BodyError("expects B and P of rank 2, got rank " +
                      std::to_string(body.getRank(input)));
  for (const char *input : {"W", "R", "B", "P"})
    checkDim(input, 0, directions, "weights for each direction");
  if (const int64_t named = body.getInt("hidden_size", -1); named >= 0)
    checkDim("R", 2, named, "a hidden state");
  if (hidden < 0)
    return;
  checkDim("W", 1, gates * hidden, "gates of W");
  checkDim("R", 1, gates * hidden, "gates of R");
  checkDim("B", 1, 2 * gates * hidden, "gates of B");
  checkDim("P", 1, 3 * hidden, "gates of P");
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// NAME_in is the operand as it is computed with.
void RecurrentBody::addOperand(const char *name) {
  if (body.has(name))
    add(formatv("{0}_in = {1} ({0})", name,
                isHalf ? "Cast <to = 1>" : "Identity"));
}

/// NAME_0 and NAME_1 are what belongs to each direction.
void RecurrentBody::splitDirections(const std::string &name) {
  if (directions == 1) {
    add(formatv("{0}_0 = Squeeze ({0}_in, Axis0)", name));
    return;
  }
  add(formatv("{0}_first, {0}_second = Split <axis = 0, num_outputs = 2> "
              "({0}_in) "
              "{0}_0 = Squeeze ({0}_first, Axis0) "
              "{0}_1 = Squeeze ({0}_second, Axis0)",
              name));
}

/// Whether a row is within its sequence, for each step: [T, B, 1].
void RecurrentBody::addMask() {
  add("Lens = Cast <to = 7> (lens) "
      "LengthScalar = Squeeze (Length, Axis0) "
      "From = Constant <value = int64 {0}> () "
      "By = Constant <value = int64 {1}> () "
      "Times = Range (From, LengthScalar, By) "
      "Axes12 = Constant <value = int64[2] {1, 2}> () "
      "Axes02 = Constant <value = int64[2] {0, 2}> () "
      "TimeColumns = Unsqueeze (Times, Axes12) "
      "LensRows = Unsqueeze (Lens, Axes02) "
      "Mask = Less (TimeColumns, LensRows)");
}

std::string RecurrentBody::split(const std::string &names,
                                 const std::string &source, int count) {
  if (hidden >= 0)
    return formatv("{0} = Split <axis = -1, num_outputs = {2}> ({1}) ", names,
                   source, count);
  return formatv("{0} = Split <axis = -1> ({1}, Hidden{2}) ", names, source,
                 count);
}

std::string RecurrentBody::activate(int index, const std::string &to,
                                    const std::string &from) {
  const Activation &f = activations[index];
  std::string x = from, nodes;
  if (clip > 0) {
    x = to + "_clipped";
    nodes = formatv("{0} = Clip ({1}, ClipLow, ClipHigh) ", x, from);
  }
  llvm::StringRef name = f.name;
  if (name == "affine" || name == "scaledtanh") {
    const std::string scale = "Scale_" + std::to_string(constants);
    const std::string second = "Second_" + std::to_string(constants++);
    for (auto [constant, value] :
         {std::pair(scale, f.alpha), std::pair(second, f.beta)}) {
      body.addFloat(constant + "_f", value);
      add(formatv("{0} = CastLike ({0}_f, Input)", constant));
    }
    if (name == "affine")
      return nodes + std::string(formatv("{0}_scaled = Mul ({1}, {2}) "
                                         "{0} = Add ({0}_scaled, {3}) ",
                                         to, x, scale, second));
    return nodes + std::string(formatv("{0}_scaled = Mul ({1}, {3}) "
                                       "{0}_tanh = Tanh ({0}_scaled) "
                                       "{0} = Mul ({0}_tanh, {2}) ",
                                       to, x, scale, second));
  }
  const std::string alpha = " <alpha = " + number(f.alpha);
  const std::string op =
      llvm::StringSwitch<std::string>(name)
          .Case("relu", "Relu")
          .Case("tanh", "Tanh")
          .Case("sigmoid", "Sigmoid")
          .Case("softsign", "Softsign")
          .Case("softplus", "Softplus")
          .Case("leakyrelu", "LeakyRelu" + alpha + ">")
          .Case("thresholdedrelu", "ThresholdedRelu" + alpha + ">")
          .Case("elu", "Elu" + alpha + ">")
          .Case("hardsigmoid",
                "HardSigmoid" + alpha + ", beta = " + number(f.beta) + ">");
  return nodes + std::string(formatv("{0} = {1} ({2}) ", to, op, x));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// From h, c and x (the input's part of the gates, in the order i, o, f, c) to
/// h_new and c_new.
std::string RecurrentBody::getLSTMStep(int direction) {
  const bool hasPeepholes = body.has("P");
  std::string nodes = "recurrent = MatMul (h, " + at("R_t", direction) + ") " +
                      "all = Add (x, recurrent) " +
                      split("i_x, o_x, f_x, c_x", "all", 4);
  auto look = [&](const char *gate, const char *state) {
    if (!hasPeepholes)
      return formatv("{0}_sum = Identity ({0}_x) ", gate).str();
    return formatv("{0}_seen = Mul ({1}, P_{0}_{2}) "
                   "{0}_sum = Add ({0}_x, {0}_seen) ",
                   gate, state, direction)
        .str();
  };
  const int first = 3 * direction;
  nodes += look("i", "c") + activate(first, "i", "i_sum");
  if (couplesGates)
    nodes += "f = Sub (One, i) ";
  else
    nodes += look("f", "c") + activate(first, "f", "f_sum");
  nodes += activate(first + 1, "candidate", "c_x");
  nodes += "kept = Mul (f, c) "
           "added = Mul (i, candidate) "
           "c_new = Add (kept, added) ";
  nodes += look("o", "c_new") + activate(first, "o", "o_sum");
  // The state is no sum of a gate's: nothing clips it.
  const float limit = std::exchange(clip, 0);
  nodes += activate(first + 2, "c_out", "c_new");
  clip = limit;
  return nodes + "h_new = Mul (o, c_out) ";
}

/// The gates are z, r, h.
std::string RecurrentBody::getGRUStep(int direction) {
  const int first = 2 * direction;
  std::string nodes = split("z_x, r_x, h_x", "x", 3);
  nodes += "recurrent = MatMul (h, " + at("R_t", direction) + ") ";
  if (resetsAfter) {
    std::string sums = "recurrent";
    if (body.has("B")) {
      sums = "biased";
      nodes += "biased = Add (recurrent, " + at("B_r", direction) + ") ";
    }
    nodes += split("z_h, r_h, h_h", sums, 3);
  } else {
    nodes += split("z_h, r_h", "recurrent", 2);
  }
  nodes += "z_sum = Add (z_x, z_h) r_sum = Add (r_x, r_h) " +
           activate(first, "z", "z_sum") + activate(first, "r", "r_sum");
  if (resetsAfter)
    nodes += "h_reset = Mul (r, h_h) ";
  else
    nodes += "h_rest = Mul (r, h) h_reset = MatMul (h_rest, " +
             at("R_h", direction) + ") ";
  nodes += "h_sum = Add (h_x, h_reset) ";
  return nodes + activate(first + 1, "candidate", "h_sum") +
         "z_not = Sub (One, z) "
         "fresh = Mul (z_not, candidate) "
         "kept = Mul (z, h) "
         "h_new = Add (fresh, kept) ";
}

std::string RecurrentBody::getRNNStep(int direction) {
  return "recurrent = MatMul (h, " + at("R_t", direction) + ") " +
         "sum = Add (x, recurrent) " + activate(direction, "h_new", "sum");
}

std::string RecurrentBody::getStep(int direction) {
  switch (cell) {
  case Cell::LSTM:
    return getLSTMStep(direction);
  case Cell::GRU:
    return getGRUStep(direction);
  case Cell::RNN:
    return getRNNStep(direction);
  }
}

//===----------------------------------------------------------------------===//
// The Scan of one direction
//===----------------------------------------------------------------------===//

void RecurrentBody::addDirection(int direction) {
  auto name = [&](const char *base) { return at(base, direction); };
  const bool hasLens = body.has("lens"), isLSTM = cell == Cell::LSTM;
  const bool isBackward = isReverse(direction);
  std::string input = "Input";
  // Each row's own sequence is turned around; else the Scan runs backwards.
  if (hasLens && isBackward) {
    input = name("Turned");
    add(formatv("{0} = ReverseSequence <batch_axis = 1, time_axis = 0> "
                "(Input, Lens)",
                input));
  }
  add(formatv("W_t_{0} = Transpose <perm = [1, 0]> (W_{0}) "
              "Product_{0} = MatMul ({1}, W_t_{0})",
              direction, input));
  std::string gatesOfInput = name("Product");
  if (body.has("B")) {
    const std::string halves =
        hidden >= 0 ? "Split <axis = -1, num_outputs = 2> (" + name("B") + ")"
                    : "Split <axis = -1> (" + name("B") + ", BiasSizes)";
    add(formatv("B_w_{0}, B_r_{0} = {1}", direction, halves));
    std::string bias = name("B_w");
    if (cell != Cell::GRU || !resetsAfter) {
      bias = name("B_sum");
      add(formatv("B_sum_{0} = Add (B_w_{0}, B_r_{0})", direction));
    }
    add(formatv("Gates_{0} = Add (Product_{0}, {1})", direction, bias));
    gatesOfInput = name("Gates");
  }
  if (cell == Cell::GRU && !resetsAfter) {
    const std::string sizes =
        hidden >= 0 ? "Split <axis = 0, num_outputs = 3> (" + name("R") + ")"
                    : "Split <axis = 0> (" + name("R") + ", Hidden3)";
    add(formatv("R_zz_{0}, R_rr_{0}, R_hh_{0} = {1} "
                "R_zr_{0} = Concat <axis = 0> (R_zz_{0}, R_rr_{0}) "
                "R_t_{0} = Transpose <perm = [1, 0]> (R_zr_{0}) "
                "R_h_{0} = Transpose <perm = [1, 0]> (R_hh_{0})",
                direction, sizes));
  } else {
    add(formatv("R_t_{0} = Transpose <perm = [1, 0]> (R_{0})", direction));
  }
  if (body.has("P"))
    add(split(formatv("P_i_{0}, P_o_{0}, P_f_{0}", direction), name("P"), 3));
  for (auto [state, given] :
       {std::pair("H0", "initial_h"), std::pair("C0", "initial_c")}) {
    if (std::string(state) == "C0" && !isLSTM)
      continue;
    const std::string from =
        body.has(given) ? at(given, direction) : std::string("Zeros");
    add(formatv("{0}_{1} = Identity ({2})", state, direction, from));
  }

  std::string step = getStep(direction), states = isLSTM ? "h, c" : "h";
  std::string yields = isLSTM ? "h_out, c_keep, y" : "h_out, y";
  if (hasLens) {
    step += "h_out = Where (within, h_new, h) "
            "y = Where (within, h_new, Zero) ";
    if (isLSTM)
      step += "c_keep = Where (within, c_new, c) ";
  } else {
    step += "h_out = Identity (h_new) y = Identity (h_new) ";
    if (isLSTM)
      step += "c_keep = Identity (c_new) ";
  }
  const bool turnsScan = isBackward && !hasLens;
  add(formatv(
      "H_{0}, {1}Stack_{0} = Scan <num_scan_inputs = {2}, "
      "scan_input_directions = [{3}{4}], "
      "scan_output_directions = [{3}], "
      "body = step ({5}, x{6}) => ({7}) {{ {8} }> (H0_{0}{9}, {10}{11})",
      direction, isLSTM ? formatv("C_{0}, ", direction).str() : "",
      hasLens ? 2 : 1, turnsScan ? 1 : 0, hasLens ? ", 0" : "", states,
      hasLens ? ", within" : "", yields, step,
      isLSTM ? formatv(", C0_{0}", direction).str() : "", gatesOfInput,
      hasLens ? ", Mask" : ""));
  // No step at all leaves a stack of no known rows.
  const bool turnsBack = hasLens && isBackward;
  add(formatv("Y_{0}{1} = Reshape <allowzero = 1> (Stack_{0}, StackShape)",
              direction, turnsBack ? "_turned" : ""));
  if (turnsBack)
    add(formatv("Y_{0} = ReverseSequence <batch_axis = 1, time_axis = 0> "
                "(Y_{0}_turned, Lens)",
                direction));
}

//===----------------------------------------------------------------------===//
// The whole
//===----------------------------------------------------------------------===//

void RecurrentBody::addOutputs() {
  auto finish = [&](const char *output, const char *part, int axis,
                    const char *perm) {
    std::string parts;
    for (int direction = 0; direction < directions; ++direction) {
      const std::string name = at(part, direction);
      add(formatv("{0}_row = Unsqueeze ({0}, Axis{1})", name, axis));
      parts += (parts.empty() ? "" : ", ") + name + "_row";
    }
    add(formatv("{0}_all = Concat <axis = {1}> ({2})", output, axis, parts));
    std::string last = std::string(output) + "_all";
    if (isBatchFirst) {
      add(formatv("{0}_moved = Transpose <perm = {1}> ({2})", output, perm,
                  last));
      last = std::string(output) + "_moved";
    }
    add(formatv("{0} = CastLike ({1}, X)", output, last));
  };
  if (context.hasOutput(0))
    finish("Y", "Y", 1, "[2, 0, 1, 3]");
  if (context.hasOutput(1))
    finish("Y_h", "H", 0, "[1, 0, 2]");
  if (cell == Cell::LSTM && context.hasOutput(2))
    finish("Y_c", "C", 0, "[1, 0, 2]");
}

void RecurrentBody::build() {
  readAttributes();
  hidden = getDim("R", 2);
  if (hidden < 0)
    hidden = body.getInt("hidden_size", -1);
  // Split needs to know that all gates have this size.
  if (getDim("R", 1) != gates * hidden || getDim("W", 1) != gates * hidden ||
      (body.has("B") && getDim("B", 1) < 0) ||
      (body.has("P") && getDim("P", 1) < 0)) {
    checkShapes();
    hidden = -1;
  }
  checkShapes();
  add("Axis0 = Constant <value = int64[1] {0}> () "
      "Axis1 = Constant <value = int64[1] {1}> ()");
  for (const char *name : {"X", "W", "R", "B", "initial_h", "initial_c", "P"})
    addOperand(name);
  add(isBatchFirst ? "Input = Transpose <perm = [1, 0, 2]> (X_in)"
                   : "Input = Identity (X_in)");
  body.addFloat("ZeroFloat", 0);
  body.addFloat("OneFloat", 1);
  add("Zero = CastLike (ZeroFloat, Input) One = CastLike (OneFloat, Input)");
  if (clip > 0) {
    body.addFloat("ClipLowFloat", -clip);
    body.addFloat("ClipHighFloat", clip);
    add("ClipLow = CastLike (ClipLowFloat, Input) "
        "ClipHigh = CastLike (ClipHighFloat, Input)");
  }
  add("Batch = Shape <start = 1, end = 2> (Input) "
      "Hidden1 = Shape <start = 2, end = 3> (R) "
      "Hidden2 = Concat <axis = 0> (Hidden1, Hidden1) "
      "Hidden3 = Concat <axis = 0> (Hidden2, Hidden1) "
      "Hidden4 = Concat <axis = 0> (Hidden2, Hidden2) "
      "StateShape = Concat <axis = 0> (Batch, Hidden1) "
      "Length = Shape <start = 0, end = 1> (Input) "
      "StackShape = Concat <axis = 0> (Length, StateShape) "
      "Zeros = Expand (Zero, StateShape)");
  add(formatv("GateCount = Constant <value = int64[1] {{{0}}> () "
              "GateSize = Mul (Hidden1, GateCount) "
              "BiasSizes = Concat <axis = 0> (GateSize, GateSize)",
              gates));
  for (const char *name : {"W", "R", "B", "P"})
    if (body.has(name))
      splitDirections(name);
  for (const char *name : {"initial_h", "initial_c"})
    if (body.has(name)) {
      // Of the batch's layout, too: [B, D, H].
      if (isBatchFirst)
        add(formatv("{0}_t = Transpose <perm = [1, 0, 2]> ({0}_in) ", name));
      if (directions == 1)
        add(formatv("{0}_0 = Squeeze ({0}_{1}, Axis0)", name,
                    isBatchFirst ? "t" : "in"));
      else
        add(formatv("{0}_first, {0}_second = Split <axis = 0, num_outputs = 2> "
                    "({0}_{1}) "
                    "{0}_0 = Squeeze ({0}_first, Axis0) "
                    "{0}_1 = Squeeze ({0}_second, Axis0)",
                    name, isBatchFirst ? "t" : "in"));
    }
  if (body.has("lens"))
    addMask();
  for (int direction = 0; direction < directions; ++direction)
    addDirection(direction);
  addOutputs();
}

template <Cell cell>
static bool recurrent(const FunctionBodyBuildContext &context, const OpSchema &,
                      FunctionProto &function) {
  RecurrentBody(cell, context, function).build();
  return true;
}

::onnx::ContextDependentFunctionBodyBuilder
getRecurrentBody(const std::string &opType) {
  return llvm::StringSwitch<::onnx::ContextDependentFunctionBodyBuilder>(opType)
      .Case("LSTM", recurrent<Cell::LSTM>)
      .Case("GRU", recurrent<Cell::GRU>)
      .Case("RNN", recurrent<Cell::RNN>)
      .Default(nullptr);
}

} // namespace bit::detail
