// Symbolic sizes: canonical affine expressions and the symbols that they are made of.
//
// Expressions are kept as sums of monomials: each monomial a constant times a sorted product of atoms (symbols,
// floordiv, mod, ...). Equal sizes are then the same uniqued AffineExpr.
#include "laic/Dialect/Laic/SizeSymbols.h"

#include <algorithm>

using namespace mlir;
using namespace laic;

namespace {

int order(int64_t a, int64_t b) { return a < b ? -1 : a > b; }

// A deterministic order of atoms: by structure, since pointers differ from run to run.
int compare(AffineExpr a, AffineExpr b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind()) {
    auto rank = [](AffineExpr e) { // leaves first
      bool isLeaf = !isa<AffineBinaryOpExpr>(e);
      return isLeaf ? -1 - static_cast<int>(e.getKind()) : static_cast<int>(e.getKind());
    };
    return order(rank(a), rank(b));
  }
  if (auto constant = dyn_cast<AffineConstantExpr>(a))
    return order(constant.getValue(), cast<AffineConstantExpr>(b).getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(a))
    return order(symbol.getPosition(), cast<AffineSymbolExpr>(b).getPosition());
  if (auto dim = dyn_cast<AffineDimExpr>(a))
    return order(dim.getPosition(), cast<AffineDimExpr>(b).getPosition());
  auto x = cast<AffineBinaryOpExpr>(a), y = cast<AffineBinaryOpExpr>(b);
  int left = compare(x.getLHS(), y.getLHS());
  return left != 0 ? left : compare(x.getRHS(), y.getRHS());
}

struct ByStructure {
  bool operator()(AffineExpr a, AffineExpr b) const { return compare(a, b) < 0; }
  bool operator()(const std::vector<AffineExpr> &a, const std::vector<AffineExpr> &b) const {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), *this);
  }
};

// Factors by the sorted atoms of their monomials.
struct Polynomial {
  std::map<std::vector<AffineExpr>, int64_t, ByStructure> terms;
  void add(std::vector<AffineExpr> atoms, int64_t factor) {
    std::sort(atoms.begin(), atoms.end(), ByStructure());
    auto term = terms.try_emplace(std::move(atoms), 0).first;
    term->second += factor;
    if (term->second == 0)
      terms.erase(term);
  }
};

AffineExpr toExpr(const Polynomial &p, MLIRContext *ctx) {
  AffineExpr sum = getAffineConstantExpr(0, ctx);
  // Constants last, as affine maps print them.
  for (int pass = 0; pass < 2; ++pass)
    for (const auto &[atoms, factor] : p.terms) {
      if (atoms.empty() != (pass == 1))
        continue;
      AffineExpr product = getAffineConstantExpr(1, ctx);
      for (AffineExpr atom : atoms)
        product = product * atom;
      sum = sum + product * factor;
    }
  return sum;
}

Polynomial toPolynomial(AffineExpr e) {
  Polynomial p;
  if (auto c = dyn_cast<AffineConstantExpr>(e)) {
    if (c.getValue() != 0)
      p.add({}, c.getValue());
    return p;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(e);
  if (binary && e.getKind() == AffineExprKind::Add) {
    p = toPolynomial(binary.getLHS());
    for (const auto &[atoms, factor] : toPolynomial(binary.getRHS()).terms)
      p.add(atoms, factor);
    return p;
  }
  if (binary && e.getKind() == AffineExprKind::Mul) {
    Polynomial lhs = toPolynomial(binary.getLHS()), rhs = toPolynomial(binary.getRHS());
    for (const auto &l : lhs.terms)
      for (const auto &r : rhs.terms) {
        std::vector<AffineExpr> atoms = l.first;
        atoms.insert(atoms.end(), r.first.begin(), r.first.end());
        p.add(std::move(atoms), l.second * r.second);
      }
    return p;
  }
  p.add({e}, 1);
  return p;
}

// a / b where b divides every monomial of a exactly, or null.
AffineExpr exactQuotient(AffineExpr a, AffineExpr b) {
  Polynomial numerator = toPolynomial(a), denominator = toPolynomial(b);
  if (denominator.terms.size() != 1)
    return a == b ? getAffineConstantExpr(1, a.getContext()) : AffineExpr();
  const auto &[divisorAtoms, divisorFactor] = *denominator.terms.begin();
  Polynomial quotient;
  for (const auto &[numeratorAtoms, factor] : numerator.terms) {
    std::vector<AffineExpr> atoms = numeratorAtoms;
    for (AffineExpr atom : divisorAtoms) {
      auto it = std::find(atoms.begin(), atoms.end(), atom);
      if (it == atoms.end())
        return {};
      atoms.erase(it);
    }
    if (divisorFactor == 0 || factor % divisorFactor != 0)
      return {};
    quotient.add(std::move(atoms), factor / divisorFactor);
  }
  return toExpr(quotient, a.getContext());
}

} // namespace

