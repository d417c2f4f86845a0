// Names, ROMs, streams, loops.
#include "StageBuilder.h"

#include "laic/Dialect/Laic/WeightStore.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace laic;
using namespace laic::hls;

// ---- designs ----

DesignBuilder::DesignBuilder(OpBuilder &b, Location loc, llvm::StringRef name) {
  design = DesignOp::create(b, loc, b.getStringAttr(name), StringAttr());
  design.getBody().emplaceBlock();
}

static std::string nodeName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getLocations().empty())
    return nodeName(fused.getLocations().front());
  return "";
}

std::string DesignBuilder::uniqueName(Location node, llvm::StringRef suffix) {
  constexpr size_t kLongest = 40; // of what comes from the node; the rest keeps names apart
  std::string name;
  for (char c : nodeName(node)) {
    if (c == ';')
      break;
    bool plain = llvm::isAlnum(c);
    if (plain || (!name.empty() && name.back() != '_'))
      name += plain ? c : '_';
  }
  if (name.size() > kLongest)
    name = name.substr(name.size() - kLongest);
  while (!name.empty() && (name.front() == '_' || llvm::isDigit(name.front())))
    name = name.front() == '_' ? name.substr(1) : "n" + name;
  name += (name.empty() || name.back() == '_' || suffix.empty() ? "" : "_") + suffix.str();
  std::string unique = name;
  for (int i = 2; !names.insert(unique).second; ++i)
    unique = name + "_" + std::to_string(i);
  return unique;
}

StreamOp DesignBuilder::stream(Location loc, llvm::StringRef name, unsigned lanes, NumType element) {
  OpBuilder b = OpBuilder::atBlockEnd(&design.getBody().front());
  return StreamOp::create(b, loc, StreamType::get(getContext(), lanes, element), b.getStringAttr(name),
                          b.getI64IntegerAttr(2)); // a tool's default
}

PortOp DesignBuilder::port(Location loc, llvm::StringRef name, bool output, int64_t index, RankedTensorType tensor,
                           const Order &order, const Encoding &encoding, StreamType type) {
  Block *body = &design.getBody().front();
  auto place = body->begin();
  while (place != body->end() && isa<PortOp>(*place))
    ++place;
  OpBuilder b(body, place);
  return PortOp::create(b, loc, type, b.getStringAttr(name), output ? b.getUnitAttr() : UnitAttr(), b.getI64IntegerAttr(index),
                        TypeAttr::get(tensor), b.getDenseI64ArrayAttr(order.flat()), b.getF64FloatAttr(encoding.scale),
                        b.getI64IntegerAttr(encoding.zero));
}

RomOp DesignBuilder::rom(Location loc, llvm::StringRef name, llvm::ArrayRef<int64_t> raw, llvm::ArrayRef<int64_t> shape,
                         NumType element, llvm::ArrayRef<int64_t> partition) {
  OpBuilder b = OpBuilder::atBlockEnd(&design.getBody().front());
  // Unsigned numbers of 8 bits take 16 here, for raw integers are signed.
  unsigned needed = element.getWidth() + (element.getIsSigned() ? 0 : 1);
  unsigned bytes = needed <= 8 ? 1 : needed <= 16 ? 2 : needed <= 32 ? 4 : 8;
  std::vector<char> data;
  data.reserve(raw.size() * bytes);
  for (int64_t value : raw)
    for (unsigned i = 0; i < bytes; ++i)
      data.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i)));
  WeightStore &store = getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  TypedAttr value = makeConstant(store, data, RankedTensorType::get(shape, b.getIntegerType(bytes * 8)));
  return RomOp::create(b, loc, b.getStringAttr(name), value, TypeAttr::get(ArrayType::get(getContext(), shape, element)),
                       partition.empty() ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(partition));
}

StageOp DesignBuilder::stage(Location loc, llvm::StringRef name, llvm::StringRef kind, ValueRange inputs, ValueRange outputs) {
  OpBuilder b = OpBuilder::atBlockEnd(&design.getBody().front());
  auto stage = StageOp::create(b, loc, b.getStringAttr(name), b.getStringAttr(kind), inputs, outputs);
  Block &body = stage.getBody().emplaceBlock();
  for (ValueRange list : {inputs, outputs})
    for (Value stream : list)
      body.addArgument(stream.getType(), loc);
  return stage;
}

// ---- stages ----

