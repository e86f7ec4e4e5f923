// Attention on Hopper's tensor cores, bf16: heads of 64 or 128.
//
// As `flash.cu`, with the same sums by the same owners; but four warps multiply together, tiles that
// pass by are read from shared memory by the tensor cores themselves, and three stages of them are on
// their way, so that one barrier a stage is enough.

// Tiles in shared memory are panels of 64 columns: a row of a panel is 128 bytes, whose pieces of 16
// change places by the row's last three bits, as the hardware's 128-byte swizzle has it. Panels begin
// at multiples of 1,024 bytes.
#define PANEL (64 * 128)
#define PANELS (HEAD / 64)
// Bytes of a tile: 64 rows.
#define TILE (PANELS * PANEL)
#define STAGES 3
// Tiles of a stage, of each of the two matrices that pass by.
#define FORWARD_TILES 2
#define BACK_TILES (HEAD == 64 ? 2 : 1)
// Own rows are held in registers where there is room for them.
#define HELD (HEAD == 64)
// Groups of four warps in a block, 64 rows each.
#define FORWARD_GROUPS (HEAD == 64 ? 3 : 2)
#define QUERY_GROUPS (HEAD == 64 ? 3 : 2)
#define KEY_GROUPS 2
#define LOG2E 1.4426950408889634f

struct Shape {
  int length, queries, keys, width, causal;
};

// A tile's descriptor: where it begins in units of 16 bytes, 1,024 bytes from eight rows to the next,
// swizzled by 128 bytes.
__device__ __forceinline__ u64 matrix_at(const char* tile) {
  u64 start = (shared_address(tile) & 0x3ffff) >> 4;
  return start | (u64)1 << 16 | (u64)(1024 >> 4) << 32 | (u64)1 << 62;
}

// Where piece `piece`, of eight numbers, of row `r` lies in a tile.
__device__ __forceinline__ int place(int r, int piece) {
  return piece / 8 * PANEL + r * 128 + ((piece ^ r) & 7) * 16;
}

// Copies 64 rows of a head into a tile, by so many groups; rows from `valid` on become zero.
template <int GROUPS>
__device__ __forceinline__ void fetch_tile(char* tile, const u16* from, int row, int valid) {
  constexpr int pieces = 64 * (HEAD / 8), threads = 128 * GROUPS;
#pragma unroll
  for (int turn = 0; turn < (pieces + threads - 1) / threads; turn++) {
    int at = turn * threads + threadIdx.x, r = at / (HEAD / 8), piece = at % (HEAD / 8);
    if (pieces % threads && at >= pieces) break;
    const u16* source = from + (r < valid ? r * row + piece * 8 : 0);
    copy_16(tile + place(r, piece), source, r < valid ? 16 : 0);
  }
}

// Of this warp's 16 rows of a tile, columns 16·k to 16·k + 15, as a left factor.
__device__ __forceinline__ void hold(u32* r, const char* tile, int k) {
  int lane = threadIdx.x & 31, row = threadIdx.x % 128 / 32 * 16 + (lane & 15);
  load_fragments(r, (const u16*)(tile + place(row, 2 * k + (lane >> 4))));
}

// A tile of own rows, held in registers or read where it lies.
struct Own {
#if HELD
  u32 r[HEAD / 16][4];
  __device__ __forceinline__ void take(const char* tile) {
#pragma unroll
    for (int k = 0; k < HEAD / 16; k++) hold(r[k], tile, k);
  }
#else
  const char* tile;
  __device__ __forceinline__ void take(const char* from) { tile = from; }
#endif
  // sums = own rows · the rows of `other`.
  __device__ __forceinline__ void times(float (&sums)[32], const char* other) const {
#pragma unroll
    for (int k = 0; k < HEAD / 16; k++) {
      int at = k / 4 * PANEL + k % 4 * 32;
#if HELD
      product_held<0>(sums, r[k], matrix_at(other + at), k > 0);
#else
      product(sums, matrix_at(tile + at), matrix_at(other + at), k > 0);
#endif
    }
  }
};

// sums += weights · tile, where the tile's rows are the inner dimension.
__device__ __forceinline__ void accumulate(float (&sums)[PANELS][32], const u32 (&weights)[4][4],
                                           const char* tile) {
#pragma unroll
  for (int k = 0; k < 4; k++)
#pragma unroll
    for (int p = 0; p < PANELS; p++)
      product_held<1>(sums[p], weights[k], matrix_at(tile + p * PANEL + k * 2048), true);
}

