#pragma once
// Where keys are while they are in use, and what becomes of every copy that is made on the way. docs/decisions.md says why it is so
// (Keys in memory).
#include <stdbool.h>
#include <stddef.h>

// MARK: The vault

// Memory that is in no core (MADV_DONTDUMP), is not swapped as far as RLIMIT_MEMLOCK allows (mlock(2)), and is erased when it is
// given back. Where the vault is full, ordinary memory that is erased as well. Never null.
void *wstan_secret_take(size_t size);
void wstan_secret_give(void *memory);
bool wstan_secret_is_in_vault(const void *memory);
// Bytes of the vault that could not be locked.
size_t wstan_vault_unlocked(void);

// For CRYPTO_set_mem_functions(3): what OpenSSL takes on a thread between begin and end is from the vault.
void wstan_vault_begin(void);
void wstan_vault_end(void);
void *wstan_crypto_malloc(size_t size, const char *file, int line);
void *wstan_crypto_realloc(void *memory, size_t size, const char *file, int line);
void wstan_crypto_free(void *memory, const char *file, int line);

// MARK: What is on the way

// Between begin and end, on all threads, free(3) erases what it is given; so may any number of them overlap.
void wstan_erasing_begin(void);
void wstan_erasing_end(void);
// On this thread it always does.
void wstan_erasing_always(void);
// Erases 64 KiB of the stack below the caller, where what it has called had its variables.
void wstan_erase_stack(void);
void wstan_erase(void *memory, size_t size);
// Whether free(3) is ours: not with a sanitizer, which has its own.
bool wstan_erasing_works(void);
