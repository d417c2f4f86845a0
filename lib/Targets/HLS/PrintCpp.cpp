// The C++ text of stages, ROMs and the top function.
#include "PrintCpp.h"

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <functional>

using namespace mlir;
using namespace laic;
using namespace laic::hls;

std::string laic::hls::cppType(NumType type) {
  std::string width = std::to_string(type.getWidth()), sign = type.getIsSigned() ? "" : "u";
  if (type.isInteger())
    return "ap_" + sign + "int<" + width + ">";
  return "ap_" + sign + "fixed<" + width + ", " + std::to_string(type.getInteger()) + ">";
}

std::string laic::hls::cppType(StreamType type) {
  return "hls::stream<pack<" + cppType(type.getElement()) + ", " + std::to_string(type.getLanes()) + "> >";
}

std::string laic::hls::cppName(llvm::StringRef name) {
  std::string out;
  for (char c : name)
    out += llvm::isAlnum(c) ? c : '_';
  if (out.empty() || llvm::isDigit(out.front()))
    out = "p_" + out;
  return out;
}

namespace {

/// Prints the body of one stage. Values with one user near them are printed in its place.
class StagePrinter {
public:
  explicit StagePrinter(StageOp stage) : stage(stage), os(text) {}

  std::string print() {
    for (unsigned i = 0; i < stage.getInputs().size(); ++i)
      names[stage.getInput(i)] = "in" + std::to_string(i);
    for (unsigned i = 0; i < stage.getOutputs().size(); ++i)
      names[stage.getOutput(i)] = "out" + std::to_string(i);
    os << "static void " << stage.getSymName() << "(";
    llvm::interleaveComma(stage.getBody().getArguments(), os, [&](BlockArgument argument) {
      os << cppType(cast<StreamType>(argument.getType())) << " &" << names[argument];
    });
    os << ") {\n";
    romPragmas();
    block(stage.getBody().front());
    os << "}\n";
    return text;
  }

private:
  llvm::raw_ostream &line() { return os.indent(depth * 2); }

  /// A pragma stands at the start of its line.
  void pragma(const llvm::Twine &what) { os << "#pragma HLS " << what << "\n"; }

  void partitionPragmas(llvm::StringRef kind, llvm::StringRef variable, ArrayType type,
                        std::optional<llvm::ArrayRef<int64_t>> partition) {
    if (!partition)
      return;
    for (auto [dim, factor] : llvm::enumerate(*partition)) {
      if (factor == 1)
        continue;
      bool complete = factor == type.getShape()[dim];
      pragma(kind + " variable = " + variable + " dim = " + llvm::Twine(dim + 1) +
             (complete ? llvm::Twine(" complete") : " cyclic factor = " + llvm::Twine(factor)));
    }
  }

  void romPragmas() {
    llvm::SetVector<Operation *> roms;
    stage.walk([&](RomLoadOp load) { roms.insert(SymbolTable::lookupNearestSymbolFrom(load, load.getRomAttr())); });
    for (Operation *op : roms) {
      auto rom = cast<RomOp>(op);
      // Words of a partitioned ROM are read whole: one wide memory, not many.
      partitionPragmas("ARRAY_RESHAPE", rom.getSymName(), cast<ArrayType>(rom.getType()), rom.getPartition());
    }
  }

  // ---- expressions ----

  static bool writesMemory(Operation *op) { return isa<ReadOp, StoreOp, AccumulateOp, ForOp, IfOp>(op); }

  /// One use in the same block, and for loads nothing between that could change what they see.
  bool isInlined(Operation *op) {
    if (op->getNumResults() != 1 || !op->hasOneUse())
      return isa_and_nonnull<arith::ConstantOp, hls::ConstantOp>(op);
    if (isa<arith::ConstantOp, hls::ConstantOp>(op))
      return true;
    Operation *user = *op->getUsers().begin();
    if (user->getBlock() != op->getBlock())
      return false;
    if (!isa<LoadOp>(op))
      return op->getDialect() == stage->getDialect() || isa<arith::ArithDialect>(op->getDialect());
    for (Operation *next = op->getNextNode(); next != user; next = next->getNextNode())
      if (writesMemory(next))
        return false;
    return isInlinedThrough(user, op);
  }

