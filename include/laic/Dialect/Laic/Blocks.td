// Matrices of few bits with one scale per block of a row, and products with them.
#ifndef LAIC_BLOCKS_TD
#define LAIC_BLOCKS_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_UnpackBlocksOp : Laic_Op<"unpack_blocks", [Pure]> {
  let summary = "a matrix of few bits as f32";
  let description = [{
    W[n, k] = (q[n, k] - z[n, k floordiv block_size]) * scales[n, k floordiv block_size]. q are unsigned integers of `bits` bits; those of
    a row lie one behind the other in its bytes, the lowest bits first. z are packed in the same way; without them, z is
    2^(bits - 1). K is a multiple of block_size. `round_rows`: a product may round its other factor as laic.block_product does. Targets with code for laic.block_product multiply without unpacking; the others take
    what `expand` makes.
  }];
  let arguments = (ins 2DTensorOf<[I8]>:$packed, 2DTensorOf<[F32]>:$scales, Optional<2DTensorOf<[I8]>>:$zeros, I64Attr:$bits,
                   I64Attr:$block_size, UnitAttr:$round_rows);
  let results = (outs 2DTensorOf<[F32]>:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    /// The same values by a linalg.generic that is built before the operation.
    ::mlir::Value expand(::mlir::OpBuilder &b);
  }];
}

def Laic_BlockProductOp : Laic_Op<"block_product", [Pure, AttrSizedOperandSegments]> {
  let summary = "A times the transpose of a matrix of few bits";
  let description = [{
    C[m, n] = sum over k of A[m, k] * W[n, k], with W as in laic.unpack_blocks and its operands in panels of 32 rows n, filled up with
    zeros: packed[n floordiv 32, word of the row, n mod 32, byte of the word], four bytes a word; scales[n floordiv 32, block, n mod 32];
    and zeros one byte each, placed as scales. A block's sums of A * q and of A are f32; what they give is
    scale * (sum of A * q - z * sum of A). A below 2^-98 may lose digits. `result_sizes`: the sizes of C's dynamic dims.

    `round_rows`: where C has kRoundedRows rows and more, each block of a row of A becomes signed bytes, round(A * (127 / max)) with the
    block's largest magnitude max and ties to even, times max / 127; sums of such bytes times q are exact integers. Levels without
    products of bytes, and fewer rows, which are bound by reading q, stay in f32.
  }];
  let arguments = (ins 2DTensorOf<[F32]>:$a, 4DTensorOf<[I8]>:$packed, 3DTensorOf<[F32]>:$scales,
                   Optional<3DTensorOf<[I8]>>:$zeros, Variadic<Index>:$result_sizes, I64Attr:$bits, I64Attr:$block_size,
                   UnitAttr:$round_rows);
  let results = (outs 2DTensorOf<[F32]>:$c);
  let assemblyFormat = [{
    $a `,` $packed `,` $scales (`zeros` $zeros^)? (`sizes` $result_sizes^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{ static constexpr int64_t kRoundedRows = 64; }];
}

#endif
