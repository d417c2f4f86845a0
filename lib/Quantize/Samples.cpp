// Cuts the arrays of an npz file into samples, and refuses what no scale could be learnt from.
#include "Samples.h"

#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace laic;

int64_t TensorView::elements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

llvm::ArrayRef<float> TensorView::floats() const {
  return {reinterpret_cast<const float *>(bytes.data()), bytes.size() / sizeof(float)};
}

namespace {

/// numpy's form of an element type, "" for one that no array holds as it is.
std::string npyType(Type element) {
  if (element.isInteger(1))
    return "|b1";
  int64_t bytes = elementBytes(element);
  char order = bytes == 1 ? '|' : '<';
  if (element.isF32() || element.isF64() || element.isF16())
    return std::string(1, order) + "f" + std::to_string(bytes);
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() < 8)
    return "";
  return std::string(1, order) + (integer.isUnsigned() ? "u" : "i") + std::to_string(bytes);
}

template <typename T> bool allFinite(llvm::ArrayRef<uint8_t> bytes) {
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    if (!std::isfinite(value))
      return false;
  }
  return true;
}

bool allFinite(const npz::Array &array) {
  if (array.kind != 'f')
    return true;
  if (array.itemSize == 4)
    return allFinite<float>(array.data);
  if (array.itemSize == 8)
    return allFinite<double>(array.data);
  for (size_t at = 0; at + 2 <= array.data.size(); at += 2) // f16: an exponent of ones
    if ((array.data[at + 1] & 0x7c) == 0x7c)
      return false;
  return true;
}

bool isOneValue(const npz::Array &array) {
  for (size_t at = array.itemSize; at < array.data.size(); at += array.itemSize)
    if (std::memcmp(array.data.data(), array.data.data() + at, array.itemSize) != 0)
      return false;
  return true;
}

class Reader {
public:
  Reader(const std::string &path, func::FuncOp main, npz::File &file) : path(path), main(main), file(file) {}

  LogicalResult read(std::vector<llvm::SmallVector<TensorView>> &samples) {
    if (file.empty())
      return fail("is empty") << "give every input of the model with at least one sample";
    for (BlockArgument argument : main.getArguments())
      if (failed(addInput(argument, samples)))
        return failure();
    for (const auto &[key, array] : file)
      if (!used.count(key))
        return fail("has '" + key + "', which is no input of the model") << "the inputs are " + inputNames();
    warn(samples.size());
    return success();
  }

private:
  InFlightDiagnostic fail(const Twine &what) {
    InFlightDiagnostic d = main.emitError() << "--calibration: " << path << " " << what.str();
    return d;
  }

