// Einsum: operands are contracted two at a time, each contraction one generic that later stages see as a matmul.
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/ReductionOps.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace laic;

namespace {

/// A label per dim. Letters stand for themselves; the dims of an ellipsis get numbers from the right, so that they
/// broadcast: 256 is the last one.
using Labels = llvm::SmallVector<int, 6>;
constexpr int kEllipsis = 256;

struct Equation {
  llvm::SmallVector<Labels> operands;
  Labels result;
};

// One term with its ellipsis spread over `rank` dims; fails when they do not fit.
std::optional<Labels> spread(llvm::StringRef term, int64_t rank) {
  Labels labels;
  size_t dots = term.find("...");
  int64_t letters = llvm::count_if(term, [](char c) { return llvm::isAlpha(c); });
  int64_t hidden = rank - letters;
  if (hidden < 0 || (dots == llvm::StringRef::npos && hidden != 0))
    return std::nullopt;
  for (size_t i = 0; i < term.size(); ++i) {
    if (i == dots) {
      for (int64_t k = hidden; k-- > 0;)
        labels.push_back(kEllipsis + k);
      i += 2;
      continue;
    }
    if (!llvm::isAlpha(term[i]))
      return std::nullopt;
    labels.push_back(term[i]);
  }
  return labels;
}

// Labels that occur once, in ASCII order, after the ellipsis.
Labels implicitResult(llvm::ArrayRef<Labels> operands) {
  std::map<int, int> uses;
  int ellipsis = 0;
  for (const Labels &labels : operands)
    for (int l : labels) {
      ++uses[l];
      ellipsis = l >= kEllipsis ? std::max(ellipsis, l - kEllipsis + 1) : ellipsis;
    }
  Labels result;
  for (int k = ellipsis; k-- > 0;)
    result.push_back(kEllipsis + k);
  for (auto [label, count] : uses)
    if (label < kEllipsis && count == 1)
      result.push_back(label);
  return result;
}

// The equation for operands of these ranks, or what is wrong with it.
std::optional<Equation> parseEquation(llvm::StringRef text, llvm::ArrayRef<int64_t> ranks, std::string &why) {
  std::string compact;
  for (char c : text)
    if (c != ' ')
      compact += c;
  auto [left, right] = llvm::StringRef(compact).split("->");
  bool isExplicit = llvm::StringRef(compact).contains("->");
  llvm::SmallVector<llvm::StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != ranks.size()) {
    why = "names " + std::to_string(terms.size()) + " operands, got " + std::to_string(ranks.size());
    return std::nullopt;
  }
  Equation equation;
  int64_t ellipsis = 0;
  for (auto [term, rank] : llvm::zip(terms, ranks)) {
    auto labels = spread(term, rank);
    if (!labels) {
      why = "term '" + term.str() + "' does not fit an operand of rank " + std::to_string(rank);
      return std::nullopt;
    }
    ellipsis = std::max<int64_t>(ellipsis, llvm::count_if(*labels, [](int l) { return l >= kEllipsis; }));
    equation.operands.push_back(*labels);
  }
  if (!isExplicit) {
    equation.result = implicitResult(equation.operands);
    return equation;
  }
  int64_t letters = llvm::count_if(right, [](char c) { return llvm::isAlpha(c); });
  auto result = spread(right, letters + (right.contains("...") ? ellipsis : 0));
  auto known = [&](int l) {
    return llvm::any_of(equation.operands, [&](const Labels &labels) { return llvm::is_contained(labels, l); });
  };
  if (!result || !llvm::all_of(*result, known)) {
    why = "result '" + right.str() + "' names a label that no operand has";
    return std::nullopt;
  }
  equation.result = *result;
  return equation;
}

using LabelSizes = std::map<int, AffineExpr>;

} // namespace

LogicalResult EinsumOp::inferShapes(ShapeContext &ctx) {
  llvm::SmallVector<int64_t> ranks;
  for (unsigned i = 0; i < ctx.operandCount(); ++i)
    ranks.push_back(ctx.rank(i));
  std::string why;
  auto equation = parseEquation(getEquation(), ranks, why);
  if (!equation)
    return ctx.fail("equation '" + getEquation() + "': " + why);
  LabelSizes sizes;
  for (unsigned i = 0; i < ctx.operandCount(); ++i)
    for (auto [label, dim] : llvm::zip(equation->operands[i], ctx.shape(i))) {
      auto [it, isNew] = sizes.try_emplace(label, dim);
      if (isNew)
        continue;
      auto joined = ctx.broadcast(it->second, dim);
      if (failed(joined))
        return failure();
      it->second = *joined;
    }
  SymShape result;
  for (int label : equation->result)
    result.push_back(sizes[label]);
  ctx.set(0, result, ctx.element(0));
  return success();
}

