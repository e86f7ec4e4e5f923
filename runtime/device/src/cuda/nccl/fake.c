// Stands in for libnccl in tests: "GPUs" are stretches of the host's memory.
// A stream is the address of a number that counts what was enqueued in it.
#include <stddef.h>

enum { MOST = 16, LISTED = 64 };

static int begun, ended, aborted, open, listed, version = 23007;
static int fails_at, async_error;
static int ranks[MOST];
static struct { void *at; size_t count; int kind; int rank; int *stream; } list[LISTED];

// What tests look at, and set.
int fake_ended(void) { return ended; }
int fake_aborted(void) { return aborted; }
void fake_fail_sum(int status) { fails_at = status; }
void fake_fail_later(int status) { async_error = status; }

int ncclGetVersion(int *out) { *out = version; return 0; }
const char *ncclGetErrorString(int status) { return status == 6 ? "remote process exited" : 0; }

int ncclCommInitAll(void **ends, int count, const int *gpus) {
    begun = count; ended = aborted = fails_at = async_error = 0;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < i; j++) if (gpus[j] == gpus[i]) return 5;
        ranks[i] = i; ends[i] = &ranks[i];
    }
    return 0;
}
int ncclCommDestroy(void *end) { (void)end; ended++; return 0; }
int ncclCommAbort(void *end) { (void)end; aborted++; return 0; }
int ncclCommGetAsyncError(void *end, int *out) { *out = *(int *)end == 1 ? async_error : 0; return 0; }
int ncclGroupStart(void) { if (open) return 5; open = 1; listed = 0; return 0; }

int ncclAllReduce(const void *from, void *at, size_t count, int kind, int op, void *end, void *stream) {
    if (!open || from != at || op != 0 || (kind != 7 && kind != 8) || listed == LISTED) return 4;
    if (fails_at) return fails_at;
    list[listed].at = at; list[listed].count = count; list[listed].kind = kind;
    list[listed].rank = *(int *)end; list[listed].stream = stream; listed++;
    return 0;
}

// Sums, in the order of ranks, of the first span of each rank, then of the second, and so on.
int ncclGroupEnd(void) {
    if (!open) return 5;
    open = 0;
    if (listed % begun) return 0; // A list that failed half-way.
    for (int i = 0; i < listed; i += begun)
        for (size_t n = 0; n < list[i].count; n++) {
            float f = 0; double d = 0;
            for (int r = 0; r < begun; r++) {
                if (list[i + r].rank != r || list[i + r].count != list[i].count) return 4;
                if (list[i].kind == 7) f = r ? f + ((float *)list[i + r].at)[n] : ((float *)list[i].at)[n];
                else d = r ? d + ((double *)list[i + r].at)[n] : ((double *)list[i].at)[n];
            }
            for (int r = 0; r < begun; r++) {
                if (list[i].kind == 7) ((float *)list[i + r].at)[n] = f;
                else ((double *)list[i + r].at)[n] = d;
            }
        }
    for (int i = 0; i < listed; i++) ++*list[i].stream;
    return 0;
}
