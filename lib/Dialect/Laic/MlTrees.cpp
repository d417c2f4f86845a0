// TreeEnsemble, TreeEnsembleRegressor, TreeEnsembleClassifier: all become one table of nodes, made when compiling.
#include "DynamicSizes.h"
#include "MlAttributes.h"
#include "MlScores.h"
#include "ShapeChecks.h"
#include "WeightTensor.h"
#include "laic/Dialect/Laic/MlTreesOps.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace laic;

namespace {

enum Mode : int8_t { kLessEqual, kLess, kGreaterEqual, kGreater, kEqual, kNotEqual, kLeaf };
constexpr int64_t kMember = 6; // what TreeEnsemble calls a test for membership of a set
constexpr int kDeepest = 4096; // branches below each other

struct Node {
  Mode mode = kLeaf;
  int32_t feature = 0;
  double threshold = 0;
  bool missing = false;
  int32_t yes = 0, no = 0; // nodes; votes [yes, no) of a leaf
};
struct Vote {
  int32_t target;
  double weight;
};
struct Forest {
  std::vector<Node> nodes;
  std::vector<Vote> votes;
  std::vector<int32_t> roots;
};

// What is wrong with attributes; empty for nothing.
using Problem = std::string;

// ---- TreeEnsemble ----

class EnsembleReader {
public:
  explicit EnsembleReader(TreeEnsembleOp op)
      : op(op), modes(numbersOf<double>(op.getContext(), op.getNodesModes())),
        splits(numbersOf<double>(op.getContext(), op.getNodesSplits())),
        weights(numbersOf<double>(op.getContext(), op.getLeafWeights())) {
    if (op.getMembershipValues())
      members = numbersOf<double>(op.getContext(), *op.getMembershipValues());
  }

  Problem read(Forest &forest) {
    size_t n = op.getNodesFeatureids().size();
    auto missing = op.getNodesMissingValueTracksTrue();
    for (size_t size : {op.getNodesTruenodeids().size(), op.getNodesFalsenodeids().size(), op.getNodesTrueleafs().size(),
                        op.getNodesFalseleafs().size(), modes.size(), splits.size(), missing ? missing->size() : n})
      if (size != n)
        return "expects all attributes of nodes to have " + std::to_string(n) + " values, got " + std::to_string(size);
    if (op.getLeafTargetids().size() != weights.size())
      return "expects as many leaf_targetids as leaf_weights";
    if (Problem problem = splitMembers(); !problem.empty())
      return problem;
    seen.assign(n, false);
    for (int64_t root : op.getTreeRoots()) {
      if (root < 0 || root >= static_cast<int64_t>(n))
        return "has a root that is no node";
      // A tree of one leaf is written as a node whose branches are that leaf.
      bool leaf = op.getNodesTrueleafs()[root] && op.getNodesFalseleafs()[root] &&
                  op.getNodesTruenodeids()[root] == op.getNodesFalsenodeids()[root];
      int32_t at = 0;
      Problem problem = add(forest, leaf ? op.getNodesTruenodeids()[root] : root, leaf, at);
      if (!problem.empty())
        return problem;
      forest.roots.push_back(at);
    }
    return "";
  }

private:
  // The sets of the membership tests, in the order of the nodes; each ends with a NaN.
  Problem splitMembers() {
    size_t next = 0;
    for (size_t k = 0; k < modes.size(); ++k) {
      if (modes[k] != kMember)
        continue;
      std::vector<double> &set = sets[k];
      while (next < members.size() && !std::isnan(members[next]))
        set.push_back(members[next++]);
      if (next++ >= members.size())
        return "expects membership_values to have a set, which a NaN ends, for each membership test";
    }
    return "";
  }

  Problem add(Forest &forest, int64_t id, bool leaf, int32_t &at) {
    if (leaf) {
      if (id < 0 || id >= static_cast<int64_t>(weights.size()))
        return "has a branch to a leaf that does not exist";
      at = static_cast<int32_t>(forest.nodes.size());
      Node node;
      node.yes = static_cast<int32_t>(forest.votes.size());
      node.no = node.yes + 1;
      forest.nodes.push_back(node);
      forest.votes.push_back({static_cast<int32_t>(op.getLeafTargetids()[id]), weights[id]});
      return "";
    }
    if (id < 0 || id >= static_cast<int64_t>(modes.size()))
      return "has a branch to a node that does not exist";
    if (seen[id])
      return "has a node that two branches lead to";
    seen[id] = true;
    if (depth == kDeepest)
      return "has a tree of more than " + std::to_string(kDeepest) + " branches below each other";
    if (modes[id] < 0 || modes[id] > kMember)
      return "has an unknown mode among nodes_modes";
    ++depth;
    Problem problem = addInner(forest, id, at);
    --depth;
    return problem;
  }

