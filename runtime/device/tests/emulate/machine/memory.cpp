// Memory as the threads of a kernel see it. The compiler tells of each access (by the calls that
// ThreadSanitizer would take, which are answered here), so that each is held to what is allowed: within
// the spans of the command or the block's shared memory, of bytes that were written, and not at once
// with another thread's.

#include "block.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

// What was done to two neighbouring bytes.
struct Cell {
  uint32_t life;  // the block or the kernel that the rest is of
  uint32_t writer, write_block, write_barriers, write_warp;
  uint32_t reader, read_block, read_barriers, read_warp;
  uint16_t flight;  // the thread, from 1, whose copy is on its way here
  bool written;
};
// A writer or reader is a thread, from 1, 0 for none, several lanes of a warp, or several warps.
static const uint32_t LANES = 1 << 16, SEVERAL = 1 << 17;
// Read by several blocks.
static const uint32_t EVERY = ~0u;

static const uint64_t STATIC = 256 << 10, DYNAMIC = MOST_DYNAMIC;
// The bounds of the section that shared arrays lie in, if there are any.
extern "C" unsigned char __start_block_memory[] __attribute__((weak, visibility("hidden")));
extern "C" unsigned char __stop_block_memory[] __attribute__((weak, visibility("hidden")));
extern "C" unsigned char __ehdr_start[] __attribute__((visibility("hidden")));
extern "C" unsigned char _end[] __attribute__((visibility("hidden")));

alignas(1024) static unsigned char dynamic_bytes[DYNAMIC];
static Cell static_cells[STATIC / 2], dynamic_cells[DYNAMIC / 2];
static Cell* arena_cells;
static uint64_t arena_count;

unsigned char* dynamic_memory() { return dynamic_bytes; }

__attribute__((destructor)) static void give_back_cells() {
  if (arena_cells) munmap(arena_cells, arena_count * sizeof(Cell));
  arena_cells = nullptr;
}