// Columns 16·k to 16·k + 15 of sums as a left factor of the next product.
__device__ __forceinline__ void pack(u32* a, const float (&sums)[32], int k) {
#pragma unroll
  for (int i = 0; i < 4; i++) a[i] = to_bf16x2(sums[8 * k + 2 * i], sums[8 * k + 2 * i + 1]);
}

__device__ __forceinline__ float quad_sum(float v) {
  v += __shfl_xor_sync(FULL, v, 1);
  return v + __shfl_xor_sync(FULL, v, 2);
}

__device__ __forceinline__ float quad_max(float v) {
  v = fmaxf(v, __shfl_xor_sync(FULL, v, 1));
  return fmaxf(v, __shfl_xor_sync(FULL, v, 2));
}

// Scores of queries from `query` on with keys that they do not see, or that are not there, count nothing.
__device__ __forceinline__ void hide(float (&scores)[32], int from, int query, const Shape& shape) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int r = 0; r < 2; r++) {
    // Keys that this row sees: those before `end`.
    int end = shape.causal ? min(shape.length, query + r * 8 + 1) : shape.length;
    end -= from + lane % 4 * 2;
#pragma unroll
    for (int n = 0; n < 8; n++)
#pragma unroll
      for (int j = 0; j < 2; j++)
        if (n * 8 + j >= end) scores[4 * n + 2 * r + j] = -INFINITY;
  }
}

// Writes a group's 64 rows; rows from `valid` on are left out.
__device__ __forceinline__ void write_tile(u16* to, int row, const float (&sums)[PANELS][32], int valid) {
  int lane = threadIdx.x & 31, r = threadIdx.x % 128 / 32 * 16 + lane / 4, c = lane % 4 * 2;
#pragma unroll
  for (int p = 0; p < PANELS; p++)
#pragma unroll
    for (int n = 0; n < 8; n++) {
      u16* at = to + p * 64 + n * 8 + c;
      const float* four = sums[p] + 4 * n;
      if (r < valid) *(u32*)(at + r * row) = to_bf16x2(four[0], four[1]);
      if (r + 8 < valid) *(u32*)(at + (r + 8) * row) = to_bf16x2(four[2], four[3]);
    }
}

// The first place of shared memory where a tile may begin.
__device__ __forceinline__ char* aligned(u16* room) {
  return (char*)room + (-shared_address(room) & 1023);
}

// Keys and values of a head on their way to shared memory, stage after stage.
template <int GROUPS, int TILES>
struct Passing {
  const u16* from;
  char *stages, *to, *now;
  // What there is yet to fetch: rows, and so many stages.
  int rest, left, row, values;

  __device__ __forceinline__ Passing(char* stages, const u16* keys, int row, int values, int length,
                                     int count)
      : from(keys),
        stages(stages),
        to(stages),
        now(stages),
        rest(length),
        left(count),
        row(row),
        values(values) {}

  __device__ __forceinline__ void fetch() {
    if (left > 0) {
#pragma unroll
      for (int t = 0; t < TILES; t++) {
        fetch_tile<GROUPS>(to + t * TILE, from + t * 64 * row, row, rest - t * 64);
        fetch_tile<GROUPS>(to + (TILES + t) * TILE, from + values + t * 64 * row, row, rest - t * 64);
      }
      from += TILES * 64 * row, rest -= TILES * 64, left--;
      to = after(to);
    }
    COMMIT();
  }

  __device__ __forceinline__ char* after(char* stage) const {
    stage += 2 * TILES * TILE;
    return stage == stages + STAGES * 2 * TILES * TILE ? stages : stage;
  }
};

// Waits for a stage, which from then on all see, and which all have done with the one before.
__device__ __forceinline__ void await_stage() {
  WAIT(1);
  show_to_products();
  __syncthreads();
}

