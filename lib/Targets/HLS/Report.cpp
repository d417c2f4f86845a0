// Counts what a design takes, from its operations and its simulated run.
#include "Report.h"

#include "Parts.h"
#include "Simulation.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace laic;
using namespace laic::hls;

namespace {

/// Multipliers of 27 x 18 bits, signed, that a product takes; products by a constant power of two take none.
int64_t dspsOf(unsigned lhs, unsigned rhs) {
  unsigned wide = std::max(lhs, rhs), narrow = std::min(lhs, rhs);
  if (narrow <= 1)
    return 0;
  return llvm::divideCeil(wide, 27u) * llvm::divideCeil(narrow, 18u);
}

/// Block RAMs of 18 Kib for `depth` words of `width` bits; small memories are made of LUTs.
int64_t bram18Of(int64_t depth, int64_t width) {
  constexpr int64_t kLutBits = 1024;
  if (depth * width <= kLutBits)
    return 0;
  constexpr std::pair<int64_t, int64_t> kAspects[] = {{16384, 1}, {8192, 2}, {4096, 4}, {2048, 9}, {1024, 18}, {512, 36}};
  int64_t best = INT64_MAX;
  for (auto [rows, bits] : kAspects)
    best = std::min<int64_t>(best, llvm::divideCeil(depth, rows) * llvm::divideCeil(width, bits));
  return best;
}

struct Resources {
  int64_t dsp = 0, bram18 = 0;
};

int64_t instancesOf(Operation *op) {
  int64_t instances = 1;
  for (auto loop = op->getParentOfType<ForOp>(); loop; loop = loop->getParentOfType<ForOp>())
    if (loop.getUnroll())
      instances *= loop.getTrip();
  return instances;
}

void addMemory(Resources &r, ArrayType type, std::optional<llvm::ArrayRef<int64_t>> partition, bool reshaped) {
  int64_t elements = 1, memories = 1;
  for (int64_t size : type.getShape())
    elements *= size;
  if (partition)
    for (int64_t factor : *partition)
      memories *= factor;
  int64_t width = type.getElement().getWidth(), depth = elements / memories;
  r.bram18 += reshaped ? bram18Of(depth, width * memories) : memories * bram18Of(depth, width);
}

Resources resourcesOf(StageOp stage) {
  Resources r;
  stage.walk([&](Operation *op) {
    if (auto product = dyn_cast<hls::MulOp>(op)) {
      auto constant = product.getRhs().getDefiningOp<hls::ConstantOp>();
      bool power = constant && llvm::isPowerOf2_64(static_cast<uint64_t>(constant.getRaw()));
      r.dsp += power ? 0 : instancesOf(op) * dspsOf(product.getLhs().getType().getWidth(), product.getRhs().getType().getWidth());
    } else if (auto requantize = dyn_cast<RequantizeOp>(op)) {
      r.dsp +=
          instancesOf(op) * dspsOf(requantize.getAcc().getType().getWidth(), requantize.getMultiplier().getType().getWidth());
    } else if (auto buffer = dyn_cast<BufferOp>(op)) {
      addMemory(r, buffer.getArray().getType(), buffer.getPartition(), false);
    }
  });
  llvm::DenseSet<Operation *> roms;
  stage.walk([&](RomLoadOp load) { roms.insert(SymbolTable::lookupNearestSymbolFrom(load, load.getRomAttr())); });
  for (Operation *op : roms)
    addMemory(r, cast<ArrayType>(cast<RomOp>(op).getType()), cast<RomOp>(op).getPartition(), true);
  return r;
}

struct StageFigures {
  StageOp stage;
  int64_t cycles;
  Resources resources;
};

struct Figures {
  std::vector<StageFigures> stages;
  Resources all;
  SimulationResult run;
};

Figures figuresOf(DesignOp design) {
  constexpr int kFrames = 3; // the third starts and ends between full ones
  Simulation simulation(design);
  Figures f;
  for (auto [i, stage] : llvm::enumerate(simulation.getStages())) {
    f.stages.push_back({stage, simulation.getTrace(i).cycles, resourcesOf(stage)});
    f.all.dsp += f.stages.back().resources.dsp;
    f.all.bram18 += f.stages.back().resources.bram18;
  }
  std::vector<int64_t> depths;
  for (StreamOp stream : simulation.getStreams()) {
    depths.push_back(static_cast<int64_t>(stream.getDepth()));
    f.all.bram18 += bram18Of(depths.back(), stream.getStream().getType().getBits());
  }
  f.run = simulation.run(depths, kFrames);
  return f;
}

llvm::json::Object figure(int64_t value, llvm::StringRef basis) { return llvm::json::Object{{"value", value}, {"basis", basis}}; }

llvm::json::Object portJson(PortOp port) {
  auto tensor = cast<RankedTensorType>(port.getTensor());
  std::string element;
  llvm::raw_string_ostream(element) << tensor.getElementType();
  NumType type = port.getStream().getType().getElement();
  return llvm::json::Object{{"name", port.getName()},
                            {"direction", port.getOutput() ? "output" : "input"},
                            {"tensor", llvm::json::Object{{"element", element}, {"shape", llvm::json::Array(tensor.getShape())}}},
                            {"order", llvm::json::Array(port.getOrder())},
                            {"scale", port.getScale().convertToDouble()},
                            {"zero_point", static_cast<int64_t>(port.getZeroPoint())},
                            {"bits", static_cast<int64_t>(type.getWidth())},
                            {"fraction_bits", type.getFraction()},
                            {"signed", type.getIsSigned()},
                            {"lanes", static_cast<int64_t>(port.getStream().getType().getLanes())}};
}

} // namespace