  // A membership test becomes one test for equality per member, chained by their false branches.
  Problem addInner(Forest &forest, int64_t id, int32_t &at) {
    auto missing = op.getNodesMissingValueTracksTrue();
    Node node;
    node.feature = static_cast<int32_t>(op.getNodesFeatureids()[id]);
    node.missing = missing && (*missing)[id] != 0;
    bool isMember = modes[id] == kMember;
    node.mode = isMember ? kEqual : static_cast<Mode>(modes[id]);
    std::vector<double> thresholds = isMember ? sets[id] : std::vector<double>{splits[id]};
    if (thresholds.empty())
      thresholds.push_back(std::nan("")); // equal to nothing
    at = static_cast<int32_t>(forest.nodes.size());
    forest.nodes.resize(forest.nodes.size() + thresholds.size());
    int32_t yes = 0, no = 0;
    Problem problem = add(forest, op.getNodesTruenodeids()[id], op.getNodesTrueleafs()[id] != 0, yes);
    if (problem.empty())
      problem = add(forest, op.getNodesFalsenodeids()[id], op.getNodesFalseleafs()[id] != 0, no);
    for (size_t k = 0; k < thresholds.size(); ++k) {
      node.threshold = thresholds[k];
      node.yes = yes;
      node.no = k + 1 < thresholds.size() ? at + static_cast<int32_t>(k) + 1 : no;
      forest.nodes[at + k] = node;
    }
    return problem;
  }