// Grid: query heads, sequences, query tiles: the longest queues of keys first.
extern "C" __global__ void __launch_bounds__(128 * FORWARD_GROUPS, 1)
    hopper(u16* out, float* log_sums, const u16* qkv, Shape shape) {
  extern __shared__ __align__(16) u16 room[];
  char* tile_q = aligned(room);
  int head = blockIdx.x, block = gridDim.z - 1 - blockIdx.z;
  int group = threadIdx.x / 128, lane = threadIdx.x & 31;
  int row = (shape.queries + 2 * shape.keys) * HEAD;
  u64 start = (u64)blockIdx.y * shape.length;
  int first = block * 64 * FORWARD_GROUPS, own = first + group * 64;
  int mine = own + threadIdx.x % 128 / 32 * 16 + lane / 4;
  const u16* base = qkv + start * row;
  const u16* keys = base + (shape.queries + head / (shape.queries / shape.keys)) * HEAD;
  int end = shape.causal ? min(shape.length, first + 64 * FORWARD_GROUPS) : shape.length;
  int stages = (end + 64 * FORWARD_TILES - 1) / (64 * FORWARD_TILES);
  Passing<FORWARD_GROUPS, FORWARD_TILES> passing(tile_q + FORWARD_GROUPS * TILE, keys, row,
                                                 shape.keys * HEAD, shape.length, stages);
#pragma unroll
  for (int g = 0; g < FORWARD_GROUPS; g++)
    fetch_tile<FORWARD_GROUPS>(tile_q + g * TILE, base + (u64)(first + g * 64) * row + head * HEAD, row,
                               shape.length - first - g * 64);
  passing.fetch();
  passing.fetch();
  Own q;
  float sums[PANELS][32] = {}, largest[2] = {-INFINITY, -INFINITY}, total[2] = {};
  float scale = rsqrtf((float)HEAD) * LOG2E;
  for (int from = 0; from < end; from += 64 * FORWARD_TILES) {
    await_stage();
    passing.fetch();
    if (from == 0) q.take(tile_q + group * TILE);
    const char* k_now = passing.now;
    passing.now = passing.after(passing.now);
    // Keys that none of the group's queries sees are passed over.
    if (shape.causal && from >= own + 64) continue;
    float scores[FORWARD_TILES][32];
#pragma unroll
    for (int t = 0; t < FORWARD_TILES; t++) settle(scores[t]);
    begin_products();
#pragma unroll
    for (int t = 0; t < FORWARD_TILES; t++) q.times(scores[t], k_now + t * TILE);
    end_products();
    await_products<0>();
#pragma unroll
    for (int t = 0; t < FORWARD_TILES; t++) settle(scores[t]);
    int last = from + 64 * FORWARD_TILES;
    if (last > shape.length || (shape.causal && last > own)) {
#pragma unroll
      for (int t = 0; t < FORWARD_TILES; t++) hide(scores[t], from + t * 64, mine, shape);
    }
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float here = largest[r];
#pragma unroll
      for (int t = 0; t < FORWARD_TILES; t++)
#pragma unroll
        for (int n = 0; n < 8; n++)
          here = fmaxf(here, fmaxf(scores[t][4 * n + 2 * r], scores[t][4 * n + 2 * r + 1]));
      // Every query sees a key in the first stage, so there is a maximum.
      here = quad_max(here);
      float kept = power_of_two((largest[r] - here) * scale), shift = here * scale;
      largest[r] = here;
      float sum = total[r] * kept;
#pragma unroll
      for (int p = 0; p < PANELS; p++)
#pragma unroll
        for (int n = 0; n < 8; n++) {
          sums[p][4 * n + 2 * r] *= kept;
          sums[p][4 * n + 2 * r + 1] *= kept;
        }
#pragma unroll
      for (int t = 0; t < FORWARD_TILES; t++)
#pragma unroll
        for (int n = 0; n < 8; n++)
#pragma unroll
          for (int j = 0; j < 2; j++) {
            float weight = power_of_two(scores[t][4 * n + 2 * r + j] * scale - shift);
            scores[t][4 * n + 2 * r + j] = weight;
            sum += weight;
          }
      total[r] = sum;
    }
    u32 weights[FORWARD_TILES][4][4];
#pragma unroll
    for (int t = 0; t < FORWARD_TILES; t++)
#pragma unroll
      for (int k = 0; k < 4; k++) pack(weights[t][k], scores[t], k);
#pragma unroll
    for (int p = 0; p < PANELS; p++) settle(sums[p]);
    begin_products();
#pragma unroll
    for (int t = 0; t < FORWARD_TILES; t++)
      accumulate(sums, weights[t], k_now + (FORWARD_TILES + t) * TILE);
    end_products();
    await_products<0>();
#pragma unroll
    for (int p = 0; p < PANELS; p++) settle(sums[p]);
  }