  /// A load printed inside of an expression is read where that expression stands.
  bool isInlinedThrough(Operation *user, Operation *load) {
    if (user->getNumResults() != 1 || !isInlined(user))
      return true;
    Operation *last = *user->getUsers().begin();
    for (Operation *next = load->getNextNode(); next && next != last; next = next->getNextNode())
      if (writesMemory(next))
        return false;
    return true;
  }

  std::string use(Value value) {
    if (auto known = names.find(value); known != names.end())
      return known->second;
    return expression(value.getDefiningOp());
  }

  std::string element(llvm::StringRef array, ValueRange indices) {
    std::string out = array.str();
    for (Value index : indices)
      out += "[" + unparenthesised(use(index)) + "]";
    return out;
  }

  static std::string unparenthesised(std::string text) {
    if (text.size() < 2 || text.front() != '(' || text.back() != ')')
      return text;
    int level = 0;
    for (size_t i = 0; i + 1 < text.size(); ++i) {
      level += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
      if (level == 0)
        return text;
    }
    return text.substr(1, text.size() - 2);
  }

  std::string binary(Operation *op, const char *sign) {
    return "(" + use(op->getOperand(0)) + " " + sign + " " + use(op->getOperand(1)) + ")";
  }

  static std::string constantText(NumType type, int64_t raw) {
    if (type.isInteger())
      return cppType(type) + "(" + std::to_string(raw) + (raw > INT32_MAX || raw < INT32_MIN ? "LL" : "") + ")";
    std::string number;
    llvm::raw_string_ostream(number) << llvm::format("%.17g", std::ldexp(static_cast<double>(raw), -type.getFraction()));
    return cppType(type) + "(" + number + ")";
  }

  static const char *predicate(arith::CmpIPredicate p) {
    switch (p) {
    case arith::CmpIPredicate::eq:
      return "==";
    case arith::CmpIPredicate::ne:
      return "!=";
    case arith::CmpIPredicate::slt:
    case arith::CmpIPredicate::ult:
      return "<";
    case arith::CmpIPredicate::sle:
    case arith::CmpIPredicate::ule:
      return "<=";
    case arith::CmpIPredicate::sgt:
    case arith::CmpIPredicate::ugt:
      return ">";
    default:
      return ">=";
    }
  }

  std::string convertText(ConvertOp op) {
    static const char *const rounding[] = {"AP_TRN", "AP_RND", "AP_RND_CONV"}, *const overflow[] = {"AP_WRAP", "AP_SAT"};
    NumType type = op.getType();
    std::string value = unparenthesised(use(op.getValue()));
    if (type.isInteger() && op.getOverflow() == Overflow::Wrap && op.getRounding() == Rounding::Trn)
      return cppType(type) + "(" + value + ")";
    return cppType(type) + "(ap_" + (type.getIsSigned() ? "" : "u") + "fixed<" + std::to_string(type.getWidth()) + ", " +
           std::to_string(type.getInteger()) + ", " + rounding[static_cast<int>(op.getRounding())] + ", " +
           overflow[static_cast<int>(op.getOverflow())] + ">(" + value + "))";
  }

  std::string requantizeText(RequantizeOp op) {
    unsigned product = op.getAcc().getType().getWidth() + op.getMultiplier().getType().getWidth();
    std::string out = "requantize<" + cppType(op.getType()) + ", " + std::to_string(product);
    for (uint64_t number : {op.getShift(), op.getZeroPoint(), op.getLowest(), op.getHighest()})
      out += ", " + std::to_string(static_cast<int64_t>(number));
    return out + ">(" + unparenthesised(use(op.getAcc())) + ", " + unparenthesised(use(op.getMultiplier())) + ")";
  }

