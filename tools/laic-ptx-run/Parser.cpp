// Recursive-descent parser of PTX modules: declarations, kernels and their statements.
//
// After an error it continues behind the next semicolon, so one run reports all of them.
#include "Lexer.h"
#include "Syntax.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

using namespace laic::ptx;

namespace {

struct SyntaxError {
  Diagnostic diagnostic;
};

// Registers come as `%r<100>` or by name; a { } inside a body hides the names outside it.
struct Scope {
  uint32_t number = 0;
  std::map<std::string, uint32_t, std::less<>> registers;
};

class Parser {
public:
  Parser(std::string_view text, Diagnostics &diagnostics) : diagnostics(diagnostics), tokens(tokenize(text, diagnostics)) {}

  ModuleSyntax run() {
    while (peek().kind != Token::End)
      recover(true, [&] { parseTopLevel(); });
    return std::move(module);
  }

private:
  // Token handling.
  const Token &peek(size_t ahead = 0) const { return tokens[std::min(at + ahead, tokens.size() - 1)]; }
  const Token &take() {
    const Token &token = peek();
    if (at + 1 < tokens.size())
      ++at;
    return token;
  }
  bool accept(std::string_view text) {
    if (!peek().is(text))
      return false;
    take();
    return true;
  }
  [[noreturn]] void fail(const std::string &message, unsigned line = 0) {
    throw SyntaxError{{line ? line : peek().line, message}};
  }
  std::string shown(const Token &token) const {
    return token.kind == Token::End ? "the end of the file" : "'" + std::string(token.text) + "'";
  }
  void expect(std::string_view text) {
    if (!accept(text))
      fail("expects '" + std::string(text) + "', got " + shown(peek()));
  }
  std::string expectWord(const char *what) {
    if (peek().kind != Token::Word)
      fail(std::string("expects ") + what + ", got " + shown(peek()));
    return std::string(take().text);
  }

  // Runs `body`; after an error goes on behind the statement, at module level behind the whole declaration.
  template <typename Body> void recover(bool atModuleLevel, Body body) {
    const size_t start = at;
    try {
      body();
    } catch (const SyntaxError &error) {
      diagnostics.push_back(error.diagnostic);
      if (at == start)
        take();
      skipBehind(atModuleLevel);
    }
  }

  void skipBehind(bool atModuleLevel) {
    for (unsigned depth = 0; peek().kind != Token::End;) {
      const Token &token = take();
      if (token.is("{"))
        ++depth;
      else if (token.is("}") && depth > 0)
        --depth;
      if (!atModuleLevel ? token.is(";") : depth == 0 && (token.is(";") || token.is("}")))
        return;
    }
  }

  void skipBraces() {
    expect("{");
    for (unsigned depth = 1; depth;) {
      if (peek().kind == Token::End)
        fail("expects '}', got the end of the file");
      const Token &token = take();
      depth += token.is("{") ? 1 : token.is("}") ? -1 : 0;
    }
  }

