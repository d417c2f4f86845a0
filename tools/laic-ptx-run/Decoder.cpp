// Resolves names to places and hands each statement to the family that knows it.
#include "Decoder.h"

#include <algorithm>
#include <cstring>

using namespace laic::ptx;

namespace laic {
namespace ptx {

class KernelDecoder {
public:
  KernelDecoder(const KernelSyntax &syntax, const std::vector<Variable> &moduleVariables, Diagnostics &diagnostics)
      : syntax(syntax), moduleVariables(moduleVariables), diagnostics(diagnostics) {}

  Kernel run();

  Operand registerOperand(uint32_t index) const { return places[index]; }
  Type registerType(uint32_t index) const { return syntax.registers[index].type; }
  const std::string &registerName(uint32_t index) const { return syntax.registers[index].name; }
  Operand special(const std::string &name);
  Operand constant(uint64_t low, uint64_t high, unsigned width);
  Operand symbol(const OperandSyntax &operand, unsigned width);
  uint32_t label(const std::string &name, uint32_t scope) const;
  const std::vector<std::string> &branchTargets(const std::string &name) const;

private:
  void placeRegisters();
  void placeVariables();
  bool mentions(const std::string &name) const;
  static bool mentions(const OperandSyntax &operand, const std::string &name);
  void decodeStatement(const Statement &statement);
  uint32_t opcode(const std::string &name);
  void reportUnsupported();

  const KernelSyntax &syntax;
  const std::vector<Variable> &moduleVariables;
  Diagnostics &diagnostics;
  Kernel kernel;
  std::vector<Operand> places;                                // of registers
  std::map<std::string, uint64_t> offsets;                    // of .shared, .local and .param variables
  std::map<std::pair<uint64_t, uint64_t>, uint32_t> pool[17]; // by width: constants that exist
  std::map<std::string, uint32_t> opcodeIndex;
  struct Unsupported {
    unsigned line;
    unsigned times;
  };
  std::map<std::string, Unsupported> unsupported;
};

} // namespace ptx
} // namespace laic

namespace {

uint32_t alignTo(uint32_t value, uint64_t align) { return static_cast<uint32_t>((value + align - 1) / align * align); }

struct SpecialName {
  const char *name;
  uint8_t width;
};

constexpr SpecialName kSpecials[] = {{"%tid.x", 4},          {"%tid.y", 4},       {"%tid.z", 4},       {"%ntid.x", 4},
                                     {"%ntid.y", 4},         {"%ntid.z", 4},      {"%ctaid.x", 4},     {"%ctaid.y", 4},
                                     {"%ctaid.z", 4},        {"%nctaid.x", 4},    {"%nctaid.y", 4},    {"%nctaid.z", 4},
                                     {"%laneid", 4},         {"%warpid", 4},      {"%nwarpid", 4},     {"%smid", 4},
                                     {"%nsmid", 4},          {"%gridid", 8},      {"%lanemask_eq", 4}, {"%lanemask_le", 4},
                                     {"%lanemask_lt", 4},    {"%lanemask_ge", 4}, {"%lanemask_gt", 4}, {"%dynamic_smem_size", 4},
                                     {"%total_smem_size", 4}};

// The families that may know an instruction, tried in turn.
bool decodeByFamily(Decoding &decoding) {
  return decodeMove(decoding) || decodeInteger(decoding) || decodeBits(decoding) || decodeFloat(decoding) ||
         decodeHalf(decoding) || decodeCompare(decoding) || decodeConvert(decoding) || decodeMemory(decoding) ||
         decodeAtomic(decoding) || decodeAsync(decoding) || decodeMatrix(decoding) || decodeWarp(decoding) ||
         decodeControl(decoding);
}

} // namespace

void KernelDecoder::placeRegisters() {
  for (const Register &reg : syntax.registers) {
    Operand place;
    place.kind = Operand::Frame;
    place.width = static_cast<uint8_t>(sizeOf(reg.type));
    place.offset = kernel.frameBytes;
    kernel.frameBytes += reg.type == Type::Pred ? 64 : alignTo(place.width * kWarpSize, 64);
    places.push_back(place);
  }
  kernel.registers = static_cast<uint32_t>(syntax.registers.size());
}

