#include "secrets.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_int erasing;
static _Thread_local bool always;

void wstan_erasing_begin(void) { atomic_fetch_add_explicit(&erasing, 1, memory_order_seq_cst); }
void wstan_erasing_end(void) { atomic_fetch_sub_explicit(&erasing, 1, memory_order_seq_cst); }
void wstan_erasing_always(void) { always = true; }
void wstan_erase(void *memory, size_t size) { explicit_bzero(memory, size); }

__attribute__((noinline)) void wstan_erase_stack(void) {
    unsigned char below[64 << 10];
    explicit_bzero(below, sizeof below);
}

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
bool wstan_erasing_works(void) { return false; }
#else
// These take the place of glibc's for the whole process, and call them. The manual ("Replacing malloc") has malloc, calloc, free and
// realloc replaced together, so that no block comes to an allocator which has not made it. Here there is one allocator, glibc's: its
// malloc, calloc and the aligned ones stay, and each block that these two are given goes to glibc's own free or realloc, by the names
// under which libc.so.6 exports them since its first version.
//
// Text has many copies on its way from a file to a key: buffers, lines, strings, slices. Each is freed in the end.
extern void __libc_free(void *memory);
extern void *__libc_realloc(void *memory, size_t size);

static bool erases(void) { return atomic_load_explicit(&erasing, memory_order_relaxed) != 0 || always; }

bool wstan_erasing_works(void) { return true; }

// Apart, so that all other times cost free two comparisons and a jump.
static __attribute__((noinline)) void erase_and_free(void *memory) {
    if (memory) explicit_bzero(memory, malloc_usable_size(memory));
    __libc_free(memory);
}

void free(void *memory) {
    if (__builtin_expect(erases(), 0)) erase_and_free(memory); else __libc_free(memory);
}

void *realloc(void *memory, size_t size) {
    if (!erases() || !memory || size == 0) return __libc_realloc(memory, size);
    size_t former = malloc_usable_size(memory);
    void *other = malloc(size);
    if (!other) return NULL;
    memcpy(other, memory, former < size ? former : size);
    free(memory);
    return other;
}
#endif