  std::string nameOf(BlockArgument argument) {
    return main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "laic.name").getValue().str();
  }

  std::string inputNames() {
    return llvm::join(llvm::map_range(main.getArguments(), [&](BlockArgument a) { return "'" + nameOf(a) + "'"; }), ", ");
  }

  LogicalResult addInput(BlockArgument argument, std::vector<llvm::SmallVector<TensorView>> &samples) {
    std::string name = nameOf(argument);
    auto type = cast<RankedTensorType>(argument.getType());
    llvm::SmallVector<TensorView> views;
    if (auto found = file.find(name); found != file.end()) {
      if (failed(cut(name, found->second, type, views)))
        return failure();
    } else {
      for (int64_t i = 0;; ++i) {
        auto one = file.find(name + "/" + std::to_string(i));
        if (one == file.end())
          break;
        if (failed(take(one->first, one->second, type, one->second.shape, 0, views)))
          return failure();
      }
    }
    if (views.empty())
      return reportNone(name);
    if (argument.getArgNumber() > 0 && views.size() != samples.size())
      return fail("has " + Twine(views.size()) + " samples of input '" + name + "', but " + Twine(samples.size()) +
                  " of the inputs before"),
             failure();
    samples.resize(views.size());
    for (auto [sample, view] : llvm::zip_equal(samples, views))
      sample.push_back(std::move(view));
    return success();
  }

  LogicalResult reportNone(const std::string &name) {
    std::string keys;
    for (const auto &[key, array] : file)
      keys += (keys.empty() ? "'" : ", '") + key + "'";
    return (fail("has no samples of input '" + name + "'; it has " + keys)).attachNote()
               << "stack the samples on a new first axis of '" << name << "', or name them '" << name << "/0', '" << name
               << "/1', ...",
           failure();
  }

  // A stack of samples, or frames along the input's own first dim.
  LogicalResult cut(const std::string &name, const npz::Array &array, RankedTensorType type,
                    llvm::SmallVector<TensorView> &views) {
    llvm::ArrayRef<int64_t> shape = array.shape;
    size_t rank = type.getRank();
    llvm::SmallVector<int64_t> one;
    int64_t count = 1;
    if (shape.size() == rank + 1) {
      count = shape[0];
      one.assign(shape.begin() + 1, shape.end());
    } else if (shape.size() == rank && rank > 0 && !type.isDynamicDim(0) && type.getDimSize(0) > 0 &&
               shape[0] % type.getDimSize(0) == 0) {
      count = shape[0] / type.getDimSize(0);
      one.assign(shape.begin(), shape.end());
      one[0] = type.getDimSize(0);
    } else {
      one.assign(shape.begin(), shape.end());
    }
    for (int64_t i = 0; i < count; ++i)
      if (failed(take(name, array, type, one, i, views)))
        return failure();
    return success();
  }

  // Sample `number` of an array that holds samples of this shape one behind the other.
  LogicalResult take(const std::string &key, const npz::Array &array, RankedTensorType type, llvm::ArrayRef<int64_t> shape,
                     int64_t number, llvm::SmallVector<TensorView> &views) {
    used.insert(key);
    std::string want = npyType(type.getElementType());
    bool fits = shape.size() == static_cast<size_t>(type.getRank());
    for (int64_t d = 0; fits && d < type.getRank(); ++d)
      fits = type.isDynamicDim(d) || type.getDimSize(d) == shape[d];
    if (!fits || array.dtype() != want) {
      std::string typeText;
      llvm::raw_string_ostream(typeText) << type;
      InFlightDiagnostic d = fail("has '" + key + "' as " + array.dtype() + " with samples of shape [" +
                                  llvm::join(llvm::map_range(shape, [](int64_t s) { return std::to_string(s); }), ", ") +
                                  "], which does not fit the input's " + typeText);
      if (want.empty())
        d.attachNote() << "inputs of this element type cannot be calibrated";
      else
        d.attachNote() << "a sample has the input's own shape and the element type " << want;
      return failure();
    }
    if (number == 0 && !allFinite(array))
      return fail("holds NaN or infinity in '" + key + "'").attachNote() << "nothing can be learnt from such numbers", failure();
    TensorView view;
    view.type = onnxElementCode(type.getElementType());
    view.shape.assign(shape.begin(), shape.end());
    size_t bytes = view.elements() * array.itemSize;
    view.bytes = llvm::ArrayRef(reinterpret_cast<const char *>(array.data.data()) + number * bytes, bytes);
    views.push_back(std::move(view));
    return success();
  }

  void warn(size_t count) {
    if (count == 1)
      main.emitWarning() << "--calibration: " << path << " has one sample; what is learnt from it may not hold for others";
    for (const auto &[key, array] : file)
      if (array.kind == 'f' && array.elements() > 1 && isOneValue(array))
        main.emitWarning() << "--calibration: '" << key << "' of " << path
                           << " has the same value everywhere; what is learnt from it says little";
  }

  const std::string &path;
  func::FuncOp main;
  npz::File &file;
  llvm::StringSet<> used;
};

} // namespace

std::optional<Samples> Samples::read(const std::string &path, func::FuncOp main) {
  Samples result;
  result.file = std::make_shared<npz::File>();
  if (std::string problem = npz::read(path, *result.file); !problem.empty()) {
    main.emitError() << "--calibration: " << problem;
    return std::nullopt;
  }
  if (failed(Reader(path, main, *result.file).read(result.samples)))
    return std::nullopt;
  return result;
}

void Samples::bindSizes(func::FuncOp main) const {
  for (BlockArgument argument : main.getArguments()) {
    unsigned number = argument.getArgNumber();
    llvm::ArrayRef<int64_t> shape = samples.front()[number].shape;
    bool same = llvm::all_of(samples, [&](const auto &sample) { return llvm::ArrayRef(sample[number].shape) == shape; });
    if (same && !llvm::is_contained(shape, 0))
      argument.setType(cast<RankedTensorType>(argument.getType()).clone(shape));
  }
  main.setFunctionType(FunctionType::get(main.getContext(), main.getBody().getArgumentTypes(), main.getResultTypes()));
}
