// Blocks and their threads: each thread has a stack of its own and runs until it waits or ends.

#include "block.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#ifndef __x86_64__
#include <ucontext.h>
#endif

Block block;

static const uint64_t GUARD = 4096, MOST = MOST_THREADS;
unsigned char* stacks;
static Fault* fault;
static const Entry* entry;
static void* const* given;

// `change` keeps what a call must keep, and goes on where `to` stopped.
#ifdef __x86_64__
extern "C" void emulated_change(void** from, void* to);
asm(R"(
.text
.hidden emulated_change
.globl emulated_change
emulated_change:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
)");
static void* scheduler;
static void change(void** from, void* to) { emulated_change(from, to); }
static void* fresh(unsigned char* top, void (*run)()) {
  void** at = (void**)top;
  *--at = nullptr;  // where `run` would return to
  *--at = (void*)run;
  for (int i = 0; i < 6; i++) *--at = nullptr;
  return at;
}
#else
static ucontext_t contexts[MOST + 1];
static void* scheduler = &contexts[MOST];
static void change(void** from, void* to) { swapcontext((ucontext_t*)*from, (ucontext_t*)to); }
static void* fresh(unsigned char* top, void (*run)()) {
  ucontext_t* it = &contexts[(top - stacks) / STACK - 1];
  getcontext(it);
  it->uc_stack.ss_sp = top - STACK + GUARD;
  it->uc_stack.ss_size = STACK - GUARD;
  makecontext(it, run, 0);
  return it;
}
#endif

void give_way() { change(&block.now->stack, scheduler); }

void fail(const void* at, const char* format, ...) {
  Dim b = block.index, t = block.now ? block.now->index : Dim{};
  int used = snprintf(fault->text, sizeof fault->text, "block (%u, %u, %u)", b.x, b.y, b.z);
  if (block.now)
    used += snprintf(fault->text + used, sizeof fault->text - used, ", thread (%u, %u)", t.x, t.y);
  used += snprintf(fault->text + used, sizeof fault->text - used, ": ");
  va_list rest;
  va_start(rest, format);
  vsnprintf(fault->text + used, sizeof fault->text - used, format, rest);
  va_end(rest);
  Dl_info library;
  if (at && dladdr(at, &library)) fault->at = (uint64_t)at - (uint64_t)library.dli_fbase - 1;
  // The threads' stacks are left as they are; nobody comes back to them.
  while (true) give_way();
}

static void run_thread() {
  entry->call(given);
  Thread& own = *block.now;
  if (!own.copies.empty()) fail(nullptr, "ends while copies into shared memory are on their way");
  own.does = Does::Ended;
  while (true) give_way();
}

// The numbers below `count` in the order that is asked for.
static std::vector<uint32_t> in_order(uint32_t count, uint64_t order) {
  std::vector<uint32_t> all(count);
  for (uint32_t i = 0; i < count; i++) all[i] = order == 1 ? count - 1 - i : i;
  uint64_t state = order;
  for (uint32_t i = count; order > 1 && i > 1; i--) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    std::swap(all[i - 1], all[(state >> 33) % i]);
  }
  return all;
}

static const char* named(const Thread& thread) {
  static const char* kinds[] = {"?", "__syncwarp", "a shuffle", "a vote", "load_fragments",
                                "load_transposed", "multiply", "product", "end_products",
                                "await_products"};
  if (thread.does == Does::Barrier) return "__syncthreads";
  return kinds[(int)thread.request.kind];
}

// Nobody can go on: tells who waits where.
static void stuck() {
  std::vector<const Thread*> told;
  char text[800];
  int used = 0;
  text[0] = 0;
  block.now = nullptr;
  for (const Thread& thread : block.threads) {
    auto same = [&](const Thread* other) {
      bool ended = thread.does == Does::Ended;
      return other->does == thread.does &&
             (ended || (other->request.kind == thread.request.kind &&
                        other->request.line == thread.request.line &&
                        other->request.mask == thread.request.mask));
    };
    if (told.size() == 4 || std::any_of(told.begin(), told.end(), same)) continue;
    told.push_back(&thread);
    const char* comma = used ? "; " : "";
    if (thread.does == Does::Ended)
      used += snprintf(text + used, sizeof text - used, "%sthread (%u, %u) has ended", comma,
                       thread.index.x, thread.index.y);
    else
      used += snprintf(text + used, sizeof text - used, "%sthread (%u, %u) waits in %s at %s:%d",
                       comma, thread.index.x, thread.index.y, named(thread), thread.request.file,
                       thread.request.line);
  }
  int left = sizeof fault->text;
  snprintf(fault->text, left, "block (%u, %u, %u): not all come to the same place: %s",
           block.index.x, block.index.y, block.index.z, text);
}

