// Traces of stages by running their loops, and the timed run of all traces together.
#include "Simulation.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <deque>

using namespace mlir;
using namespace laic::hls;

namespace {

/// Runs the loops of a stage on indices alone. Loops without stream operations are counted, not run.
class Tracer {
public:
  explicit Tracer(StageOp stage) : stage(stage) {
    stage.walk([&](Operation *op) {
      if (isa<ReadOp, WriteOp>(op))
        for (Operation *parent = op; parent != stage; parent = parent->getParentOp())
          relevant.insert(parent);
    });
  }

  StageTrace run() {
    block(stage.getBody().front(), false);
    trace.cycles = now;
    return std::move(trace);
  }

private:
  int64_t value(Value v) { return values.lookup(v); }

  void event(Value stream, bool write, bool pipelined) {
    trace.events.push_back({cast<BlockArgument>(stream).getArgNumber(), write, static_cast<uint32_t>(now - last)});
    last = now;
    if (!pipelined)
      ++now;
  }

  void block(Block &body, bool pipelined) {
    for (Operation &op : body)
      step(&op, pipelined);
  }

  void loop(ForOp op, bool pipelined) {
    int64_t trip = op.getTrip();
    if (!relevant.contains(op)) {
      now += pipelined || op.getUnroll() ? 0 : cyclesWithoutStreams(op);
      return;
    }
    Block &body = op.getBody().front();
    int64_t start = now, interval = op.getIi() ? static_cast<int64_t>(*op.getIi()) : 0;
    for (int64_t i = 0; i < trip; ++i) {
      values[op.getIndex()] = i;
      if (interval)
        now = std::max(now, start + i * interval);
      block(body, pipelined || interval || op.getUnroll());
    }
    if (interval)
      now = start + interval * (trip - 1) + kPipelineDepth;
  }

  int64_t cyclesWithoutStreams(ForOp op) {
    if (op.getIi())
      return kPipelineDepth + static_cast<int64_t>(*op.getIi()) * (op.getTrip() - 1);
    int64_t inner = 0;
    for (auto nested : op.getBody().getOps<ForOp>())
      inner += nested.getUnroll() ? 1 : cyclesWithoutStreams(nested);
    return op.getTrip() * std::max<int64_t>(1, inner);
  }

  void step(Operation *op, bool pipelined) {
    if (auto loopOp = dyn_cast<ForOp>(op))
      return loop(loopOp, pipelined);
    if (auto when = dyn_cast<IfOp>(op)) {
      if (relevant.contains(op) && value(when.getCondition()))
        block(when.getBody().front(), pipelined);
      return;
    }
    if (auto read = dyn_cast<ReadOp>(op))
      return event(read.getStream(), false, pipelined);
    if (auto write = dyn_cast<WriteOp>(op))
      return event(write.getStream(), true, pipelined);
    if (isa<arith::ArithDialect>(op->getDialect()))
      values[op->getResult(0)] = arithmetic(op);
  }

  int64_t arithmetic(Operation *op) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      auto attr = dyn_cast<IntegerAttr>(constant.getValue());
      return attr ? (attr.getType().isInteger(1) ? attr.getValue().getZExtValue() : attr.getInt()) : 0;
    }
    int64_t x = value(op->getOperand(0)), y = op->getNumOperands() > 1 ? value(op->getOperand(1)) : 0;
    if (isa<arith::AddIOp>(op))
      return x + y;
    if (isa<arith::SubIOp>(op))
      return x - y;
    if (isa<arith::MulIOp>(op))
      return x * y;
    if (isa<arith::DivUIOp>(op))
      return y ? x / y : 0;
    if (isa<arith::RemUIOp>(op))
      return y ? x % y : 0;
    if (isa<arith::AndIOp>(op))
      return x & y;
    if (isa<arith::OrIOp>(op))
      return x | y;
    if (isa<arith::XOrIOp>(op))
      return x ^ y;
    auto compare = cast<arith::CmpIOp>(op);
    return arith::applyCmpPredicate(compare.getPredicate(), APInt(64, static_cast<uint64_t>(x)),
                                    APInt(64, static_cast<uint64_t>(y)));
  }

  StageOp stage;
  llvm::DenseSet<Operation *> relevant;
  llvm::DenseMap<Value, int64_t> values;
  StageTrace trace;
  int64_t now = 0, last = 0;
};

} // namespace

StageTrace laic::hls::traceStage(StageOp stage) { return Tracer(stage).run(); }

Simulation::Simulation(DesignOp design) {
  llvm::DenseMap<Value, int> linkOf;
  for (Operation &op : design.getBody().front()) {
    if (auto stream = dyn_cast<StreamOp>(op)) {
      linkOf[stream.getStream()] = static_cast<int>(links.size());
      links.push_back({-1, -1, static_cast<int>(streams.size())});
      streams.push_back(stream);
    } else if (auto port = dyn_cast<PortOp>(op)) {
      linkOf[port.getStream()] = static_cast<int>(links.size());
      links.push_back({});
    } else if (auto stage = dyn_cast<StageOp>(op)) {
      portLinks.emplace_back();
      for (OpOperand &operand : stage->getOpOperands()) {
        int link = linkOf.lookup(operand.get());
        bool reads = operand.getOperandNumber() < stage.getInputs().size();
        (reads ? links[link].reader : links[link].writer) = static_cast<int>(stages.size());
        portLinks.back().push_back(link);
      }
      stages.push_back(stage);
      traces.push_back(traceStage(stage));
    }
  }
}

