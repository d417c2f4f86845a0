// What can be asked of quantisation.
#ifndef LAIC_QUANTIZE_QUANTIZEOPTIONS_H
#define LAIC_QUANTIZE_QUANTIZEOPTIONS_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace laic {

/// What --quantize asks for.
enum class QuantizeKind {
  Int8,        // activations in u8 with one scale, weights in s8 with a scale per output channel; needs samples
  Int8Dynamic, // activations in s8 with a scale per row, found when the model runs; weights as above
  Int8Weights, // weights alone, in blocks
  Int4,        // weights alone, in blocks
  F16,         // 16-bit floats, sums in f32; with samples, what leaves the range stays in f32
  BF16         // 16-bit floats with the range of f32, sums in f32
};

/// How the range of an activation is chosen from what was seen.
enum class RangeMethod { MeanSquare, MinMax, Percentile, Entropy };

struct QuantizeOptions {
  std::string text; // as given
  QuantizeKind kind = QuantizeKind::Int8;
  RangeMethod method = RangeMethod::MeanSquare;
  int64_t blockSize = 32;    // of weights alone: neighbours along the reduction that share a scale
  bool asymmetric = false;   // of weights alone: a zero point per block
  std::string calibration;   // npz file of samples, or empty
  bool asksForLoss = false;  // --quantize-loss was given
  double leastDecibels = 20; // SQNR that the outputs must keep on the samples
  std::optional<double>
      leastAgreement; // instead: percent of the rows whose largest element stays where it is; outputs of one element a row keep decibels
  std::vector<std::string> keepFloat; // globs of node names that are left alone
  std::string report;                 // where the report goes (.json or .html), or empty
  unsigned threads = 0;               // 0: all; the result is the same
};

/// Parses --quantize=KIND[:WORD..]: "int8", "int8:entropy", "int4:64", "int4:32:asymmetric", "int8-dynamic", "f16". Returns what is wrong, or "".
std::string parseQuantize(llvm::StringRef text, QuantizeOptions &options);
/// Parses --quantize-loss: decibels ("20") or "top1=99.0". Returns what is wrong, or "".
std::string parseQuantizeLoss(llvm::StringRef text, QuantizeOptions &options);

} // namespace laic
#endif