AffineExpr laic::canonicalSize(AffineExpr e) {
  if (isa<AffineConstantExpr, AffineSymbolExpr, AffineDimExpr>(e))
    return e;
  return toExpr(toPolynomial(e), e.getContext());
}

std::optional<int64_t> laic::constantSize(AffineExpr e) {
  if (auto c = dyn_cast_or_null<AffineConstantExpr>(e))
    return c.getValue();
  return std::nullopt;
}

llvm::SmallVector<int64_t> laic::staticShape(llvm::ArrayRef<AffineExpr> shape) {
  llvm::SmallVector<int64_t> dims;
  for (AffineExpr e : shape)
    dims.push_back(constantSize(e).value_or(ShapedType::kDynamic));
  return dims;
}

SizeSymbols SizeSymbols::load(func::FuncOp func) {
  auto list = func->getAttrOfType<ArrayAttr>("laic.symbols");
  SizeSymbols symbols = fromAttr(list ? list : ArrayAttr::get(func.getContext(), {}));
  if (auto checks = func->getAttrOfType<ArrayAttr>("laic.size_checks"))
    for (auto check : checks.getAsRange<DictionaryAttr>()) {
      AffineMap sizes = check.getAs<AffineMapAttr>("sizes").getValue();
      symbols.required.push_back({check.getAs<StringAttr>("relation").getValue() == "ge", sizes.getResult(0), sizes.getResult(1),
                                  check.getAs<StringAttr>("message").getValue().str()});
    }
  return symbols;
}

SizeSymbols SizeSymbols::fromAttr(ArrayAttr list) {
  SizeSymbols symbols(list.getContext());
  auto integer = [](DictionaryAttr d, llvm::StringRef key) {
    auto attr = d.getAs<IntegerAttr>(key);
    return attr ? attr.getInt() : 0;
  };
  for (Attribute entry : list) {
    auto dict = cast<DictionaryAttr>(entry);
    SizeSymbol s;
    s.kind = dict.getAs<StringAttr>("kind").getValue().str();
    if (auto name = dict.getAs<StringAttr>("name"))
      s.name = name.getValue().str();
    s.arg = integer(dict, "arg");
    s.index = integer(dict, "index");
    if (auto map = dict.getAs<AffineMapAttr>("map"))
      s.args.append(map.getValue().getResults().begin(), map.getValue().getResults().end());
    symbols.symbols.push_back(s);
    symbols.byName[s.kind == "dim" ? "dim:" + s.name : symbols.key(s)] = symbols.symbols.size() - 1;
  }
  return symbols;
}