bool begin_kernel(uint64_t bytes) {
  uint64_t count = bytes / 2 + 1;
  if (arena_cells && count <= arena_count) return true;
  give_back_cells();
  void* all = mmap(nullptr, count * sizeof(Cell), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return false;
  arena_cells = (Cell*)all;
  arena_count = count;
  return true;
}

// Nothing is left of the block before: all bits set are no number.
void begin_block() {
  memset(dynamic_bytes, 0xff, block.launch->dynamic);
  if (__start_block_memory)
    memset(__start_block_memory, 0xff, __stop_block_memory - __start_block_memory);
}

static uint32_t warp_of(uint32_t who) { return who & LANES ? who & (LANES - 1) : (who - 1) / 32; }

// Whether what another did lies before what the running thread does: it did it itself, or a barrier of
// the block lies between, or one of the warp.
static bool is_before(uint32_t who, uint32_t its_block, uint32_t barriers, uint32_t warp_barriers) {
  const Thread& own = *block.now;
  if (!who) return true;
  if (its_block != block.number) return false;
  if (who == own.number + 1 || barriers != block.barriers) return true;
  uint32_t warp = own.number / 32;
  return who != SEVERAL && warp_of(who) == warp && warp_barriers != block.warp_barriers[warp];
}

// The readers of a cell when the running thread has read it too.
static uint32_t with_own(const Cell& cell) {
  uint32_t me = block.now->number + 1, warp = block.now->number / 32;
  bool current = cell.reader && cell.read_barriers == block.barriers && cell.reader != me;
  if (!current) return me;
  if (cell.reader == SEVERAL || warp_of(cell.reader) != warp) return SEVERAL;
  return cell.read_warp == block.warp_barriers[warp] ? LANES | warp : me;
}

// An address in words: the byte of the arena or of shared memory.
static const char* named(const void* where) {
  static char text[80];
  const unsigned char* address = (const unsigned char*)where;
  const Launch& launch = *block.launch;
  uint64_t dynamic = address - dynamic_bytes, arena = address - launch.arena;
  if (dynamic < DYNAMIC)
    snprintf(text, sizeof text, "byte %lu of dynamic shared memory", dynamic);
  else if (arena < launch.bytes)
    snprintf(text, sizeof text, "byte %lu of the arena", arena);
  else
    snprintf(text, sizeof text, "a shared array at %p", where);
  return text;
}

static void meet_cell(Cell& cell, bool writes, const void* address, const void* at) {
  uint32_t warp = block.now->number / 32;
  if (cell.flight) fail(at, "touches %s while a copy to it is on its way", named(address));
  if (!is_before(cell.writer, cell.write_block, cell.write_barriers, cell.write_warp))
    fail(at, "%s %s at once with a write of thread %u of block %u", writes ? "writes" : "reads",
         named(address), cell.writer - 1, cell.write_block);
  if (writes) {
    if (!is_before(cell.reader, cell.read_block, cell.read_barriers, cell.read_warp))
      fail(at, "writes %s at once with the read of another thread", named(address));
    cell.writer = block.now->number + 1;
    cell.write_block = block.number;
    cell.write_barriers = block.barriers;
    cell.write_warp = block.warp_barriers[warp];
    cell.written = true;
  } else if (cell.reader && cell.read_block != block.number) {
    cell.read_block = EVERY;
  } else {
    cell.reader = with_own(cell);
    cell.read_block = block.number;
    cell.read_barriers = block.barriers;
    cell.read_warp = block.warp_barriers[warp];
  }
}

// The cell of the first of some bytes of shared memory; null if they are no such memory.
static Cell* shared_cell(const unsigned char* address, uint64_t bytes, const void* at) {
  uint64_t offset = address - dynamic_bytes;
  if (offset < DYNAMIC) {
    if (offset + bytes > block.launch->dynamic)
      fail(at, "touches byte %lu of %lu of dynamic shared memory", offset + bytes - 1,
           block.launch->dynamic);
    return dynamic_cells + offset / 2;
  }
  if (!__start_block_memory || address < __start_block_memory || address >= __stop_block_memory)
    return nullptr;
  offset = address - __start_block_memory;
  if (offset + bytes > STATIC) fail(at, "has more than %lu bytes of shared arrays", STATIC);
  return static_cells + offset / 2;
}

static Cell& alive(Cell& cell, uint32_t life) {
  if (cell.life != life) cell = {};
  cell.life = life;
  return cell;
}

static void touch_arena(const unsigned char* address, uint64_t bytes, bool writes, const void* at) {
  const Launch& launch = *block.launch;
  const Stretch* all = launch.stretches;
  bool allowed = std::any_of(all, all + launch.count, [&](const Stretch& one) {
    return one.begin <= address && address + bytes <= one.end;
  });
  uint64_t offset = address - launch.arena;
  if (!allowed)
    fail(at, "%s byte %ld of the arena, which is in none of the command's spans",
         writes ? "writes" : "reads", (long)offset);
  for (uint64_t i = offset / 2; i < (offset + bytes + 1) / 2; i++) {
    if (!writes && !launch.written[i])
      fail(at, "reads byte %lu of the arena, which nothing has written", 2 * i);
    meet_cell(alive(arena_cells[i], block.kernel_life), writes, launch.arena + 2 * i, at);
    if (writes) launch.written[i] = 1;
  }
}

void touch(const void* where, uint64_t bytes, bool writes, const void* at) {
  const unsigned char* address = (const unsigned char*)where;
  if (on_a_stack(address)) return;
  if (Cell* cells = shared_cell(address, bytes, at)) {
    uint64_t count = ((uintptr_t)address % 2 + bytes + 1) / 2;
    for (uint64_t i = 0; i < count; i++) {
      Cell& cell = alive(cells[i], block.life);
      if (!writes && !cell.written && !cell.flight)
        fail(at, "reads %s, which nothing has written", named(where));
      meet_cell(cell, writes, address + 2 * i, at);
    }
    return;
  }
  // Constants of the library itself.
  if (!writes && address >= __ehdr_start && address < _end) return;
  touch_arena(address, bytes, writes, at);
}

void begin_copy(const Copy& copy, const void* at) {
  if (copy.bytes) touch(copy.from, copy.bytes, false, at);
  Cell* cells = shared_cell(copy.to, copy.size, at);
  if (!cells) fail(at, "copies to %p, which is no shared memory", (void*)copy.to);
  for (int i = 0; i < copy.size / 2; i++) {
    Cell& cell = alive(cells[i], block.life);
    meet_cell(cell, true, copy.to + 2 * i, at);
    cell.flight = block.now->number + 1;
  }
}

// The bytes are written only now; the barrier that others need comes after.
void land(const Copy& copy) {
  Cell* cells = shared_cell(copy.to, copy.size, nullptr);
  for (int i = 0; i < copy.size / 2; i++) {
    cells[i].flight = 0;
    cells[i].write_barriers = block.barriers;
    cells[i].write_warp = block.warp_barriers[block.now->number / 32];
  }
  block.now->hidden = true;
  memset(copy.to, 0, copy.size);
  memcpy(copy.to, copy.from, copy.bytes);
}

// What the compiler calls for each access, and for what it finds undefined.
#define HERE __builtin_return_address(0)
#define ACCESS(size)                                                               \
  void __tsan_read##size(void* at) { touch(at, size, false, HERE); }               \
  void __tsan_write##size(void* at) { touch(at, size, true, HERE); }               \
  void __tsan_unaligned_read##size(void* at) { touch(at, size, false, HERE); }     \
  void __tsan_unaligned_write##size(void* at) { touch(at, size, true, HERE); }
struct Undefined {
  const char* file;
  uint32_t line, column;
};
#define UNDEFINED(name, what, ...)                                      \
  void __ubsan_handle_##name(const Undefined* place, ##__VA_ARGS__) {   \
    fail(nullptr, "%s at %s:%u", what, place->file, place->line);       \
  }
extern "C" {
ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)
void __tsan_read_range(void* at, uint64_t size) { touch(at, size, false, HERE); }
void __tsan_write_range(void* at, uint64_t size) { touch(at, size, true, HERE); }
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
UNDEFINED(type_mismatch_v1, "an address that is not aligned, or none", void*)
UNDEFINED(out_of_bounds, "an index beyond its array", void*)
UNDEFINED(add_overflow, "a sum beyond its type", void*, void*)
UNDEFINED(sub_overflow, "a difference beyond its type", void*, void*)
UNDEFINED(mul_overflow, "a product beyond its type", void*, void*)
UNDEFINED(negate_overflow, "a negation beyond its type", void*)
UNDEFINED(divrem_overflow, "a division by zero", void*, void*)
UNDEFINED(shift_out_of_bounds, "a shift by too much", void*, void*)
UNDEFINED(pointer_overflow, "an address beyond all memory", void*, void*)
}
