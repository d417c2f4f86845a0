// Writes reports: one JSON object, and an HTML page without anything from elsewhere.
#include "Report.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace laic;
namespace json = llvm::json;

namespace {

/// A share of elements outside of a range that a user should look at.
constexpr double kMuchSaturated = 0.001;

json::Object toJson(const LayerReport &layer) {
  json::Object j{{"name", layer.name},
                 {"operator", layer.kind},
                 {"quantized", layer.kept.empty()},
                 {"float_bytes", layer.floatBytes},
                 {"bytes", layer.bytes}};
  if (!layer.kept.empty())
    j["why_float"] = layer.kept;
  if (layer.alone)
    j["sqnr_alone_db"] = *layer.alone;
  if (layer.inContext)
    j["sqnr_in_context_db"] = *layer.inContext;
  if (layer.seen) {
    j["seen"] = json::Array(*layer.seen);
    j["histogram"] = json::Array(layer.histogram);
  }
  if (layer.range) {
    j["range"] = json::Array(*layer.range);
    j["scale"] = layer.scale;
    j["zero_point"] = layer.zeroPoint;
    j["saturated"] = layer.saturated;
  }
  return j;
}

json::Object toJson(const OutputLoss &loss) {
  json::Object j{{"name", loss.name},
                 {"sqnr_db", loss.sqnr()},
                 {"worst_sample", static_cast<int64_t>(loss.worstSample)},
                 {"worst_sample_sqnr_db", loss.worst}};
  if (loss.rows)
    j["top1_agreement_percent"] = loss.agreement();
  return j;
}

/// Bytes of the weights, in floats and now.
std::array<int64_t, 2> bytesOf(const QuantizeReport &report) {
  std::array<int64_t, 2> total = {0, 0};
  for (const LayerReport &layer : report.layers) {
    total[0] += layer.floatBytes;
    total[1] += layer.bytes;
  }
  return total;
}

std::string toJson(const QuantizeReport &report) {
  json::Array outputs, layers;
  for (const OutputLoss &loss : report.outputs)
    outputs.push_back(toJson(loss));
  for (const LayerReport &layer : report.layers)
    layers.push_back(toJson(layer));
  auto [floats, bytes] = bytesOf(report);
  json::Object j{{"model", report.model},
                 {"quantize", report.kind},
                 {"samples", static_cast<int64_t>(report.samples)},
                 {"weights", json::Object{{"float_bytes", floats}, {"bytes", bytes}}}};
  if (report.milliseconds)
    j["this_cpu"] = json::Object{{"float_ms", (*report.milliseconds)[0]}, {"ms", (*report.milliseconds)[1]}};
  j["outputs"] = std::move(outputs);
  j["layers"] = std::move(layers);
  return llvm::formatv("{0:2}\n", json::Value(std::move(j))).str();
}

std::string escaped(llvm::StringRef text) {
  std::string out;
  for (char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : c == '"' ? "&quot;" : std::string(1, c);
  return out;
}

/// Bars on a logarithmic scale; what lies outside of the range is red.
std::string picture(const LayerReport &layer) {
  if (!layer.seen || layer.histogram.empty())
    return "";
  constexpr double kWidth = 160, kHeight = 28;
  int64_t most = std::max<int64_t>(1, *std::max_element(layer.histogram.begin(), layer.histogram.end()));
  double bar = kWidth / static_cast<double>(layer.histogram.size()),
         step = ((*layer.seen)[1] - (*layer.seen)[0]) / static_cast<double>(layer.histogram.size());
  std::string svg =
      llvm::formatv("<svg width=\"{0}\" height=\"{1}\" role=\"img\" aria-label=\"histogram\">", kWidth, kHeight).str();
  for (size_t i = 0; i < layer.histogram.size(); ++i) {
    if (!layer.histogram[i])
      continue;
    double height = kHeight * std::log1p(layer.histogram[i]) / std::log1p(most), centre = (*layer.seen)[0] + step * (i + 0.5);
    bool outside = layer.range && (centre < (*layer.range)[0] || centre > (*layer.range)[1]);
    svg += llvm::formatv("<rect x=\"{0:F1}\" y=\"{1:F1}\" width=\"{2:F1}\" height=\"{3:F1}\" fill=\"{4}\"/>", i * bar,
                         kHeight - height, bar, height, outside ? "#c33" : "#357")
               .str();
  }
  return svg + "</svg>";
}

std::string decibelCell(std::optional<double> value) {
  return value ? llvm::formatv("<td>{0:F1}</td>", *value).str() : "<td></td>";
}

std::string row(const LayerReport &layer) {
  std::string cells =
      llvm::formatv("<tr class=\"{0}\"><td>{1}</td><td>{2}</td><td>{3}</td><td>{4} &rarr; {5}</td>",
                    layer.kept.empty() ? "narrow" : "wide", escaped(layer.name), escaped(layer.kind),
                    layer.kept.empty() ? "quantised" : "float: " + escaped(layer.kept), layer.floatBytes, layer.bytes)
          .str();
  cells += decibelCell(layer.alone) + decibelCell(layer.inContext);
  cells += layer.range ? llvm::formatv("<td>{0:F4} .. {1:F4}</td><td{2}>{3:F3} %</td>", (*layer.range)[0], (*layer.range)[1],
                                       layer.saturated > kMuchSaturated ? " class=\"warn\"" : "", 100 * layer.saturated)
                             .str()
                       : "<td></td><td></td>";
  return cells + "<td>" + picture(layer) + "</td></tr>\n";
}

std::string toHtml(const QuantizeReport &report) {
  auto [floats, bytes] = bytesOf(report);
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Quantisation of " +
                     escaped(report.model) +
                     "</title>\n<style>body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}"
                     "td,th{padding:.2em .6em;border-bottom:1px solid #ddd;text-align:left;white-space:nowrap}"
                     ".wide td:nth-child(3){color:#a50}.warn{color:#c33;font-weight:bold}</style></head>\n<body>";
  html += llvm::formatv("<h1>{0}: {1}</h1>\n<p>Weights {2} &rarr; {3} bytes; {4} samples.</p>\n", escaped(report.model),
                        escaped(report.kind), floats, bytes, report.samples)
              .str();
  if (report.milliseconds)
    llvm::raw_string_ostream(html) << llvm::format(
        "<p>A sample takes %.3g ms on the CPU of this machine, in floats %.3g ms, which is %.2f times that.</p>\n",
        (*report.milliseconds)[1], (*report.milliseconds)[0], (*report.milliseconds)[0] / (*report.milliseconds)[1]);
  html += "<h2>Outputs</h2><table><tr><th>output</th><th>SQNR, dB</th><th>top-1 agreement</th><th>worst sample</th></tr>\n";
  for (const OutputLoss &loss : report.outputs)
    html += llvm::formatv("<tr><td>{0}</td><td>{1:F1}</td><td>{2}</td><td>{3}: {4:F1} dB</td></tr>\n", escaped(loss.name),
                          loss.sqnr(), loss.rows ? llvm::formatv("{0:F1} %", loss.agreement()).str() : "", loss.worstSample,
                          loss.worst)
                .str();
  html += "</table>\n<h2>Layers</h2><table><tr><th>node</th><th>operator</th><th>state</th><th>bytes of weights</th><th>SQNR "
          "alone, dB</th>"
          "<th>in context</th><th>range</th><th>saturated</th><th>activation, counts on a log scale</th></tr>\n";
  for (const LayerReport &layer : report.layers)
    html += row(layer);
  return html + "</table></body></html>\n";
}

} // namespace

std::string laic::writeReport(const QuantizeReport &report, const std::string &path, AtomicFile &file) {
  std::string text = llvm::StringRef(path).ends_with(".html") ? toHtml(report) : toJson(report);
  std::string problem = file.write(text.data(), text.size());
  return problem.empty() ? file.commit() : problem;
}
