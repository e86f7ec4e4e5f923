// What the parts of the machine know of the block that runs. Its threads take turns: each runs until
// it waits for others or ends, so that nothing here is done by two at once.

#pragma once
#include <cstdint>
#include <vector>

struct Dim {
  uint32_t x, y, z;
};

// A run of bytes of the arena that the kernel may touch.
struct Stretch {
  const unsigned char *begin, *end;
};

// How a kernel is started, as the tests' Rust code lays it out.
struct Launch {
  Dim grid, block;
  uint64_t dynamic;            // bytes of dynamic shared memory
  uint64_t order;              // 0: blocks, warps and lanes ascending; 1: descending; else drawn
  unsigned char* arena;        // the arena's first byte
  uint64_t bytes;              // its length
  unsigned char* written;      // for each two of its bytes, whether anything has written them
  const Stretch* stretches;    // what of it this kernel may touch
  uint64_t count;              // how many stretches
};

// What went wrong, and where in the machine code; 0 if the text says it.
struct Fault {
  char text[1024];
  uint64_t at;
};

struct Entry {
  uint32_t count;
  const uint32_t* sizes;
  void (*call)(void* const* given);
};

enum class Does { Runs, Barrier, Collective, Ended };
enum class Kind {
  None,
  WarpBarrier,
  Shuffle,
  Vote,
  Fragments,
  Transposed,
  Multiply,
  Product,
  EndProducts,
  AwaitProducts
};

// What a lane brings to a collective.
struct Request {
  Kind kind;
  uint32_t mask;
  const char* file;
  int line, lane, bytes;
  const void *from, *more;
  void* to;
};

// A copy into shared memory that has begun.
struct Copy {
  unsigned char* to;
  const unsigned char* from;
  int size, bytes;  // all that is written, and how many of them are read; zeros after
  uint64_t group;
};

struct Thread {
  void* stack;
  uint32_t number;
  Dim index;
  Does does;
  Request request;  // of a barrier only the place
  std::vector<Copy> copies;
  uint64_t groups;  // of copies, that are closed
  bool hidden;      // whether copies have landed that products do not see
};

struct Block {
  const Launch* launch;
  Dim index;
  uint32_t number;          // among the blocks of the grid
  uint32_t life;            // among all blocks that ever ran
  uint32_t kernel_life;     // among all kernels that ever ran
  uint32_t barriers;        // passed by all threads
  uint32_t warp_barriers[32];
  uint32_t arrived[32];     // of each warp, the lanes that wait in a collective
  std::vector<Thread> threads;
  Thread* now;
};
extern Block block;

// Ends the kernel with a message; `at` is a place in machine code, or null. Returns to nobody.
[[noreturn]] void fail(const void* at, const char* format, ...)
    __attribute__((format(printf, 2, 3)));
// Lets the others run, until this thread's wait is over.
void give_way();
// Whether an address lies on the stack of some thread, and is nobody else's business.
extern unsigned char* stacks;
static const uint64_t STACK = 128 << 10, MOST_THREADS = 1024, MOST_DYNAMIC = 227 << 10;
inline bool on_a_stack(const void* address) {
  return (uint64_t)((const unsigned char*)address - stacks) < MOST_THREADS * STACK;
}

// A thread reads or writes memory that others see too.
void touch(const void* address, uint64_t bytes, bool writes, const void* at);
// The memory of a block when it begins.
void begin_block();
bool begin_kernel(uint64_t bytes_of_arena);  // false if the host has no memory
unsigned char* dynamic_memory();
// Dynamic shared memory begins at this address of the block's shared memory.
static const uint64_t SHARED_BASE = 1040;
// Of a copy that has begun: nobody may touch its bytes until it lands.
void begin_copy(const Copy& copy, const void* at);
void land(const Copy& copy);
