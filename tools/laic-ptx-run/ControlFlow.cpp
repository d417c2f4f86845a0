// Finds where diverged lanes meet again: the immediate post-dominator of each branch.
//
// Post-dominators are dominators of the reversed graph; the algorithm is the iterative one over reverse postorder with
// intersection by finger walking (Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm, 2001).
#include "Decoder.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

bool endsBlock(const Instruction &instruction) { return instruction.flow & kBranch || instruction.flow & kLeaves; }

class PostDominators {
public:
  explicit PostDominators(const std::vector<Instruction> &code) : code(code) {
    findBlocks();
    connect();
    order();
    solve();
  }

  // The first instruction of the block that post-dominates the one that ends with `branch`; the code's size: none.
  uint32_t after(uint32_t branch) const { return starts[idom[blockOf[branch]]]; }

private:
  void findBlocks() {
    const uint32_t size = static_cast<uint32_t>(code.size());
    std::vector<bool> leader(size + 1, false);
    leader[0] = true;
    for (uint32_t i = 0; i < size; ++i) {
      if (!endsBlock(code[i]))
        continue;
      leader[i + 1] = true;
      for (uint32_t target : targetsOf(i))
        leader[target] = true;
    }
    blockOf.resize(size + 1);
    for (uint32_t i = 0; i < size; ++i) {
      if (leader[i])
        starts.push_back(i);
      blockOf[i] = static_cast<uint32_t>(starts.size() - 1);
    }
    exit = static_cast<uint32_t>(starts.size()); // falling off the end is an exit, too
    blockOf[size] = exit;
    starts.push_back(size);
  }

  std::vector<uint32_t> targetsOf(uint32_t i) const {
    if (!(code[i].flow & kBranch))
      return {};
    return code[i].targets.empty() ? std::vector<uint32_t>{code[i].target} : code[i].targets;
  }

  void connect() {
    successors.resize(starts.size());
    predecessors.resize(starts.size());
    for (uint32_t block = 0; block < exit; ++block) {
      const uint32_t last = starts[block + 1] - 1;
      const Instruction &end = code[last];
      const bool falls = !endsBlock(end) || end.guarded;
      for (uint32_t target : targetsOf(last))
        successors[block].push_back(blockOf[target]);
      if (falls)
        successors[block].push_back(block + 1);
      if (end.flow & kLeaves)
        successors[block].push_back(exit);
      for (uint32_t next : successors[block])
        predecessors[next].push_back(block);
    }
  }

  // Postorder of the reversed graph, from the exit. Blocks that cannot reach the exit (endless loops) are joined to it.
  void order() {
    number.assign(starts.size(), UINT32_MAX);
    std::vector<bool> seen(starts.size(), false);
    visit(exit, seen);
    for (uint32_t block = exit; block-- > 0;)
      if (!seen[block]) {
        successors[block].push_back(exit);
        predecessors[exit].push_back(block);
      }
    seen.assign(starts.size(), false);
    postorder.clear();
    visit(exit, seen);
    for (uint32_t i = 0; i < postorder.size(); ++i)
      number[postorder[i]] = i;
  }

  void visit(uint32_t root, std::vector<bool> &seen) {
    std::vector<std::pair<uint32_t, size_t>> path{{root, 0}};
    seen[root] = true;
    while (!path.empty()) {
      auto &[block, next] = path.back();
      if (next == predecessors[block].size()) {
        postorder.push_back(block);
        path.pop_back();
        continue;
      }
      const uint32_t child = predecessors[block][next++];
      if (!seen[child]) {
        seen[child] = true;
        path.push_back({child, 0});
      }
    }
  }

  uint32_t intersect(uint32_t a, uint32_t b) const {
    while (a != b) {
      while (number[a] < number[b])
        a = idom[a];
      while (number[b] < number[a])
        b = idom[b];
    }
    return a;
  }

  void solve() {
    constexpr uint32_t kUnknown = UINT32_MAX;
    idom.assign(starts.size(), kUnknown);
    idom[exit] = exit;
    for (bool changed = true; changed;) {
      changed = false;
      for (auto block = postorder.rbegin(); block != postorder.rend(); ++block) {
        if (*block == exit)
          continue;
        uint32_t meet = kUnknown;
        for (uint32_t next : successors[*block])
          if (idom[next] != kUnknown)
            meet = meet == kUnknown ? next : intersect(next, meet);
        changed |= idom[*block] != meet;
        idom[*block] = meet;
      }
    }
  }

  const std::vector<Instruction> &code;
  std::vector<uint32_t> starts;  // of blocks; the last one is the exit
  std::vector<uint32_t> blockOf; // an instruction
  std::vector<std::vector<uint32_t>> successors, predecessors;
  std::vector<uint32_t> postorder, number, idom;
  uint32_t exit = 0;
};

} // namespace

void laic::ptx::findReconvergence(std::vector<Instruction> &code) {
  if (code.empty())
    return;
  const PostDominators dominators(code);
  for (uint32_t i = 0; i < code.size(); ++i)
    if (code[i].flow & kBranch)
      code[i].reconverge = dominators.after(i);
}
