// Attention over kept keys and values, and rows that are put somewhere.

#define PARTS 8
#define WARPS 4
#define LONGEST 256
#define NOWHERE 0xffffffffu

// A thread for each pair of numbers of each head of each row.
extern "C" __global__ void store_keys(act* qkv, act* cache, const float* cos, const float* sin,
                                      const u32* starts, const u32* places, u64 count, int queries,
                                      int keys, int width) {
  u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  int half = width / 2, heads = queries + 2 * keys;
  int i = at % half, head = at / half % heads;
  u64 t = at / half / heads;
  u32 place = places[t];
  if (place == NOWHERE) return;
  act* from = qkv + (t * heads + head) * width;
  float a = load(from[i]), b = load(from[i + half]);
  if (head < queries + keys) {
    u64 angle = (u64)(place - starts[t]) * half + i;
    float c = cos[angle], s = sin[angle], turned = a * c - b * s;
    b = b * c + a * s;
    a = turned;
  }
  act* to = head < queries ? from : cache + ((u64)place * 2 * keys + (head - queries)) * width;
  to[i] = store(a);
  to[i + half] = store(b);
}

// A block for each head of each row. Each warp goes over every fourth key; then what they found is
// added in the warps' order. So a row's bits depend on its own sequence alone.
extern "C" __global__ void cached_attention(act* out, const act* qkv, const act* cache,
                                            const u32* starts, const u32* places, int queries,
                                            int keys, int width) {
  __shared__ float results[WARPS][LONGEST], largests[WARPS], sums[WARPS];
  int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, head = blockIdx.x % queries;
  u64 t = blockIdx.x / queries;
  u32 place = places[t];
  act* to = out + (t * queries + head) * width;
  if (place == NOWHERE) {
    for (int i = threadIdx.x; i < width; i += blockDim.x) to[i] = store(0.f);
    return;
  }
  int shared = head / (queries / keys);
  u64 row = (u64)2 * keys * width;
  const act* q_row = qkv + (t * (queries + 2 * keys) + head) * width;
  const act* k_rows = cache + shared * width;
  const act* v_rows = k_rows + keys * width;
  float scale = rsqrtf((float)width), largest = -INFINITY, sum = 0.f;
  float q[PARTS], result[PARTS];
#pragma unroll
  for (int j = 0; j < PARTS; j++) {
    q[j] = lane + 32 * j < width ? load(q_row[lane + 32 * j]) : 0.f;
    result[j] = 0.f;
  }
  for (u64 s = (u64)starts[t] + warp; s <= place; s += WARPS) {
    float part = 0.f;
#pragma unroll
    for (int j = 0; j < PARTS; j++)
      if (lane + 32 * j < width) part += q[j] * load(k_rows[s * row + lane + 32 * j]);
    float score = warp_sum(part) * scale, here = fmaxf(largest, score);
    float kept = expf(largest - here), weight = expf(score - here);
    largest = here;
    sum = sum * kept + weight;
#pragma unroll
    for (int j = 0; j < PARTS; j++)
      if (lane + 32 * j < width)
        result[j] = result[j] * kept + weight * load(v_rows[s * row + lane + 32 * j]);
  }
#pragma unroll
  for (int j = 0; j < PARTS; j++) results[warp][lane + 32 * j] = result[j];
  if (lane == 0) {
    largests[warp] = largest;
    sums[warp] = sum;
  }
  __syncthreads();
  // The first warp has a key always, so that there is a largest score.
  float most = largests[0];
  for (int w = 1; w < WARPS; w++) most = fmaxf(most, largests[w]);
  float all = 0.f;
  for (int w = 0; w < WARPS; w++) all += sums[w] * expf(largests[w] - most);
  for (int i = threadIdx.x; i < width; i += blockDim.x) {
    float value = 0.f;
    for (int w = 0; w < WARPS; w++) value += results[w][i] * expf(largests[w] - most);
    to[i] = store(value / all);
  }
}
