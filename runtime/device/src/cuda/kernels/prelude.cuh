// What all kernels share, after ptx.cuh. No header of the toolkit is needed: BF16 is 0 or 1.

#define FULL 0xffffffffu
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif

__device__ __forceinline__ float from_bf16(u16 bits) { return __uint_as_float((u32)bits << 16); }

#if BF16
typedef u16 act;
__device__ __forceinline__ float load(act value) { return from_bf16(value); }
__device__ __forceinline__ act store(float value) { return to_bf16(value); }
#else
typedef float act;
__device__ __forceinline__ float load(act value) { return value; }
__device__ __forceinline__ act store(float value) { return value; }
#endif

// Eight numbers of a row; the last ones of a row may be fewer.
struct Eight {
  float v[8];
};

// `aligned`: all eight are there, and rows begin at multiples of 16 bytes.
__device__ __forceinline__ Eight load8(const act* from, int valid, bool aligned) {
  Eight out;
  if (aligned) {
#if BF16
    uint4 raw = *(const uint4*)from;
    u32 words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
      out.v[2 * i] = __uint_as_float(words[i] << 16);
      out.v[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
    }
#else
    float4 low = ((const float4*)from)[0], high = ((const float4*)from)[1];
    out.v[0] = low.x; out.v[1] = low.y; out.v[2] = low.z; out.v[3] = low.w;
    out.v[4] = high.x; out.v[5] = high.y; out.v[6] = high.z; out.v[7] = high.w;
#endif
  } else {
#pragma unroll
    for (int i = 0; i < 8; i++) out.v[i] = i < valid ? load(from[i]) : 0.f;
  }
  return out;
}

__device__ __forceinline__ void store8(act* to, Eight value, int valid, bool aligned) {
  if (aligned) {
#if BF16
    uint4 raw;
    raw.x = to_bf16x2(value.v[0], value.v[1]);
    raw.y = to_bf16x2(value.v[2], value.v[3]);
    raw.z = to_bf16x2(value.v[4], value.v[5]);
    raw.w = to_bf16x2(value.v[6], value.v[7]);
    *(uint4*)to = raw;
#else
    ((float4*)to)[0] = make_float4(value.v[0], value.v[1], value.v[2], value.v[3]);
    ((float4*)to)[1] = make_float4(value.v[4], value.v[5], value.v[6], value.v[7]);
#endif
  } else {
#pragma unroll
    for (int i = 0; i < 8; i++)
      if (i < valid) to[i] = store(value.v[i]);
  }
}

__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
  for (int step = 16; step; step >>= 1) value += __shfl_xor_sync(FULL, value, step);
  return value;
}

// The sum over a block, in one order whatever happens; `room` holds 33 numbers.
__device__ __forceinline__ float block_sum(float value, float* room) {
  value = warp_sum(value);
  if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    float all = threadIdx.x < (blockDim.x >> 5) ? room[threadIdx.x] : 0.f;
    all = warp_sum(all);
    if (threadIdx.x == 0) room[32] = all;
  }
  __syncthreads();
  float result = room[32];
  __syncthreads();
  return result;
}

// A block's row of logits: the loss of the target, told to all threads, and then, if it is wanted, the
// gradient in place: `scale` times the softmax, less one at the target. `room` and `most` are shared and
// hold 33 numbers each.
__device__ __forceinline__ float row_entropy(act* row, u32 target, int width, float scale,
                                             bool gradient, float* room, float* most) {
  bool aligned = width % 8 == 0;
  float own = load(row[target]);
  float largest = -INFINITY, sum = 0.f;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = load8(row + c, width - c, aligned);
    float here = largest;
#pragma unroll
    for (int i = 0; i < 8; i++)
      if (c + i < width) here = fmaxf(here, v.v[i]);
    sum *= __expf(largest - here);
#pragma unroll
    for (int i = 0; i < 8; i++)
      if (c + i < width) sum += __expf(v.v[i] - here);
    largest = here;
  }
  float all = largest;
#pragma unroll
  for (int step = 16; step; step >>= 1) all = fmaxf(all, __shfl_xor_sync(FULL, all, step));
  if ((threadIdx.x & 31) == 0) most[threadIdx.x >> 5] = all;
  __syncthreads();
  all = -INFINITY;
  for (int i = 0; i < (blockDim.x >> 5); i++) all = fmaxf(all, most[i]);
  // A thread without numbers has no sum, and its largest is no number to subtract.
  sum = largest == -INFINITY ? 0.f : sum * __expf(largest - all);
  sum = block_sum(sum, room);
  if (gradient) {
    float share = scale / sum;
    for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
      Eight v = load8(row + c, width - c, aligned);
#pragma unroll
      for (int i = 0; i < 8; i++) {
        v.v[i] = __expf(v.v[i] - all) * share;
        if (c + i == target) v.v[i] -= scale;
      }
      store8(row + c, v, width - c, aligned);
    }
  }
  return logf(sum) + all - own;
}
