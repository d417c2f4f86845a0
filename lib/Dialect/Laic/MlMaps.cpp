// CastMap, DictVectorizer and ZipMap: maps are pairs of vectors, so that sorting, scattering and looking up labels do all of it.
#include "Decomposer.h"
#include "HostFunctions.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/MlLabelsOps.h"
#include "laic/Dialect/Laic/MlMapsOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"

#include <numeric>

using namespace mlir;
using namespace laic;

namespace {

// Integers or strings that an attribute lists, whichever of two attributes is there.
struct Names {
  Names(std::optional<llvm::ArrayRef<int64_t>> ints, std::optional<ArrayAttr> texts)
      : ints(ints.value_or(llvm::ArrayRef<int64_t>())), texts(stringsOf(texts)) {}

  size_t size() const { return ints.size() + texts.size(); }
  Type element(MLIRContext *mlir) const { return ints.empty() ? Type(StringType::get(mlir)) : IntegerType::get(mlir, 64); }

  // One that is there twice, as a diagnostic shows it; empty for none.
  std::string repeated() const {
    llvm::SmallVector<int64_t> numbers(ints);
    llvm::SmallVector<llvm::StringRef> words(texts);
    llvm::sort(numbers);
    llvm::sort(words);
    if (auto it = std::adjacent_find(numbers.begin(), numbers.end()); it != numbers.end())
      return std::to_string(*it);
    auto it = std::adjacent_find(words.begin(), words.end());
    return it == words.end() ? "" : "'" + it->str() + "'";
  }

  Value tensor(const Decomposer &d) const {
    return ints.empty() ? createStrings(d.rewriter, d.loc, texts, {static_cast<int64_t>(texts.size())}) : d.ints(ints);
  }

  llvm::ArrayRef<int64_t> ints;
  llvm::SmallVector<llvm::StringRef> texts;
};

LogicalResult expectOnce(ShapeContext &ctx, const Names &names, llvm::StringRef what) {
  std::string repeated = names.repeated();
  return repeated.empty() ? success() : ctx.fail("expects " + what + " that differ, got " + repeated + " twice");
}

// Operands 0 and 1 are a map.
LogicalResult expectMap(ShapeContext &ctx) {
  if (failed(expectRank(ctx, 0, 1, "the map's keys")))
    return failure();
  return expectVector(ctx, 1, ctx.shape(0)[0], "the map's values", "keys");
}

// What a row has where a map has no value: 0, or a string.
Value filler(const Decomposer &d, Type element, llvm::StringRef text) {
  return isString(element) ? createStrings(d.rewriter, d.loc, text, {}) : d.number(0, element);
}

// A vector of `length` fillers, with the values at their places.
Value scattered(const Decomposer &d, Value filler, int64_t length, Value places, Value values) {
  Type element = Decomposer::elementOf(values);
  Value empty = d.make<ExpandOp>(element, filler, d.ints({length}));
  return d.make<ScatterElementsOp>(element, empty, places, values, /*axis=*/0, d.rewriter.getStringAttr("none"));
}

} // namespace

// ---- CastMap ----

static Type targetOf(CastMapOp op) {
  return llvm::StringSwitch<Type>(op.getCastTo())
      .Case("TO_FLOAT", Float32Type::get(op.getContext()))
      .Case("TO_INT64", IntegerType::get(op.getContext(), 64))
      .Case("TO_STRING", StringType::get(op.getContext()))
      .Default({});
}

LogicalResult CastMapOp::inferShapes(ShapeContext &ctx) {
  Type target = targetOf(*this);
  if (!target)
    return ctx.fail("unknown cast_to '" + getCastTo() + "'");
  bool isSparse = getMapForm() == "SPARSE";
  if (!isSparse && getMapForm() != "DENSE")
    return ctx.fail("unknown map_form '" + getMapForm() + "'");
  int64_t most = static_cast<int64_t>(getMaxMap());
  if (isSparse && most < 1)
    return ctx.fail("expects max_map to be at least 1, got " + Twine(most));
  if (!ctx.element(0).isSignlessInteger(64))
    return ctx.fail("expects a map with keys of type i64, got " + elementTypeName(ctx.element(0)));
  if (failed(expectMap(ctx)))
    return failure();
  ctx.set(0, {ctx.cst(1), isSparse ? ctx.cst(most) : ctx.shape(0)[0]}, target);
  return success();
}

