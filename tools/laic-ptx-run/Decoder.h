// Turns a kernel's statements into instructions; the families of instructions decode their own with the help of Decoding.
#ifndef LAIC_PTX_DECODER_H
#define LAIC_PTX_DECODER_H

#include "Module.h"

namespace laic {
namespace ptx {

// Thrown by decoders: the statement is wrong or not supported.
struct DecodeError {
  std::string message;
  bool unsupported; // rather than wrong
};

class KernelDecoder;

// One statement while it is decoded. A family takes the modifiers that it understands; what is left over is refused.
class Decoding {
public:
  Decoding(KernelDecoder &decoder, const Statement &statement, Instruction &out);

  const std::string &name() const { return modifiers[0]; }
  bool is(std::string_view text) const { return modifiers[0] == text; }
  // Takes a modifier if it is there.
  bool take(std::string_view modifier);
  bool has(std::string_view modifier) const;
  // Takes the first modifier that is one of `choices` and returns its index, or -1.
  int takeOneOf(std::initializer_list<std::string_view> choices);
  std::optional<Type> lastType() const;
  Type takeType();           // the first; refuses when there is none
  Type takeLastType();       // of several the last
  void takeRounding();       // .rn .rz .rm .rp
  void takeFloatModifiers(); // rounding, .ftz, .sat
  void finish() const;       // refuses when a modifier is left over

  // Operands. `i` counts those in the text.
  const OperandSyntax &syntax(size_t i) const;
  size_t count() const { return statement.operands.size(); }
  void expectCount(size_t least, size_t most) const;
  void expectCount(size_t exactly) const { expectCount(exactly, exactly); }
  void destination(size_t i, Type type);
  void source(size_t i, Type type);
  void predicateDestination(const OperandSyntax &operand);
  void predicateSource(size_t i);
  // For ld, st and cvt: registers may be wider than the type.
  void wideDestination(const OperandSyntax &operand, Type type);
  void wideSource(const OperandSyntax &operand, Type type);
  void anySource(const OperandSyntax &operand, Type type); // exact
  void anyDestination(const OperandSyntax &operand, Type type);
  void address(size_t i, Space space); // pushes the base, sets `offset`
  uint64_t immediate(size_t i) const;
  std::vector<OperandSyntax> elements(size_t i) const; // of a vector, or the operand alone
  uint32_t label(size_t i) const;
  std::vector<uint32_t> branchTargets(size_t i) const;
  Type registerType(const OperandSyntax &operand) const;

  [[noreturn]] void refuse(const std::string &why) const; // wrong PTX
  [[noreturn]] void unsupported() const;

  Instruction &out;

private:
  KernelDecoder &decoder;
  const Statement &statement;
  std::vector<std::string> modifiers; // [0] is the name; taken ones become empty
};

// Each returns false when the instruction is none of its family, having taken nothing.
bool decodeInteger(Decoding &decoding);
bool decodeBits(Decoding &decoding);
bool decodeFloat(Decoding &decoding);
bool decodeHalf(Decoding &decoding);
bool decodeCompare(Decoding &decoding);
bool decodeConvert(Decoding &decoding);
bool decodeMove(Decoding &decoding);
bool decodeMemory(Decoding &decoding);
bool decodeAtomic(Decoding &decoding);
bool decodeAsync(Decoding &decoding);
bool decodeMatrix(Decoding &decoding);
bool decodeWarp(Decoding &decoding);
bool decodeControl(Decoding &decoding);

// Decodes one kernel; what is wrong goes to `diagnostics`.
Kernel decode(const KernelSyntax &syntax, const std::vector<Variable> &moduleVariables, Diagnostics &diagnostics);

// Sets `reconverge` of every branch to its immediate post-dominator.
void findReconvergence(std::vector<Instruction> &code);

// Where generic addresses of the spaces other than .global begin; far above every device address.
constexpr uint64_t kSharedWindow = 1ull << 48;
constexpr uint64_t kLocalWindow = kSharedWindow + (1ull << 40);
constexpr uint64_t kParamWindow = kLocalWindow + (1ull << 40);
constexpr uint64_t kWindowBytes = 1ull << 32;

} // namespace ptx
} // namespace laic
#endif
