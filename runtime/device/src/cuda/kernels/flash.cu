// Attention in tiles on tensor cores, bf16: HEAD numbers a head, a multiple of 16, at most 128.
//
// Scores are never stored (Dao et al. 2022; Dao 2023): the forward pass keeps a running maximum and
// sum of each query, the backward pass computes scores again. Gradients of keys and values are summed
// by the block that owns the keys, those of queries by the block that owns the queries, so that no
// two blocks add to one number.

#define PITCH (HEAD + 8)
// Tiles of 16 rows that a warp owns, forwards and backwards: what is read of the passing tiles serves
// all of them, but registers hold the sums of few.
#define AHEAD (HEAD > 64 ? 1 : 2)
#define BEHIND (HEAD > 64 ? 1 : 2)
#define BACK (HEAD > 64 ? 64 : 32)
// Rows of the tiles that pass by are PASS forwards and BACK backwards; a block has four warps.
#define PASS 64
#define LOG2E 1.4426950408889634f

struct Shape {
  int length, queries, keys, width, causal;
};

// Rows 0 to 15 and columns k to k + 15 of a tile, as a left factor.
__device__ __forceinline__ void left(u32* r, const u16* tile, int row, int k) {
  int lane = threadIdx.x & 31;
  load_fragments(r, tile + (row + (lane & 15)) * PITCH + k + (lane >> 4) * 8);
}

// Rows n to n + 15 of a tile as columns of a right factor: two of eight columns each.
__device__ __forceinline__ void right(u32* r, const u16* tile, int n, int k) {
  int lane = threadIdx.x & 31;
  load_fragments(r, tile + (n + (lane >> 4) * 8 + (lane & 7)) * PITCH + k + ((lane >> 3) & 1) * 8);
}

// Rows k to k + 15 of a tile as rows of a right factor; columns n to n + 15.
__device__ __forceinline__ void right_rows(u32* r, const u16* tile, int k, int n) {
  int lane = threadIdx.x & 31;
  load_transposed(r, tile + (k + (lane & 15)) * PITCH + n + (lane >> 4) * 8);
}

// Copies `rows` rows of a head into a tile; those from `valid` on become zero.
__device__ __forceinline__ void fetch(u16* tile, const u16* from, u64 row, int rows, int valid) {
  for (int at = threadIdx.x; at < rows * (HEAD / 8); at += blockDim.x) {
    int r = at / (HEAD / 8), c = at % (HEAD / 8) * 8;
    // Of a row that is not there no byte is read.
    int bytes = r < valid ? 16 : 0;
    copy_16(tile + r * PITCH + c, from + (r < valid ? r * row + c : 0), bytes);
  }
}

// Sums of four neighbouring lanes, which share rows of a product.
__device__ __forceinline__ float quad_sum(float v) {
  v += __shfl_xor_sync(FULL, v, 1);
  return v + __shfl_xor_sync(FULL, v, 2);
}

__device__ __forceinline__ float quad_max(float v) {
  v = fmaxf(v, __shfl_xor_sync(FULL, v, 1));
  return fmaxf(v, __shfl_xor_sync(FULL, v, 2));
}

// Two products of neighbouring columns as a left factor of the next product.
__device__ __forceinline__ void as_left(u32* a, const float* one, const float* other) {
  a[0] = to_bf16x2(one[0], one[1]);
  a[1] = to_bf16x2(one[2], one[3]);
  a[2] = to_bf16x2(other[0], other[1]);
  a[3] = to_bf16x2(other[2], other[3]);
}

// Writes 16 rows of sums of a warp; rows from `valid` on are left out.
__device__ __forceinline__ void write_rows(u16* to, u64 row, float sums[HEAD / 8][4], int first,
                                           int valid) {
  int lane = threadIdx.x & 31, r = first + lane / 4, c = lane % 4 * 2;
#pragma unroll
  for (int n = 0; n < HEAD / 8; n++) {
    if (r < valid) *(u32*)(to + r * row + n * 8 + c) = to_bf16x2(sums[n][0], sums[n][1]);
    if (r + 8 < valid) *(u32*)(to + (r + 8) * row + n * 8 + c) = to_bf16x2(sums[n][2], sums[n][3]);
  }
}

