// What the lanes of a warp do together, by the PTX ISA: shuffles, matrices of fragments, products.

#include <cstring>

#include "block.h"

extern "C" {
Dim emulated_thread() { return block.now->index; }
Dim emulated_block() { return block.index; }
Dim emulated_block_size() { return block.launch->block; }
Dim emulated_grid_size() { return block.launch->grid; }
void* emulated_dynamic() { return dynamic_memory(); }

void emulated_barrier(const char* file, int line) {
  block.now->request = {Kind::None, 0, file, line, 0, 0, nullptr, nullptr, nullptr};
  block.now->does = Does::Barrier;
  give_way();
}
}

static float from_bf16(uint16_t bits) {
  uint32_t all = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &all, sizeof value);
  return value;
}

static uint16_t half(const void* words, int which) {
  uint16_t value;
  memcpy(&value, (const unsigned char*)words + which * 2, 2);
  return value;
}

// Lane l names row l % 8 of matrix l / 8; it is given columns 2·(l % 4) and the next of row l / 4 of
// each, or the transposed.
static void fragments(Thread* warp, bool transposed, const void* at) {
  uint16_t all[4][8][8];
  for (int lane = 0; lane < 32; lane++) {
    const void* row = warp[lane].request.from;
    block.now = &warp[lane];
    if ((uintptr_t)row % 16) fail(at, "a row of fragments at %p is not aligned to 16 bytes", row);
    touch(row, 16, false, at);
    memcpy(all[lane / 8][lane % 8], row, 16);
  }
  for (int lane = 0; lane < 32; lane++)
    for (int i = 0; i < 4; i++) {
      int row = lane / 4, column = lane % 4 * 2;
      uint32_t low = transposed ? all[i][column][row] : all[i][row][column];
      uint32_t high = transposed ? all[i][column + 1][row] : all[i][row][column + 1];
      uint32_t both = low | high << 16;
      memcpy((unsigned char*)warp[lane].request.to + 4 * i, &both, 4);
    }
}

// m16n8k16: with g = l / 4 and t = 2·(l % 4), lane l holds of a [g, t], [g + 8, t], [g, t + 8],
// [g + 8, t + 8], of b [t, g], [t + 8, g], of the sums [g, t], [g + 8, t]; and the next to each, which
// of b is the next row.
static void multiply(Thread* warp) {
  float a[16][16], b[16][8], c[16][8];
  for (int lane = 0; lane < 32; lane++) {
    const Request& own = warp[lane].request;
    int g = lane / 4, t = lane % 4 * 2;
    for (int i = 0; i < 8; i++)
      a[g + (i / 2 % 2) * 8][t + i % 2 + (i / 4) * 8] = from_bf16(half(own.from, i));
    for (int i = 0; i < 4; i++) b[t + i % 2 + (i / 2) * 8][g] = from_bf16(half(own.more, i));
    for (int i = 0; i < 4; i++) memcpy(&c[g + (i / 2) * 8][t + i % 2], (float*)own.to + i, 4);
  }
  for (int row = 0; row < 16; row++)
    for (int k = 0; k < 16; k++)
      for (int column = 0; column < 8; column++) c[row][column] += a[row][k] * b[k][column];
  for (int lane = 0; lane < 32; lane++) {
    int g = lane / 4, t = lane % 4 * 2;
    for (int i = 0; i < 4; i++)
      memcpy((float*)warp[lane].request.to + i, &c[g + (i / 2) * 8][t + i % 2], 4);
  }
}

static void shuffle(Thread* warp, uint32_t mask, const void* at) {
  unsigned char values[32][16];
  for (int lane = 0; lane < 32; lane++)
    if (mask >> lane & 1)
      memcpy(values[lane], warp[lane].request.from, warp[lane].request.bytes);
  for (int lane = 0; lane < 32; lane++) {
    if (!(mask >> lane & 1)) continue;
    int from = warp[lane].request.lane;
    block.now = &warp[lane];
    if (!(mask >> from & 1)) fail(at, "a shuffle reads lane %d, which does not take part", from);
    memcpy(warp[lane].request.to, values[from], warp[lane].request.bytes);
  }
}