  TreeEnsembleOp op;
  std::vector<double> modes, splits, weights, members;
  std::map<size_t, std::vector<double>> sets;
  std::vector<bool> seen;
  int depth = 0;
};

// ---- the older form, shared by the classifier and the regressor ----

struct LeafVotes {
  llvm::ArrayRef<int64_t> trees, nodes, targets;
  std::vector<double> weights;
};

std::optional<Mode> modeNamed(llvm::StringRef name) {
  static constexpr llvm::StringRef names[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                              "BRANCH_EQ",  "BRANCH_NEQ", "LEAF"};
  const llvm::StringRef *found = llvm::find(names, name);
  return found == std::end(names) ? std::nullopt : std::optional<Mode>(static_cast<Mode>(found - names));
}

template <typename Op> class TreesReader {
public:
  TreesReader(Op op, LeafVotes votes)
      : op(op), votes(std::move(votes)),
        thresholds(numbersOf(op.getContext(), op.getNodesValues(), op.getNodesValuesAsTensor())) {}

  Problem read(Forest &forest) {
    size_t n = op.getNodesNodeids().size();
    auto missing = op.getNodesMissingValueTracksTrue();
    for (size_t size :
         {op.getNodesTreeids().size(), op.getNodesFeatureids().size(), op.getNodesTruenodeids().size(),
          op.getNodesFalsenodeids().size(), op.getNodesModes().size(), thresholds.size(), missing ? missing->size() : n})
      if (size != n)
        return "expects all attributes of nodes to have " + std::to_string(n) + " values, got " + std::to_string(size);
    for (size_t size : {votes.nodes.size(), votes.targets.size(), votes.weights.size()})
      if (size != votes.trees.size())
        return "expects all attributes of the leaves to have " + std::to_string(votes.trees.size()) + " values, got " +
               std::to_string(size);
    for (size_t k = 0; k < n; ++k)
      if (!position.try_emplace({op.getNodesTreeids()[k], op.getNodesNodeids()[k]}, static_cast<int32_t>(k)).second)
        return "gives a node twice";
    for (size_t v = 0; v < votes.trees.size(); ++v)
      byLeaf[{votes.trees[v], votes.nodes[v]}].push_back({static_cast<int32_t>(votes.targets[v]), votes.weights[v]});
    forest.nodes.resize(n);
    isChild.assign(n, false);
    for (size_t k = 0; k < n; ++k)
      if (Problem problem = addNode(forest, k); !problem.empty())
        return problem;
    return findRoots(forest);
  }

private:
  Problem addNode(Forest &forest, size_t k) {
    Node &node = forest.nodes[k];
    llvm::StringRef name = cast<StringAttr>(op.getNodesModes()[k]).getValue();
    std::optional<Mode> mode = modeNamed(name);
    if (!mode)
      return ("has an unknown mode '" + name + "' among nodes_modes").str();
    node.mode = *mode;
    int64_t tree = op.getNodesTreeids()[k];
    if (node.mode == kLeaf) {
      node.yes = static_cast<int32_t>(forest.votes.size());
      if (auto found = byLeaf.find({tree, op.getNodesNodeids()[k]}); found != byLeaf.end())
        llvm::append_range(forest.votes, found->second);
      node.no = static_cast<int32_t>(forest.votes.size());
      return "";
    }
    node.feature = static_cast<int32_t>(op.getNodesFeatureids()[k]);
    node.threshold = thresholds[k];
    node.missing = op.getNodesMissingValueTracksTrue() && (*op.getNodesMissingValueTracksTrue())[k] != 0;
    std::pair<int64_t, int32_t *> branches[] = {{op.getNodesTruenodeids()[k], &node.yes},
                                                {op.getNodesFalsenodeids()[k], &node.no}};
    for (auto [id, slot] : branches) {
      auto found = position.find({tree, id});
      if (found == position.end())
        return "has a branch to a node that does not exist";
      if (isChild[found->second])
        return "has a node that two branches lead to";
      isChild[found->second] = true;
      *slot = found->second;
    }
    return "";
  }

  // Each tree has one node that no branch leads to. No node has two parents, so that from there on nothing is a cycle.
  Problem findRoots(Forest &forest) {
    std::map<int64_t, size_t> trees;
    for (size_t k = 0; k < forest.nodes.size(); ++k) {
      trees[op.getNodesTreeids()[k]];
      if (isChild[k])
        continue;
      if (++trees[op.getNodesTreeids()[k]] > 1)
        return "has a tree with two roots";
      forest.roots.push_back(static_cast<int32_t>(k));
    }
    for (auto [tree, roots] : trees)
      if (roots == 0)
        return "has a tree without a root";
    return "";
  }

  Op op;
  LeafVotes votes;
  std::vector<double> thresholds;
  std::map<std::pair<int64_t, int64_t>, int32_t> position;
  std::map<std::pair<int64_t, int64_t>, std::vector<Vote>> byLeaf;
  std::vector<bool> isChild;
};

LeafVotes votesOf(TreeEnsembleRegressorOp op) {
  return {op.getTargetTreeids(), op.getTargetNodeids(), op.getTargetIds(),
          numbersOf(op.getContext(), op.getTargetWeights(), op.getTargetWeightsAsTensor())};
}
LeafVotes votesOf(TreeEnsembleClassifierOp op) {
  return {op.getClassTreeids(), op.getClassNodeids(), op.getClassIds(),
          numbersOf(op.getContext(), op.getClassWeights(), op.getClassWeightsAsTensor())};
}

Problem readForest(TreeEnsembleOp op, Forest &forest) { return EnsembleReader(op).read(forest); }
Problem readForest(TreeEnsembleRegressorOp op, Forest &forest) {
  return TreesReader<TreeEnsembleRegressorOp>(op, votesOf(op)).read(forest);
}
Problem readForest(TreeEnsembleClassifierOp op, Forest &forest) {
  return TreesReader<TreeEnsembleClassifierOp>(op, votesOf(op)).read(forest);
}

// ---- inference ----

// The forest fits the operand and has votes for `targets` only.
template <typename Op> LogicalResult inferForest(Op op, ShapeContext &ctx, int64_t targets) {
  Forest forest;
  if (Problem problem = readForest(op, forest); !problem.empty())
    return ctx.fail(problem);
  if (failed(expectRank(ctx, 0, 2, "the input")))
    return failure();
  int32_t features = 0;
  for (const Node &node : forest.nodes) {
    if (node.feature < 0)
      return ctx.fail("has a node with a negative feature");
    features = std::max(features, node.mode == kLeaf ? 0 : node.feature + 1);
  }
  for (const Vote &vote : forest.votes)
    if (vote.target < 0 || vote.target >= targets)
      return ctx.fail("expects targets in [0, " + Twine(targets) + "), got " + Twine(vote.target));
  return ctx.atLeast(ctx.shape(0)[1], ctx.cst(features), "the trees read more features than the input has",
                     "expects an input of at least " + Twine(features) + " features, got " +
                         Twine(constantSize(ctx.shape(0)[1]).value_or(0)));
}

// The base values: none, one for each target.
template <typename Op> FailureOr<std::vector<double>> baseValues(Op op, ShapeContext &ctx, int64_t targets) {
  std::vector<double> base = numbersOf(op.getContext(), op.getBaseValues(), op.getBaseValuesAsTensor());
  if (!base.empty() && static_cast<int64_t>(base.size()) != targets && base.size() != 1)
    return ctx.fail("expects one of 'base_values', or one for each of the " + Twine(targets) + " targets");
  return base;
}

// ---- lowering ----

// Thresholds and scores are computed in f64 for f64, in f32 otherwise.
Type forestType(LowerContext &ctx) { return ctx.element(0).isF64() ? ctx.element(0) : Type(ctx.b.getF32Type()); }

Value floatTable(LowerContext &ctx, const std::vector<double> &values, Type type) {
  if (type.isF64())
    return weightTensor<double>(ctx, values);
  return weightTensor<float>(ctx, std::vector<float>(values.begin(), values.end()));
}

// Raw scores [rows, targets] of forestType.
Value lowerForest(LowerContext &ctx, Forest &forest, int64_t targets, llvm::StringRef aggregate) {
  Type type = forestType(ctx);
  if (forest.votes.empty())
    forest.votes.push_back({0, 0}); // a tensor of no element is no constant
  std::vector<double> thresholds, weights;
  std::vector<int32_t> features, yes, no, voteTargets;
  std::vector<int8_t> modes, missing;
  llvm::SmallVector<int64_t> used;
  for (const Node &node : forest.nodes) {
    thresholds.push_back(node.threshold);
    features.push_back(node.feature);
    modes.push_back(node.mode);
    missing.push_back(node.missing);
    yes.push_back(node.yes);
    no.push_back(node.no);
    if (node.mode != kLeaf && !llvm::is_contained(used, node.mode))
      used.push_back(node.mode);
  }
  for (const Vote &vote : forest.votes) {
    voteTargets.push_back(vote.target);
    weights.push_back(vote.weight);
  }
  Value x = ctx.operand(0);
  if (ctx.element(0) != type)
    x = ctx.generic(ctx.shape(0), type, x, ctx.b.getMultiDimIdentityMap(2),
                    [&](ScalarBuilder &s, ValueRange in) { return s.cast(in[0], type, false, false); });
  SymShape shape{ctx.shape(0)[0], ctx.cst(targets)};
  auto op = ForestOp::create(ctx.b, ctx.type(shape, type), x, floatTable(ctx, thresholds, type),
                             weightTensor<int32_t>(ctx, features), weightTensor<int8_t>(ctx, modes),
                             weightTensor<int8_t>(ctx, missing), weightTensor<int32_t>(ctx, yes), weightTensor<int32_t>(ctx, no),
                             weightTensor<int32_t>(ctx, forest.roots), weightTensor<int32_t>(ctx, voteTargets),
                             floatTable(ctx, weights, type), dynamicSizes(ctx, shape), aggregate, used);
  return op.getScores();
}

// scores / divisor + base[target].
Value addBase(LowerContext &ctx, Value scores, llvm::ArrayRef<AffineExpr> shape, std::vector<double> base, double divisor) {
  if (base.empty() && divisor == 1)
    return scores;
  Type type = forestType(ctx);
  base.resize(constantSize(shape[1]).value_or(1), base.size() == 1 ? base[0] : 0.0);
  AffineMap column = AffineMap::get(2, 0, {ctx.b.getAffineDimExpr(1)}, ctx.b.getContext());
  return ctx.generic(shape, type, {scores, floatTable(ctx, base, type)}, {ctx.b.getMultiDimIdentityMap(2), column},
                     [&](ScalarBuilder &s, ValueRange in) { return s.add(s.div(in[0], s.cst(divisor, in[0])), in[1]); });
}

constexpr llvm::StringRef kAggregates[] = {"AVERAGE", "SUM", "MIN", "MAX"};
constexpr llvm::StringRef kTransforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};