// Grid: query tiles, query heads, sequences.
extern "C" __global__ void __launch_bounds__(128)
    flash(u16* out, float* log_sums, const u16* qkv, Shape shape) {
  extern __shared__ __align__(16) u16 room[];
  u16 *tile_q = room, *tile_k = room + (64 * AHEAD) * PITCH, *tile_v = tile_k + 2 * PASS * PITCH;
  // The longest queues of keys first.
  int block = gridDim.x - 1 - blockIdx.x, head = blockIdx.y;
  int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
  u64 row = (u64)(shape.queries + 2 * shape.keys) * HEAD, start = (u64)blockIdx.z * shape.length;
  int shared = head / (shape.queries / shape.keys), first = block * (64 * AHEAD), own = first + warp * 16 * AHEAD;
  const u16* base = qkv + start * row;
  const u16* keys = base + (shape.queries + shared) * HEAD;
  const u16* values = keys + shape.keys * HEAD;
  int end = shape.causal ? min(shape.length, first + (64 * AHEAD)) : shape.length;
  int tiles = (end + PASS - 1) / PASS;
  fetch(tile_q, base + first * row + head * HEAD, row, (64 * AHEAD), shape.length - first);
  fetch(tile_k, keys, row, PASS, shape.length);
  fetch(tile_v, values, row, PASS, shape.length);
  COMMIT();
  float sums[AHEAD][HEAD / 8][4] = {}, largest[AHEAD][2], total[AHEAD][2] = {};
#pragma unroll
  for (int m = 0; m < AHEAD; m++) largest[m][0] = largest[m][1] = -INFINITY;
  u32 q[AHEAD][HEAD / 16][4];
  float scale = rsqrtf((float)HEAD) * LOG2E;
  for (int tile = 0; tile < tiles; tile++) {
    int from = tile * PASS, now = tile & 1;
    if (tile + 1 < tiles) {
      int next = from + PASS, other = now ^ 1;
      fetch(tile_k + other * PASS * PITCH, keys + next * row, row, PASS, shape.length - next);
      fetch(tile_v + other * PASS * PITCH, values + next * row, row, PASS, shape.length - next);
      COMMIT();
      WAIT(1);
    } else {
      WAIT(0);
    }
    __syncthreads();
    if (tile == 0) {
#pragma unroll
      for (int m = 0; m < AHEAD; m++)
#pragma unroll
        for (int k = 0; k < HEAD / 16; k++)
          left(q[m][k], tile_q, (warp * AHEAD + m) * 16, k * 16);
    }
    // Keys that none of the warp's queries sees are passed over.
    if (!shape.causal || from < own + 16 * AHEAD) {
      const u16 *k_now = tile_k + now * PASS * PITCH, *v_now = tile_v + now * PASS * PITCH;
      float scores[AHEAD][PASS / 8][4] = {};
#pragma unroll
      for (int k = 0; k < HEAD / 16; k++)
#pragma unroll
        for (int n = 0; n < PASS / 16; n++) {
          u32 b[4];
          right(b, k_now, n * 16, k * 16);
#pragma unroll
          for (int m = 0; m < AHEAD; m++) {
            multiply(scores[m][2 * n], q[m][k], b[0], b[1]);
            multiply(scores[m][2 * n + 1], q[m][k], b[2], b[3]);
          }
        }
      bool edge = from + PASS > shape.length || (shape.causal && from + PASS > own);
      if (edge) {
#pragma unroll
        for (int m = 0; m < AHEAD; m++)
#pragma unroll
          for (int n = 0; n < PASS / 8; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
              int key = from + n * 8 + lane % 4 * 2 + (i & 1);
              int query = own + m * 16 + lane / 4 + (i >> 1) * 8;
              if (key >= shape.length || (shape.causal && key > query)) scores[m][n][i] = -INFINITY;
            }
      }
#pragma unroll
      for (int m = 0; m < AHEAD; m++)
#pragma unroll
        for (int r = 0; r < 2; r++) {
          float here = largest[m][r];
#pragma unroll
          for (int n = 0; n < PASS / 8; n++)
            here = fmaxf(here, fmaxf(scores[m][n][2 * r], scores[m][n][2 * r + 1]));
          // Every query sees a key in the first tile, so there is a maximum.
          here = quad_max(here);
          float kept = power_of_two((largest[m][r] - here) * scale), shift = here * scale;
          largest[m][r] = here;
          float sum = total[m][r] * kept;
#pragma unroll
          for (int n = 0; n < HEAD / 8; n++) {
            sums[m][n][2 * r] *= kept;
            sums[m][n][2 * r + 1] *= kept;
          }
#pragma unroll
          for (int n = 0; n < PASS / 8; n++) {
            scores[m][n][2 * r] = power_of_two(scores[m][n][2 * r] * scale - shift);
            scores[m][n][2 * r + 1] = power_of_two(scores[m][n][2 * r + 1] * scale - shift);
            sum += scores[m][n][2 * r] + scores[m][n][2 * r + 1];
          }
          total[m][r] = sum;
        }
#pragma unroll
      for (int k = 0; k < PASS / 16; k++) {
        u32 weights[AHEAD][4];
#pragma unroll
        for (int m = 0; m < AHEAD; m++) as_left(weights[m], scores[m][2 * k], scores[m][2 * k + 1]);
#pragma unroll
        for (int n = 0; n < HEAD / 16; n++) {
          u32 b[4];
          right_rows(b, v_now, k * 16, n * 16);
#pragma unroll
          for (int m = 0; m < AHEAD; m++) {
            multiply(sums[m][2 * n], weights[m], b[0], b[1]);
            multiply(sums[m][2 * n + 1], weights[m], b[2], b[3]);
          }
        }
      }
    }
    // The next round writes where this one read.
    __syncthreads();
  }
  u64 out_row = (u64)shape.queries * HEAD;
#pragma unroll
  for (int m = 0; m < AHEAD; m++) {
#pragma unroll
    for (int r = 0; r < 2; r++) {
      float all = quad_sum(total[m][r]), share = 1.f / all;
#pragma unroll
      for (int n = 0; n < HEAD / 8; n++) {
        sums[m][n][2 * r] *= share;
        sums[m][n][2 * r + 1] *= share;
      }
      int query = own + m * 16 + lane / 4 + r * 8;
      if (lane % 4 == 0 && query < shape.length)
        log_sums[(start + query) * shape.queries + head] =
            (largest[m][r] * scale + log2f(all)) / LOG2E;
    }
    write_rows(out + (start + first) * out_row + head * HEAD, out_row, sums[m],
               (warp * AHEAD + m) * 16, shape.length - first);
  }
}