namespace {

class EinsumLowering {
public:
  EinsumLowering(LowerContext &ctx, const Equation &equation)
      : ctx(ctx), equation(equation), element(ctx.element(0)), accumulator(ctx.accumulator(ctx.element(0))) {
    for (unsigned i = 0; i < ctx.operandCount(); ++i)
      for (auto [label, dim] : llvm::zip(equation.operands[i], ctx.shape(i))) {
        AffineExpr &size = sizes[label];
        // Ones give way; of two unknown sizes inference knows which.
        if (!size || constantSize(size) == 1)
          size = dim;
        else if (dim != size && constantSize(dim) != 1)
          size = constantSize(size)  ? size
                 : constantSize(dim) ? dim
                                     : ctx.symbols.broadcast(size, dim, "operands of these sizes do not broadcast");
      }
  }

  Value run() {
    Term left{ctx.operand(0), equation.operands[0], SymShape(ctx.shape(0))};
    for (unsigned i = 1; i < ctx.operandCount(); ++i) {
      Term right{ctx.operand(i), equation.operands[i], SymShape(ctx.shape(i))};
      left = contract({left, right}, i + 1 == ctx.operandCount() ? equation.result : neededAfter(i, left, right));
    }
    if (ctx.operandCount() == 1)
      left = contract({left}, equation.result);
    return left.value;
  }

private:
  struct Term {
    Value value;
    Labels labels;
    SymShape shape;
  };

  // Labels of both that the result or a later operand has, in the order of their first use.
  Labels neededAfter(unsigned i, const Term &left, const Term &right) {
    Labels kept;
    auto keep = [&](int label) {
      bool needed = llvm::is_contained(equation.result, label);
      for (unsigned k = i + 1; k < equation.operands.size(); ++k)
        needed |= llvm::is_contained(equation.operands[k], label);
      if (needed && !llvm::is_contained(kept, label))
        kept.push_back(label);
    };
    llvm::for_each(left.labels, keep);
    llvm::for_each(right.labels, keep);
    return kept;
  }

  // Sum of products: loops are the result's labels, then the others.
  Term contract(llvm::ArrayRef<Term> terms, const Labels &result) {
    Labels loops(result);
    for (const Term &term : terms)
      for (int label : term.labels)
        if (!llvm::is_contained(loops, label))
          loops.push_back(label);
    SymShape shape;
    for (int label : result)
      shape.push_back(sizes[label]);
    llvm::SmallVector<Value> inputs;
    llvm::SmallVector<AffineMap> maps;
    llvm::SmallVector<Type> types;
    for (const Term &term : terms) {
      SymShape wanted;
      for (int label : term.labels)
        wanted.push_back(sizes[label]);
      Value value = term.value;
      SymShape have = term.shape;
      // A loop's size comes from its operands: ones that stand for more must not be the only ones to say it, nor may
      // sizes that are one only at run time.
      if (ctx.needsDynamicBroadcast(have, wanted)) {
        value = ctx.dynamicBroadcast(value, have, wanted);
        have = wanted;
      }
      llvm::SmallVector<AffineExpr> from;
      for (auto [label, dim] : llvm::zip(term.labels, have)) {
        bool one = constantSize(dim) == 1 && constantSize(sizes[label]) != 1;
        unsigned loop = llvm::find(loops, label) - loops.begin();
        from.push_back(one ? ctx.b.getAffineConstantExpr(0) : ctx.b.getAffineDimExpr(loop));
      }
      inputs.push_back(value);
      maps.push_back(AffineMap::get(loops.size(), 0, from, ctx.b.getContext()));
      types.push_back(cast<RankedTensorType>(value.getType()).getElementType());
    }
    bool isUnsigned = isUnsignedElement(element);
    auto product = [&](ScalarBuilder &s, ValueRange in) {
      Value value = s.cast(in[0], accumulator, isUnsigned, isUnsigned);
      if (terms.size() == 2)
        value = s.mul(value, s.cast(in[1], accumulator, isUnsigned, isUnsigned));
      return value;
    };
    unsigned reductions = loops.size() - result.size();
    if (reductions == 0)
      return {ctx.generic(shape, accumulator, inputs, maps, product, isUnsigned), result, shape};
    return {ctx.reduce(
                shape, accumulator, 0, reductions, inputs, maps,
                [&](ScalarBuilder &s, ValueRange in) { return s.add(in.back(), product(s, in)); }, isUnsigned),
            result, shape};
  }

  LowerContext &ctx;
  const Equation &equation;
  Type element, accumulator;
  LabelSizes sizes;
};

} // namespace

LogicalResult EinsumOp::lower(LowerContext &ctx) {
  llvm::SmallVector<int64_t> ranks;
  for (unsigned i = 0; i < ctx.operandCount(); ++i)
    ranks.push_back(ctx.rank(i));
  std::string why;
  Equation equation = *parseEquation(getEquation(), ranks, why);
  Value value = EinsumLowering(ctx, equation).run();
  Type to = lowerElement(ctx.resultElement());
  if (cast<RankedTensorType>(value.getType()).getElementType() != to)
    value = ctx.generic(ctx.resultShape(), ctx.resultElement(), value, ctx.b.getMultiDimIdentityMap(ctx.resultShape().size()),
                        [&](ScalarBuilder &s, ValueRange in) { return s.cast(in[0], to, false, false); });
  ctx.set(0, value);
  return success();
}
