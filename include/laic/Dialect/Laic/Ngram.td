// n-grams: counted (TfIdfVectorizer and its structured operation), and kept from being repeated.
#ifndef LAIC_NGRAM_TD
#define LAIC_NGRAM_TD

include "laic/Dialect/Laic/StructuredBase.td"

def Laic_TfIdfVectorizerOp : Laic_LoweredOp<"tf_idf_vectorizer", "TfIdfVectorizer", 9> {
  let dtypes = "i32 i64 string";
  let arguments = (ins Laic_Tensor:$X, I64Attr:$max_gram_length, I64Attr:$max_skip_count, I64Attr:$min_gram_length, StrAttr:$mode,
                   DenseI64ArrayAttr:$ngram_counts, DenseI64ArrayAttr:$ngram_indexes,
                   OptionalAttr<DenseI64ArrayAttr>:$pool_int64s, OptionalAttr<StrArrayAttr>:$pool_strings,
                   OptionalAttr<DenseF32ArrayAttr>:$weights);
  let results = (outs Laic_Tensor:$Y);
}

// Tokens that would complete an n-gram of ngram_size tokens that the row has already get a score of minus infinity.
def Laic_NGramRepeatBlockOp : Laic_DecomposedOp<"ngram_repeat_block", "NGramRepeatBlock", 1> {
  let onnxDomain = "com.microsoft";
  let dtypes = "i64";
  let arguments = (ins Laic_Tensor:$input_ids, Laic_Tensor:$scores, I64Attr:$ngram_size);
  let results = (outs Laic_Tensor:$scores_out);
}

def Laic_CountNgramsOp : Laic_StructuredOp<"count_ngrams"> {
  let summary = "how often each n-gram of a pool stands in every row: x [rows, n] -> counts [rows, columns] f32";
  let description = [{
    The pool is a tree of n-grams, breadth first: node 0 is the root, node e + 1 hangs on edge e. `keys` [edges] i64 are the items on
    the edges, ascending below each node; the edges below node k are [`first`[k], `first`[k + 1]) (i32, nodes + 1 of them);
    `column` [nodes] i32 is what an n-gram that ends at a node counts for, -1 for none. Items are `skips` + 1 or fewer
    places apart, all pairs of an n-gram equally. n-grams of one item count once. A row is a tile.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$keys, AnyRankedTensor:$first, AnyRankedTensor:$column,
                   Variadic<Index>:$result_sizes, I64Attr:$shortest, I64Attr:$longest, I64Attr:$skips);
  let results = (outs AnyRankedTensor:$counts);
}

#endif
