// What four warps do together, by the PTX ISA's "asynchronous warpgroup level matrix multiply-accumulate".
//
// A product reads its factors in shared memory, and writes its sums, when it is waited for: whoever
// looks too early, or overwrites a factor too early, has other numbers. What it reads of registers it
// reads when it begins.

#include <cstring>

#include "block.h"

static const uint32_t GROUP = 128;

struct Product {
  uint64_t group, left_at, right;
  bool held, turned, add;
  float* sums[GROUP];
  uint32_t left[GROUP][4];
};

// What four warps have under way.
struct Products {
  uint64_t life;  // of the block that it belongs to
  uint64_t closed;
  bool begun;
  std::vector<Product> pending;
};
static Products all[MOST_THREADS / GROUP];

static Products& own_products() {
  Products& own = all[block.now->number / GROUP];
  if (own.life != block.life + 1ull) own = {block.life + 1ull, 0, false, {}};
  return own;
}

static float from_bf16(uint16_t bits) {
  uint32_t word = (uint32_t)bits << 16;
  float value;
  memcpy(&value, &word, sizeof value);
  return value;
}

// The tile that a descriptor names. Only what kernels use is known: swizzled by 128 bytes.
struct Tile {
  uint64_t start, stride;

  Tile(uint64_t descriptor, const void* at) {
    start = (descriptor & 0x3fff) << 4;
    stride = (descriptor >> 32 & 0x3fff) << 4;
    if (descriptor >> 62 != 1 || (descriptor >> 46 & 0xffff) != 0)
      fail(at, "the descriptor %#llx is not one of 128-byte swizzling with no offset",
           (unsigned long long)descriptor);
  }

  // Number `column` of row `row`, of 64 numbers: eight rows are 1,024 bytes, in which pieces of 16
  // bytes change places by the address's bits 7 to 9.
  float at(int row, int column, const void* place) const {
    uint64_t address = start + row / 8 * stride + row % 8 * 128 + column * 2;
    address ^= (address >> 7 & 7) << 4;
    const void* from = dynamic_memory() + (address - SHARED_BASE);
    touch(from, 2, false, place);
    uint16_t bits;
    memcpy(&bits, from, 2);
    return from_bf16(bits);
  }
};

static void carry_out(const Product& product, const void* at) {
  static float a[64][16], b[16][64];
  Tile right(product.right, at);
  for (int k = 0; k < 16; k++)
    for (int n = 0; n < 64; n++) b[k][n] = product.turned ? right.at(k, n, at) : right.at(n, k, at);
  if (product.held) {
    // As a warp holds the left factor of m16n8k16: warp w has rows 16·w to 16·w + 15.
    for (uint32_t t = 0; t < GROUP; t++)
      for (int i = 0; i < 8; i++) {
        uint32_t row = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, column = t % 4 * 2 + i % 2 + i / 4 * 8;
        a[row][column] = from_bf16((uint16_t)(product.left[t][i / 2] >> i % 2 * 16));
      }
  } else {
    Tile left(product.left_at, at);
    for (int m = 0; m < 64; m++)
      for (int k = 0; k < 16; k++) a[m][k] = left.at(m, k, at);
  }
  for (uint32_t t = 0; t < GROUP; t++)
    for (int i = 0; i < 32; i++) {
      uint32_t row = t / 32 * 16 + t % 32 / 4 + i / 2 % 2 * 8, column = i / 4 * 8 + t % 4 * 2 + i % 2;
      float sum = product.add ? product.sums[t][i] : 0.f;
      for (int k = 0; k < 16; k++) sum += a[row][k] * b[k][column];
      product.sums[t][i] = sum;
    }
}

// Waits for the other threads of the four warps; whether this is the last to come, who does it for all.
static bool meet(const Request& request, const void* at) {
  Thread* own = block.now;
  uint32_t first = own->number / GROUP * GROUP;
  own->request = request;
  own->does = Does::Collective;
  if (first + GROUP > block.threads.size()) fail(at, "needs four whole warps");
  for (uint32_t i = 0; i < GROUP; i++) {
    const Thread& other = block.threads[first + i];
    if (other.does == Does::Ended) fail(at, "waits for thread %u, which has ended", other.number);
    bool same = other.does == Does::Collective && other.request.kind == request.kind &&
                other.request.line == request.line && !strcmp(other.request.file, request.file);
    if (!same) {
      give_way();
      return false;
    }
  }
  return true;
}

static void go_on() {
  uint32_t first = block.now->number / GROUP * GROUP;
  for (uint32_t i = 0; i < GROUP; i++) block.threads[first + i].does = Does::Runs;
}

#define HERE __builtin_return_address(0)

extern "C" {
void emulated_begin_products() { own_products().begun = true; }

void emulated_product(float* sums, const uint32_t* left, uint64_t left_at, uint64_t right, int turned,
                      int add, const char* file, int line) {
  uint64_t given[3] = {left_at, right, (uint64_t)(turned * 2 + add)};
  if (!meet({Kind::Product, 0, file, line, 0, 0, left, given, sums}, HERE)) return;
  Products& own = own_products();
  if (!own.begun) fail(HERE, "multiplies without a fence since the last wait");
  for (const Thread& other : block.threads)
    if (other.hidden) fail(HERE, "multiplies what thread %u copied and did not show", other.number);
  Product product = {own.closed, left_at, right, left != nullptr, turned != 0, add != 0, {}, {}};
  uint32_t first = block.now->number / GROUP * GROUP;
  for (uint32_t i = 0; i < GROUP; i++) {
    const Request& request = block.threads[first + i].request;
    if (memcmp(request.more, given, sizeof given)) fail(HERE, "threads name different factors");
    product.sums[i] = (float*)request.to;
    if (left) memcpy(product.left[i], request.from, sizeof product.left[i]);
  }
  own.pending.push_back(product);
  go_on();
}

void emulated_end_products(const char* file, int line) {
  if (!meet({Kind::EndProducts, 0, file, line, 0, 0, nullptr, nullptr, nullptr}, HERE)) return;
  own_products().closed++;
  go_on();
}

void emulated_await_products(int later, const char* file, int line) {
  if (!meet({Kind::AwaitProducts, 0, file, line, later, 0, nullptr, nullptr, nullptr}, HERE)) return;
  Products& own = own_products();
  std::vector<Product> left;
  for (const Product& product : own.pending) {
    if (product.group + later < own.closed)
      carry_out(product, HERE);
    else
      left.push_back(product);
  }
  own.pending.swap(left);
  own.begun = false;
  go_on();
}

void emulated_show() { block.now->hidden = false; }

uint32_t emulated_shared_address(const void* at) {
  return (uint32_t)((const unsigned char*)at - dynamic_memory() + SHARED_BASE);
}
}
