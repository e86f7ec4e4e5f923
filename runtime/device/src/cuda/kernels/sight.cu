// What is done to rows of models of images.

// One block a row; the variance is that of the centred numbers, in a pass of its own.
extern "C" __global__ void layer_norm(act* out, float* mean, float* inverse, const act* x,
                                      const float* gain, const float* bias, int width, float eps) {
  __shared__ float room[33];
  bool aligned = width % 8 == 0;
  const act* from = x + (u64)blockIdx.x * width;
  act* to = out + (u64)blockIdx.x * width;
  float sum = 0.f;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = load8(from + c, width - c, aligned);
#pragma unroll
    for (int i = 0; i < 8; i++) sum += v.v[i];
  }
  float middle = block_sum(sum, room) / width, squares = 0.f;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = load8(from + c, width - c, aligned);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      float off = c + i < width ? v.v[i] - middle : 0.f;
      squares += off * off;
    }
  }
  float scale = rsqrtf(block_sum(squares, room) / width + eps);
  if (threadIdx.x == 0) {
    mean[blockIdx.x] = middle;
    inverse[blockIdx.x] = scale;
  }
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = load8(from + c, width - c, aligned);
#pragma unroll
    for (int i = 0; i < 8; i++)
      v.v[i] = c + i < width ? (v.v[i] - middle) * scale * gain[c + i] + bias[c + i] : 0.f;
    store8(to + c, v, width - c, aligned);
  }
}

// One block a row. In place where `dx` is `dy` or `plus`: each thread reads what it writes.
extern "C" __global__ void layer_norm_gradient(act* dx, const act* dy, const act* x,
                                               const float* mean, const float* inverse,
                                               const float* gain, const act* plus, int width) {
  __shared__ float room[33];
  bool aligned = width % 8 == 0;
  u64 start = (u64)blockIdx.x * width;
  float middle = mean[blockIdx.x], scale = inverse[blockIdx.x], shift = 0.f, pull = 0.f;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight d = load8(dy + start + c, width - c, aligned);
    Eight v = load8(x + start + c, width - c, aligned);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      float scaled = c + i < width ? d.v[i] * gain[c + i] : 0.f;
      shift += scaled;
      pull += scaled * (v.v[i] - middle) * scale;
    }
  }
  shift = block_sum(shift, room) / width;
  pull = block_sum(pull, room) / width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight d = load8(dy + start + c, width - c, aligned);
    Eight v = load8(x + start + c, width - c, aligned);
#pragma unroll
    for (int i = 0; i < 8; i++) {
      float scaled = c + i < width ? d.v[i] * gain[c + i] : 0.f;
      d.v[i] = scale * (scaled - shift - (v.v[i] - middle) * scale * pull);
    }
    if (plus) {
      Eight more = load8(plus + start + c, width - c, aligned);
#pragma unroll
      for (int i = 0; i < 8; i++) d.v[i] += more.v[i];
    }
    store8(dx + start + c, d, width - c, aligned);
  }
}

// Sums of columns over every gridDim.y-th eight rows, 32 columns a block of 32 by 8 threads: of `dy` into
// `sums`, and, where there is an `x`, of dy times its normalised numbers into `products`.
extern "C" __global__ void column_sums(float* sums, float* products, const act* dy, const act* x,
                                       const float* mean, const float* inverse, int rows,
                                       int width) {
  __shared__ float room[2][8][33];
  int column = blockIdx.x * 32 + threadIdx.x;
  float sum = 0.f, product = 0.f;
  if (column < width)
    for (int row = blockIdx.y * 8 + threadIdx.y; row < rows; row += gridDim.y * 8) {
      float d = load(dy[(u64)row * width + column]);
      sum += d;
      if (x) product += d * (load(x[(u64)row * width + column]) - mean[row]) * inverse[row];
    }
  room[0][threadIdx.y][threadIdx.x] = sum;
  room[1][threadIdx.y][threadIdx.x] = product;
  __syncthreads();
  if (threadIdx.y == 0 && column < width) {
    sum = product = 0.f;
    for (int i = 0; i < 8; i++) {
      sum += room[0][i][threadIdx.x];
      product += room[1][i][threadIdx.x];
    }
    u64 at = (u64)blockIdx.y * width + column;
    sums[at] = sum;
    if (x) products[at] = product;
  }
}

// One thread for eight numbers; `chunks` of them in a row.
extern "C" __global__ void add_bias(act* x, const float* bias, u64 count, int chunks, int width) {
  u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  bool aligned = width % 8 == 0;
  int c = (int)(at % chunks) * 8;
  act* to = x + at / chunks * width + c;
  Eight v = load8(to, width - c, aligned);
#pragma unroll
  for (int i = 0; i < 8; i++) v.v[i] += c + i < width ? bias[c + i] : 0.f;
  store8(to, v, width - c, aligned);
}