bool KernelDecoder::mentions(const OperandSyntax &operand, const std::string &name) {
  if (operand.kind == OperandSyntax::Symbol && operand.name == name)
    return true;
  return std::any_of(operand.parts.begin(), operand.parts.end(), [&](const OperandSyntax &part) { return mentions(part, name); });
}

bool KernelDecoder::mentions(const std::string &name) const {
  for (const Statement &statement : syntax.statements)
    for (const OperandSyntax &operand : statement.operands)
      if (mentions(operand, name))
        return true;
  return false;
}

// Shared variables of the module take room only in kernels that name them, as in ptxas.
void KernelDecoder::placeVariables() {
  uint64_t dynamicAlign = 1;
  std::vector<std::string> dynamic;
  const auto place = [&](const Variable &variable) {
    if (variable.external && variable.space == Space::Shared && !variable.bytes) {
      dynamic.push_back(variable.name);
      dynamicAlign = std::max(dynamicAlign, variable.align);
      return;
    }
    uint32_t &end = variable.space == Space::Shared ? kernel.staticShared : kernel.localBytes;
    const uint64_t offset = (end + variable.align - 1) / variable.align * variable.align;
    if (offset + variable.bytes > UINT32_MAX) {
      diagnostics.push_back({variable.line, "kernel '" + syntax.name + "': '" + variable.name + "' does not fit any memory"});
      return;
    }
    offsets[variable.name] = offset;
    end = static_cast<uint32_t>(offset + variable.bytes);
  };
  for (const Variable &variable : moduleVariables)
    if (variable.space == Space::Shared && mentions(variable.name))
      place(variable);
  for (const Variable &variable : syntax.variables)
    place(variable);
  kernel.dynamicShared = alignTo(kernel.staticShared, dynamicAlign);
  for (const std::string &name : dynamic)
    offsets[name] = kernel.dynamicShared;
  for (const Variable &param : syntax.params) {
    offsets[param.name] = param.offset;
    kernel.paramBytes = static_cast<uint32_t>(param.offset + param.bytes);
  }
}

Operand KernelDecoder::special(const std::string &name) {
  for (const SpecialRegister &known : kernel.specials)
    if (known.name == name)
      return {Operand::Frame, known.width, false, known.offset};
  for (const SpecialName &row : kSpecials)
    if (name == row.name) {
      kernel.specials.push_back({name, kernel.frameBytes, row.width});
      kernel.frameBytes += alignTo(row.width * kWarpSize, 64);
      return {Operand::Frame, row.width, false, kernel.specials.back().offset};
    }
  throw DecodeError{"register '" + name + "' is not declared, and no special register that is supported", false};
}

Operand KernelDecoder::constant(uint64_t low, uint64_t high, unsigned width) {
  auto [found, isNew] = pool[width].try_emplace({low, high}, alignTo(static_cast<uint32_t>(kernel.constants.size()), 64));
  if (isNew) {
    kernel.constants.resize(found->second + width * kWarpSize);
    const uint64_t both[2] = {low, high};
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      memcpy(&kernel.constants[found->second + lane * width], both, width);
  }
  return {Operand::Constant, static_cast<uint8_t>(width), false, found->second};
}

Operand KernelDecoder::symbol(const OperandSyntax &operand, unsigned width) {
  if (auto found = offsets.find(operand.name); found != offsets.end())
    return constant(found->second + static_cast<uint64_t>(operand.offset), 0, width);
  for (size_t i = 0; i < moduleVariables.size(); ++i)
    if (moduleVariables[i].name == operand.name) {
      // Not shared between uses: each is patched on its own.
      const uint32_t at = alignTo(static_cast<uint32_t>(kernel.constants.size()), 64);
      kernel.constants.resize(at + width * kWarpSize);
      kernel.relocations.push_back({at, static_cast<uint8_t>(width), i, operand.offset});
      return {Operand::Constant, static_cast<uint8_t>(width), false, at};
    }
  throw DecodeError{"'" + operand.name + "' is not declared", false};
}

