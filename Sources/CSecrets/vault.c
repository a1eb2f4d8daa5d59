#include "secrets.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

// Address space, which costs nothing; what is in use of it is taken a step at a time.
static const size_t space = (size_t)256 << 20;
static const size_t step = (size_t)64 << 10;
// A block is of a multiple of 16 bytes up to 1 KiB, and of a power of two up to 1 MiB, its head included: each tunnel has a few small
// ones, whose sizes are those of OpenSSL's contexts.
enum { grain = 16, fine = 1024, largest = 1 << 20, lists = fine / grain + 11 };

struct head {
    size_t size;
    struct head *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned char *start;
static bool is_missing;
static size_t taken, opened, unlocked;
static struct head *given[lists];

static bool open_vault(void) {
    if (start || is_missing) return start != NULL;
    void *memory = mmap(NULL, space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    is_missing = memory == MAP_FAILED;
    if (is_missing) return false;
    madvise(memory, space, MADV_DONTDUMP);
    start = memory;
    return true;
}

// Makes the next `size` bytes usable.
static bool extend(size_t size) {
    if (size > space - taken) return false;
    while (opened < taken + size) {
        if (mprotect(start + opened, step, PROT_READ | PROT_WRITE) != 0) return false;
        // What cannot be locked is used all the same: it is in no core, and most hosts have no swap or encrypt it.
        if (mlock(start + opened, step) != 0) unlocked += step;
        opened += step;
    }
    return true;
}

// Of a block for so many bytes; at most `largest`.
static size_t block_size(size_t size) {
    size += sizeof(struct head);
    if (size <= fine) return (size + grain - 1) / grain * grain;
    size_t power = 2 * fine;
    while (power < size) power *= 2;
    return power;
}

// Where blocks of that size wait for their next use.
static struct head **list_of(size_t block) {
    if (block <= fine) return &given[block / grain];
    struct head **list = &given[fine / grain];
    for (; block > fine; block /= 2) list++;
    return list;
}

static void *take(size_t size) {
    if (size > largest - sizeof(struct head)) return NULL;
    size_t block = block_size(size);
    struct head **list = list_of(block);
    pthread_mutex_lock(&lock);
    struct head *head = *list;
    if (head) {
        *list = head->next;
    } else if (open_vault() && extend(block)) {
        head = (struct head *)(start + taken);
        taken += block;
        head->size = block;
    }
    pthread_mutex_unlock(&lock);
    return head ? head + 1 : NULL;
}

static size_t size_in_vault(const void *memory) {
    return ((const struct head *)memory - 1)->size - sizeof(struct head);
}

static void give(void *memory) {
    struct head *head = (struct head *)memory - 1;
    explicit_bzero(memory, size_in_vault(memory));
    struct head **list = list_of(head->size);
    pthread_mutex_lock(&lock);
    head->next = *list;
    *list = head;
    pthread_mutex_unlock(&lock);
}

bool wstan_secret_is_in_vault(const void *memory) {
    uintptr_t first = (uintptr_t)start;
    return first && (uintptr_t)memory - first < space;
}

size_t wstan_vault_unlocked(void) {
    pthread_mutex_lock(&lock);
    size_t size = unlocked;
    pthread_mutex_unlock(&lock);
    return size;
}

void *wstan_secret_take(size_t size) {
    void *memory = take(size);
    if (!memory) memory = malloc(size ? size : 1);
    if (!memory) abort();
    return memory;
}

void wstan_secret_give(void *memory) {
    if (wstan_secret_is_in_vault(memory)) return give(memory);
    explicit_bzero(memory, malloc_usable_size(memory));
    free(memory);
}

// MARK: OpenSSL

static _Thread_local int keeping;

void wstan_vault_begin(void) { keeping++; }
void wstan_vault_end(void) { keeping--; }

void *wstan_crypto_malloc(size_t size, const char *file, int line) {
    (void)file, (void)line;
    void *memory = keeping ? take(size) : NULL;
    return memory ? memory : malloc(size);
}

void *wstan_crypto_realloc(void *memory, size_t size, const char *file, int line) {
    if (!memory) return wstan_crypto_malloc(size, file, line);
    if (size == 0) {
        wstan_crypto_free(memory, file, line);
        return NULL;
    }
    bool is_kept = wstan_secret_is_in_vault(memory);
    // What was taken before `begin` and grows behind it holds secrets from then on.
    if (!is_kept && !keeping) return realloc(memory, size);
    size_t former = is_kept ? size_in_vault(memory) : malloc_usable_size(memory);
    if (is_kept && size <= former) return memory;
    void *other = take(size);
    if (!other) other = malloc(size);
    if (!other) return NULL;
    memcpy(other, memory, former < size ? former : size);
    wstan_crypto_free(memory, file, line);
    return other;
}

void wstan_crypto_free(void *memory, const char *file, int line) {
    (void)file, (void)line;
    if (wstan_secret_is_in_vault(memory)) give(memory); else free(memory);
}
