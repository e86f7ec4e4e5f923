// The gradient of RMSNorm.

// Each block takes every gridDim-th row and sums its part of the gain's gradient. A thread holds
// CHUNKS times eight numbers of a row, so that rows are at most CHUNKS times 2048 long.
extern "C" __global__ void __launch_bounds__(256)
    rms_norm_gradient(act* dx, float* partial, const act* dy, const act* x, const float* inverse,
                      const float* gain, const act* plus, int rows, int width) {
  __shared__ float room[33];
  bool aligned = width % 8 == 0;
  float sums[CHUNKS][8];
#pragma unroll
  for (int j = 0; j < CHUNKS; j++)
#pragma unroll
    for (int i = 0; i < 8; i++) sums[j][i] = 0.f;
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    u64 start = (u64)row * width;
    float scale = inverse[row], dot = 0.f;
    Eight scaled[CHUNKS], own[CHUNKS];
#pragma unroll
    for (int j = 0; j < CHUNKS; j++) {
      int c = (threadIdx.x + j * 256) * 8;
      if (c < width) {
        own[j] = load8(x + start + c, width - c, aligned);
        scaled[j] = load8(dy + start + c, width - c, aligned);
#pragma unroll
        for (int i = 0; i < 8; i++) {
          sums[j][i] += scaled[j].v[i] * own[j].v[i] * scale;
          scaled[j].v[i] *= c + i < width ? gain[c + i] : 0.f;
          dot += scaled[j].v[i] * own[j].v[i];
        }
      }
    }
    float mean = block_sum(dot, room) / width * scale * scale;
#pragma unroll
    for (int j = 0; j < CHUNKS; j++) {
      int c = (threadIdx.x + j * 256) * 8;
      if (c < width) {
        Eight result;
#pragma unroll
        for (int i = 0; i < 8; i++) result.v[i] = scale * (scaled[j].v[i] - own[j].v[i] * mean);
        if (plus) {
          Eight more = load8(plus + start + c, width - c, aligned);
#pragma unroll
          for (int i = 0; i < 8; i++) result.v[i] += more.v[i];
        }
        store8(dx + start + c, result, width - c, aligned);
      }
    }
  }
#pragma unroll
  for (int j = 0; j < CHUNKS; j++) {
    int c = (threadIdx.x + j * 256) * 8;
#pragma unroll
    for (int i = 0; i < 8; i++)
      if (c + i < width) partial[(u64)blockIdx.x * width + c + i] = sums[j][i];
  }
}

// Sums `count` rows of partial sums; 32 columns a block of 32 by 8 threads.
extern "C" __global__ void sum_partials(float* out, const float* partial, int count, int width,
                                        int add) {
  __shared__ float room[8][33];
  int column = blockIdx.x * 32 + threadIdx.x;
  float sum = 0.f;
  if (column < width)
    for (int row = threadIdx.y; row < count; row += 8) sum += partial[(u64)row * width + column];
  room[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y == 0 && column < width) {
    sum = add ? out[column] : 0.f;
    for (int i = 0; i < 8; i++) sum += room[i][threadIdx.x];
    out[column] = sum;
  }
}

