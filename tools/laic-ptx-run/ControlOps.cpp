// Flow of control: bra, brx.idx, ret, exit, trap, barriers of the block, fences.
#include "Lanes.h"

#include <atomic>

using namespace laic::ptx;

namespace {

// Splits the path on top: each group of lanes runs to `join` on its own, where the path below goes on with all of them.
class Split {
public:
  Split(Warp &warp, uint32_t join) : warp(warp), join(join) {
    Path &top = warp.paths.back();
    if (top.reconverge == join) // the path below already waits there; loops would else grow the stack in every round
      warp.paths.pop_back();
    else
      top.pc = join;
  }
  void add(uint32_t pc, uint32_t mask) {
    if (mask && pc != join)
      warp.paths.push_back({pc, join, mask});
  }

private:
  Warp &warp;
  uint32_t join;
};

void branch(Warp &warp, const Instruction &i, uint32_t mask) {
  Path &top = warp.paths.back();
  const uint32_t next = top.pc, rest = top.mask & ~mask;
  if (!rest) {
    top.pc = i.target;
    return;
  }
  Split split(warp, i.reconverge);
  split.add(next, rest);
  split.add(i.target, mask);
}

void branchIndexed(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t *index = warp.lanes<uint32_t>(i.operands[0]);
  std::vector<uint32_t> going(i.targets.size(), 0);
  forLanes(mask, [&](unsigned lane) {
    if (index[lane] >= i.targets.size())
      warp.fail(i, FaultKind::OutOfBounds, lane,
                "index " + std::to_string(index[lane]) + " is outside of the " + std::to_string(i.targets.size()) +
                    " branch targets");
    going[index[lane]] |= 1u << lane;
  });
  const uint32_t next = warp.paths.back().pc, rest = warp.active() & ~mask;
  Split split(warp, i.reconverge);
  split.add(next, rest);
  for (size_t target = 0; target < going.size(); ++target)
    split.add(i.targets[target], going[target]);
}

void leave(Warp &warp, const Instruction &, uint32_t mask) { warp.exitLanes(mask); }

void trap(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.fail(i, FaultKind::Trap, static_cast<uint32_t>(__builtin_ctz(mask)), "trap was executed");
}

void nothing(Warp &, const Instruction &, uint32_t) {}

// Lanes and warps of a block run one after the other; only blocks on other threads of the host can see another order.
void fence(Warp &, const Instruction &, uint32_t) { std::atomic_thread_fence(std::memory_order_seq_cst); }

constexpr uint32_t kBarriers = 16;

// Operands: barrier, and perhaps how many threads take part.
void meet(Warp &warp, const Instruction &i, uint32_t mask) {
  const auto lane = static_cast<uint32_t>(__builtin_ctz(mask));
  if (mask != warp.live())
    warp.fail(i, FaultKind::Barrier, lane, "divergent barrier: other threads of the warp are not here");
  warp.barrier = warp.lanes<uint32_t>(i.operands[0])[lane];
  warp.barrierThreads = i.operands.size() > 1 ? warp.lanes<uint32_t>(i.operands[1])[lane] : 0;
  if (warp.barrier >= kBarriers)
    warp.fail(i, FaultKind::Barrier, lane, "barrier " + std::to_string(warp.barrier) + " does not exist: there are 16");
  if (warp.barrierThreads % kWarpSize)
    warp.fail(i, FaultKind::Barrier, lane, "expects a multiple of 32 threads, got " + std::to_string(warp.barrierThreads));
  if (i.mode == 1)
    return warp.block.arriveAtBarrier(warp, i);
  warp.waitingAt = &i;
  warp.state = Warp::Waiting;
}

void decodeBarrier(Decoding &d) {
  d.take("cta");
  d.take("aligned");
  const int arrives = d.takeOneOf({"sync", "arrive"});
  if (arrives < 0)
    d.unsupported();
  d.out.mode = static_cast<uint8_t>(arrives);
  d.expectCount(1 + static_cast<size_t>(arrives), 2);
  for (size_t i = 0; i < d.count(); ++i)
    d.source(i, Type::U32);
  d.out.execute = meet;
}

void decodeFence(Decoding &d) {
  d.takeOneOf({"sc", "acq_rel", "acquire", "release"});
  d.takeOneOf({"cta", "gl", "gpu", "sys", "cluster"});
  d.expectCount(0);
  d.out.execute = fence;
}

} // namespace

bool laic::ptx::decodeControl(Decoding &d) {
  if (d.is("bra")) {
    d.take("uni");
    d.expectCount(1);
    d.out.target = d.label(0);
    d.out.flow = kBranch;
    d.out.execute = branch;
  } else if (d.is("brx")) {
    d.take("uni");
    if (!d.take("idx"))
      d.unsupported();
    d.expectCount(2);
    d.source(0, Type::U32);
    d.out.targets = d.branchTargets(1);
    d.out.flow = kBranch;
    d.out.execute = branchIndexed;
  } else if (d.is("ret") || d.is("exit")) {
    d.take("uni");
    d.expectCount(0);
    d.out.flow = kLeaves;
    d.out.execute = leave;
  } else if (d.is("trap")) {
    d.expectCount(0);
    d.out.flow = kLeaves;
    d.out.execute = trap;
  } else if (d.is("bar") || d.is("barrier")) {
    decodeBarrier(d);
  } else if (d.is("membar") || d.is("fence")) {
    decodeFence(d);
  } else if (d.is("nanosleep")) {
    d.take("u32");
    d.expectCount(1);
    d.source(0, Type::U32);
    d.out.execute = nothing;
  } else if (d.is("griddepcontrol")) { // launches here never overlap
    d.takeOneOf({"launch_dependents", "wait"});
    d.expectCount(0);
    d.out.execute = nothing;
  } else {
    return false;
  }
  return true;
}