#pragma unroll
  for (int r = 0; r < 2; r++) {
    float all = quad_sum(total[r]), share = 1.f / all;
#pragma unroll
    for (int p = 0; p < PANELS; p++)
#pragma unroll
      for (int n = 0; n < 8; n++) {
        sums[p][4 * n + 2 * r] *= share;
        sums[p][4 * n + 2 * r + 1] *= share;
      }
    int query = mine + r * 8;
    if (lane % 4 == 0 && query < shape.length)
      log_sums[(start + query) * shape.queries + head] = (largest[r] * scale + log2f(all)) / LOG2E;
  }
  int out_row = shape.queries * HEAD;
  write_tile(out + (start + own) * out_row + head * HEAD, out_row, sums, shape.length - own);
}

// Grid: query heads, sequences, query tiles.
extern "C" __global__ void __launch_bounds__(128 * QUERY_GROUPS, 1)
    hopper_queries(u16* dqkv, const float* delta, const u16* dout, const u16* qkv,
                   const float* log_sums, Shape shape) {
  extern __shared__ __align__(16) u16 room[];
  char *tile_q = aligned(room), *tile_d = tile_q + QUERY_GROUPS * TILE;
  int head = blockIdx.x, block = gridDim.z - 1 - blockIdx.z;
  int group = threadIdx.x / 128, lane = threadIdx.x & 31;
  int row = (shape.queries + 2 * shape.keys) * HEAD, out_row = shape.queries * HEAD;
  u64 start = (u64)blockIdx.y * shape.length;
  int first = block * 64 * QUERY_GROUPS, own = first + group * 64;
  int mine = own + threadIdx.x % 128 / 32 * 16 + lane / 4;
  const u16* base = qkv + start * row;
  const u16* keys = base + (shape.queries + head / (shape.queries / shape.keys)) * HEAD;
  int end = shape.causal ? min(shape.length, first + 64 * QUERY_GROUPS) : shape.length;
  int stages = (end + 64 * BACK_TILES - 1) / (64 * BACK_TILES);
  Passing<QUERY_GROUPS, BACK_TILES> passing(tile_d + QUERY_GROUPS * TILE, keys, row, shape.keys * HEAD,
                                            shape.length, stages);
#pragma unroll
  for (int g = 0; g < QUERY_GROUPS; g++) {
    int at = first + g * 64;
    fetch_tile<QUERY_GROUPS>(tile_q + g * TILE, base + (u64)at * row + head * HEAD, row, shape.length - at);
    fetch_tile<QUERY_GROUPS>(tile_d + g * TILE, dout + (start + at) * out_row + head * HEAD, out_row,
                             shape.length - at);
  }
  passing.fetch();
  passing.fetch();
  float scale = rsqrtf((float)HEAD), log_sum[2], dots[2];
#pragma unroll
  for (int r = 0; r < 2; r++) {
    int query = mine + r * 8;
    u64 at = (start + query) * shape.queries + head;
    // No weight for queries that are not there.
    log_sum[r] = query < shape.length ? log_sums[at] * LOG2E : INFINITY;
    dots[r] = query < shape.length ? delta[at] : 0.f;
  }
  Own q, d;
  float sums[PANELS][32] = {};
  for (int begin = 0; begin < end; begin += 64 * BACK_TILES) {
    await_stage();
    passing.fetch();
    if (begin == 0) {
      q.take(tile_q + group * TILE);
      d.take(tile_d + group * TILE);
    }
    const char* stage = passing.now;
    passing.now = passing.after(passing.now);
#pragma unroll
    for (int t = 0; t < BACK_TILES; t++) {
      int from = begin + t * 64;
      if (from >= end || (shape.causal && from >= own + 64)) break;
      const char *k_now = stage + t * TILE, *v_now = k_now + BACK_TILES * TILE;
      float scores[32], changes[32];
      settle(scores);
      settle(changes);
      begin_products();
      q.times(scores, k_now);
      end_products();
      d.times(changes, v_now);
      end_products();
      await_products<1>();
      settle(scores);
      if (from + 64 > shape.length || (shape.causal && from + 64 > own))
        hide(scores, from, mine, shape);
#pragma unroll
      for (int i = 0; i < 32; i++)
        scores[i] = power_of_two(scores[i] * (scale * LOG2E) - log_sum[i >> 1 & 1]);
      await_products<0>();
      settle(changes);
#pragma unroll
      for (int i = 0; i < 32; i++) scores[i] *= changes[i] - dots[i >> 1 & 1];
      u32 weights[4][4];
#pragma unroll
      for (int k = 0; k < 4; k++) pack(weights[k], scores, k);
#pragma unroll
      for (int p = 0; p < PANELS; p++) settle(sums[p]);
      begin_products();
      accumulate(sums, weights, k_now);
      end_products();
      await_products<0>();
#pragma unroll
      for (int p = 0; p < PANELS; p++) settle(sums[p]);
    }
  }
#pragma unroll
  for (int p = 0; p < PANELS; p++)
#pragma unroll
    for (int i = 0; i < 32; i++) sums[p][i] *= scale;
  write_tile(dqkv + (start + own) * row + head * HEAD, row, sums, shape.length - own);
}

