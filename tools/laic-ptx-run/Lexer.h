// Splits PTX text into tokens; comments and line directives (.loc, .file, #) never reach the parser.
#ifndef LAIC_PTX_LEXER_H
#define LAIC_PTX_LEXER_H

#include "Types.h"

namespace laic {
namespace ptx {

struct Token {
  enum Kind : uint8_t { End, Word, Number, String, Punctuation };
  Kind kind = End;
  unsigned line = 0;
  std::string_view text;

  bool is(std::string_view wanted) const { return kind != String && text == wanted; }
};

// The tokens of `text`, ended by one of kind End. A word holds its dots: "ld.global.v4.b32", "%tid.x", ".reg".
std::vector<Token> tokenize(std::string_view text, Diagnostics &diagnostics);

} // namespace ptx
} // namespace laic
#endif
