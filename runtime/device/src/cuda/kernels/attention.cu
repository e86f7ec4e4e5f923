// Attention for any head of up to 256 numbers: one warp a query, or a key. Slow and simple; the f32
// class, and heads that the tensor cores' kernels do not take.

#define PARTS 8

struct Shape {
  int length, queries, keys, width, causal;
};

__device__ __forceinline__ void load_head(float* to, const act* from, int width) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int j = 0; j < PARTS; j++) to[j] = lane + 32 * j < width ? load(from[lane + 32 * j]) : 0.f;
}

__device__ __forceinline__ float dot_head(const float* a, const float* b) {
  float sum = 0.f;
#pragma unroll
  for (int j = 0; j < PARTS; j++) sum += a[j] * b[j];
  return warp_sum(sum);
}

__device__ __forceinline__ void store_head(act* to, const float* from, int width) {
  int lane = threadIdx.x & 31;
#pragma unroll
  for (int j = 0; j < PARTS; j++)
    if (lane + 32 * j < width) to[lane + 32 * j] = store(from[j]);
}

extern "C" __global__ void attention(act* out, float* log_sums, const act* qkv, u64 warps,
                                     Shape shape) {
  u64 warp = ((u64)blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (warp >= warps) return;
  int head = warp % shape.queries, width = shape.width;
  u64 t = warp / shape.queries;
  int row = (shape.queries + 2 * shape.keys) * width;
  int shared = head / (shape.queries / shape.keys);
  u64 start = t / shape.length * shape.length;
  u64 end = shape.causal ? t + 1 : start + shape.length;
  const act* keys = qkv + (shape.queries + shared) * width;
  const act* values = keys + shape.keys * width;
  float scale = rsqrtf((float)width), largest = -INFINITY, sum = 0.f;
  float q[PARTS], k[PARTS], result[PARTS];
  load_head(q, qkv + t * row + head * width, width);
#pragma unroll
  for (int j = 0; j < PARTS; j++) result[j] = 0.f;
  for (u64 s = start; s < end; s++) {
    load_head(k, keys + s * row, width);
    float score = dot_head(q, k) * scale, here = fmaxf(largest, score);
    float kept = expf(largest - here), weight = expf(score - here);
    largest = here;
    sum = sum * kept + weight;
    load_head(k, values + s * row, width);
#pragma unroll
    for (int j = 0; j < PARTS; j++) result[j] = result[j] * kept + weight * k[j];
  }
#pragma unroll
  for (int j = 0; j < PARTS; j++) result[j] /= sum;
  store_head(out + warp * width, result, width);
  if ((threadIdx.x & 31) == 0) log_sums[warp] = largest + logf(sum);
}

// The dot product of each head's output and its gradient.
extern "C" __global__ void attention_delta(float* delta, const act* dout, const act* out, u64 warps,
                                           int width) {
  u64 warp = ((u64)blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (warp >= warps) return;
  float a[PARTS], b[PARTS];
  load_head(a, dout + warp * width, width);
  load_head(b, out + warp * width, width);
  float sum = dot_head(a, b);
  if ((threadIdx.x & 31) == 0) delta[warp] = sum;
}

extern "C" __global__ void attention_queries(act* dqkv, const float* delta, const act* dout,
                                             const act* qkv, const float* log_sums, u64 warps,
                                             Shape shape) {
  u64 warp = ((u64)blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (warp >= warps) return;
  int head = warp % shape.queries, width = shape.width;
  u64 t = warp / shape.queries;
  int row = (shape.queries + 2 * shape.keys) * width;
  int shared = head / (shape.queries / shape.keys);
  u64 start = t / shape.length * shape.length;
  u64 end = shape.causal ? t + 1 : start + shape.length;
  const act* keys = qkv + (shape.queries + shared) * width;
  const act* values = keys + shape.keys * width;
  float scale = rsqrtf((float)width), own = delta[warp], log_sum = log_sums[warp];
  float q[PARTS], d[PARTS], k[PARTS], v[PARTS], dq[PARTS];
  load_head(q, qkv + t * row + head * width, width);
  load_head(d, dout + warp * width, width);
#pragma unroll
  for (int j = 0; j < PARTS; j++) dq[j] = 0.f;
  for (u64 s = start; s < end; s++) {
    load_head(k, keys + s * row, width);
    load_head(v, values + s * row, width);
    float weight = expf(dot_head(q, k) * scale - log_sum);
    float dscore = weight * (dot_head(d, v) - own) * scale;
#pragma unroll
    for (int j = 0; j < PARTS; j++) dq[j] += dscore * k[j];
  }
  store_head(dqkv + t * row + head * width, dq, width);
}

extern "C" __global__ void attention_keys(act* dqkv, const float* delta, const act* dout,
                                          const act* qkv, const float* log_sums, u64 warps,
                                          Shape shape) {
  u64 warp = ((u64)blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (warp >= warps) return;
  int shared = warp % shape.keys, width = shape.width, group = shape.queries / shape.keys;
  u64 s = warp / shape.keys;
  int row = (shape.queries + 2 * shape.keys) * width;
  u64 start = s / shape.length * shape.length;
  const act* key = qkv + s * row + (shape.queries + shared) * width;
  float scale = rsqrtf((float)width);
  float q[PARTS], d[PARTS], k[PARTS], v[PARTS], dk[PARTS], dv[PARTS];
  load_head(k, key, width);
  load_head(v, key + shape.keys * width, width);
#pragma unroll
  for (int j = 0; j < PARTS; j++) dk[j] = dv[j] = 0.f;
  for (int head = shared * group; head < (shared + 1) * group; head++)
    for (u64 t = shape.causal ? s : start; t < start + shape.length; t++) {
      u64 at = t * shape.queries + head;
      load_head(q, qkv + t * row + head * width, width);
      load_head(d, dout + at * width, width);
      float weight = expf(dot_head(q, k) * scale - log_sums[at]);
      float dscore = weight * (dot_head(d, v) - delta[at]) * scale;
#pragma unroll
      for (int j = 0; j < PARTS; j++) {
        dk[j] += dscore * q[j];
        dv[j] += weight * d[j];
      }
    }
  act* to = dqkv + s * row + (shape.queries + shared) * width;
  store_head(to, dk, width);
  store_head(to + shape.keys * width, dv, width);
}
