// Operators that draw random numbers. docs/RandomNumbers.md says which.
#ifndef LAIC_RANDOM_TD
#define LAIC_RANDOM_TD

include "laic/Dialect/Laic/StructuredBase.td"

// Two nodes with equal attributes draw different numbers, so these are not pure: equal ones must not become one.
class Laic_RandomOp<string mnemonic, string onnx, dag inputs, dag attributes>
    : Laic_OnnxOp<mnemonic, onnx, 22, ["inferShapes", "lower"]> {
  let dtypes = "float";
  let arguments = !con(inputs, (ins OptionalAttr<F32Attr>:$seed), attributes);
  let results = (outs Laic_Tensor:$output);
}

def Laic_RandomUniformOp
    : Laic_RandomOp<"random_uniform", "RandomUniform", (ins),
                    (ins DefaultValuedAttr<I64Attr, "1">:$dtype, DefaultValuedAttr<F32Attr, "1.0">:$high,
                         DefaultValuedAttr<F32Attr, "0.0">:$low, DenseI64ArrayAttr:$shape)> {
  let dtypes = "";
}
def Laic_RandomUniformLikeOp
    : Laic_RandomOp<"random_uniform_like", "RandomUniformLike", (ins Laic_Tensor:$input),
                    (ins OptionalAttr<I64Attr>:$dtype, DefaultValuedAttr<F32Attr, "1.0">:$high,
                         DefaultValuedAttr<F32Attr, "0.0">:$low)>;
def Laic_RandomNormalOp
    : Laic_RandomOp<"random_normal", "RandomNormal", (ins),
                    (ins DefaultValuedAttr<I64Attr, "1">:$dtype, DefaultValuedAttr<F32Attr, "0.0">:$mean,
                         DefaultValuedAttr<F32Attr, "1.0">:$scale, DenseI64ArrayAttr:$shape)> {
  let dtypes = "";
}
def Laic_RandomNormalLikeOp
    : Laic_RandomOp<"random_normal_like", "RandomNormalLike", (ins Laic_Tensor:$input),
                    (ins OptionalAttr<I64Attr>:$dtype, DefaultValuedAttr<F32Attr, "0.0">:$mean,
                         DefaultValuedAttr<F32Attr, "1.0">:$scale)>;
def Laic_BernoulliOp
    : Laic_RandomOp<"bernoulli", "Bernoulli", (ins Laic_Tensor:$input), (ins OptionalAttr<I64Attr>:$dtype)>;
def Laic_MultinomialOp
    : Laic_RandomOp<"multinomial", "Multinomial", (ins Laic_Tensor:$input),
                    (ins DefaultValuedAttr<I64Attr, "6">:$dtype, DefaultValuedAttr<I64Attr, "1">:$sample_size)>;

def Laic_MersenneUniformOp : Laic_StructuredOp<"mersenne_uniform", ["workspaceBytes"]> {
  let summary = "the first numbers that NumPy's RandomState(seed).uniform() gives: [n] f64 in [0, 1)";
  let description = "MT19937, seeded with the low 32 bits of `seed`; 53 bits of two draws each. One tile: the state is sequential.";
  let arguments = (ins Variadic<Index>:$result_sizes, I64Attr:$seed);
  let results = (outs AnyRankedTensor:$numbers);
}

#endif