  std::string romText(RomLoadOp op) {
    NumType type = op.getType();
    std::string raw = cppType(NumType::getInt(type.getContext(), type.getWidth(), type.getIsSigned())) + "(" +
                      element(op.getRom(), op.getIndices()) + ")";
    return type.isInteger() ? raw : "bits_as<" + cppType(type) + " >(" + raw + ")";
  }

  std::string expression(Operation *op) {
    auto two = [&](const char *function, Type type) {
      return std::string(function) + "<" + cppType(cast<NumType>(type)) + " >(" + unparenthesised(use(op->getOperand(0))) + ", " +
             unparenthesised(use(op->getOperand(1))) + ")";
    };
    return llvm::TypeSwitch<Operation *, std::string>(op)
        .Case([&](arith::ConstantOp c) {
          auto value = cast<IntegerAttr>(c.getValue());
          return value.getType().isInteger(1) ? std::string(value.getValue().isZero() ? "false" : "true")
                                              : std::to_string(value.getInt());
        })
        .Case([&](arith::AddIOp) { return binary(op, "+"); })
        .Case([&](arith::SubIOp) { return binary(op, "-"); })
        .Case([&](arith::MulIOp) { return binary(op, "*"); })
        .Case([&](arith::DivUIOp) { return binary(op, "/"); })
        .Case([&](arith::RemUIOp) { return binary(op, "%"); })
        .Case([&](arith::AndIOp) { return binary(op, "&&"); })
        .Case([&](arith::OrIOp) { return binary(op, "||"); })
        .Case([&](arith::XOrIOp) { return "!" + use(op->getOperand(0)); }) // only conditions, with true
        .Case([&](arith::CmpIOp c) { return binary(op, predicate(c.getPredicate())); })
        .Case([&](hls::AddOp) { return binary(op, "+"); })
        .Case([&](hls::SubOp) { return binary(op, "-"); })
        .Case([&](hls::MulOp) { return binary(op, "*"); })
        .Case([&](hls::DivOp) { return binary(op, "/"); })
        .Case([&](hls::MaxOp m) { return two("greater", m.getType()); })
        .Case([&](hls::MinOp m) { return two("lesser", m.getType()); })
        .Case([&](hls::ConstantOp c) { return constantText(c.getType(), static_cast<int64_t>(c.getRaw())); })
        .Case([&](LoadOp l) { return element(use(l.getArray()), l.getIndices()); })
        .Case([&](RomLoadOp l) { return romText(l); })
        .Case([&](ConvertOp c) { return convertText(c); })
        .Case([&](RequantizeOp r) { return requantizeText(r); })
        .Case([&](BitsOp b) { return "bits_as<" + cppType(b.getType()) + " >(" + unparenthesised(use(b.getValue())) + ")"; })
        .Case([&](IndexOp i) {
          return "index_of<" + std::to_string(i.getShift()) + ", " + std::to_string(static_cast<int64_t>(i.getOffset())) + ">(" +
                 unparenthesised(use(i.getValue())) + ")";
        })
        .Default([](Operation *) { return std::string("0"); }); // stages hold nothing else (StageOp's verifier)
  }

  // ---- statements ----

  void block(Block &body) {
    ++depth;
    for (Operation &op : body)
      statement(&op);
    --depth;
  }