uint32_t KernelDecoder::label(const std::string &name, uint32_t scope) const {
  while (true) {
    if (auto found = syntax.labels.find({scope, name}); found != syntax.labels.end())
      return found->second;
    if (scope == 0)
      throw DecodeError{"label '" + name + "' is not defined", false};
    scope = syntax.scopeParents[scope];
  }
}

const std::vector<std::string> &KernelDecoder::branchTargets(const std::string &name) const {
  auto found = syntax.branchTargets.find(name);
  if (found == syntax.branchTargets.end())
    throw DecodeError{"'" + name + "' is no list of .branchtargets", false};
  return found->second;
}

uint32_t KernelDecoder::opcode(const std::string &name) {
  auto [found, isNew] = opcodeIndex.try_emplace(name, static_cast<uint32_t>(kernel.opcodes.size()));
  if (isNew)
    kernel.opcodes.push_back(name);
  return found->second;
}

void KernelDecoder::decodeStatement(const Statement &statement) {
  Instruction instruction;
  instruction.line = statement.line;
  instruction.opcode = opcode(statement.opcode);
  if (statement.guarded) {
    instruction.guarded = true;
    instruction.guardNegated = statement.guardNegated;
    instruction.guard = places[statement.guard].offset;
  }
  try {
    Decoding decoding(*this, statement, instruction);
    if (!decodeByFamily(decoding))
      decoding.unsupported();
    decoding.finish();
  } catch (const DecodeError &error) {
    if (error.unsupported)
      ++unsupported.try_emplace(statement.opcode, Unsupported{statement.line, 0}).first->second.times;
    else
      diagnostics.push_back({statement.line, "kernel '" + syntax.name + "': '" + statement.opcode + "': " + error.message});
  }
  kernel.code.push_back(std::move(instruction));
}

void KernelDecoder::reportUnsupported() {
  for (const auto &[name, where] : unsupported)
    diagnostics.push_back({where.line, "kernel '" + syntax.name + "': instruction '" + name + "' is not supported" +
                                           (where.times > 1 ? " (" + std::to_string(where.times) + " times)" : "")});
}

Kernel KernelDecoder::run() {
  kernel.name = syntax.name;
  kernel.line = syntax.line;
  kernel.params = syntax.params;
  std::copy(syntax.requiredThreads, syntax.requiredThreads + 3, kernel.requiredThreads);
  if (syntax.maxThreads[0])
    kernel.maxThreads = syntax.maxThreads[0] * syntax.maxThreads[1] * syntax.maxThreads[2];
  placeRegisters();
  placeVariables();
  for (const Statement &statement : syntax.statements)
    decodeStatement(statement);
  reportUnsupported();
  if (diagnostics.empty())
    findReconvergence(kernel.code);
  return std::move(kernel);
}

Kernel laic::ptx::decode(const KernelSyntax &syntax, const std::vector<Variable> &moduleVariables, Diagnostics &diagnostics) {
  return KernelDecoder(syntax, moduleVariables, diagnostics).run();
}

//===------------------------------------------------------------------------------------------------------------------===//
// Decoding: modifiers
//===------------------------------------------------------------------------------------------------------------------===//

Decoding::Decoding(KernelDecoder &decoder, const Statement &statement, Instruction &out)
    : out(out), decoder(decoder), statement(statement) {
  const std::string &text = statement.opcode;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('.', begin), text.size());
    modifiers.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

bool Decoding::has(std::string_view modifier) const {
  return std::find(modifiers.begin() + 1, modifiers.end(), modifier) != modifiers.end();
}

bool Decoding::take(std::string_view modifier) {
  auto found = std::find(modifiers.begin() + 1, modifiers.end(), modifier);
  if (found == modifiers.end())
    return false;
  found->clear();
  return true;
}

int Decoding::takeOneOf(std::initializer_list<std::string_view> choices) {
  for (size_t i = 1; i < modifiers.size(); ++i)
    for (size_t choice = 0; choice < choices.size(); ++choice)
      if (modifiers[i] == choices.begin()[choice]) {
        modifiers[i].clear();
        return static_cast<int>(choice);
      }
  return -1;
}

