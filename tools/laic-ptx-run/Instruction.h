// A decoded instruction: its operands are places in a warp's frame, its modifiers are fields.
#ifndef LAIC_PTX_INSTRUCTION_H
#define LAIC_PTX_INSTRUCTION_H

#include "Types.h"

namespace laic {
namespace ptx {

class Warp;
struct Instruction;

// Executes one instruction for the lanes in `mask`, which is never empty.
using Handler = void (*)(Warp &warp, const Instruction &instruction, uint32_t mask);

// Where a value lives: 32 lanes of `width` bytes each, in the warp's frame or among the kernel's constants. A predicate is one
// 32-bit mask.
struct Operand {
  enum Kind : uint8_t { None, Frame, Constant, Sink };
  Kind kind = None;
  uint8_t width = 0;
  bool negated = false; // of predicates
  uint32_t offset = 0;  // in bytes
};

enum class Rounding : uint8_t { Nearest, Zero, Down, Up, NearestAway };

enum class Compare : uint8_t { Eq, Ne, Lt, Le, Gt, Ge, Equ, Neu, Ltu, Leu, Gtu, Geu, Num, Nan };

enum class Logic : uint8_t { None, And, Or, Xor };

enum class AtomicOp : uint8_t { Add, Min, Max, Inc, Dec, And, Or, Xor, Exchange, CompareSwap };

// How an instruction changes the flow of control.
constexpr uint8_t kBranch = 1; // may go to `target` or one of `targets`
constexpr uint8_t kLeaves = 2; // ends its lanes

struct Instruction {
  Handler execute = nullptr;
  std::vector<Operand> operands; // destinations first, in PTX's order; vectors are flattened
  uint32_t line = 0;
  uint32_t opcode = 0; // index into the kernel's list of opcodes
  uint32_t guard = 0;  // frame offset of @p
  bool guarded = false;
  bool guardNegated = false;

  Type type = Type::B32;   // what is computed or moved
  Type source = Type::B32; // of cvt, set and mma (A), when it differs
  Type second = Type::B32; // of mma: B
  Space space = Space::Generic;
  Rounding rounding = Rounding::Nearest;
  Compare compare = Compare::Eq;
  Logic logic = Logic::None;
  AtomicOp atomic = AtomicOp::Add;
  bool integral = false; // cvt .rni ...: rounds to an integer
  bool flush = false;    // .ftz
  bool saturate = false; // .sat, .satfinite
  bool relu = false;
  bool nan = false;    // min, max .NaN
  bool strong = false; // .volatile, .relaxed, ...: no data race with another such access
  bool transpose = false;
  uint8_t flow = 0;            // kBranch, kLeaves
  uint8_t mode = 0;            // small choices of one family, see there
  uint8_t vector = 1;          // elements of ld, st; matrices of ldmatrix
  uint8_t m = 0, n = 0, k = 0; // of mma
  int64_t offset = 0;          // of an address
  int64_t sourceOffset = 0;    // of the second address of cp.async

  uint32_t target = 0;           // of bra
  uint32_t reconverge = 0;       // where diverged lanes meet again; the number of instructions: never
  std::vector<uint32_t> targets; // of brx.idx
};

} // namespace ptx
} // namespace laic
#endif
