// From scheduled modules, one per plan, to the artifact's program and the segments beside it.
#ifndef LAIC_LIB_PIPELINES_PROGRAMBUILDER_H
#define LAIC_LIB_PIPELINES_PROGRAMBUILDER_H

#include "ScalarProgram.h"
#include "laic/Artifact/Writer.h"
#include "laic/Artifact/artifact_generated.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Pipelines/EmitArtifact.h"
#include "llvm/ADT/StringMap.h"

#include <array>
#include <map>
#include <memory>

namespace laic {

/// Weights in up to two segments, the first of the artifact: where each constant's bytes go, equal bytes once.
class WeightTable {
public:
  /// What a run does with a constant: reads all of it, or looks few of its rows up.
  enum Use { Read, LookUp };
  struct Position {
    uint32_t segment = 0;
    uint64_t offset = 0;
  };

  explicit WeightTable(WeightStore &store) : store(store) {}
  /// Makes room for the constant's bytes, unless they are there; false when they are not available.
  bool add(mlir::Attribute value, uint64_t bytes, Use use);
  /// Where a constant lies; valid once all were added.
  Position position(mlir::Attribute value) const;
  std::vector<artifact::SegmentSource> segments() const;

private:
  struct Entry {
    mlir::Attribute value;
    uint64_t offset = 0, bytes = 0;
  };
  struct Part {
    std::vector<Entry> entries;
    uint64_t end = 0;
  };
  /// An error text, empty on success.
  std::string write(Use use, artifact::SegmentSink &sink) const;

  using Slot = std::pair<Use, uint64_t>; // offset
  WeightStore &store;
  std::array<Part, 2> parts; // by use
  llvm::DenseMap<mlir::Attribute, Slot> byAttribute;
  std::map<std::array<uint64_t, 3>, Slot> byContent; // by length and hash
};

/// The FlatBuffer and what writeArtifact needs beside it. The plans' code must outlive the use of the segments.
class ProgramBuilder {
public:
  ProgramBuilder(llvm::ArrayRef<PlanSource> sources, const EmitOptions &options);
  llvm::LogicalResult build();

  const uint8_t *data() const { return builder.GetBufferPointer(); }
  size_t size() const { return builder.GetSize(); }
  std::vector<artifact::SegmentSource> segments() const;

private:
  using Indices = std::vector<uint32_t>;
  /// Where a buffer lies; views repeat their source's.
  struct Place {
    artifact::Storage storage = artifact::Storage::Input;
    uint32_t index = 0;
    uint64_t offset = 0;
    uint32_t offsetScalar = 0;
  };
  llvm::LogicalResult addStorage(mlir::Operation *op);
  llvm::LogicalResult addBuffer(mlir::Value value, const Place &place);
  llvm::LogicalResult addStep(plan::StepOp op);
  void addHostCall(plan::StepOp op, llvm::StringRef function);
  void addRead(plan::ReadOp op);
  void addCall(plan::CallOp op);
  void addCopy(plan::CopyOp op);
  llvm::LogicalResult addOperation(mlir::Operation *op);
  uint32_t node(mlir::Operation *op, llvm::StringRef kind, double flops);
  uint32_t scalar(mlir::AffineMap map) { return scalars->get(map.getResult(0)); }
  Indices scalarList(mlir::AffineMap map);
  Indices buffersOf(mlir::ValueRange values);
  llvm::FailureOr<flatbuffers::Offset<artifact::Tensor>> tensor(mlir::Attribute description);
  /// What an entry has beside its plans.
  struct Signature {
    std::vector<flatbuffers::Offset<artifact::Tensor>> tensors[2]; // inputs, outputs
    Indices outputShapes;                                          // over the first plan's scalars
  };
  llvm::LogicalResult findEntries();
  llvm::LogicalResult addWeights();
  llvm::LogicalResult addPlans(const PlanSource &source);
  llvm::FailureOr<flatbuffers::Offset<artifact::Plan>> addPlan(plan::EntryOp of, Signature *signature);
  mlir::DictionaryAttr withRoom(int side, size_t index);
  llvm::LogicalResult addSignature(Signature &signature);
  flatbuffers::Offset<artifact::Entry> entryOffset(plan::EntryOp of, const Signature &signature,
                                                   llvm::ArrayRef<flatbuffers::Offset<artifact::Plan>> plans);
  void addKernels(const PlanSource &source);
  void finish();

  llvm::ArrayRef<PlanSource> sources;
  const EmitOptions &options;
  WeightTable weights;
  flatbuffers::FlatBufferBuilder builder;

  // What the plans share.
  std::vector<std::vector<plan::EntryOp>> entries; // per source: the model, then the programs that its steps run
  std::vector<flatbuffers::Offset<artifact::Plan>> plans;
  std::vector<flatbuffers::Offset<artifact::Entry>> programs; // of all sources
  std::vector<flatbuffers::Offset<artifact::Node>> nodes;
  std::map<std::tuple<std::string, std::string, double>, uint32_t> nodeIndex;
  std::vector<flatbuffers::Offset<artifact::Kernel>> kernels;
  std::vector<std::string> hostFunctions;
  uint32_t codeSegments = 0; // before those of the plan in hand
  Signature signature;       // of the model

  // The plan in hand.
  mlir::ModuleOp module;
  plan::EntryOp entry;
  std::unique_ptr<SizeSymbols> symbols;
  std::unique_ptr<ScalarProgram> scalars;
  std::vector<Place> places;
  std::vector<flatbuffers::Offset<artifact::Buffer>> buffers;
  llvm::DenseMap<mlir::Value, uint32_t> bufferIndex;
  std::vector<flatbuffers::Offset<artifact::Step>> steps;
  std::vector<flatbuffers::Offset<artifact::Check>> checks;
  llvm::StringMap<uint32_t> kernelIndex;
  llvm::DenseMap<int64_t, uint32_t> readIndex; // by the number of a plan.read or plan.call: its position among them
  llvm::StringMap<uint32_t> programIndex;      // in Program.entries
};

} // namespace laic
#endif