void SizeSymbols::store(func::FuncOp func) const {
  Builder b(ctx);
  llvm::SmallVector<Attribute> list;
  for (const SizeSymbol &s : symbols) {
    llvm::SmallVector<NamedAttribute> fields{b.getNamedAttr("kind", b.getStringAttr(s.kind))};
    if (!s.name.empty())
      fields.push_back(b.getNamedAttr("name", b.getStringAttr(s.name)));
    if (s.kind == "dim" || s.kind == "element" || s.kind == "read") {
      fields.push_back(b.getNamedAttr("arg", b.getI64IntegerAttr(s.arg)));
      fields.push_back(b.getNamedAttr("index", b.getI64IntegerAttr(s.index)));
    } else {
      fields.push_back(b.getNamedAttr("map", AffineMapAttr::get(map(s.args))));
    }
    list.push_back(b.getDictionaryAttr(fields));
  }
  func->setAttr("laic.symbols", b.getArrayAttr(list));
  if (required.empty())
    return;
  llvm::SmallVector<Attribute> checks;
  for (const SizeCheck &check : required)
    checks.push_back(b.getDictionaryAttr({b.getNamedAttr("message", b.getStringAttr(check.message)),
                                          b.getNamedAttr("relation", b.getStringAttr(check.atLeast ? "ge" : "eq")),
                                          b.getNamedAttr("sizes", AffineMapAttr::get(map({check.a, check.b})))}));
  func->setAttr("laic.size_checks", b.getArrayAttr(checks));
}

std::string SizeSymbols::key(const SizeSymbol &s) const {
  std::string k = s.kind + "(" + std::to_string(s.arg) + "," + std::to_string(s.index);
  for (AffineExpr a : s.args) // unique in their context
    k += "," + std::to_string(reinterpret_cast<uintptr_t>(a.getAsOpaquePointer()));
  return k + ")";
}

AffineExpr SizeSymbols::inputDim(llvm::StringRef name, int64_t arg, int64_t dim) {
  SizeSymbol s;
  s.kind = "dim";
  s.arg = arg;
  s.index = dim;
  s.name = name.str();
  std::string k = "dim:" + s.name;
  auto [it, inserted] = byName.try_emplace(k, symbols.size());
  if (inserted)
    symbols.push_back(s);
  return getAffineSymbolExpr(it->second, ctx);
}

AffineExpr SizeSymbols::leaf(llvm::StringRef kind, int64_t arg, int64_t index) {
  SizeSymbol s;
  s.kind = kind.str();
  s.arg = arg;
  s.index = index;
  auto [it, inserted] = byName.try_emplace(key(s), symbols.size());
  if (inserted)
    symbols.push_back(s);
  return getAffineSymbolExpr(it->second, ctx);
}

AffineExpr SizeSymbols::inputElement(int64_t arg, int64_t index) { return leaf("element", arg, index); }
AffineExpr SizeSymbols::readElement(int64_t read, int64_t index) { return leaf("read", read, index); }

int64_t SizeSymbols::nextRead() const {
  int64_t next = 0;
  for (const SizeSymbol &s : symbols)
    if (s.kind == "read")
      next = std::max(next, s.arg + 1);
  return next;
}

void SizeSymbols::collectReads(AffineExpr expr, llvm::SmallVectorImpl<int64_t> &reads) const {
  expr.walk([&](AffineExpr sub) {
    auto symbol = dyn_cast<AffineSymbolExpr>(sub);
    if (!symbol)
      return;
    const SizeSymbol &s = symbols[symbol.getPosition()];
    if (s.kind == "read" && !llvm::is_contained(reads, s.arg))
      reads.push_back(s.arg);
    for (AffineExpr arg : s.args)
      collectReads(arg, reads);
  });
}

bool SizeSymbols::isLate(AffineExpr expr) const {
  llvm::SmallVector<int64_t> reads;
  collectReads(expr, reads);
  return !reads.empty();
}

AffineExpr SizeSymbols::derived(llvm::StringRef kind, llvm::ArrayRef<AffineExpr> args) {
  SizeSymbol s;
  s.kind = kind.str();
  s.args.append(args.begin(), args.end());
  auto [it, inserted] = byName.try_emplace(key(s), symbols.size());
  if (inserted)
    symbols.push_back(s);
  return getAffineSymbolExpr(it->second, ctx);
}