  void statement(Operation *op) {
    if (op->getNumResults() == 1 && !isa<BufferOp>(op)) {
      if (op->use_empty() || isInlined(op))
        return;
      Type type = op->getResult(0).getType();
      std::string name = "v" + std::to_string(next++);
      std::string made = unparenthesised(expression(op));
      line() << "const "
             << (isa<NumType>(type)  ? cppType(cast<NumType>(type))
                 : type.isInteger(1) ? "bool"
                                     : "int")
             << " " << name << " = " << made << ";\n";
      names[op->getResult(0)] = name;
      return;
    }
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](BufferOp buffer) { declare(buffer); })
        .Case([&](ForOp loop) { printLoop(loop); })
        .Case([&](IfOp when) {
          line() << "if (" << unparenthesised(use(when.getCondition())) << ") {\n";
          block(when.getBody().front());
          line() << "}\n";
        })
        .Case([&](StoreOp store) {
          line() << element(use(store.getArray()), store.getIndices()) << " = " << unparenthesised(use(store.getValue()))
                 << ";\n";
        })
        .Case([&](AccumulateOp accumulate) {
          line() << element(use(accumulate.getArray()), accumulate.getIndices())
                 << " += " << unparenthesised(use(accumulate.getValue())) << ";\n";
        })
        .Case([&](ReadOp read) { printRead(read); })
        .Case([&](WriteOp write) { printWrite(write); });
  }

  void declare(BufferOp buffer) {
    std::string name = buffer.getName().str();
    names[buffer.getArray()] = name;
    line() << cppType(buffer.getArray().getType().getElement()) << " " << name;
    for (int64_t size : buffer.getArray().getType().getShape())
      os << "[" << size << "]";
    os << ";\n";
    partitionPragmas("ARRAY_PARTITION", name, buffer.getArray().getType(), buffer.getPartition());
  }

  void openLoop(llvm::StringRef label, llvm::StringRef variable, int64_t trip, llvm::StringRef pragmaText) {
    os.indent((depth - 1) * 2) << label << ":\n";
    line() << "for (int " << variable << " = 0; " << variable << " < " << trip << "; ++" << variable << ") {\n";
    if (!pragmaText.empty())
      pragma(pragmaText);
  }

  void printLoop(ForOp loop) {
    std::string variable = "i_" + loop.getLabel().str();
    names[loop.getIndex()] = variable;
    openLoop(loop.getLabel(), variable, loop.getTrip(),
             loop.getIi()       ? "PIPELINE II = " + std::to_string(*loop.getIi())
             : loop.getUnroll() ? "UNROLL"
                                : "");
    block(loop.getBody().front());
    line() << "}\n";
  }

  /// The elements of a word, lane by lane; `move` prints one.
  void eachLane(llvm::StringRef label, unsigned lanes, ValueRange indices,
                std::function<void(const std::string &, const std::string &)> move) {
    std::string last = use(indices.back());
    if (lanes == 1)
      return move("0", last);
    openLoop(label.str() + std::to_string(next++), "lane", lanes, "UNROLL");
    ++depth;
    move("lane", last == "0" ? "lane" : last + " + lane");
    --depth;
    line() << "}\n";
  }

  void printRead(ReadOp read) {
    auto type = cast<StreamType>(read.getStream().getType());
    std::string array = element(use(read.getArray()), read.getIndices().drop_back()), stream = use(read.getStream());
    if (type.getLanes() == 1) {
      line() << array << "[" << unparenthesised(use(read.getIndices().back())) << "] = " << stream << ".read().lane[0];\n";
      return;
    }
    std::string word = "w" + std::to_string(next++);
    line() << "const pack<" << cppType(type.getElement()) << ", " << type.getLanes() << "> " << word << " = " << stream
           << ".read();\n";
    eachLane("take", type.getLanes(), read.getIndices(), [&](const std::string &lane, const std::string &at) {
      line() << array << "[" << at << "] = " << word << ".lane[" << lane << "];\n";
    });
  }

  void printWrite(WriteOp write) {
    auto type = cast<StreamType>(write.getStream().getType());
    std::string array = element(use(write.getArray()), write.getIndices().drop_back()), stream = use(write.getStream());
    std::string word = "w" + std::to_string(next++);
    line() << "pack<" << cppType(type.getElement()) << ", " << type.getLanes() << "> " << word << ";\n";
    eachLane("give", type.getLanes(), write.getIndices(), [&](const std::string &lane, const std::string &at) {
      line() << word << ".lane[" << lane << "] = " << array << "[" << unparenthesised(at) << "];\n";
    });
    line() << stream << ".write(" << word << ");\n";
  }

  StageOp stage;
  std::string text;
  llvm::raw_string_ostream os;
  llvm::DenseMap<Value, std::string> names;
  unsigned depth = 0, next = 0;
};