// How the loops combine votes: an average is a sum until the end.
llvm::StringRef combination(llvm::StringRef aggregate) { return aggregate == "MIN" ? "min" : aggregate == "MAX" ? "max" : "sum"; }

LogicalResult lowerScores(LowerContext &ctx, Forest forest, llvm::StringRef aggregate, const std::vector<double> &base,
                          llvm::StringRef transform) {
  llvm::ArrayRef<AffineExpr> shape = ctx.resultShape();
  double divisor = aggregate == "AVERAGE" ? static_cast<double>(forest.roots.size()) : 1;
  Value scores = lowerForest(ctx, forest, constantSize(shape[1]).value_or(1), combination(aggregate));
  scores = postTransform(ctx, addBase(ctx, scores, shape, base, divisor), shape, transform);
  ctx.set(0, storeScores(ctx, scores, shape, ctx.resultElement()));
  return success();
}

} // namespace

LogicalResult TreeEnsembleOp::inferShapes(ShapeContext &ctx) {
  int64_t targets = getNTargets().value_or(1);
  if (getAggregateFunction() >= std::size(kAggregates))
    return ctx.fail("unknown aggregate_function " + Twine(getAggregateFunction()));
  if (getPostTransform() >= std::size(kTransforms))
    return ctx.fail("unknown post_transform " + Twine(getPostTransform()));
  if (failed(inferForest(*this, ctx, targets)))
    return failure();
  ctx.set(0, {ctx.shape(0)[0], ctx.cst(targets)}, ctx.element(0));
  return success();
}