std::string laic::hls::reportJson(DesignOp design) {
  Figures f = figuresOf(design);
  const Part *part = findPart(design.getChip().value_or(kDefaultPart));
  llvm::json::Array ports, stages, streams;
  for (auto port : design.getBody().getOps<PortOp>())
    ports.push_back(portJson(port));
  for (const StageFigures &one : f.stages) {
    StageOp stage = one.stage;
    stages.push_back(llvm::json::Object{{"name", stage.getSymName()},
                                        {"kind", stage.getKind()},
                                        {"cycles", figure(one.cycles, "simulated")},
                                        {"dsp", figure(one.resources.dsp, "estimated")},
                                        {"bram18", figure(one.resources.bram18, "estimated")}});
  }
  for (auto stream : design.getBody().getOps<StreamOp>())
    streams.push_back(llvm::json::Object{{"name", stream.getName()},
                                         {"bits", figure(stream.getStream().getType().getBits(), "computed")},
                                         {"depth", figure(static_cast<int64_t>(stream.getDepth()), "simulated")}});
  llvm::json::Object report{
      {"generator", "laic"},
      {"top", design.getSymName()},
      {"frame", llvm::json::Object{{"latency_cycles", figure(f.run.latency, "simulated")},
                                   {"interval_cycles", figure(f.run.interval, "simulated")}}},
      {"resources", llvm::json::Object{{"dsp", figure(f.all.dsp, "estimated")}, {"bram18", figure(f.all.bram18, "estimated")}}},
      {"bases", llvm::json::Object{{"computed", "holds by construction"},
                                   {"simulated", "laic's run of all stages' stream accesses; a pipelined loop takes " +
                                                     std::to_string(kPipelineDepth) + " + ii * (trip - 1) cycles"},
                                   {"estimated", "a synthesis tool decides; laic's formula, not compared with one"}}},
      {"hardware", "neither synthesised nor run on hardware"},
      {"ports", std::move(ports)},
      {"stages", std::move(stages)},
      {"streams", std::move(streams)}};
  if (part)
    report["part"] =
        llvm::json::Object{{"name", part->name}, {"full_name", part->fullName}, {"dsp", part->dsp}, {"bram18", part->bram18}};
  std::string text;
  llvm::raw_string_ostream(text) << llvm::formatv("{0:2}", llvm::json::Value(std::move(report))) << "\n";
  return text;
}

std::string laic::hls::reportText(DesignOp design) {
  Figures f = figuresOf(design);
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%-48s %-14s %12s %6s %7s\n", "stage", "kind", "cycles", "dsp", "bram18");
  for (const StageFigures &one : f.stages) {
    StageOp stage = one.stage;
    os << llvm::format("%-48s %-14s %12lld %6lld %7lld\n", stage.getSymName().str().c_str(), stage.getKind().str().c_str(),
                       static_cast<long long>(one.cycles), static_cast<long long>(one.resources.dsp),
                       static_cast<long long>(one.resources.bram18));
  }
  for (auto stream : design.getBody().getOps<StreamOp>())
    if (stream.getDepth() > 2)
      os << "stream " << stream.getName() << " holds " << stream.getDepth() << " words of "
         << stream.getStream().getType().getBits() << " bits: with fewer the design would deadlock\n";
  os << "a frame takes " << f.run.latency << " cycles, the next follows after " << f.run.interval << " (simulated); " << f.all.dsp
     << " DSPs, " << f.all.bram18 << " block RAMs of 18 Kib (estimated)\n";
  return text;
}
