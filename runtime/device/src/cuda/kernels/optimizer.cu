// Sums in double precision, and the update of weights.

__device__ __forceinline__ double warp_sum_double(double value) {
#pragma unroll
  for (int step = 16; step; step >>= 1) value += __shfl_xor_sync(FULL, value, step);
  return value;
}

__device__ double block_sum_double(double value) {
  __shared__ double room[32];
  value = warp_sum_double(value);
  if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    value = threadIdx.x < (blockDim.x >> 5) ? room[threadIdx.x] : 0.0;
    value = warp_sum_double(value);
  }
  return value;
}

// Each block sums every gridDim-th stretch.
extern "C" __global__ void sum_parts(double* scratch, const float* x, u64 count, int squares) {
  double sum = 0.0;
  for (u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x; at < count;
       at += (u64)gridDim.x * blockDim.x) {
    double v = x[at];
    sum += squares ? v * v : v;
  }
  sum = block_sum_double(sum);
  if (threadIdx.x == 0) scratch[blockIdx.x] = sum;
}

// One block.
extern "C" __global__ void sum_all(double* out, const double* scratch, int count) {
  double sum = 0.0;
  for (int at = threadIdx.x; at < count; at += blockDim.x) sum += scratch[at];
  sum = block_sum_double(sum);
  if (threadIdx.x == 0) out[0] = sum;
}

// One thread.
extern "C" __global__ void judge(double* report, const double* loss, const double* squares,
                                 int count, const float* settings) {
  double sum = 0.0;
  for (int i = 0; i < count; i++) sum += squares[i];
  double norm = sqrt(sum), clip = settings[0], factor = 1.0;
  if (clip != 0.0) factor = fmin(1.0, clip / (norm + 1e-6));
  if (!isfinite(loss[0]) || !isfinite(norm)) factor = 0.0;
  report[0] = loss[0];
  report[1] = norm;
  report[2] = factor;
}

__device__ __forceinline__ float update(float w, float* m, float* v, float g, float beta1,
                                        float beta2, float step, float keep, float root, float eps) {
  *m = fmaf(*m, beta1, g * (1.f - beta1));
  *v = fmaf(*v, beta2, g * g * (1.f - beta2));
  return w * keep - step * *m / (sqrtf(*v) * root + eps);
}

// Four numbers a thread; counts are multiples of four.
extern "C" __global__ void adamw(float* weights, u16* copy, float* first, float* second,
                                 const float* gradient, const double* report, const float* settings,
                                 u64 count, int decays) {
  float factor = (float)report[2];
  if (factor == 0.f) return;
  u64 at = ((u64)blockIdx.x * blockDim.x + threadIdx.x) * 4;
  if (at >= count) return;
  float beta1 = settings[1], beta2 = settings[2], step = settings[3];
  float keep = decays ? settings[4] : 1.f, root = settings[5], eps = settings[6];
  float4 w = *(float4*)(weights + at), m = *(float4*)(first + at), v = *(float4*)(second + at);
  float4 g = *(const float4*)(gradient + at);
  w.x = update(w.x, &m.x, &v.x, g.x * factor, beta1, beta2, step, keep, root, eps);
  w.y = update(w.y, &m.y, &v.y, g.y * factor, beta1, beta2, step, keep, root, eps);
  w.z = update(w.z, &m.z, &v.z, g.z * factor, beta1, beta2, step, keep, root, eps);
  w.w = update(w.w, &m.w, &v.w, g.w * factor, beta1, beta2, step, keep, root, eps);
  *(float4*)(weights + at) = w;
  *(float4*)(first + at) = m;
  *(float4*)(second + at) = v;
  if (copy) {
    uint2 both = make_uint2(to_bf16x2(w.x, w.y), to_bf16x2(w.z, w.w));
    *(uint2*)(copy + at) = both;
  }
}
