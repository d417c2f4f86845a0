// What the parser makes of PTX text: declarations and statements, with names not yet resolved to places.
//
// Scopes are already resolved: a register declared in an inner { } has a number of its own.
#ifndef LAIC_PTX_SYNTAX_H
#define LAIC_PTX_SYNTAX_H

#include "Types.h"

#include <map>
#include <memory>

namespace laic {
namespace ptx {

// A register of a kernel. Each lane of a warp has its own; a predicate register is one 32-bit mask for the warp.
struct Register {
  std::string name;
  Type type;
};

// A variable in a state space: .shared, .global, .const, .local, or a .param of a kernel.
struct Variable {
  std::string name;
  Space space;
  Type element;
  uint64_t align;
  uint64_t bytes;            // 0 for `[]`
  bool external = false;     // .extern: for .shared, memory whose size the launch gives
  std::vector<uint8_t> data; // what an initialiser gives, else empty
  unsigned line = 0;
  uint64_t offset = 0; // inside the kernel's parameters
};

struct OperandSyntax {
  enum Kind : uint8_t {
    None,
    Register, // index
    Special,  // name: %tid.x
    Integer,  // bits
    Real,     // bits of a double; `isSingle`: of a float
    Symbol,   // name, offset
    Address,  // [base + offset]: base is in `parts[0]`
    Vector,   // {a, b, ...}: parts
    Pair,     // d|p: parts
    Sink,     // _
  };
  Kind kind = None;
  bool negated = false;  // !%p
  bool isSingle = false; // 0f...
  uint32_t index = 0;
  uint64_t bits = 0;
  int64_t offset = 0;
  std::string name;
  std::vector<OperandSyntax> parts;
};

struct Statement {
  unsigned line = 0;
  uint32_t scope = 0;   // where its labels are looked up first
  bool guarded = false; // @p or @!p
  bool guardNegated = false;
  uint32_t guard = 0; // register index
  std::string opcode; // with all modifiers: "ld.global.v4.b32"
  std::vector<OperandSyntax> operands;
};

struct KernelSyntax {
  std::string name;
  unsigned line = 0;
  std::vector<Variable> params;
  std::vector<Register> registers;
  std::vector<Variable> variables;                             // .shared and .local of the body
  std::vector<uint32_t> scopeParents;                          // of each { }; [0] is the body
  std::map<std::pair<uint32_t, std::string>, uint32_t> labels; // of a scope, to an index into `statements`
  std::map<std::string, std::vector<std::string>> branchTargets;
  std::vector<Statement> statements;
  uint32_t requiredThreads[3] = {0, 0, 0}; // .reqntid; 0: none
  uint32_t maxThreads[3] = {0, 0, 0};      // .maxntid; 0: none
};

struct ModuleSyntax {
  std::string version; // "7.0"
  std::string target;  // "sm_80"
  std::vector<Variable> variables;
  std::vector<KernelSyntax> kernels;
};

// Parses the text of a module. What is wrong goes to `diagnostics`; the result is whole only if none was added.
ModuleSyntax parse(std::string_view text, Diagnostics &diagnostics);

} // namespace ptx
} // namespace laic
#endif
