// Runs a design without its data: the order in which stages read and write streams, and when.
//
// What a stage does with its streams depends on loop indices alone, so every stage has one trace of reads and writes per frame. A design
// whose traces run to their end with given depths never deadlocks with them, in whatever order and however fast its stages run: reads
// and writes block, and nothing asks whether a stream is empty (Kahn). What pipelines of the hardware hold comes on top.
//
// Times follow one model: a pipelined loop takes kPipelineDepth + ii * (trip - 1) cycles, a read or write outside of one a
// cycle; a word can be read a cycle after it was written.
#ifndef LAIC_LIB_TARGETS_HLS_SIMULATION_H
#define LAIC_LIB_TARGETS_HLS_SIMULATION_H

#include "laic/Targets/HLS/HLS.h"
#include "llvm/ADT/DenseMap.h"

#include <vector>

namespace laic::hls {

constexpr int64_t kPipelineDepth = 4; // cycles from the start of an iteration to its end; an estimate

/// One read or write of a stage.
struct StreamEvent {
  uint32_t port : 31; // operand number of the stage
  uint32_t write : 1;
  uint32_t delay; // cycles since the event before, without waiting
};

/// What a stage does in one frame.
struct StageTrace {
  std::vector<StreamEvent> events;
  int64_t cycles = 0; // of the whole frame, without waiting
};

StageTrace traceStage(StageOp stage);

/// What came out of a timed run.
struct SimulationResult {
  int64_t latency = 0;  // cycles from the first input word to the last output word of the first frame
  int64_t interval = 0; // cycles between the ends of the last two frames
};

class Simulation {
public:
  explicit Simulation(DesignOp design);

  /// Streams between stages, in the order of the design; indices of `depths`.
  llvm::ArrayRef<StreamOp> getStreams() const { return streams; }
  /// Frame cycles of each stage by itself, in the order of the design.
  llvm::ArrayRef<StageOp> getStages() const { return stages; }
  const StageTrace &getTrace(size_t stage) const { return traces[stage]; }

  /// Whether a frame runs to its end with these depths.
  bool finishes(llvm::ArrayRef<int64_t> depths) const;
  /// Runs a frame and makes streams deeper, word by word, where nothing else lets it go on: one that is full and whose reader waits for
  /// another stream. False when no depth helps.
  bool deepen(std::vector<int64_t> &depths) const;
  /// Times with depths that a frame finishes with.
  SimulationResult run(llvm::ArrayRef<int64_t> depths, int frames) const;

private:
  class Untimed;
  struct Link {
    int writer = -1, reader = -1; // stages; -1: a port
    int depth = -1;               // index of a stream; -1: a port, which is never full
  };
  std::vector<StageOp> stages;
  std::vector<StageTrace> traces;
  std::vector<llvm::SmallVector<int>> portLinks; // per stage and operand, the link
  std::vector<StreamOp> streams;
  std::vector<Link> links;
};

} // namespace laic::hls
#endif