/// Stages and how many words are in each stream.
class Simulation::Untimed {
public:
  Untimed(const Simulation &simulation, llvm::ArrayRef<int64_t> initial)
      : s(simulation), depths(initial.begin(), initial.end()), words(s.links.size(), 0), next(s.stages.size(), 0),
        queued(s.stages.size(), 1) {
    for (size_t i = 0; i < s.stages.size(); ++i)
      ready.push_back(static_cast<int>(i));
  }

  /// Until no stage can go on; true when all are at their ends.
  bool run() {
    while (!ready.empty()) {
      int stage = ready.front();
      ready.pop_front();
      queued[stage] = 0;
      advance(stage);
    }
    for (size_t i = 0; i < s.stages.size(); ++i)
      if (next[i] != s.traces[i].events.size())
        return false;
    return true;
  }

  /// Makes room for a word in a full stream whose reader waits for another one.
  bool grow() {
    for (size_t i = 0; i < s.stages.size(); ++i) {
      int link = waitsToWrite(i);
      if (link < 0 || s.links[link].reader < 0 || waitsToWrite(s.links[link].reader) >= 0)
        continue;
      ++depths[s.links[link].depth];
      wake(static_cast<int>(i));
      return true;
    }
    return false;
  }

  std::vector<int64_t> takeDepths() { return std::move(depths); }

private:
  void wake(int stage) {
    if (stage >= 0 && !queued[stage]) {
      queued[stage] = 1;
      ready.push_back(stage);
    }
  }

  void advance(int stage) {
    const std::vector<StreamEvent> &events = s.traces[stage].events;
    size_t &at = next[stage];
    for (; at < events.size(); ++at) {
      int index = s.portLinks[stage][events[at].port];
      const Link &link = s.links[index];
      if (events[at].write) {
        if (link.depth >= 0 && words[index] >= depths[link.depth])
          return;
        ++words[index];
        wake(link.reader);
      } else if (link.writer >= 0) {
        if (words[index] == 0)
          return;
        --words[index];
        wake(link.writer);
      }
    }
  }

  /// The link that a stage waits for room in, or -1.
  int waitsToWrite(size_t stage) const {
    const std::vector<StreamEvent> &events = s.traces[stage].events;
    if (next[stage] == events.size() || !events[next[stage]].write)
      return -1;
    return s.portLinks[stage][events[next[stage]].port];
  }

  const Simulation &s;
  std::vector<int64_t> depths, words;
  std::vector<size_t> next;
  std::vector<char> queued;
  std::deque<int> ready;
};

bool Simulation::finishes(llvm::ArrayRef<int64_t> depths) const { return Untimed(*this, depths).run(); }

bool Simulation::deepen(std::vector<int64_t> &depths) const {
  Untimed state(*this, depths);
  while (!state.run())
    if (!state.grow())
      return false;
  depths = state.takeDepths();
  return true;
}

namespace {

/// Words that have passed a stream: when they came in and when they left.
struct Passage {
  std::vector<int64_t> written, read;
};

struct Progress {
  size_t event = 0;
  int64_t now = 0, start = 0;
  int frame = 0;
};

} // namespace

SimulationResult Simulation::run(llvm::ArrayRef<int64_t> depths, int frames) const {
  std::vector<Passage> passages(links.size());
  std::vector<Progress> progress(stages.size());
  std::vector<int64_t> frameEnds(frames, 0);
  std::deque<int> ready;
  std::vector<char> queued(stages.size(), 1);
  for (size_t i = 0; i < stages.size(); ++i)
    ready.push_back(static_cast<int>(i));
  auto wake = [&](int stage) {
    if (stage >= 0 && !queued[stage]) {
      queued[stage] = 1;
      ready.push_back(stage);
    }
  };
  // Runs a stage until a stream stops it; true when the frame's trace is at its end.
  auto advance = [&](int stage) {
    Progress &p = progress[stage];
    const StageTrace &trace = traces[stage];
    for (; p.event < trace.events.size(); ++p.event) {
      const StreamEvent &e = trace.events[p.event];
      int index = portLinks[stage][e.port];
      const Link &link = links[index];
      Passage &words = passages[index];
      int64_t when = p.now + e.delay;
      if (e.write) {
        int64_t depth = link.depth < 0 ? 0 : depths[link.depth];
        int64_t number = static_cast<int64_t>(words.written.size());
        if (depth && number >= depth) {
          if (static_cast<int64_t>(words.read.size()) <= number - depth)
            return false;
          when = std::max(when, words.read[number - depth] + 1);
        }
        words.written.push_back(when);
        wake(link.reader);
        if (link.reader < 0)
          frameEnds[p.frame] = std::max(frameEnds[p.frame], when + 1);
      } else {
        if (link.writer >= 0) {
          if (words.written.size() <= words.read.size())
            return false;
          when = std::max(when, words.written[words.read.size()] + 1);
        }
        words.read.push_back(when);
        wake(link.writer);
      }
      p.now = when;
    }
    return true;
  };
  SimulationResult result;
  while (!ready.empty()) {
    int stage = ready.front();
    ready.pop_front();
    queued[stage] = 0;
    Progress &p = progress[stage];
    while (p.frame < frames && advance(stage)) {
      // A task starts its next frame when it is through with this one, waiting included.
      p.event = 0;
      ++p.frame;
      p.now += 1;
    }
  }
  result.latency = frameEnds.front();
  result.interval = frames > 1 ? frameEnds[frames - 1] - frameEnds[frames - 2] : result.latency;
  return result;
}