  // Numbers.
  OperandSyntax parseNumber(bool negative) {
    const Token &token = take();
    std::string text(token.text);
    OperandSyntax out;
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'f' || text[1] == 'F' || text[1] == 'd' || text[1] == 'D'))
      return parseBits(text, negative, token.line);
    char *end = nullptr;
    if (text.find('.') != std::string::npos) {
      const double value = strtod(text.c_str(), &end);
      if (*end)
        fail("'" + text + "' is no number", token.line);
      out.kind = OperandSyntax::Real;
      setReal(out, negative ? -value : value);
      return out;
    }
    const bool binary = text.size() > 2 && text[0] == '0' && (text[1] == 'b' || text[1] == 'B');
    errno = 0;
    out.kind = OperandSyntax::Integer;
    out.bits = binary ? strtoull(text.c_str() + 2, &end, 2) : strtoull(text.c_str(), &end, 0);
    if (*end == 'U')
      ++end;
    if (*end || errno)
      fail("'" + text + "' is no number of 64 bits", token.line);
    if (negative)
      out.bits = -out.bits;
    return out;
  }

  static void setReal(OperandSyntax &out, double value) { memcpy(&out.bits, &value, 8); }

  OperandSyntax parseBits(const std::string &text, bool negative, unsigned line) {
    const bool single = text[1] == 'f' || text[1] == 'F';
    char *end = nullptr;
    OperandSyntax out;
    out.kind = OperandSyntax::Real;
    out.isSingle = single;
    out.bits = strtoull(text.c_str() + 2, &end, 16);
    if (*end || text.size() != (single ? 10u : 18u))
      fail("'" + text + "' is no number of " + (single ? "8" : "16") + " hexadecimal digits", line);
    if (negative)
      out.bits ^= single ? 1ull << 31 : 1ull << 63;
    return out;
  }

  uint64_t expectInteger(const char *what) {
    const bool negative = accept("-");
    if (peek().kind != Token::Number)
      fail(std::string("expects ") + what + ", got " + shown(peek()));
    const unsigned line = peek().line;
    const OperandSyntax number = parseNumber(negative);
    if (number.kind != OperandSyntax::Integer)
      fail(std::string("expects ") + what + ", got a number with a fraction", line);
    return number.bits;
  }

  // Module level.
  void parseTopLevel() {
    const Token &token = peek();
    if (accept(".version")) {
      module.version = std::string(take().text);
    } else if (accept(".target")) {
      module.target = expectWord("a chip such as sm_80");
      while (accept(","))
        expectWord("an option of .target");
    } else if (accept(".address_size")) {
      if (expectInteger("64") != 64)
        fail("expects .address_size 64: pointers of 32 bits are not supported", token.line);
    } else if (accept(".section")) {
      expectWord("a section");
      skipBraces();
    } else if (accept(";")) {
      return;
    } else {
      parseLinkage();
    }
  }

  void parseLinkage() {
    bool external = false;
    const unsigned line = peek().line;
    while (peek().is(".visible") || peek().is(".extern") || peek().is(".weak") || peek().is(".common"))
      external |= take().is(".extern");
    if (accept(".entry"))
      return parseKernel();
    if (peek().is(".func"))
      fail("functions are not supported: inline all calls into kernels", line);
    if (std::optional<Space> space = acceptSpace()) {
      if (*space == Space::Local || *space == Space::Param)
        fail(std::string("a .") + nameOf(*space) + " variable belongs into a kernel", line);
      std::vector<Variable> parsed;
      parseVariables(*space, external, parsed);
      module.variables.insert(module.variables.end(), parsed.begin(), parsed.end());
      return;
    }
    fail("expects a directive, got " + shown(peek()));
  }

  std::optional<Space> acceptSpace() {
    constexpr std::pair<const char *, Space> kSpaces[] = {{".shared", Space::Shared},
                                                          {".global", Space::Global},
                                                          {".const", Space::Const},
                                                          {".local", Space::Local},
                                                          {".param", Space::Param}};
    for (auto [name, space] : kSpaces)
      if (accept(name))
        return space;
    return std::nullopt;
  }

  Type expectType() {
    const std::string word = expectWord("a type");
    const std::optional<Type> type = word[0] == '.' ? typeNamed(word.substr(1)) : std::nullopt;
    if (!type)
      fail("'" + word + "' is no type", tokens[at - 1].line);
    return *type;
  }

  // [.align n] .type name[n][m] [= ...]
  Variable parseVariable(Space space, bool external, std::optional<uint64_t> align, Type element) {
    Variable out;
    out.line = peek().line;
    out.space = space;
    out.external = external;
    out.element = element;
    out.name = expectWord("a name");
    out.align = align.value_or(sizeOf(element));
    uint64_t count = 1;
    while (accept("[")) {
      if (peek().is("]"))
        count = 0;
      else if (__builtin_mul_overflow(count, expectInteger("a size"), &count) || count > UINT32_MAX)
        fail("array '" + out.name + "' is larger than any memory");
      expect("]");
    }
    out.bytes = count * sizeOf(element);
    return out;
  }

  uint64_t parseAlign() {
    const uint64_t align = expectInteger("an alignment");
    if (align == 0 || (align & (align - 1)) || align > 4096)
      fail("alignment " + std::to_string(align) + " is no power of two up to 4096");
    return align;
  }

  void parseVariables(Space space, bool external, std::vector<Variable> &out) {
    std::optional<uint64_t> align;
    if (accept(".align"))
      align = parseAlign();
    const Type element = expectType();
    do {
      out.push_back(parseVariable(space, external, align, element));
      if (accept("="))
        parseInitializer(out.back());
    } while (accept(","));
    expect(";");
    for (const Variable &variable : out)
      if (!variable.bytes && variable.line && !(variable.external && variable.space == Space::Shared))
        fail("'" + variable.name + "' has no size: only .extern .shared variables may leave it open", variable.line);
  }

  void parseInitializer(Variable &variable) {
    const unsigned line = peek().line;
    if (variable.space != Space::Global && variable.space != Space::Const)
      fail("only .global and .const variables have initialisers", line);
    const bool list = accept("{");
    const unsigned size = sizeOf(variable.element);
    while (!peek().is("}") && !peek().is(";")) {
      const bool negative = accept("-");
      if (peek().kind != Token::Number)
        fail("initialiser of '" + variable.name + "': only numbers are supported, got " + shown(peek()));
      const OperandSyntax number = parseNumber(negative);
      const uint64_t bits = number.bits;
      variable.data.insert(variable.data.end(), reinterpret_cast<const uint8_t *>(&bits),
                           reinterpret_cast<const uint8_t *>(&bits) + size);
      if (!accept(","))
        break;
    }
    if (list)
      expect("}");
    if (!variable.bytes)
      variable.bytes = variable.data.size();
    if (variable.data.size() > variable.bytes)
      fail("initialiser of '" + variable.name + "' has more elements than the array", line);
    variable.data.resize(variable.bytes);
  }

  // Kernels.
  void parseKernel() {
    kernel = KernelSyntax();
    kernel.line = peek().line;
    kernel.name = expectWord("the kernel's name");
    if (accept("("))
      parseParams();
    parseKernelDirectives();
    expect("{");
    kernel.scopeParents.assign(1, 0);
    scopes.assign(1, Scope());
    while (!scopes.empty()) {
      if (peek().kind == Token::End)
        fail("kernel '" + kernel.name + "' is never closed", kernel.line);
      recover(false, [&] { parseBodyItem(); });
    }
    module.kernels.push_back(std::move(kernel));
  }

  void parseParams() {
    uint64_t offset = 0;
    while (!accept(")")) {
      expect(".param");
      std::optional<uint64_t> align;
      if (accept(".align"))
        align = parseAlign();
      const Type element = expectType();
      if (accept(".ptr")) { // what the pointer points to says nothing about the parameter
        acceptSpace();
        if (accept(".align"))
          parseAlign();
      }
      Variable param = parseVariable(Space::Param, false, align, element);
      offset = (offset + param.align - 1) / param.align * param.align;
      param.offset = offset;
      offset += param.bytes;
      kernel.params.push_back(param);
      if (!peek().is(")"))
        expect(",");
    }
  }

  void parseDims(uint32_t (&dims)[3]) {
    dims[0] = dims[1] = dims[2] = 1;
    for (uint32_t &dim : dims) {
      dim = static_cast<uint32_t>(expectInteger("a count of threads"));
      if (!accept(","))
        break;
    }
  }

  void parseKernelDirectives() {
    while (!peek().is("{")) {
      if (accept(".reqntid")) {
        parseDims(kernel.requiredThreads);
      } else if (accept(".maxntid")) {
        parseDims(kernel.maxThreads);
      } else if (accept(".minnctapersm") || accept(".maxnreg") || accept(".maxnctapersm")) {
        expectInteger("a count");
      } else if (accept(".pragma")) {
        take();
        expect(";");
      } else {
        fail("kernel '" + kernel.name + "': directive " + shown(peek()) + " is not supported");
      }
    }
  }

  void parseBodyItem() {
    if (accept("{")) {
      kernel.scopeParents.push_back(scopes.back().number);
      scopes.emplace_back().number = static_cast<uint32_t>(kernel.scopeParents.size() - 1);
    } else if (accept("}")) {
      scopes.pop_back();
    } else if (accept(".reg")) {
      parseRegisters();
    } else if (accept(".pragma")) {
      take();
      expect(";");
    } else if (std::optional<Space> space = acceptSpace()) {
      if (*space != Space::Shared && *space != Space::Local)
        fail(std::string("a .") + nameOf(*space) + " variable inside a kernel is not supported", tokens[at - 1].line);
      std::vector<Variable> parsed;
      parseVariables(*space, false, parsed);
      kernel.variables.insert(kernel.variables.end(), parsed.begin(), parsed.end());
    } else if (peek().kind == Token::Word && peek(1).is(":")) {
      parseLabel();
    } else if (!accept(";")) {
      parseStatement();
    }
  }

  void parseLabel() {
    const unsigned line = peek().line;
    const std::string name(take().text);
    take();
    if (accept(".branchtargets")) {
      std::vector<std::string> &targets = kernel.branchTargets[name];
      do
        targets.push_back(expectWord("a label"));
      while (accept(","));
      expect(";");
      return;
    }
    if (!kernel.labels.emplace(std::make_pair(scopes.back().number, name), static_cast<uint32_t>(kernel.statements.size()))
             .second)
      fail("label '" + name + "' is defined twice", line);
  }

  void addRegister(const std::string &name, Type type) {
    if (!scopes.back().registers.emplace(name, static_cast<uint32_t>(kernel.registers.size())).second)
      fail("register '" + name + "' is declared twice");
    kernel.registers.push_back({name, type});
  }

  void parseRegisters() {
    const Type type = expectType();
    do {
      const std::string name = expectWord("a register");
      if (!accept("<")) {
        addRegister(name, type);
        continue;
      }
      const uint64_t count = expectInteger("a count of registers");
      expect(">");
      if (kernel.registers.size() + count > 1u << 20)
        fail("kernel '" + kernel.name + "' has more than a million registers");
      for (uint64_t i = 0; i < count; ++i)
        addRegister(name + std::to_string(i), type);
    } while (accept(","));
    expect(";");
  }

  const uint32_t *findRegister(std::string_view name) const {
    for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
      if (auto found = scope->registers.find(name); found != scope->registers.end())
        return &found->second;
    return nullptr;
  }

  void parseStatement() {
    Statement statement;
    if (accept("@")) {
      statement.guarded = true;
      statement.guardNegated = accept("!");
      const std::string name = expectWord("a predicate");
      const uint32_t *found = findRegister(name);
      if (!found || kernel.registers[*found].type != Type::Pred)
        fail("'" + name + "' is no predicate register", tokens[at - 1].line);
      statement.guard = *found;
    }
    statement.line = peek().line;
    statement.scope = scopes.back().number;
    statement.opcode = expectWord("an instruction");
    if (!peek().is(";")) {
      do
        statement.operands.push_back(parseOperand());
      while (accept(","));
    }
    expect(";");
    kernel.statements.push_back(std::move(statement));
  }

  OperandSyntax parseOperand() {
    OperandSyntax out = parseSimpleOperand();
    if (!accept("|"))
      return out;
    OperandSyntax pair;
    pair.kind = OperandSyntax::Pair;
    pair.parts = {out, parseSimpleOperand()};
    return pair;
  }

  OperandSyntax parseSimpleOperand() {
    OperandSyntax out;
    if (accept("{")) {
      out.kind = OperandSyntax::Vector;
      do
        out.parts.push_back(parseSimpleOperand());
      while (accept(","));
      expect("}");
      return out;
    }
    if (accept("[")) {
      out.kind = OperandSyntax::Address;
      out.parts.push_back(parseSimpleOperand());
      if (peek().is("+") || peek().is("-"))
        out.offset = parseOffset();
      while (accept(","))
        out.parts.push_back(parseSimpleOperand());
      expect("]");
      return out;
    }
    if (accept("!")) {
      out = parseSimpleOperand();
      out.negated = !out.negated;
      return out;
    }
    if (accept("-"))
      return parseNumber(true);
    if (peek().kind == Token::Number)
      return parseNumber(false);
    return parseName();
  }

  int64_t parseOffset() {
    const bool negative = take().is("-");
    const uint64_t value = expectInteger("an offset");
    return static_cast<int64_t>(negative ? -value : value);
  }

  OperandSyntax parseName() {
    OperandSyntax out;
    out.name = expectWord("an operand");
    if (out.name == "_") {
      out.kind = OperandSyntax::Sink;
    } else if (const uint32_t *found = findRegister(out.name)) {
      out.kind = OperandSyntax::Register;
      out.index = *found;
    } else if (out.name[0] == '%') {
      out.kind = OperandSyntax::Special;
    } else {
      out.kind = OperandSyntax::Symbol;
      if (peek().is("+") || (peek().is("-") && peek(1).kind == Token::Number))
        out.offset = parseOffset();
    }
    return out;
  }

  Diagnostics &diagnostics;
  std::vector<Token> tokens;
  size_t at = 0;
  ModuleSyntax module;
  KernelSyntax kernel;
  std::vector<Scope> scopes;
};

} // namespace

ModuleSyntax laic::ptx::parse(std::string_view text, Diagnostics &diagnostics) { return Parser(text, diagnostics).run(); }
