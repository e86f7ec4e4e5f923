// The machine that kernels are compiled for in tests, in place of ptx.cuh: what CUDA and PTX give
// them, as declarations. What it does is in block.cpp, warp.cpp and memory.cpp.
//
// Each collective takes the place it is called at: lanes that meet must have come the same way.

#include <math.h>
#include <string.h>

#include <utility>

#define __global__
#define __device__
#define __constant__ static const
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
// One block runs at a time, so that what a block shares is static.
#define __shared__ static __attribute__((section("block_memory")))
#define UNWATCHED __attribute__((no_sanitize("thread", "undefined")))
#define PLACE const char *file = __builtin_FILE(), int line = __builtin_LINE()

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct dim3 {
  u32 x, y, z;
};
struct __align__(8) uint2 { u32 x, y; };
struct __align__(16) uint4 { u32 x, y, z, w; };
struct __align__(8) float2 { float x, y; };
struct __align__(16) float4 { float x, y, z, w; };
struct __align__(8) int2 { int x, y; };
struct __align__(16) int4 { int x, y, z, w; };
static inline uint2 make_uint2(u32 x, u32 y) { return {x, y}; }
static inline uint4 make_uint4(u32 x, u32 y, u32 z, u32 w) { return {x, y, z, w}; }
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

// For one thread these never change, whatever runs between.
extern "C" {
dim3 emulated_thread() __attribute__((const));
dim3 emulated_block() __attribute__((const));
dim3 emulated_block_size() __attribute__((const));
dim3 emulated_grid_size() __attribute__((const));
void* emulated_dynamic() __attribute__((const));
void emulated_barrier(const char* file, int line);
void emulated_warp_barrier(u32 mask, const char* file, int line);
void emulated_shuffle(u32 mask, void* to, const void* from, int bytes, int lane, const char* file,
                      int line);
u32 emulated_vote(u32 mask, int yes, const char* file, int line);
void emulated_fragments(u32* to, const void* row, int transposed, const char* file, int line);
void emulated_multiply(float* sums, const u32* a, const u32* b, const char* file, int line);
void emulated_copy(void* to, const void* from, int size, int bytes, const char* file, int line);
void emulated_commit();
void emulated_wait(int groups);
u32 emulated_shared_address(const void* at) __attribute__((const));
void emulated_begin_products();
void emulated_product(float* sums, const u32* left, u64 left_at, u64 right, int turned, int add,
                      const char* file, int line);
void emulated_end_products(const char* file, int line);
void emulated_await_products(int later, const char* file, int line);
void emulated_show();
}
#define threadIdx (emulated_thread())
#define blockIdx (emulated_block())
#define blockDim (emulated_block_size())
#define gridDim (emulated_grid_size())
#define warpSize 32

static inline void __syncthreads(PLACE) { emulated_barrier(file, line); }
static inline void __syncwarp(u32 mask = 0xffffffffu, PLACE) {
  emulated_warp_barrier(mask, file, line);
}

// Shuffles within stretches of `width` lanes; a lane beyond its stretch reads itself.
template <class T>
UNWATCHED static inline T emulated_from(u32 mask, T value, int lane, const char* file, int line) {
  T result;
  emulated_shuffle(mask, &result, &value, sizeof(T), lane, file, line);
  return result;
}
static inline int emulated_lane() {
  dim3 at = threadIdx, of = blockDim;
  return (at.x + at.y * of.x + at.z * of.x * of.y) % 32;
}
template <class T>
static inline T __shfl_sync(u32 mask, T value, int from, int width = 32, PLACE) {
  int lane = emulated_lane();
  return emulated_from(mask, value, lane / width * width + (from & (width - 1)), file, line);
}
template <class T>
static inline T __shfl_xor_sync(u32 mask, T value, int bits, int width = 32, PLACE) {
  int lane = emulated_lane(), from = lane ^ bits;
  return emulated_from(mask, value, from / width > lane / width ? lane : from, file, line);
}
template <class T>
static inline T __shfl_down_sync(u32 mask, T value, u32 by, int width = 32, PLACE) {
  int lane = emulated_lane(), from = lane + by;
  return emulated_from(mask, value, from / width == lane / width ? from : lane, file, line);
}
template <class T>
static inline T __shfl_up_sync(u32 mask, T value, u32 by, int width = 32, PLACE) {
  int lane = emulated_lane(), from = lane - (int)by;
  return emulated_from(mask, value, from >= lane / width * width ? from : lane, file, line);
}
static inline u32 __ballot_sync(u32 mask, int yes, PLACE) {
  return emulated_vote(mask, yes, file, line);
}
static inline int __any_sync(u32 mask, int yes, PLACE) {
  return emulated_vote(mask, yes, file, line) != 0;
}
static inline int __all_sync(u32 mask, int yes, PLACE) {
  return emulated_vote(mask, yes, file, line) == mask;
}