std::optional<Type> Decoding::lastType() const {
  for (size_t i = modifiers.size(); i-- > 1;)
    if (std::optional<Type> type = typeNamed(modifiers[i]))
      return type;
  return std::nullopt;
}

Type Decoding::takeType() {
  for (size_t i = 1; i < modifiers.size(); ++i)
    if (std::optional<Type> type = typeNamed(modifiers[i])) {
      modifiers[i].clear();
      return *type;
    }
  unsupported();
}

Type Decoding::takeLastType() {
  for (size_t i = modifiers.size(); i-- > 1;)
    if (std::optional<Type> type = typeNamed(modifiers[i])) {
      modifiers[i].clear();
      return *type;
    }
  unsupported();
}

void Decoding::takeRounding() {
  switch (takeOneOf({"rn", "rz", "rm", "rp"})) {
  case 1:
    out.rounding = Rounding::Zero;
    break;
  case 2:
    out.rounding = Rounding::Down;
    break;
  case 3:
    out.rounding = Rounding::Up;
    break;
  default:
    break;
  }
}

void Decoding::takeFloatModifiers() {
  takeRounding();
  out.flush = take("ftz");
  out.saturate = take("sat");
}

void Decoding::finish() const {
  for (size_t i = 1; i < modifiers.size(); ++i)
    if (!modifiers[i].empty())
      unsupported();
}

//===------------------------------------------------------------------------------------------------------------------===//
// Decoding: operands
//===------------------------------------------------------------------------------------------------------------------===//

const OperandSyntax &Decoding::syntax(size_t i) const {
  if (i >= statement.operands.size())
    refuse("expects more operands than " + std::to_string(count()));
  return statement.operands[i];
}

void Decoding::expectCount(size_t least, size_t most) const {
  if (count() < least || count() > most)
    refuse("expects " + std::to_string(least) + (most > least ? " to " + std::to_string(most) : "") + " operands, got " +
           std::to_string(count()));
}

Type Decoding::registerType(const OperandSyntax &operand) const {
  if (operand.kind != OperandSyntax::Register)
    refuse("expects a register");
  return decoder.registerType(operand.index);
}

void Decoding::anyDestination(const OperandSyntax &operand, Type type) {
  if (operand.kind == OperandSyntax::Sink) {
    out.operands.push_back({Operand::Sink, static_cast<uint8_t>(sizeOf(type)), false, 0});
    return;
  }
  const Type actual = registerType(operand);
  if ((actual == Type::Pred) != (type == Type::Pred) || sizeOf(actual) != sizeOf(type))
    refuse("register '" + decoder.registerName(operand.index) + "' is ." + nameOf(actual) + ", expects ." + nameOf(type));
  out.operands.push_back(decoder.registerOperand(operand.index));
}

void Decoding::wideDestination(const OperandSyntax &operand, Type type) {
  if (operand.kind == OperandSyntax::Register) {
    const Type actual = registerType(operand);
    if (actual != Type::Pred && type != Type::Pred && sizeOf(actual) >= sizeOf(type)) {
      out.operands.push_back(decoder.registerOperand(operand.index));
      return;
    }
  }
  anyDestination(operand, type);
}

