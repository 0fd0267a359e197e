// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Guard.h"
#include "Model.h"
#include "llvm/ADT/StringExtras.h"
#include <exception>
#include <new>

using namespace mlir;

namespace bit::detail {

/// Returns the last node that one line of libonnx's text names: the outer ones
/// only contain it.
static StringRef findNode(const Model &model, StringRef line) {
  StringRef found;
  for (size_t at = line.find('#'); at != StringRef::npos;
       at = line.find('#', at + 1)) {
    StringRef name = line.substr(at).take_until(
        [](char c) { return c == ')' || c == ' ' || c == '\'' || c == '\n'; });
    if (model.getOriginIndex(name.take_while(
            [](char c) { return c == '#' || llvm::isDigit(c) || c == '_'; })))
      found = name;
  }
  return found;
}

/// Takes off what only libonnx's own programmers need.
static StringRef trimText(StringRef line) {
  // "(op_type:MatMul, node name: #3): [ShapeInferenceError] text"
  size_t node = line.rfind("(op_type:");
  if (node != StringRef::npos && line.find("): ", node) != StringRef::npos)
    line = line.substr(line.find("): ", node) + 3);
  for (StringRef tag : {"[ShapeInferenceError] ", "[TypeInferenceError] ",
                        "Inference error(s): "})
    while (line.consume_front(tag))
      ;
  // "/path/file.h:12: function: Assertion `x` failed: text"
  size_t assertion = line.find("` failed: ");
  if (assertion != StringRef::npos)
    line = line.substr(assertion + 10);
  // The checker repeats the node.
  line = line.take_front(line.find("==> Context"));
  return line.rtrim(". \n");
}

static void emitText(const Model &model, StringRef what, StringRef text) {
  StringRef node = findNode(model, text);
  Location loc =
      node.empty() ? model.getFileLocation() : model.getLocation(node, "");
  std::string line = model.restoreNames(trimText(text));
  if (line.size() > 1 && llvm::isUpper(line[0]) && llvm::isLower(line[1]))
    line[0] = llvm::toLower(line[0]);
  mlir::emitError(loc) << what << ": " << line;
}

/// Splits a text into one error a node.
static void emitTexts(const Model &model, StringRef what, StringRef text) {
  // The checker's texts are one error each, with line breaks in it.
  if (!text.contains("(op_type:"))
    return emitText(model, what, text);
  SmallVector<StringRef> lines;
  text.split(lines, '\n', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    if (line.contains("(op_type:"))
      emitText(model, what, line);
}

namespace {
/// LLVM's handler ends the program where memory is short: a file that claims
/// more than there is has to be an error, so that `new` throws.
class ThrowingNew {
public:
  ThrowingNew() : previous(std::set_new_handler(nullptr)) {}
  ~ThrowingNew() { std::set_new_handler(previous); }

private:
  std::new_handler previous;
};
} // namespace

LogicalResult guard(const Model &model, StringRef what,
                    llvm::function_ref<void()> step) {
  ThrowingNew handler;
  try {
    step();
    return success();
  } catch (const std::bad_alloc &) {
    return model.emitError() << what << ": expects less memory than there is";
  } catch (const std::exception &exception) {
    emitTexts(model, what, exception.what());
    return failure();
  } catch (...) {
    return model.emitError() << what << " failed";
  }
}

} // namespace bit::detail
