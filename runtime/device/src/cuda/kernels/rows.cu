// What is done to rows of activations.

extern "C" __global__ void copy_rows(act* out, const float* x, u64 count) {
  u64 at = ((u64)blockIdx.x * blockDim.x + threadIdx.x) * 4;
  if (at + 4 <= count) {
    float4 v = *(const float4*)(x + at);
    out[at] = store(v.x);
    out[at + 1] = store(v.y);
    out[at + 2] = store(v.z);
    out[at + 3] = store(v.w);
  } else {
    for (; at < count; at++) out[at] = store(x[at]);
  }
}

extern "C" __global__ void add(act* out, const act* x, u64 count) {
  u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at < count) out[at] = store(load(out[at]) + load(x[at]));
}

// One block a token.
extern "C" __global__ void embed(act* out, const act* table, const u32* tokens, int width) {
  bool aligned = width % 8 == 0;
  const act* from = table + (u64)tokens[blockIdx.x] * width;
  act* to = out + (u64)blockIdx.x * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8)
    store8(to + c, load8(from + c, width - c, aligned), width - c, aligned);
}

// One block a place in the order; the first place of each token sums all of its places.
extern "C" __global__ void embed_gradient(float* dtable, const act* dy, const u32* tokens,
                                          const u32* order, int count, int width) {
  int first = blockIdx.x;
  u32 token = tokens[order[first]];
  if (first > 0 && tokens[order[first - 1]] == token) return;
  bool aligned = width % 8 == 0;
  float* to = dtable + (u64)token * width;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    float sum[8];
#pragma unroll
    for (int i = 0; i < 8; i++) sum[i] = c + i < width ? to[c + i] : 0.f;
    for (int at = first; at < count; at++) {
      u32 place = order[at];
      if (tokens[place] != token) break;
      Eight part = load8(dy + (u64)place * width + c, width - c, aligned);
#pragma unroll
      for (int i = 0; i < 8; i++) sum[i] += part.v[i];
    }
#pragma unroll
    for (int i = 0; i < 8; i++)
      if (c + i < width) to[c + i] = sum[i];
  }
}

// One block a row.
extern "C" __global__ void rms_norm(act* out, float* inverse, const act* x, const float* gain,
                                    int width, float eps) {
  __shared__ float room[33];
  bool aligned = width % 8 == 0;
  const act* from = x + (u64)blockIdx.x * width;
  act* to = out + (u64)blockIdx.x * width;
  float squares = 0.f;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = load8(from + c, width - c, aligned);
#pragma unroll
    for (int i = 0; i < 8; i++) squares += v.v[i] * v.v[i];
  }
  float scale = rsqrtf(block_sum(squares, room) / width + eps);
  if (threadIdx.x == 0) inverse[blockIdx.x] = scale;
  for (int c = threadIdx.x * 8; c < width; c += blockDim.x * 8) {
    Eight v = load8(from + c, width - c, aligned);
#pragma unroll
    for (int i = 0; i < 8; i++) v.v[i] *= c + i < width ? scale * gain[c + i] : 0.f;
    store8(to + c, v, width - c, aligned);
  }
}

// One thread for eight pairs; `chunks` of them in a head.
extern "C" __global__ void rope(act* x, const float* cosines, const float* sines, u64 count,
                                int chunks, int row, int heads, int width, int length, int back) {
  u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  int half = width / 2, i = (int)(at % chunks) * 8, valid = half - i;
  bool aligned = half % 8 == 0;
  u64 rest = at / chunks, t = rest / heads;
  int head = (int)(rest % heads), angle = (int)(t % length) * half + i;
  act* low = x + t * row + head * width + i;
  Eight a = load8(low, valid, aligned), b = load8(low + half, valid, aligned), c, d;
#pragma unroll
  for (int j = 0; j < 8; j++) {
    bool there = j < valid;
    float cosine = there ? cosines[angle + j] : 0.f, sine = there ? sines[angle + j] : 0.f;
    if (back) sine = -sine;
    c.v[j] = a.v[j] * cosine - b.v[j] * sine;
    d.v[j] = b.v[j] * cosine + a.v[j] * sine;
  }
  store8(low, c, valid, aligned);
  store8(low + half, d, valid, aligned);
}

__device__ __forceinline__ float sigmoid(float x) { return 1.f / (1.f + __expf(-x)); }

// One thread for eight numbers; `chunks` of them in a row.
extern "C" __global__ void swiglu(act* out, const act* gate_up, u64 count, int chunks, int hidden) {
  u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  bool aligned = hidden % 8 == 0;
  u64 row = at / chunks;
  int c = (int)(at % chunks) * 8;
  const act* from = gate_up + row * 2 * hidden + c;
  Eight gate = load8(from, hidden - c, aligned), up = load8(from + hidden, hidden - c, aligned);
#pragma unroll
  for (int i = 0; i < 8; i++) gate.v[i] *= sigmoid(gate.v[i]) * up.v[i];
  store8(out + row * hidden + c, gate, hidden - c, aligned);
}

// In place where `dgate_up` is `gate_up`.
extern "C" __global__ void swiglu_gradient(act* dgate_up, const act* dout, const act* gate_up,
                                           u64 count, int chunks, int hidden) {
  u64 at = (u64)blockIdx.x * blockDim.x + threadIdx.x;
  if (at >= count) return;
  bool aligned = hidden % 8 == 0;
  u64 row = at / chunks;
  int c = (int)(at % chunks) * 8;
  const act* from = gate_up + row * 2 * hidden + c;
  Eight gate = load8(from, hidden - c, aligned), up = load8(from + hidden, hidden - c, aligned);
  Eight d = load8(dout + row * hidden + c, hidden - c, aligned);
  Eight dgate, dup;
#pragma unroll
  for (int i = 0; i < 8; i++) {
    float s = sigmoid(gate.v[i]);
    dgate.v[i] = d.v[i] * up.v[i] * s * (1.f + gate.v[i] * (1.f - s));
    dup.v[i] = d.v[i] * gate.v[i] * s;
  }
  act* to = dgate_up + row * 2 * hidden + c;
  store8(to, dgate, hidden - c, aligned);
  store8(to + hidden, dup, hidden - c, aligned);
}

// One block of 512 threads a row: the loss, and the gradient in place.
extern "C" __global__ void __launch_bounds__(512)
    cross_entropy(act* logits, float* losses, const u32* targets, int vocabulary, float scale,
                  int gradient) {
  __shared__ float room[33];
  __shared__ float most[33];
  act* row = logits + (u64)blockIdx.x * vocabulary;
  float loss = row_entropy(row, targets[blockIdx.x], vocabulary, scale, gradient, room, most);
  if (threadIdx.x == 0) losses[blockIdx.x] = loss;
}