AffineExpr SizeSymbols::mul(AffineExpr a, AffineExpr b) { return canonicalSize(a * b); }

AffineExpr SizeSymbols::extremum(bool smallest, AffineExpr a, AffineExpr b) {
  if (knownAtLeast(canonicalSize(a - b), 0))
    return smallest ? b : a;
  if (knownAtLeast(canonicalSize(b - a), 0))
    return smallest ? a : b;
  return derived(smallest ? "min" : "max", {a, b});
}

AffineExpr SizeSymbols::select(AffineExpr cond, AffineExpr a, AffineExpr b) {
  if (auto c = constantSize(cond))
    return *c ? a : b;
  if (a == b)
    return a;
  return derived("select", {cond, a, b});
}

AffineExpr SizeSymbols::equal(AffineExpr a, AffineExpr b) {
  AffineExpr d = canonicalSize(a - b);
  if (auto c = constantSize(d))
    return constant(*c == 0);
  if (knownAtLeast(d, 1) || knownAtLeast(canonicalSize(b - a), 1))
    return constant(0);
  return derived("equal", {a, b});
}

AffineExpr SizeSymbols::less(AffineExpr a, AffineExpr b) {
  if (knownAtLeast(canonicalSize(b - a), 1))
    return constant(1);
  if (knownAtLeast(canonicalSize(a - b), 0))
    return constant(0);
  return derived("less", {a, b});
}

AffineExpr SizeSymbols::floorDiv(AffineExpr a, AffineExpr b) {
  a = canonicalSize(a);
  b = canonicalSize(b);
  if (constantSize(b) == 0)
    return constant(0);
  if (AffineExpr q = exactQuotient(a, b))
    return q;
  if (auto c = constantSize(b); c && *c > 0) {
    // (k * c + r) floordiv c = k + r floordiv c, term by term.
    Polynomial whole, rest;
    for (const auto &[atoms, factor] : toPolynomial(a).terms) {
      if (factor % *c == 0)
        whole.add(atoms, factor / *c);
      else
        rest.add(atoms, factor);
    }
    AffineExpr r = toExpr(rest, ctx);
    AffineExpr quotient = r.floorDiv(*c);
    return canonicalSize(toExpr(whole, ctx) + quotient);
  }
  if (constantSize(a) == 0)
    return constant(0);
  return derived("div", {a, b});
}

AffineExpr SizeSymbols::truncDiv(AffineExpr a, AffineExpr b) {
  auto ca = constantSize(a), cb = constantSize(b);
  if (ca && cb && *cb != 0)
    return constant(*ca / *cb);
  if (knownAtLeast(a, 0) && knownAtLeast(b, 0))
    return floorDiv(a, b);
  return derived("div", {a, b});
}

AffineExpr SizeSymbols::mod(AffineExpr a, AffineExpr b) {
  if (exactQuotient(canonicalSize(a), canonicalSize(b)))
    return constant(0);
  if (auto c = constantSize(b); c && *c > 0)
    return canonicalSize(canonicalSize(a) % *c);
  return derived("mod", {a, b});
}

AffineExpr SizeSymbols::wrapAxis(AffineExpr axis, int64_t rank) {
  return canonicalSize(axis + mul(less(axis, constant(0)), constant(rank)));
}

SymShape SizeSymbols::axisMask(llvm::ArrayRef<AffineExpr> axes, int64_t rank) {
  SymShape mask(rank, constant(0));
  for (AffineExpr axis : axes)
    for (int64_t d = 0; d < rank; ++d)
      mask[d] = max(mask[d], equal(wrapAxis(axis, rank), constant(d)));
  return mask;
}

void SizeSymbols::require(bool atLeast, AffineExpr a, AffineExpr b, const llvm::Twine &message) {
  a = canonicalSize(a);
  b = canonicalSize(b);
  if (a == b || (atLeast && knownAtLeast(canonicalSize(a - b), 0)))
    return;
  for (const SizeCheck &known : required)
    if (known.atLeast == atLeast && known.a == a && known.b == b)
      return;
  required.push_back({atLeast, a, b, message.str()});
}