LogicalResult TreeEnsembleOp::lower(LowerContext &ctx) {
  Forest forest;
  if (Problem problem = readForest(*this, forest); !problem.empty())
    return ctx.fail(problem);
  return lowerScores(ctx, std::move(forest), kAggregates[getAggregateFunction()], {}, kTransforms[getPostTransform()]);
}

LogicalResult TreeEnsembleRegressorOp::inferShapes(ShapeContext &ctx) {
  int64_t targets = getNTargets().value_or(1);
  if (!llvm::is_contained(kAggregates, getAggregateFunction()))
    return ctx.fail("unknown aggregate_function '" + getAggregateFunction() + "'");
  if (failed(checkPostTransform(ctx, getPostTransform())) || failed(inferForest(*this, ctx, targets)) ||
      failed(baseValues(*this, ctx, targets)))
    return failure();
  ctx.set(0, {ctx.shape(0)[0], ctx.cst(targets)}, Float32Type::get(getContext()));
  return success();
}

LogicalResult TreeEnsembleRegressorOp::lower(LowerContext &ctx) {
  Forest forest;
  if (Problem problem = readForest(*this, forest); !problem.empty())
    return ctx.fail(problem);
  return lowerScores(ctx, std::move(forest), getAggregateFunction(),
                     numbersOf(getContext(), getBaseValues(), getBaseValuesAsTensor()), getPostTransform());
}

LogicalResult TreeEnsembleClassifierOp::inferShapes(ShapeContext &ctx) {
  ClassLabels labels(getClasslabelsInt64s(), getClasslabelsStrings());
  if (failed(checkLabels(ctx, labels)))
    return failure();
  int64_t classes = labels.size();
  if (failed(checkPostTransform(ctx, getPostTransform())) || failed(inferForest(*this, ctx, classes)) ||
      failed(baseValues(*this, ctx, classes)))
    return failure();
  ctx.set(0, {ctx.shape(0)[0]}, labels.element(getContext()));
  ctx.set(1, {ctx.shape(0)[0], ctx.cst(classes)}, Float32Type::get(getContext()));
  return success();
}

// With two classes the trees may vote for one of them alone: then its score decides, against 1/2 where all votes are positive (a
// probability) and against 0 otherwise. ONNX does not say so; onnxruntime does it.
LogicalResult TreeEnsembleClassifierOp::lower(LowerContext &ctx) {
  Forest forest;
  if (Problem problem = readForest(*this, forest); !problem.empty())
    return ctx.fail(problem);
  llvm::ArrayRef<AffineExpr> shape = ctx.resultShape(1);
  ClassLabels labels(getClasslabelsInt64s(), getClasslabelsStrings());
  bool isProbability = llvm::all_of(forest.votes, [](const Vote &vote) { return vote.weight >= 0; });
  bool oneVoted = !forest.votes.empty() &&
                  llvm::all_of(forest.votes, [&](const Vote &vote) { return vote.target == forest.votes[0].target; });
  int64_t voted = oneVoted ? forest.votes[0].target : 0;
  Value raw = lowerForest(ctx, forest, labels.size(), "sum");
  raw = addBase(ctx, raw, shape, numbersOf(getContext(), getBaseValues(), getBaseValuesAsTensor()), 1);
  Value scores;
  if (labels.size() == 2 && oneVoted) {
    AffineMap column = AffineMap::get(1, 0, {ctx.b.getAffineDimExpr(0), ctx.b.getAffineConstantExpr(voted)}, getContext());
    Value score =
        ctx.generic(shape.take_front(1), forestType(ctx), raw, column, [](ScalarBuilder &, ValueRange in) { return in[0]; });
    ctx.set(0, thresholdLabel(ctx, score, shape[0], isProbability ? 0.5 : 0, labels));
    scores = voted == 0 ? bothClasses(ctx, score, shape[0], isProbability, getPostTransform())
                        : postTransform(ctx, raw, shape, getPostTransform());
  } else {
    ctx.set(0, largestLabel(ctx, raw, shape, labels));
    scores = postTransform(ctx, raw, shape, getPostTransform());
  }
  ctx.set(1, storeScores(ctx, scores, shape, ctx.resultElement(1)));
  return success();
}