/// Raw integers of a ROM.
std::vector<int64_t> romNumbers(RomOp rom) {
  auto element = cast<IntegerType>(cast<RankedTensorType>(rom.getValue().getType()).getElementType());
  std::vector<char> scratch;
  WeightStore &store = rom->getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  llvm::ArrayRef<char> bytes = constantBytes(store, rom.getValue(), scratch);
  std::vector<int64_t> numbers;
  size_t size = element.getWidth() / 8;
  for (size_t at = 0; at + size <= bytes.size(); at += size) {
    uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, size);
    numbers.push_back(llvm::SignExtend64(value, element.getWidth()));
  }
  return numbers;
}

/// Ports of one direction, by index.
std::vector<PortOp> portsOf(DesignOp design, bool output) {
  std::vector<PortOp> ports;
  for (auto port : design.getBody().getOps<PortOp>())
    if (port.getOutput() == output)
      ports.push_back(port);
  llvm::sort(ports, [](PortOp x, PortOp y) { return x.getIndex() < y.getIndex(); });
  return ports;
}

std::vector<PortOp> allPorts(DesignOp design) {
  std::vector<PortOp> ports = portsOf(design, false), outputs = portsOf(design, true);
  ports.insert(ports.end(), outputs.begin(), outputs.end());
  return ports;
}

std::string topSignature(DesignOp design) {
  std::string out = "void " + design.getSymName().str() + "(";
  for (auto [i, port] : llvm::enumerate(allPorts(design)))
    out += (i ? ", " : "") + cppType(port.getStream().getType()) + " &" + portName(port);
  return out + ")";
}

constexpr llvm::StringLiteral kNamespace = "using namespace laic_hls;\n\n";

} // namespace

std::string laic::hls::printStage(StageOp stage) {
  std::string text = "// " + stage.getKind().str() + "\n#pragma once\n#include \"../laic_hls.h\"\n";
  llvm::SetVector<llvm::StringRef> roms;
  stage.walk([&](RomLoadOp load) { roms.insert(load.getRom()); });
  for (llvm::StringRef rom : roms)
    text += "#include \"../weights/" + rom.str() + ".h\"\n";
  return text + "\n" + kNamespace.str() + StagePrinter(stage).print();
}

std::string laic::hls::printRom(RomOp rom) {
  auto type = cast<ArrayType>(rom.getType());
  unsigned width = cast<RankedTensorType>(rom.getValue().getType()).getElementTypeBitWidth();
  const char *cType = width == 8 ? "signed char" : width == 16 ? "short" : width == 32 ? "int" : "long long";
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// Raw numbers of type " << cppType(type.getElement()) << ".\n#pragma once\n\nstatic const " << cType << " "
     << rom.getSymName();
  for (int64_t size : type.getShape())
    os << "[" << size << "]";
  os << " = ";
  std::vector<int64_t> numbers = romNumbers(rom);
  llvm::ArrayRef<int64_t> shape = type.getShape();
  std::vector<int64_t> inner(shape.size(), 1); // elements below a dim
  for (size_t d = shape.size() - 1; d-- > 0;)
    inner[d] = inner[d + 1] * shape[d + 1];
  constexpr int kPerLine = 16;
  for (size_t i = 0; i < numbers.size(); ++i) {
    bool opened = false;
    for (size_t d = 0; d < shape.size(); ++d)
      if (i % (inner[d] * shape[d]) == 0) {
        os << (opened || i == 0 ? "{" : ",\n{");
        opened = true;
      }
    if (!opened)
      os << (i % kPerLine == 0 ? ",\n" : ", ");
    os << numbers[i] << (width == 64 ? "LL" : "");
    for (size_t d = shape.size(); d-- > 0;)
      if ((i + 1) % (inner[d] * shape[d]) == 0)
        os << "}";
  }
  os << ";\n";
  return text;
}