void Decoding::anySource(const OperandSyntax &operand, Type type) {
  const unsigned width = sizeOf(type);
  switch (operand.kind) {
  case OperandSyntax::Register:
    if (type == Type::Pred || registerType(operand) == Type::Pred) {
      if (type != registerType(operand))
        refuse("register '" + decoder.registerName(operand.index) + "' is ." + nameOf(registerType(operand)) + ", expects ." +
               nameOf(type));
      Operand place = decoder.registerOperand(operand.index);
      place.negated = operand.negated;
      out.operands.push_back(place);
      return;
    }
    return anyDestination(operand, type);
  case OperandSyntax::Special: {
    const Operand place = decoder.special(operand.name);
    if (place.width != width)
      refuse("'" + operand.name + "' has " + std::to_string(place.width * 8) + " bits, expects ." + nameOf(type));
    out.operands.push_back(place);
    return;
  }
  case OperandSyntax::Integer:
    if (type == Type::F32 || type == Type::F64)
      refuse("expects a floating-point number for ." + std::string(nameOf(type)) + ", got an integer");
    if (type == Type::Pred)
      out.operands.push_back(decoder.constant(operand.bits ? kAllLanes : 0, 0, 4));
    else
      out.operands.push_back(decoder.constant(width < 8 ? operand.bits & ((1ull << (8 * width)) - 1) : operand.bits,
                                              width == 16 && static_cast<int64_t>(operand.bits) < 0 ? UINT64_MAX : 0, width));
    return;
  case OperandSyntax::Real: {
    if (width != 4 && width != 8)
      refuse(std::string("a floating-point number cannot be .") + nameOf(type));
    uint64_t bits = operand.bits;
    if (operand.isSingle != (width == 4)) {
      double value;
      memcpy(&value, &bits, 8);
      if (operand.isSingle)
        refuse("a 0f number cannot be ." + std::string(nameOf(type)));
      const float single = static_cast<float>(value);
      bits = 0;
      memcpy(&bits, &single, 4);
    }
    out.operands.push_back(decoder.constant(bits, 0, width));
    return;
  }
  case OperandSyntax::Symbol:
    if (width != 4 && width != 8)
      refuse(std::string("the address of '") + operand.name + "' cannot be ." + nameOf(type));
    out.operands.push_back(decoder.symbol(operand, width));
    return;
  default:
    refuse("expects a register or a number");
  }
}

void Decoding::wideSource(const OperandSyntax &operand, Type type) {
  if (operand.kind == OperandSyntax::Register)
    return wideDestination(operand, type);
  anySource(operand, type);
}

void Decoding::destination(size_t i, Type type) { anyDestination(syntax(i), type); }

void Decoding::source(size_t i, Type type) { anySource(syntax(i), type); }

void Decoding::predicateDestination(const OperandSyntax &operand) { anyDestination(operand, Type::Pred); }

void Decoding::predicateSource(size_t i) { anySource(syntax(i), Type::Pred); }

void Decoding::address(size_t i, Space space) {
  const OperandSyntax &operand = syntax(i);
  if (operand.kind != OperandSyntax::Address)
    refuse("expects an address in [ ]");
  if (operand.parts.size() > 1)
    unsupported();
  const OperandSyntax &base = operand.parts[0];
  out.space = space;
  out.offset = operand.offset;
  if (base.kind == OperandSyntax::Register) {
    const Type type = registerType(base);
    if (sizeOf(type) != 8 && !(sizeOf(type) == 4 && type != Type::Pred && space != Space::Generic && space != Space::Global))
      refuse("register '" + decoder.registerName(base.index) + "' is ." + nameOf(type) + ", which holds no ." + nameOf(space) +
             " address");
    out.operands.push_back(decoder.registerOperand(base.index));
    return;
  }
  anySource(base, Type::U64);
}

uint64_t Decoding::immediate(size_t i) const {
  if (syntax(i).kind != OperandSyntax::Integer)
    refuse("expects a number as operand " + std::to_string(i));
  return syntax(i).bits;
}

std::vector<OperandSyntax> Decoding::elements(size_t i) const {
  const OperandSyntax &operand = syntax(i);
  if (operand.kind == OperandSyntax::Vector)
    return operand.parts;
  return {operand};
}

uint32_t Decoding::label(size_t i) const {
  if (syntax(i).kind != OperandSyntax::Symbol)
    refuse("expects a label");
  return decoder.label(syntax(i).name, statement.scope);
}

std::vector<uint32_t> Decoding::branchTargets(size_t i) const {
  std::vector<uint32_t> targets;
  for (const std::string &name : decoder.branchTargets(syntax(i).name))
    targets.push_back(decoder.label(name, statement.scope));
  return targets;
}

void Decoding::refuse(const std::string &why) const { throw DecodeError{why, false}; }

void Decoding::unsupported() const { throw DecodeError{"", true}; }