bool SizeSymbols::isData(AffineExpr expr) const {
  bool data = false;
  expr.walk([&](AffineExpr sub) {
    auto symbol = dyn_cast<AffineSymbolExpr>(sub);
    if (!symbol || data)
      return;
    const SizeSymbol &s = symbols[symbol.getPosition()];
    data = s.kind == "element" || s.kind == "read" || llvm::any_of(s.args, [&](AffineExpr arg) { return isData(arg); });
  });
  return data;
}

// Whether `size` is what `part` and others broadcast to.
bool SizeSymbols::tookPart(AffineExpr size, AffineExpr part) const {
  auto symbol = dyn_cast<AffineSymbolExpr>(size);
  if (!symbol)
    return false;
  const SizeSymbol &s = symbols[symbol.getPosition()];
  auto condition = dyn_cast_or_null<AffineSymbolExpr>(s.kind == "select" ? s.args[0] : AffineExpr());
  if (!condition)
    return false;
  const SizeSymbol &test = symbols[condition.getPosition()];
  if (test.kind != "equal" || test.args[0] != s.args[2] || constantSize(test.args[1]) != 1)
    return false;
  return s.args[1] == part || s.args[2] == part || tookPart(s.args[1], part) || tookPart(s.args[2], part);
}

AffineExpr SizeSymbols::broadcast(AffineExpr a, AffineExpr b, const llvm::Twine &message) {
  if (a == b || tookPart(a, b))
    return a;
  if (tookPart(b, a))
    return b;
  if (compare(b, a) < 0) // one symbol, whatever the order of the operands
    std::swap(a, b);
  AffineExpr one = constant(1);
  AffineExpr size = select(equal(a, one), b, a);
  requireEqual(b, select(equal(b, one), one, size), message);
  return size;
}

bool SizeSymbols::knownAtLeast(AffineExpr expr, int64_t value) const {
  // Every atom is a size >= 0 when it is an input dim, a floordiv or mod of such, or a max with a constant >= 0.
  auto atLeastZero = [&](AffineExpr atom, auto &self) -> bool {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(atom)) {
      const SizeSymbol &s = symbols[symbol.getPosition()];
      if (s.kind == "dim" || s.kind == "equal" || s.kind == "less")
        return true;
      if (s.kind == "max")
        return knownAtLeast(s.args[0], 0) || knownAtLeast(s.args[1], 0);
      if (s.kind == "min" || s.kind == "div" || s.kind == "mod")
        return knownAtLeast(s.args[0], 0) && knownAtLeast(s.args[1], 0);
      if (s.kind == "select")
        return knownAtLeast(s.args[1], 0) && knownAtLeast(s.args[2], 0);
      return false;
    }
    if (auto binary = dyn_cast<AffineBinaryOpExpr>(atom))
      return knownAtLeast(binary.getLHS(), 0) && knownAtLeast(binary.getRHS(), 0);
    return false;
  };
  int64_t lower = 0;
  for (const auto &[atoms, factor] : toPolynomial(expr).terms) {
    if (atoms.empty()) {
      lower += factor;
      continue;
    }
    if (factor < 0)
      return false;
    for (AffineExpr atom : atoms)
      if (!atLeastZero(atom, atLeastZero))
        return false;
  }
  return lower >= value;
}

AffineMap SizeSymbols::map(llvm::ArrayRef<AffineExpr> exprs) const {
  // As many symbols as are used: equal sizes are then equal attributes, whatever was added since.
  unsigned used = 0;
  for (AffineExpr e : exprs)
    e.walk([&](AffineExpr sub) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(sub))
        used = std::max(used, symbol.getPosition() + 1);
    });
  return AffineMap::get(0, used, exprs, ctx);
}