// Runs what can run; false if something went wrong.
static bool run_block(uint32_t lanes_in_all) {
  uint64_t order = block.launch->order;
  std::vector<uint32_t> warps = in_order((lanes_in_all + 31) / 32, order);
  std::vector<uint32_t> lanes = in_order(32, order);
  while (true) {
    // What the last of four warps does lets the others go on.
    for (bool any = true; any;) {
      any = false;
      for (uint32_t warp : warps)
        for (bool moved = true; moved;) {
          moved = false;
          for (uint32_t lane : lanes) {
            uint32_t number = warp * 32 + lane;
            if (number >= lanes_in_all || block.threads[number].does != Does::Runs) continue;
            block.now = &block.threads[number];
            change(&scheduler, block.now->stack);
            if (fault->text[0]) return false;
            moved = any = true;
          }
        }
    }
    const Request& first = block.threads[0].request;
    uint32_t ended = 0, met = 0;
    for (const Thread& thread : block.threads) {
      ended += thread.does == Does::Ended;
      met += thread.does == Does::Barrier && thread.request.line == first.line &&
             !strcmp(thread.request.file, first.file);
    }
    if (ended == lanes_in_all) return true;
    if (met != lanes_in_all) {
      stuck();
      return false;
    }
    block.barriers++;
    for (Thread& thread : block.threads) thread.does = Does::Runs;
  }
}

// Below each stack lies a page that nobody may touch.
static bool take_stacks() {
  if (stacks) return true;
  void* all = mmap(nullptr, MOST * STACK, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return false;
  stacks = (unsigned char*)all;
  for (uint64_t i = 0; i < MOST; i++)
    if (mprotect(stacks + i * STACK, GUARD, PROT_NONE)) return false;
  return true;
}

__attribute__((destructor)) static void give_back_stacks() {
  if (stacks) munmap(stacks, MOST * STACK);
}

extern "C" __attribute__((visibility("default"))) int emulated_run(const Entry* what,
                                                                   const Launch* launch,
                                                                   void* const* with, Fault* out) {
  fault = out;
  if (!take_stacks() || !begin_kernel(launch->bytes)) {
    snprintf(fault->text, sizeof fault->text, "there is no memory for the emulation");
    return 1;
  }
  entry = what;
  given = with;
  fault->text[0] = 0;
  fault->at = 0;
  block.launch = launch;
  block.kernel_life++;
  uint32_t threads = launch->block.x * launch->block.y * launch->block.z;
  if (threads > MOST || launch->dynamic > MOST_DYNAMIC) {
    snprintf(fault->text, sizeof fault->text, "no block has %u threads and %lu bytes of memory",
             threads, launch->dynamic);
    return 1;
  }
  block.threads.resize(threads);
  Dim grid = launch->grid;
  for (uint32_t number : in_order(grid.x * grid.y * grid.z, launch->order)) {
    block.number = number;
    block.index = {number % grid.x, number / grid.x % grid.y, number / grid.x / grid.y};
    block.life++;
    block.barriers = 0;
    memset(block.warp_barriers, 0, sizeof block.warp_barriers);
    memset(block.arrived, 0, sizeof block.arrived);
    begin_block();
    for (uint32_t i = 0; i < threads; i++) {
      Thread& thread = block.threads[i];
      Dim size = launch->block;
      thread.number = i;
      thread.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
      thread.does = Does::Runs;
      thread.copies.clear();
      thread.groups = 0;
      thread.hidden = false;
      thread.stack = fresh(stacks + (i + 1) * STACK, run_thread);
    }
    if (!run_block(threads)) return 1;
  }
  return 0;
}
