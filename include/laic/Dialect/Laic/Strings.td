// Operators that look into strings. Those that only move them are where other elements are moved, too.
#ifndef LAIC_STRINGS_TD
#define LAIC_STRINGS_TD

include "laic/Dialect/Laic/HostBase.td"

let dtypes = "string" in {
def Laic_StringConcatOp : Laic_LoweredOp<"string_concat", "StringConcat", 20> {
  let arguments = (ins Laic_Tensor:$X, Laic_Tensor:$Y);
  let results = (outs Laic_Tensor:$Z);
}
def Laic_StringSplitOp : Laic_HostedOp<"string_split", "StringSplit", 20> {
  let description = "The number of columns is what the call finds; rows are filled up with empty strings.";
  let arguments = (ins Laic_Tensor:$X, OptionalAttr<StrAttr>:$delimiter, OptionalAttr<I64Attr>:$maxsplit);
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Z);
}
def Laic_StringNormalizerOp : Laic_HostedOp<"string_normalizer", "StringNormalizer", 10> {
  let description = [{
    The case of a character is Unicode's, in every locale: results do not depend on the machine. Elements that are stop words are
    removed; where none is left the result is one empty string.
  }];
  let arguments = (ins Laic_Tensor:$X, DefaultValuedAttr<StrAttr, "\"NONE\"">:$case_change_action,
                   DefaultValuedAttr<I64Attr, "0">:$is_case_sensitive, OptionalAttr<StrAttr>:$locale,
                   OptionalAttr<StrArrayAttr>:$stopwords);
  let results = (outs Laic_Tensor:$Y);
}
def Laic_RegexFullMatchOp : Laic_HostedOp<"regex_full_match", "RegexFullMatch", 20> {
  let arguments = (ins Laic_Tensor:$X, StrAttr:$pattern);
  let results = (outs Laic_Tensor:$Y);
}
}

def Laic_StringEqualOp : Laic_Op<"string_equal", [Pure, DeclareOpInterfaceMethods<OnnxOpInterface, ["inferShapes", "lower"]>]> {
  let summary = "Equal of strings, with numpy broadcasting";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$y);
  let results = (outs Laic_Tensor:$result);
}

#endif