std::string laic::hls::printTopHeader(DesignOp design) {
  return "// The design's top function; ports are described in report.json.\n#pragma once\n#include \"laic_hls.h\"\n\n" +
         kNamespace.str() + topSignature(design) + ";\n";
}

std::string laic::hls::printTop(DesignOp design) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// All stages of the design as one dataflow region.\n#include \"top.h\"\n";
  for (auto stage : design.getBody().getOps<StageOp>())
    os << "#include \"stages/" << stage.getSymName() << ".h\"\n";
  os << "\n" << topSignature(design) << " {\n";
  for (PortOp port : allPorts(design))
    os << "#pragma HLS INTERFACE axis port = " << portName(port) << "\n";
  os << "#pragma HLS INTERFACE ap_ctrl_chain port = return\n#pragma HLS DATAFLOW\n";
  llvm::DenseMap<Value, std::string> names;
  for (auto port : design.getBody().getOps<PortOp>())
    names[port.getStream()] = portName(port);
  for (auto stream : design.getBody().getOps<StreamOp>()) {
    std::string name = "s_" + cppName(stream.getName());
    names[stream.getStream()] = name;
    os << "  " << cppType(stream.getStream().getType()) << " " << name << "(\"" << stream.getName() << "\");\n"
       << "#pragma HLS STREAM variable = " << name << " depth = " << stream.getDepth() << "\n";
  }
  for (auto stage : design.getBody().getOps<StageOp>()) {
    os << "  " << stage.getSymName() << "(";
    llvm::interleaveComma(stage->getOperands(), os, [&](Value stream) { os << names[stream]; });
    os << ");\n";
  }
  os << "}\n";
  return text;
}

static void printPort(llvm::raw_ostream &os, PortOp port) {
  auto tensor = cast<RankedTensorType>(port.getTensor());
  NumType type = port.getStream().getType().getElement();
  auto list = [&](llvm::ArrayRef<int64_t> numbers) {
    os << "{";
    llvm::interleaveComma(numbers, os);
    os << "}";
  };
  std::string quoted;
  llvm::raw_string_ostream(quoted).write_escaped(port.getName());
  os << "      {\"" << quoted << "\", " << (isa<FloatType>(tensor.getElementType()) ? "true" : "false") << ", ";
  list(tensor.getShape());
  os << ", ";
  list(port.getOrder());
  os << ", " << llvm::format("%.17g", port.getScale().convertToDouble()) << ", " << static_cast<int64_t>(port.getZeroPoint())
     << ", " << type.getWidth() << ", " << (type.getIsSigned() ? "true" : "false") << "},\n";
}

std::string laic::hls::printPorts(DesignOp design) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "// What the ports stand for, and one frame of the design on raw numbers.\n#pragma once\n#include \"csim.h\"\n"
     << "#include \"../src/top.h\"\n\n";
  for (bool output : {false, true}) {
    os << "inline std::vector<laic_sim::Port> " << (output ? "output" : "input") << "_ports() {\n  return {\n";
    for (PortOp port : portsOf(design, output))
      printPort(os, port);
    os << "  };\n}\n\n";
  }
  os << "inline void run_frame(const std::vector<laic_sim::Raw> &in, std::vector<laic_sim::Raw> &out) {\n";
  for (PortOp port : allPorts(design))
    os << "  " << cppType(port.getStream().getType()) << " " << portName(port) << "(\"" << portName(port) << "\");\n";
  for (auto [i, port] : llvm::enumerate(portsOf(design, false)))
    os << "  laic_sim::feed(" << portName(port) << ", in[" << i << "]);\n";
  os << "  " << design.getSymName() << "(";
  llvm::interleaveComma(allPorts(design), os, [&](PortOp port) { os << portName(port); });
  os << ");\n";
  for (auto [i, port] : llvm::enumerate(portsOf(design, true)))
    os << "  laic_sim::drain(" << portName(port) << ", out[" << i << "]);\n";
  os << "}\n";
  return text;
}