// Queries on their way to shared memory, with the gradients of their outputs, for one head after the
// other.
struct Queries {
  const u16 *base, *dout;
  const float *log_sums, *delta;
  char *stages, *to;
  // Of each stage and query: the logarithm of its sum, and the dot product of its output.
  float* numbers;
  int from, begin, head, last, row, out_row, length, slot;

  __device__ __forceinline__ void fetch() {
    if (head < last) {
      int rest = length - from;
#pragma unroll
      for (int t = 0; t < BACK_TILES; t++) {
        fetch_tile<KEY_GROUPS>(to + t * TILE, base + (u64)(from + t * 64) * row + head * HEAD, row,
                               rest - t * 64);
        fetch_tile<KEY_GROUPS>(to + (BACK_TILES + t) * TILE,
                               dout + (u64)(from + t * 64) * out_row + head * HEAD, out_row, rest - t * 64);
      }
      if (threadIdx.x < 128 * BACK_TILES) {
        int which = threadIdx.x & 1, place = threadIdx.x / 2;
        bool valid = place < rest;
        const float* all = which ? delta : log_sums;
        copy_4(numbers + (slot * 2 + which) * 64 * BACK_TILES + place,
                 all + (valid ? (u64)(from + place) * (out_row / HEAD) + head : 0), valid ? 4 : 0);
      }
      from += 64 * BACK_TILES;
      if (from >= length) from = begin, head++;
      to += 2 * BACK_TILES * TILE;
      if (++slot == STAGES) slot = 0, to = stages;
    }
    COMMIT();
  }
};