static void vote(Thread* warp, uint32_t mask) {
  uint32_t votes = 0;
  for (int lane = 0; lane < 32; lane++)
    if (mask >> lane & 1) votes |= (uint32_t)(warp[lane].request.lane != 0) << lane;
  for (int lane = 0; lane < 32; lane++)
    if (mask >> lane & 1) memcpy(warp[lane].request.to, &votes, 4);
}

static bool is_same(const Request& one, const Request& other) {
  return one.kind == other.kind && one.mask == other.mask && one.line == other.line &&
         (one.file == other.file || !strcmp(one.file, other.file));
}

// Waits for the lanes of the mask; the last to come does it for all.
static void meet(const Request& request, const void* at) {
  Thread* own = block.now;
  uint32_t warp = own->number / 32, lane = own->number % 32, mask = request.mask;
  Thread* first = &block.threads[warp * 32];
  uint64_t lanes = block.threads.size() - warp * 32;
  if (!(mask >> lane & 1)) fail(at, "is not in the mask %#x that it names", mask);
  if (lanes < 32 && mask >> lanes) fail(at, "waits for lanes that the block does not have");
  own->request = request;
  own->does = Does::Collective;
  block.arrived[warp] |= 1u << lane;
  bool all = (block.arrived[warp] & mask) == mask;
  for (uint32_t i = 0; all && i < 32; i++)
    all = !(mask >> i & 1) || is_same(first[i].request, request);
  if (!all) {
    give_way();
    return;
  }
  switch (request.kind) {
    case Kind::WarpBarrier:
      if (request.mask == ~0u) block.warp_barriers[warp]++;
      break;
    case Kind::Shuffle: shuffle(first, request.mask, at); break;
    case Kind::Vote: vote(first, request.mask); break;
    case Kind::Fragments: fragments(first, false, at); break;
    case Kind::Transposed: fragments(first, true, at); break;
    case Kind::Multiply: multiply(first); break;
    case Kind::None: break;
  }
  block.now = own;
  block.arrived[warp] &= ~mask;
  for (uint32_t i = 0; i < 32; i++)
    if (mask >> i & 1) first[i].does = Does::Runs;
}

#define HERE __builtin_return_address(0)

extern "C" {
void emulated_warp_barrier(uint32_t mask, const char* file, int line) {
  meet({Kind::WarpBarrier, mask, file, line, 0, 0, nullptr, nullptr, nullptr}, HERE);
}
void emulated_shuffle(uint32_t mask, void* to, const void* from, int bytes, int lane,
                      const char* file, int line) {
  meet({Kind::Shuffle, mask, file, line, lane & 31, bytes, from, nullptr, to}, HERE);
}
uint32_t emulated_vote(uint32_t mask, int yes, const char* file, int line) {
  uint32_t votes;
  meet({Kind::Vote, mask, file, line, yes, 0, nullptr, nullptr, &votes}, HERE);
  return votes;
}
void emulated_fragments(uint32_t* to, const void* row, int transposed, const char* file, int line) {
  Kind kind = transposed ? Kind::Transposed : Kind::Fragments;
  meet({kind, ~0u, file, line, 0, 0, row, nullptr, to}, HERE);
}
void emulated_multiply(float* sums, const uint32_t* a, const uint32_t* b, const char* file,
                       int line) {
  meet({Kind::Multiply, ~0u, file, line, 0, 0, a, b, sums}, HERE);
}
void emulated_copy(void* to, const void* from, int size, int bytes, const char* file, int line) {
  Thread& own = *block.now;
  Copy copy = {(unsigned char*)to, (const unsigned char*)from, size, bytes, own.groups};
  if ((uintptr_t)to % size || (uintptr_t)from % size || bytes < 0 || bytes > size)
    fail(nullptr, "a copy of %d bytes that is not aligned, or of %d of them, at %s:%d", size, bytes,
         file, line);
  begin_copy(copy, HERE);
  own.copies.push_back(copy);
}
void emulated_commit() { block.now->groups++; }
// Groups are counted from 0; of those that are closed, all but the last `groups` have landed.
void emulated_wait(int groups) {
  Thread& own = *block.now;
  std::vector<Copy> left;
  for (const Copy& copy : own.copies) {
    if (copy.group + groups < own.groups)
      land(copy);
    else
      left.push_back(copy);
  }
  own.copies.swap(left);
}
}
