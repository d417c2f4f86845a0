// Decodes and executes AMX instructions that a machine without them stops at.
#include "TileMachine.h"

#if defined(__linux__) && defined(__x86_64__)

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

using namespace laic::test;

namespace {

constexpr int kTiles = 8, kMostRows = 16, kMostBytes = 64;

struct Tile {
  int rows = 0, bytes = 0; // as configured
  uint8_t data[kMostRows][kMostBytes] = {};

  template <typename T> T get(int row, int column) const {
    T value;
    memcpy(&value, data[row] + column * sizeof(T), sizeof(T));
    return value;
  }
  template <typename T> void set(int row, int column, T value) { memcpy(data[row] + column * sizeof(T), &value, sizeof(T)); }
};

struct Machine {
  bool configured = false;
  Tile tiles[kTiles];
};

thread_local Machine machine;
std::atomic<int64_t> products{0};

[[noreturn]] void invalid(const char *why) {
  for (const char *text : {"invalid AMX operation: ", why, "\n"})
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
      break;
  _exit(128 + SIGILL);
}

void require(bool condition, const char *why) {
  if (!condition)
    invalid(why);
}

// One instruction with a VEX prefix of three bytes.
struct Instruction {
  int map, wide, vector, length256, prefix, opcode; // prefix: 0 none, 1 66, 2 F3, 3 F2
  int mode, reg, rm;                                // of the ModRM byte, extended by the prefix
  bool memory = false, strided = false;
  uint64_t base = 0, index = 0; // of the memory operand; the index is already scaled
  int size = 0;
};

uint64_t registerOf(const greg_t *registers, int number) {
  static constexpr int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return registers[order[number]];
}

template <typename T> T take(const uint8_t *&at) {
  T value;
  memcpy(&value, at, sizeof(T));
  at += sizeof(T);
  return value;
}

// Intel SDM, volume 2, chapter 2: instruction format.
Instruction decode(const uint8_t *code, const greg_t *registers) {
  const uint8_t *at = code;
  require(take<uint8_t>(at) == 0xc4, "not an instruction of AMX");
  uint8_t first = take<uint8_t>(at), second = take<uint8_t>(at);
  int r = !(first & 0x80) * 8, x = !(first & 0x40) * 8, b = !(first & 0x20) * 8;
  Instruction in;
  in.map = first & 0x1f;
  in.wide = second >> 7;
  in.vector = ~(second >> 3) & 15;
  in.length256 = second >> 2 & 1;
  in.prefix = second & 3;
  in.opcode = take<uint8_t>(at);
  uint8_t modrm = take<uint8_t>(at);
  in.mode = modrm >> 6;
  in.reg = (modrm >> 3 & 7) + r;
  in.rm = (modrm & 7) + b;
  in.memory = in.mode != 3;
  if (in.memory && (modrm & 7) == 4) {
    uint8_t sib = take<uint8_t>(at);
    int index = (sib >> 3 & 7) + x, base = (sib & 7) + b;
    in.strided = index != 4;
    in.index = in.strided ? registerOf(registers, index) << (sib >> 6) : 0;
    bool none = (sib & 7) == 5 && in.mode == 0;
    in.base = none ? take<int32_t>(at) : registerOf(registers, base);
  } else if (in.memory && (modrm & 7) == 5 && in.mode == 0) {
    in.base = take<int32_t>(at);
    in.base += reinterpret_cast<uint64_t>(at); // relative to the next instruction: no immediate follows
  } else if (in.memory) {
    in.base = registerOf(registers, in.rm);
  }
  if (in.mode == 1)
    in.base += take<int8_t>(at);
  if (in.mode == 2)
    in.base += take<int32_t>(at);
  in.size = at - code;
  return in;
}

void configure(const uint8_t *text) {
  machine = Machine();
  if (text[0] == 0)
    return;
  require(text[0] == 1, "palette");
  for (int i = 1; i < 16; ++i)
    require(text[i] == 0, "start row or reserved byte");
  for (int i = 0; i < 16; ++i) {
    int bytes = text[16 + 2 * i] | text[17 + 2 * i] << 8, rows = text[48 + i];
    require(i < kTiles || (bytes == 0 && rows == 0), "there are eight tiles");
    require(bytes <= kMostBytes && rows <= kMostRows && (bytes == 0) == (rows == 0), "size of a tile");
    if (i < kTiles) {
      machine.tiles[i].rows = rows;
      machine.tiles[i].bytes = bytes;
    }
  }
  machine.configured = true;
}

Tile &tile(int number) {
  require(machine.configured, "no configuration");
  require(number < kTiles && machine.tiles[number].rows > 0, "number of a tile");
  return machine.tiles[number];
}

void clear(Tile &t) { memset(t.data, 0, sizeof(t.data)); }

void move(const Instruction &in, bool load) {
  require(in.memory && (in.rm & 7) == 4, "needs a SIB byte");
  Tile &t = tile(in.reg);
  if (load)
    clear(t);
  for (int row = 0; row < t.rows; ++row) {
    auto *place = reinterpret_cast<uint8_t *>(in.base + in.index * row);
    memcpy(load ? t.data[row] : place, load ? place : t.data[row], t.bytes);
  }
}

// Sources and sizes of a product; calls body(sum, a, b).
template <typename Body> void multiply(const Instruction &in, Body body) {
  Tile &sum = tile(in.reg);
  const Tile &a = tile(in.rm), &b = tile(in.vector);
  require(&sum != &a && &sum != &b && &a != &b, "tiles of a product must differ");
  require(sum.rows == a.rows && sum.bytes == b.bytes && a.bytes == b.rows * 4, "sizes of a product's tiles");
  require(sum.bytes % 4 == 0 && a.bytes % 4 == 0, "bytes in a row");
  body(sum, a, b);
  products.fetch_add(1, std::memory_order_relaxed);
}

void multiplyBytes(const Instruction &in) {
  bool signedA = in.prefix >= 2, signedB = in.prefix == 3 || in.prefix == 1; // none UU, 66 US, F3 SU, F2 SS
  multiply(in, [&](Tile &sum, const Tile &a, const Tile &b) {
    auto factor = [](const Tile &t, int row, int column, bool isSigned) {
      return isSigned ? int32_t(t.get<int8_t>(row, column)) : int32_t(t.get<uint8_t>(row, column));
    };
    for (int m = 0; m < sum.rows; ++m)
      for (int k = 0; k < b.rows; ++k)
        for (int n = 0; n < sum.bytes / 4; ++n) {
          uint32_t total = sum.get<uint32_t>(m, n); // wraps around
          for (int i = 0; i < 4; ++i)
            total += factor(a, m, 4 * k + i, signedA) * factor(b, k, 4 * n + i, signedB);
          sum.set(m, n, total);
        }
  });
}

float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

float brain(const Tile &t, int row, int column) {
  uint32_t bits = uint32_t(t.get<uint16_t>(row, column)) << 16;
  float value;
  memcpy(&value, &bits, sizeof(value));
  return flushed(value);
}

// Even and odd products have sums of their own, which meet at the end.
void multiplyBrains(const Instruction &in) {
  multiply(in, [&](Tile &sum, const Tile &a, const Tile &b) {
    for (int m = 0; m < sum.rows; ++m)
      for (int n = 0; n < sum.bytes / 4; ++n) {
        float parts[2] = {};
        for (int k = 0; k < b.rows; ++k)
          for (int i = 0; i < 2; ++i)
            parts[i] = flushed(std::fma(brain(a, m, 2 * k + i), brain(b, k, 2 * n + i), parts[i]));
        sum.set(m, n, flushed(flushed(sum.get<float>(m, n)) + flushed(parts[0] + parts[1])));
      }
  });
}

void execute(const Instruction &in) {
  require(in.map == 2 && !in.wide && !in.length256, "not an instruction of AMX");
  bool unused = in.vector == 0; // as written; products alone have a third operand
  if (in.opcode == 0x49 && in.prefix == 0 && in.memory && in.reg == 0 && unused)
    return configure(reinterpret_cast<const uint8_t *>(in.base));
  if (in.opcode == 0x49 && in.prefix == 0 && in.mode == 3 && in.reg == 0 && in.rm == 0 && unused) {
    machine = Machine();
    return;
  }
  if (in.opcode == 0x49 && in.prefix == 3 && in.mode == 3 && in.rm == 0 && unused)
    return clear(tile(in.reg));
  if (in.opcode == 0x4b && in.prefix != 0 && unused)
    return move(in, /*load=*/in.prefix != 2);
  if (in.opcode == 0x5e && in.mode == 3)
    return multiplyBytes(in);
  if (in.opcode == 0x5c && in.prefix == 2 && in.mode == 3)
    return multiplyBrains(in);
  invalid("not an instruction that is emulated");
}

void handle(int, siginfo_t *, void *context) {
  greg_t *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  Instruction in = decode(reinterpret_cast<const uint8_t *>(registers[REG_RIP]), registers);
  execute(in);
  registers[REG_RIP] += in.size;
}

} // namespace

bool laic::test::machineHasTiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18; // ARCH_REQ_XCOMP_PERM, the number of an XSAVE component
  static const bool has = __builtin_cpu_supports("amx-int8") && __builtin_cpu_supports("amx-bf16") &&
                          syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return has;
}

bool laic::test::allowTiles() {
  static const bool done = [] {
    if (machineHasTiles())
      return true;
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return sigaction(SIGILL, &action, nullptr) == 0;
  }();
  return done;
}

int64_t laic::test::emulatedProducts() { return products; }

#else

bool laic::test::allowTiles() { return false; }
bool laic::test::machineHasTiles() { return false; }
int64_t laic::test::emulatedProducts() { return 0; }

#endif