// Grid: query tiles, query heads, sequences.
extern "C" __global__ void __launch_bounds__(128, 2)
    flash_queries(u16* dqkv, const float* delta, const u16* dout, const u16* qkv,
                  const float* log_sums, Shape shape) {
  extern __shared__ __align__(16) u16 room[];
  u16 *tile_q = room, *tile_d = room + (64 * BEHIND) * PITCH, *tile_k = tile_d + (64 * BEHIND) * PITCH;
  u16* tile_v = tile_k + 2 * BACK * PITCH;
  int block = gridDim.x - 1 - blockIdx.x, head = blockIdx.y;
  int warp = threadIdx.x / 32, lane = threadIdx.x & 31;
  u64 row = (u64)(shape.queries + 2 * shape.keys) * HEAD, out_row = (u64)shape.queries * HEAD;
  u64 start = (u64)blockIdx.z * shape.length;
  int shared = head / (shape.queries / shape.keys), first = block * (64 * BEHIND), own = first + warp * 16 * BEHIND;
  const u16* base = qkv + start * row;
  const u16* keys = base + (shape.queries + shared) * HEAD;
  const u16* values = keys + shape.keys * HEAD;
  fetch(tile_q, base + first * row + head * HEAD, row, (64 * BEHIND), shape.length - first);
  fetch(tile_d, dout + (start + first) * out_row + head * HEAD, out_row, (64 * BEHIND), shape.length - first);
  fetch(tile_k, keys, row, BACK, shape.length);
  fetch(tile_v, values, row, BACK, shape.length);
  COMMIT();
  float scale = rsqrtf((float)HEAD), log_sum[BEHIND][2], dots[BEHIND][2];
#pragma unroll
  for (int m = 0; m < BEHIND; m++)
#pragma unroll
    for (int r = 0; r < 2; r++) {
      int query = own + m * 16 + lane / 4 + r * 8;
      u64 at = (start + query) * shape.queries + head;
      // No weight for queries that are not there.
      log_sum[m][r] = query < shape.length ? log_sums[at] * LOG2E : INFINITY;
      dots[m][r] = query < shape.length ? delta[at] : 0.f;
    }
  float sums[BEHIND][HEAD / 8][4] = {};
  int end = shape.causal ? min(shape.length, first + (64 * BEHIND)) : shape.length;
  int tiles = (end + BACK - 1) / BACK;
  for (int tile = 0; tile < tiles; tile++) {
    int from = tile * BACK, now = tile & 1;
    if (tile + 1 < tiles) {
      int next = from + BACK, other = now ^ 1;
      fetch(tile_k + other * BACK * PITCH, keys + next * row, row, BACK, shape.length - next);
      fetch(tile_v + other * BACK * PITCH, values + next * row, row, BACK, shape.length - next);
      COMMIT();
      WAIT(1);
    } else {
      WAIT(0);
    }
    __syncthreads();
    if (!shape.causal || from < own + 16 * BEHIND) {
      const u16 *k_now = tile_k + now * BACK * PITCH, *v_now = tile_v + now * BACK * PITCH;
      float scores[BEHIND][BACK / 8][4] = {}, changes[BEHIND][BACK / 8][4] = {};
#pragma unroll
      for (int k = 0; k < HEAD / 16; k++) {
        u32 q[BEHIND][4], d[BEHIND][4];
#pragma unroll
        for (int m = 0; m < BEHIND; m++) {
          left(q[m], tile_q, (warp * BEHIND + m) * 16, k * 16);
          left(d[m], tile_d, (warp * BEHIND + m) * 16, k * 16);
        }
#pragma unroll
        for (int n = 0; n < BACK / 16; n++) {
          u32 b[4], c[4];
          right(b, k_now, n * 16, k * 16);
          right(c, v_now, n * 16, k * 16);
#pragma unroll
          for (int m = 0; m < BEHIND; m++) {
            multiply(scores[m][2 * n], q[m], b[0], b[1]);
            multiply(scores[m][2 * n + 1], q[m], b[2], b[3]);
            multiply(changes[m][2 * n], d[m], c[0], c[1]);
            multiply(changes[m][2 * n + 1], d[m], c[2], c[3]);
          }
        }
      }
      bool edge = from + BACK > shape.length || (shape.causal && from + BACK > own);
#pragma unroll
      for (int m = 0; m < BEHIND; m++)
#pragma unroll
        for (int n = 0; n < BACK / 8; n++)
#pragma unroll
          for (int i = 0; i < 4; i++) {
            int r = i >> 1;
            float weight = power_of_two(scores[m][n][i] * (scale * LOG2E) - log_sum[m][r]);
            if (edge) {
              int key = from + n * 8 + lane % 4 * 2 + (i & 1);
              int query = own + m * 16 + lane / 4 + r * 8;
              if (key >= shape.length || (shape.causal && key > query)) weight = 0.f;
            }
            scores[m][n][i] = weight * (changes[m][n][i] - dots[m][r]);
          }
#pragma unroll
      for (int k = 0; k < BACK / 16; k++) {
        u32 a[BEHIND][4];
#pragma unroll
        for (int m = 0; m < BEHIND; m++) as_left(a[m], scores[m][2 * k], scores[m][2 * k + 1]);
#pragma unroll
        for (int n = 0; n < HEAD / 16; n++) {
          u32 b[4];
          right_rows(b, k_now, k * 16, n * 16);
#pragma unroll
          for (int m = 0; m < BEHIND; m++) {
            multiply(sums[m][2 * n], a[m], b[0], b[1]);
            multiply(sums[m][2 * n + 1], a[m], b[2], b[3]);
          }
        }
      }
    }
    __syncthreads();
  }
#pragma unroll
  for (int m = 0; m < BEHIND; m++) {
#pragma unroll
    for (int n = 0; n < HEAD / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) sums[m][n][i] *= scale;
    write_rows(dqkv + (start + first) * row + head * HEAD, row, sums[m], (warp * BEHIND + m) * 16,
               shape.length - first);
  }
}