LogicalResult CastMapOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  Type target = targetOf(*this);
  Value keys = getKeys(), values = d.cast(getValues(), target), row;
  if (getMapForm() == "SPARSE") {
    // A negative key must not count from the end: below -max_map it is out of range.
    int64_t length = static_cast<int64_t>(getMaxMap());
    Value places = d.select(d.less(keys, d.scalar(0)), d.sub(keys, d.scalar(length)), keys);
    row = scattered(d, filler(d, target, "0"), length, places, values);
  } else {
    Type i64 = UnrankedTensorType::get(d.i64());
    auto sorted = TopKOp::create(rewriter, d.loc, TypeRange{i64, i64}, keys, d.size(keys, 0), /*axis=*/0, /*largest=*/0,
                                 /*sorted=*/1);
    row = d.gather(values, sorted.getIndices());
  }
  d.replace(d.unsqueeze(row, {0}));
  return success();
}

// ---- DictVectorizer ----

LogicalResult DictVectorizerOp::inferShapes(ShapeContext &ctx) {
  Names vocabulary(getInt64Vocabulary(), getStringVocabulary());
  bool fits =
      isString(ctx.element(0)) ? vocabulary.ints.empty() : vocabulary.texts.empty() && ctx.element(0).isSignlessInteger(64);
  if (!fits || vocabulary.size() == 0)
    return ctx.fail("expects a vocabulary of the keys' kind alone: 'string_vocabulary' for strings, 'int64_vocabulary' for i64");
  if (failed(expectOnce(ctx, vocabulary, "entries of the vocabulary")) || failed(expectMap(ctx)))
    return failure();
  ctx.set(0, {ctx.cst(1), ctx.cst(vocabulary.size())}, ctx.element(1));
  return success();
}

LogicalResult DictVectorizerOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  // Keys outside of the vocabulary are scattered behind it, and cut off.
  int64_t size = Names(getInt64Vocabulary(), getStringVocabulary()).size();
  std::vector<int64_t> columns(size);
  std::iota(columns.begin(), columns.end(), 0);
  bool isText = isString(Decomposer::elementOf(getKeys()));
  NamedAttribute attributes[] = {isText
                                     ? rewriter.getNamedAttr("keys_strings", *getStringVocabulary())
                                     : rewriter.getNamedAttr("keys_int64s", rewriter.getDenseI64ArrayAttr(*getInt64Vocabulary())),
                                 rewriter.getNamedAttr("values_int64s", rewriter.getDenseI64ArrayAttr(columns)),
                                 rewriter.getNamedAttr("default_int64", rewriter.getI64IntegerAttr(size))};
  Value places = LabelEncoderOp::create(rewriter, d.loc, TypeRange{UnrankedTensorType::get(d.i64())}, ValueRange{getKeys()},
                                        llvm::ArrayRef<NamedAttribute>(attributes));
  Value values = getValues(), row = scattered(d, filler(d, Decomposer::elementOf(values), ""), size + 1, places, values);
  d.replace(d.unsqueeze(d.slice(row, 0, size, 0), {0}));
  return success();
}

// ---- ZipMap ----

LogicalResult ZipMapOp::inferShapes(ShapeContext &ctx) {
  Names labels(getClasslabelsInt64s(), getClasslabelsStrings());
  if (labels.ints.empty() == labels.texts.empty())
    return ctx.fail("expects class labels that are integers or strings, got " + Twine(labels.size() ? "both" : "none"));
  if (ctx.rank(0) < 1 || ctx.rank(0) > 2)
    return ctx.fail("expects an input of rank 1 or 2, got rank " + Twine(ctx.rank(0)));
  AffineExpr count = ctx.cst(labels.size());
  if (failed(expectSize(ctx, ctx.shape(0).back(), count, "the last dim of the input", "class labels")) ||
      failed(expectOnce(ctx, labels, "class labels")))
    return failure();
  ctx.set(0, {count}, labels.element(getContext()));
  ctx.set(1, {ctx.rank(0) == 1 ? ctx.cst(1) : ctx.shape(0)[0], count}, ctx.element(0));
  return success();
}

// The values are the input itself where its type says how many columns it has.
LogicalResult ZipMapOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  Names labels(getClasslabelsInt64s(), getClasslabelsStrings());
  auto type = cast<RankedTensorType>(getX().getType());
  bool isMatrix = type.getRank() == 2;
  Value values = getX();
  if (!isMatrix || type.isDynamicDim(1))
    values = d.reshape(values, {isMatrix ? 0 : 1, static_cast<int64_t>(labels.size())});
  d.replace({labels.tensor(d), values});
  return success();
}
