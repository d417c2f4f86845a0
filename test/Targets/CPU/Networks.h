// Pieces of lowered networks as text, for tests of the CPU target.
#ifndef LAIC_TEST_TARGETS_CPU_NETWORKS_H
#define LAIC_TEST_TARGETS_CPU_NETWORKS_H

#include <string>

namespace laic::test {

inline std::string zero(std::string name, std::string type) {
  return "%" + name + "_e = tensor.empty() : " + type + "\n%" + name + "_z = linalg.fill ins(%zero : f32) outs(%" + name +
         "_e : " + type + ") -> " + type + "\n";
}

/// A reduction generic named `name`: sum of products of two operands.
inline std::string product(std::string name, std::string maps, std::string iterators, std::string x, std::string xType,
                           std::string y, std::string yType, std::string type) {
  return zero(name, type) + "%" + name + " = linalg.generic {indexing_maps = [" + maps + "], iterator_types = [" + iterators +
         "]} ins(" + x + ", " + y + " : " + xType + ", " + yType + ") outs(%" + name + "_z : " + type +
         ") {\n^bb0(%a: f32, %b: f32, %c: f32):\n%p = arith.mulf %a, %b : f32\n%s = arith.addf %c, %p : "
         "f32\nlinalg.yield %s : f32\n} -> " +
         type + "\n";
}

inline const char *kConvIterators =
    "\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"reduction\", \"reduction\", \"reduction\"";

/// An NCHW convolution of stride `s`.
inline std::string conv(std::string name, std::string x, std::string xType, std::string w, std::string wType, std::string type,
                        std::string s = "1") {
  std::string d = "affine_map<(n, f, oh, ow, c, kh, kw) -> ";
  return product(name,
                 d + "(n, c, oh * " + s + " + kh, ow * " + s + " + kw)>, " + d + "(f, c, kh, kw)>, " + d + "(n, f, oh, ow)>",
                 kConvIterators, x, xType, w, wType, type);
}

/// An elementwise generic of rank-4 operands; `maps` are comma separated, the result's is identity.
inline std::string elementwise(std::string name, std::string maps, std::string operands, std::string types, std::string type,
                               std::string arguments, std::string body) {
  return "%" + name + "_e = tensor.empty() : " + type + "\n%" + name + " = linalg.generic {indexing_maps = [" + maps +
         ", affine_map<(n, c, h, w) -> (n, c, h, w)>], iterator_types = [\"parallel\", \"parallel\", "
         "\"parallel\", "
         "\"parallel\"]} ins(" +
         operands + " : " + types + ") outs(%" + name + "_e : " + type + ") {\n^bb0(" + arguments + ", %o: f32):\n" + body +
         "\nlinalg.yield %r : f32\n} -> " + type + "\n";
}
inline const char *kIdentity = "affine_map<(n, c, h, w) -> (n, c, h, w)>";

/// x + bias[c], then the larger of that and 0.
inline std::string biasRelu(std::string name, std::string x, std::string bias, std::string biasType, std::string type) {
  return elementwise(name, std::string(kIdentity) + ", affine_map<(n, c, h, w) -> (c)>", x + ", " + bias, type + ", " + biasType,
                     type, "%a: f32, %b: f32", "%s = arith.addf %a, %b : f32\n%r = arith.maximumf %s, %zero : f32");
}
inline std::string add(std::string name, std::string x, std::string y, std::string type) {
  return elementwise(name, std::string(kIdentity) + ", " + kIdentity, x + ", " + y, type + ", " + type, type, "%a: f32, %b: f32",
                     "%r = arith.addf %a, %b : f32");
}

inline std::string constant(std::string name, std::string type) {
  return "%" + name + " = laic.constant {value = dense<1.0> : " + type + "} : " + type + "\n";
}

/// A function around `body`.
inline std::string function(std::string arguments, std::string results, std::string body, std::string returned,
                            std::string attributes = "") {
  return "func.func @main(" + arguments + ") -> (" + results + ") " +
         (attributes.empty() ? "" : "attributes {" + attributes + "} ") + "{\n%zero = arith.constant 0.0 : f32\n" + body +
         "return " + returned + " : " + results + "\n}\n";
}

} // namespace laic::test
#endif