template <class To, class From>
static inline To emulated_bits(From from) {
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
static inline float __uint_as_float(u32 bits) { return emulated_bits<float>(bits); }
static inline float __int_as_float(int bits) { return emulated_bits<float>(bits); }
static inline u32 __float_as_uint(float value) { return emulated_bits<u32>(value); }
static inline int __float_as_int(float value) { return emulated_bits<int>(value); }
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
static inline float rsqrtf(float x) { return 1.f / sqrtf(x); }
static inline float __fdividef(float a, float b) { return a / b; }
#define __expf(x) expf(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
static inline float power_of_two(float x) { return exp2f(x); }

// To nearest even; what is no number becomes the one that the GPU gives.
static inline u16 to_bf16(float value) {
  u32 bits = __float_as_uint(value);
  if (value != value) return 0x7fff;
  return (u16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
static inline u32 to_bf16x2(float low, float high) { return to_bf16(low) | (u32)to_bf16(high) << 16; }

static inline void load_fragments(u32* r, const u16* at, PLACE) {
  emulated_fragments(r, at, 0, file, line);
}
static inline void load_transposed(u32* r, const u16* at, PLACE) {
  emulated_fragments(r, at, 1, file, line);
}
UNWATCHED static inline void multiply(float* c, const u32* a, u32 b0, u32 b1, PLACE) {
  u32 b[2] = {b0, b1};
  emulated_multiply(c, a, b, file, line);
}
static inline void copy_16(void* to, const void* from, int bytes, PLACE) {
  emulated_copy(to, from, 16, bytes, file, line);
}
static inline void copy_4(void* to, const void* from, int bytes, PLACE) {
  emulated_copy(to, from, 4, bytes, file, line);
}
#define COMMIT() emulated_commit()
#define WAIT(n) emulated_wait(n)

static inline u32 shared_address(const void* at) { return emulated_shared_address(at); }
static inline void begin_products() { emulated_begin_products(); }
static inline void end_products(PLACE) { emulated_end_products(file, line); }
template <int LATER>
static inline void await_products(PLACE) {
  emulated_await_products(LATER, file, line);
}
static inline void show_to_products() { emulated_show(); }
// The sums may have been written since they were last looked at.
template <int N>
static inline void settle(float (&sums)[N]) {
  asm volatile("" ::"r"(&sums) : "memory");
}
UNWATCHED static inline void product(float (&sums)[32], u64 left, u64 right, bool add, PLACE) {
  emulated_product(sums, nullptr, left, right, 0, add, file, line);
}
template <int TURNED>
UNWATCHED static inline void product_held(float (&sums)[32], const u32* left, u64 right, bool add, PLACE) {
  emulated_product(sums, left, 0, right, TURNED, add, file, line);
}

// A kernel as it is called from outside: how many parameters of how many bytes, and the call.
struct Entry {
  u32 count;
  const u32* sizes;
  void (*call)(void* const* given);
};
template <class F>
struct Signature;
template <class... P>
struct Signature<void(P...)> {
  static constexpr u32 count = sizeof...(P);
  static constexpr u32 sizes[] = {sizeof(P)..., 0};
  template <void (*kernel)(P...), std::size_t... I>
  UNWATCHED static void with(void* const* given, std::index_sequence<I...>) {
    kernel(*(P*)given[I]...);
  }
  template <void (*kernel)(P...)>
  UNWATCHED static void call(void* const* given) {
    with<kernel>(given, std::index_sequence_for<P...>());
  }
};
#define EMULATED(name)                                                            \
  extern "C" __attribute__((visibility("default"))) const Entry emulated_##name = \
      {Signature<decltype(name)>::count, Signature<decltype(name)>::sizes,        \
       &Signature<decltype(name)>::call<name>};