// In the order of the library's `Activation`.
#define GELU 0
#define GELU_TANH 1
#define QUICK_GELU 2
#define RELU 3
#define SILU 4

__device__ __forceinline__ float gate(float x) { return 1.f / (1.f + expf(-x)); }
__device__ __forceinline__ float tanh_argument(float x) {
  return 0.7978845608f * (x + 0.044715f * x * x * x);
}
__device__ __forceinline__ float normal(float x) { return 0.5f * erfcf(-0.7071067812f * x); }
__device__ __forceinline__ float slope(float argument, float inner, float x) {
  float open = gate(argument);
  return open + open * (1.f - open) * x * inner;
}

__device__ __forceinline__ float activated(float x, int function) {
  switch (function) {
    case GELU: return x * normal(x);
    case GELU_TANH: return x * gate(2.f * tanh_argument(x));
    case QUICK_GELU: return x * gate(1.702f * x);
    case RELU: return x < 0.f ? 0.f : x;
    default: return x * gate(x);
  }
}

// Far out all slopes are 0 or 1; powers of x must not overflow before they are multiplied by 0.
__device__ __forceinline__ float activated_slope(float x, int function) {
  x = x != x ? x : fminf(fmaxf(x, -100.f), 100.f);
  switch (function) {
    case GELU: return normal(x) + x * 0.3989422804f * expf(-0.5f * x * x);
    case GELU_TANH:
      return slope(2.f * tanh_argument(x), 1.5957691216f * (1.f + 0.134145f * x * x), x);
    case QUICK_GELU: return slope(1.702f * x, 1.702f, x);
    case RELU: return x > 0.f ? 1.f : x <= 0.f ? 0.f : x;
    default: return slope(x, 1.f, x);
  }
}

// One thread for eight numbers.
extern "C" __global__ void activate(act* out, const act* x, u64 count, int function) {
  u64 at = ((u64)blockIdx.x * blockDim.x + threadIdx.x) * 8;
  if (at >= count) return;
  int valid = count - at < 8 ? (int)(count - at) : 8;
  Eight v = load8(x + at, valid, valid == 8);
#pragma unroll
  for (int i = 0; i < 8; i++) v.v[i] = activated(v.v[i], function);
  store8(out + at, v, valid, valid == 8);
}

extern "C" __global__ void activate_gradient(act* dx, const act* dy, const act* x, u64 count,
                                             int function) {
  u64 at = ((u64)blockIdx.x * blockDim.x + threadIdx.x) * 8;
  if (at >= count) return;
  int valid = count - at < 8 ? (int)(count - at) : 8;
  Eight d = load8(dy + at, valid, valid == 8), v = load8(x + at, valid, valid == 8);
#pragma unroll
  for (int i = 0; i < 8; i++) d.v[i] *= activated_slope(v.v[i], function);
  store8(dx + at, d, valid, valid == 8);
}

#define NOWHERE 0xffffffffu

// One block a row.
extern "C" __global__ void put_rows(act* out, const act* rows, const u32* places, int width) {
  bool aligned = width % 8 == 0;
  u32 place = places[blockIdx.x];
  if (place == NOWHERE) return;
  act* to = out + (u64)place * width;
  const act* from = rows + (u64)blockIdx.x * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = {};
    if (rows) v = load8(from + c, width - c, aligned);
    store8(to + c, v, width - c, aligned);
  }
}

// One block a row.
extern "C" __global__ void take_rows(act* out, const act* x, const u32* places, int width) {
  bool aligned = width % 8 == 0;
  u32 place = places[blockIdx.x];
  act* to = out + (u64)blockIdx.x * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = {};
    if (place != NOWHERE) v = load8(x + (u64)place * width + c, width - c, aligned);
    store8(to + c, v, width - c, aligned);
  }
}

// One block of 512 threads a row: as `cross_entropy`, but rows without a target have loss and gradient 0.
extern "C" __global__ void __launch_bounds__(512)
    answer_entropy(act* logits, float* losses, const u32* targets, const float* scales, int width) {
  __shared__ float room[33];
  __shared__ float most[33];
  act* row = logits + (u64)blockIdx.x * width;
  u32 target = targets[blockIdx.x];
  if (target == NOWHERE) {
    bool aligned = width % 8 == 0;
    if (threadIdx.x == 0) losses[blockIdx.x] = 0.f;
    Eight zeros = {};
    for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8)
      store8(row + c, zeros, width - c, aligned);
    return;
  }
  float loss = row_entropy(row, target, width, scales[0], true, room, most);
  if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}