// Grid: key tiles, key heads, sequences. Products are transposed: keys are rows.
extern "C" __global__ void __launch_bounds__(128, 2)
    flash_keys(u16* dqkv, const float* delta, const u16* dout, const u16* qkv,
               const float* log_sums, Shape shape) {
  extern __shared__ __align__(16) u16 room[];
  // Of each query that passes by: the logarithm of its sum, and the dot product of its output.
  __shared__ float of_queries[2][2][BACK];
  u16 *tile_k = room, *tile_v = room + (64 * BEHIND) * PITCH, *tile_q = tile_v + (64 * BEHIND) * PITCH;
  u16* tile_d = tile_q + 2 * BACK * PITCH;
  int shared = blockIdx.y, first = blockIdx.x * (64 * BEHIND), group = shape.queries / shape.keys;
  int warp = threadIdx.x / 32, lane = threadIdx.x & 31, own = first + warp * 16 * BEHIND;
  u64 row = (u64)(shape.queries + 2 * shape.keys) * HEAD, out_row = (u64)shape.queries * HEAD;
  u64 start = (u64)blockIdx.z * shape.length;
  const u16* base = qkv + start * row;
  const u16* keys = base + first * row + (shape.queries + shared) * HEAD;
  int begin = shape.causal ? first : 0;
  int tiles = (shape.length - begin + BACK - 1) / BACK, rounds = tiles * group;
  auto fetch_round = [&](int round, int to) {
    int head = shared * group + round / tiles, from = begin + round % tiles * BACK;
    fetch(tile_q + to * BACK * PITCH, base + from * row + head * HEAD, row, BACK, shape.length - from);
    fetch(tile_d + to * BACK * PITCH, dout + (start + from) * out_row + head * HEAD, out_row, BACK,
          shape.length - from);
    if (threadIdx.x < 2 * BACK) {
      int which = threadIdx.x / BACK, place = threadIdx.x % BACK;
      bool valid = from + place < shape.length;
      const float* all = which ? delta : log_sums;
      u64 at = valid ? (start + from + place) * shape.queries + head : 0;
      copy_4(&of_queries[to][which][place], all + at, valid ? 4 : 0);
    }
    COMMIT();
  };
  fetch(tile_k, keys, row, (64 * BEHIND), shape.length - first);
  fetch(tile_v, keys + shape.keys * HEAD, row, (64 * BEHIND), shape.length - first);
  fetch_round(0, 0);
  float scale = rsqrtf((float)HEAD);
  float dk[BEHIND][HEAD / 8][4] = {}, dv[BEHIND][HEAD / 8][4] = {};
  for (int round = 0; round < rounds; round++) {
    int from = begin + round % tiles * BACK, now = round & 1;
    if (round + 1 < rounds) {
      fetch_round(round + 1, now ^ 1);
      WAIT(1);
    } else {
      WAIT(0);
    }
    __syncthreads();
    // Queries that see none of the warp's keys are passed over.
    if (!shape.causal || from + BACK > own) {
      const u16 *q_now = tile_q + now * BACK * PITCH, *d_now = tile_d + now * BACK * PITCH;
      float scores[BEHIND][BACK / 8][4] = {}, changes[BEHIND][BACK / 8][4] = {};
#pragma unroll
      for (int k = 0; k < HEAD / 16; k++) {
        u32 key[BEHIND][4], value[BEHIND][4];
#pragma unroll
        for (int m = 0; m < BEHIND; m++) {
          left(key[m], tile_k, (warp * BEHIND + m) * 16, k * 16);
          left(value[m], tile_v, (warp * BEHIND + m) * 16, k * 16);
        }
#pragma unroll
        for (int n = 0; n < BACK / 16; n++) {
          u32 b[4], c[4];
          right(b, q_now, n * 16, k * 16);
          right(c, d_now, n * 16, k * 16);
#pragma unroll
          for (int m = 0; m < BEHIND; m++) {
            multiply(scores[m][2 * n], key[m], b[0], b[1]);
            multiply(scores[m][2 * n + 1], key[m], b[2], b[3]);
            multiply(changes[m][2 * n], value[m], c[0], c[1]);
            multiply(changes[m][2 * n + 1], value[m], c[2], c[3]);
          }
        }
      }
      bool edge = from + BACK > shape.length || first + (64 * BEHIND) > shape.length ||
                  (shape.causal && from < own + 16 * BEHIND);
#pragma unroll
      for (int n = 0; n < BACK / 8; n++)
#pragma unroll
        for (int j = 0; j < 2; j++) {
          int place = n * 8 + lane % 4 * 2 + j;
          float log_sum = of_queries[now][0][place] * LOG2E, dots = of_queries[now][1][place];
#pragma unroll
          for (int m = 0; m < BEHIND; m++)
#pragma unroll
            for (int r = 0; r < 2; r++) {
              int i = 2 * r + j;
              float weight = power_of_two(scores[m][n][i] * (scale * LOG2E) - log_sum);
              if (edge) {
                int key = own + m * 16 + lane / 4 + r * 8, query = from + place;
                if (key >= shape.length || query >= shape.length || (shape.causal && key > query))
                  weight = 0.f;
              }
              scores[m][n][i] = weight;
              changes[m][n][i] = weight * (changes[m][n][i] - dots);
            }
        }
#pragma unroll
      for (int k = 0; k < BACK / 16; k++) {
        u32 weights[BEHIND][4], a[BEHIND][4];
#pragma unroll
        for (int m = 0; m < BEHIND; m++) {
          as_left(weights[m], scores[m][2 * k], scores[m][2 * k + 1]);
          as_left(a[m], changes[m][2 * k], changes[m][2 * k + 1]);
        }
#pragma unroll
        for (int n = 0; n < HEAD / 16; n++) {
          u32 b[4], c[4];
          right_rows(b, d_now, k * 16, n * 16);
          right_rows(c, q_now, k * 16, n * 16);
#pragma unroll
          for (int m = 0; m < BEHIND; m++) {
            multiply(dv[m][2 * n], weights[m], b[0], b[1]);
            multiply(dv[m][2 * n + 1], weights[m], b[2], b[3]);
            multiply(dk[m][2 * n], a[m], c[0], c[1]);
            multiply(dk[m][2 * n + 1], a[m], c[2], c[3]);
          }
        }
      }
    }
    __syncthreads();
  }
  u16* to = dqkv + (start + first) * row + (shape.queries + shared) * HEAD;
#pragma unroll
  for (int m = 0; m < BEHIND; m++) {
#pragma unroll
    for (int n = 0; n < HEAD / 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) dk[m][n][i] *= scale;
    write_rows(to, row, dk[m], (warp * BEHIND + m) * 16, shape.length - first);
    write_rows(to + shape.keys * HEAD, row, dv[m], (warp * BEHIND + m) * 16, shape.length - first);
  }
}