StageBuilder::StageBuilder(StageOp stage) : b(stage.getLoc(), stage.getContext()), stage(stage) {
  b.setInsertionPointToEnd(&stage.getBody().front());
}

void StageBuilder::loop(llvm::StringRef label, int64_t trip, std::optional<int64_t> ii, bool unroll, Body body) {
  if (trip == 1 && !ii)
    return body(index(0));
  auto loop = ForOp::create(b, b.getI64IntegerAttr(trip), b.getStringAttr(label), ii ? b.getI64IntegerAttr(*ii) : IntegerAttr(),
                            unroll ? b.getUnitAttr() : UnitAttr());
  Block &block = loop.getBody().emplaceBlock();
  Value i = block.addArgument(b.getIndexType(), b.getLoc());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&block);
  body(i);
}

void StageBuilder::loop(llvm::StringRef label, int64_t trip, Body body) { loop(label, trip, std::nullopt, false, body); }
void StageBuilder::pipelined(llvm::StringRef label, int64_t trip, Body body) { loop(label, trip, 1, false, body); }
void StageBuilder::unrolled(llvm::StringRef label, int64_t trip, Body body) { loop(label, trip, std::nullopt, true, body); }

void StageBuilder::when(Value condition, llvm::function_ref<void()> body) {
  if (!condition)
    return body();
  auto op = IfOp::create(b, condition);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(&op.getBody().emplaceBlock());
  body();
}

Value StageBuilder::index(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
Value StageBuilder::add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
Value StageBuilder::mul(Value x, int64_t y) { return b.createOrFold<arith::MulIOp>(x, index(y)); }
Value StageBuilder::div(Value x, int64_t y) { return b.createOrFold<arith::DivUIOp>(x, index(y)); }
Value StageBuilder::rem(Value x, int64_t y) { return y == 1 ? index(0) : b.createOrFold<arith::RemUIOp>(x, index(y)); }
Value StageBuilder::compare(arith::CmpIPredicate predicate, Value x, int64_t y) {
  return b.createOrFold<arith::CmpIOp>(predicate, x, index(y));
}
Value StageBuilder::both(Value x, Value y) { return !x ? y : !y ? x : b.createOrFold<arith::AndIOp>(x, y); }
Value StageBuilder::negate(Value condition) {
  return b.createOrFold<arith::XOrIOp>(condition, arith::ConstantIntOp::create(b, 1, 1));
}

Value StageBuilder::buffer(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, NumType element,
                           llvm::ArrayRef<int64_t> partition) {
  bool plain = llvm::all_of(partition, [](int64_t factor) { return factor == 1; });
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&stage.getBody().front());
  return BufferOp::create(b, ArrayType::get(b.getContext(), shape, element), b.getStringAttr(name),
                          plain ? DenseI64ArrayAttr() : b.getDenseI64ArrayAttr(partition));
}

void StageBuilder::read(unsigned input, Value array, ValueRange indices) {
  ReadOp::create(b, stage.getInput(input), array, indices);
}
void StageBuilder::write(unsigned output, Value array, ValueRange indices) {
  WriteOp::create(b, stage.getOutput(output), array, indices);
}
Value StageBuilder::load(Value array, ValueRange indices) {
  return LoadOp::create(b, cast<ArrayType>(array.getType()).getElement(), array, indices);
}
Value StageBuilder::load(RomOp rom, ValueRange indices) {
  return RomLoadOp::create(b, cast<ArrayType>(rom.getType()).getElement(), rom.getSymName(), indices);
}
void StageBuilder::store(Value value, Value array, ValueRange indices) { StoreOp::create(b, value, array, indices); }

Value StageBuilder::constant(NumType type, int64_t raw) { return hls::ConstantOp::create(b, type, b.getI64IntegerAttr(raw)); }

Value StageBuilder::convert(Value value, NumType type, Rounding rounding, Overflow overflow) {
  if (value.getType() == type)
    return value;
  return ConvertOp::create(b, type, value, rounding, overflow);
}

Value StageBuilder::raw(Value value) {
  auto type = cast<NumType>(value.getType());
  if (type.isInteger())
    return value;
  return BitsOp::create(b, NumType::getInt(b.getContext(), type.getWidth(), type.getIsSigned()), value);
}

Value StageBuilder::asEncoded(Value raw, const Encoding &encoding) {
  return raw.getType() == encoding.type ? raw : Value(BitsOp::create(b, encoding.type, raw));
}