// Grid: key heads, sequences, key tiles. Products are transposed: keys are rows.
extern "C" __global__ void __launch_bounds__(128 * KEY_GROUPS, 1)
    hopper_keys(u16* dqkv, const float* delta, const u16* dout, const u16* qkv,
                const float* log_sums, Shape shape) {
  extern __shared__ __align__(16) u16 room[];
  __shared__ __align__(16) float of_queries[STAGES][2][64 * BACK_TILES];
  char *tile_k = aligned(room), *tile_v = tile_k + KEY_GROUPS * TILE, *stages = tile_v + KEY_GROUPS * TILE;
  int shared = blockIdx.x, first = blockIdx.z * 64 * KEY_GROUPS, heads = shape.queries / shape.keys;
  int group = threadIdx.x / 128, lane = threadIdx.x & 31, own = first + group * 64;
  int mine = own + threadIdx.x % 128 / 32 * 16 + lane / 4;
  int row = (shape.queries + 2 * shape.keys) * HEAD, out_row = shape.queries * HEAD;
  u64 start = (u64)blockIdx.y * shape.length;
  const u16* base = qkv + start * row;
  const u16* keys = base + (shape.queries + shared) * HEAD;
  int begin = shape.causal ? first : 0;
  Queries queries = {base,
                     dout + start * out_row,
                     log_sums + start * shape.queries,
                     delta + start * shape.queries,
                     stages,
                     stages,
                     of_queries[0][0],
                     begin,
                     begin,
                     shared * heads,
                     (shared + 1) * heads,
                     row,
                     out_row,
                     shape.length,
                     0};
#pragma unroll
  for (int g = 0; g < KEY_GROUPS; g++) {
    const u16* own_keys = keys + (u64)(first + g * 64) * row;
    int valid = shape.length - first - g * 64;
    fetch_tile<KEY_GROUPS>(tile_k + g * TILE, own_keys, row, valid);
    fetch_tile<KEY_GROUPS>(tile_v + g * TILE, own_keys + shape.keys * HEAD, row, valid);
  }
  queries.fetch();
  queries.fetch();
  float scale = rsqrtf((float)HEAD);
  Own k, v;
  bool fresh = true;
  int slot = 0;
  float dk[PANELS][32] = {}, dv[PANELS][32] = {};
  for (int head = 0; head < heads; head++)
    for (int round = begin; round < shape.length; round += 64 * BACK_TILES) {
      await_stage();
      queries.fetch();
      if (fresh) {
        k.take(tile_k + group * TILE);
        v.take(tile_v + group * TILE);
        fresh = false;
      }
      const char* stage = stages + slot * 2 * BACK_TILES * TILE;
      const float* numbers = of_queries[slot][0];
      slot = slot == STAGES - 1 ? 0 : slot + 1;
#pragma unroll
      for (int t = 0; t < BACK_TILES; t++) {
        int from = round + t * 64;
        // Queries that see none of the group's keys are passed over, and those that are not there.
        if (from >= shape.length || (shape.causal && from + 64 <= own)) continue;
        const char *q_now = stage + t * TILE, *d_now = q_now + BACK_TILES * TILE;
        const float2* log_sums = (const float2*)(numbers + t * 64) + lane % 4;
        const float2* dots = log_sums + 32 * BACK_TILES;
        float scores[32], changes[32];
        settle(scores);
        settle(changes);
        begin_products();
        k.times(scores, q_now);
        end_products();
        v.times(changes, d_now);
        end_products();
        await_products<1>();
        settle(scores);
        if (from + 64 > shape.length || own + 64 > shape.length || (shape.causal && from < own + 64)) {
#pragma unroll
          for (int r = 0; r < 2; r++) {
            // Queries that see this row's key: from `seen` on, before `end`.
            int key = mine + r * 8, seen = shape.causal ? key : 0;
            int end = key < shape.length ? shape.length : 0;
            seen -= from + lane % 4 * 2, end -= from + lane % 4 * 2;
#pragma unroll
            for (int n = 0; n < 8; n++)
#pragma unroll
              for (int j = 0; j < 2; j++)
                if (n * 8 + j < seen || n * 8 + j >= end) scores[4 * n + 2 * r + j] = -INFINITY;
          }
        }
#pragma unroll
        for (int n = 0; n < 8; n++) {
          float2 two = log_sums[4 * n];
          two.x *= LOG2E, two.y *= LOG2E;
#pragma unroll
          for (int i = 4 * n; i < 4 * n + 4; i++)
            scores[i] = power_of_two(scores[i] * (scale * LOG2E) - (i & 1 ? two.y : two.x));
        }
        u32 weights[4][4], shares[4][4];
#pragma unroll
        for (int k = 0; k < 4; k++) pack(weights[k], scores, k);
#pragma unroll
        for (int p = 0; p < PANELS; p++) settle(dv[p]);
        begin_products();
        accumulate(dv, weights, d_now);
        end_products();
        await_products<1>();
        settle(changes);
#pragma unroll
        for (int n = 0; n < 8; n++) {
          float2 two = dots[4 * n];
#pragma unroll
          for (int i = 4 * n; i < 4 * n + 4; i++)
            changes[i] = scores[i] * (changes[i] - (i & 1 ? two.y : two.x));
        }
#pragma unroll
        for (int k = 0; k < 4; k++) pack(shares[k], changes, k);
#pragma unroll
        for (int p = 0; p < PANELS; p++) settle(dk[p]);
        begin_products();
        accumulate(dk, shares, q_now);
        end_products();
        await_products<0>();
#pragma unroll
        for (int p = 0; p < PANELS; p++) {
          settle(dk[p]);
          settle(dv[p]);
        }
      }
    }
#pragma unroll
  for (int p = 0; p < PANELS; p++)
#pragma unroll
    for (int i = 0; i < 32; i++) dk[p][i] *= scale;
  u16* to = dqkv + (start + own) * row + (shape.queries + shared) * HEAD;
  write_tile(to, row, dk, shape.length - own);
  write_tile(to + shape.keys * HEAD, row, dv, shape.length - own);
}
