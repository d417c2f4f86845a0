// Splits PTX text into tokens.
#include "Lexer.h"

#include <cctype>

using namespace laic::ptx;

namespace {

class Lexer {
public:
  Lexer(std::string_view text, Diagnostics &diagnostics) : text(text), diagnostics(diagnostics) {}

  std::vector<Token> run() {
    while (skipBlanks(), at < text.size())
      next();
    tokens.push_back({Token::End, line, {}});
    return std::move(tokens);
  }

private:
  static bool isWordStart(char c) {
    return isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%' || c == '.';
  }
  static bool isWordPart(char c) { return isWordStart(c) || isdigit(static_cast<unsigned char>(c)); }
  char peek(size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }

  void skipLine() {
    while (at < text.size() && text[at] != '\n')
      ++at;
  }

  void skipBlanks() {
    while (at < text.size()) {
      const char c = text[at];
      if (c == '\n')
        ++line;
      if (isspace(static_cast<unsigned char>(c))) {
        ++at;
      } else if (c == '#' || (c == '/' && peek(1) == '/')) {
        skipLine();
      } else if (c == '/' && peek(1) == '*') {
        skipBlockComment();
      } else {
        return;
      }
    }
  }

  void skipBlockComment() {
    const unsigned start = line;
    for (at += 2; at < text.size(); ++at) {
      if (text[at] == '\n')
        ++line;
      if (text[at] == '*' && peek(1) == '/') {
        at += 2;
        return;
      }
    }
    diagnostics.push_back({start, "comment is never closed"});
  }

  void push(Token::Kind kind, size_t begin) { tokens.push_back({kind, line, text.substr(begin, at - begin)}); }

  void next() {
    const char c = peek();
    const size_t begin = at;
    if (isdigit(static_cast<unsigned char>(c)) || (c == '.' && isdigit(static_cast<unsigned char>(peek(1))))) {
      number();
      push(Token::Number, begin);
    } else if (isWordStart(c)) {
      word();
      // A debugger's lines: they end with the line, not with a semicolon.
      const std::string_view name = text.substr(begin, at - begin);
      if (name == ".loc" || name == ".file")
        skipLine();
      else
        push(Token::Word, begin);
    } else if (c == '"') {
      string(begin);
    } else if (std::string_view("{}[](),;:@!|=+-<>*").find(c) != std::string_view::npos) {
      ++at;
      push(Token::Punctuation, begin);
    } else {
      diagnostics.push_back({line, std::string("unexpected character '") + c + "'"});
      ++at;
    }
  }

  void number() {
    ++at;
    while (isalnum(static_cast<unsigned char>(peek())) || peek() == '.' || ((peek() == '+' || peek() == '-') && isExponent()))
      ++at;
  }

  // Whether the sign at hand continues a decimal number: "1.0e-5", but not "0x1e-5".
  bool isExponent() const {
    if (text[at - 1] != 'e' && text[at - 1] != 'E')
      return false;
    size_t begin = at - 1;
    while (begin > 0 && (isalnum(static_cast<unsigned char>(text[begin - 1])) || text[begin - 1] == '.'))
      --begin;
    return text.substr(begin, at - begin).find('.') != std::string_view::npos;
  }

  // "::" belongs to a word ("shared::cta", "L1::no_allocate"), a lone colon ends a label.
  void word() {
    for (++at; at < text.size(); ++at) {
      if (peek() == ':' && peek(1) == ':' && isWordStart(peek(2)))
        ++at;
      else if (!isWordPart(peek()))
        return;
    }
  }

  void string(size_t begin) {
    const unsigned start = line;
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\n')
        ++line;
      if (text[at] == '\\')
        ++at;
    }
    if (at >= text.size()) {
      diagnostics.push_back({start, "string is never closed"});
      return;
    }
    ++at;
    push(Token::String, begin);
  }

  std::string_view text;
  Diagnostics &diagnostics;
  std::vector<Token> tokens;
  size_t at = 0;
  unsigned line = 1;
};

} // namespace

std::vector<Token> laic::ptx::tokenize(std::string_view text, Diagnostics &diagnostics) { return Lexer(text, diagnostics).run(); }
