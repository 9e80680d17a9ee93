// libcrypto as Swift sees it: the modern headers, and a few functions that are better written in C, because
// they build OSSL_PARAM arrays (which keep raw pointers), need macros that Swift does not import, or must have no
// overhead for each call. CryptoPrimitives is the only importer.
//
// Return values: 1 means success and 0 means failure, with the reason in this thread's error queue, unless a
// function says otherwise. No function here keeps a pointer that it was given.
#ifndef SALLYPORT_COPENSSL_H
#define SALLYPORT_COPENSSL_H

#define OPENSSL_NO_DEPRECATED 1
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>
#include <stddef.h>
#include <stdint.h>

// The hash functions that are fetched; the values index a table.
enum { SLY_SHA256 = 0, SLY_SHA512 = 1 };

// The kinds of memory that the secure heap may get, as CRYPTO_secure_malloc_init reports them.
enum { SLY_HEAP_UNAVAILABLE = 0, SLY_HEAP_LOCKED = 1, SLY_HEAP_UNLOCKED = 2 };

// MARK: Start

// Sets up the secure heap and fetches the algorithms, once per process. Later calls, from any thread, only return
// the result.
int sly_prepare(void);

// One of SLY_HEAP_…, valid after sly_prepare.
int sly_heap_state(void);

// Writes the oldest entry of this thread's error queue as text, without its data (which might quote input), and
// removes it. Returns 0 if the queue is empty.
int sly_next_error(char *text, size_t size);

// MARK: Secret memory

// Returns `count` bytes of zeroed memory, from the secure heap while it has room; NULL only if memory is
// exhausted.
void *sly_secret_new(size_t count);

// Cleanses and frees memory that sly_secret_new returned for the same `count`.
void sly_secret_free(void *bytes, size_t count);

// Whether the secure heap has room for the numbers of one more curve operation.
int sly_numbers_fit_secure_heap(void);

// MARK: AES-256-GCM

// A cipher context under one key, for both directions. Use it from one thread at a time.
typedef struct sly_gcm sly_gcm;

// Returns NULL on failure. The context has no key until sly_gcm_set_key.
sly_gcm *sly_gcm_new(void);
void sly_gcm_free(sly_gcm *gcm);
// `key` is 32 bytes.
int sly_gcm_set_key(sly_gcm *gcm, const void *key);

// `nonce` is 12 bytes, `tag` 16; `text` is changed in place. Counts must fit into an int.
int sly_gcm_seal(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    void *tag);
int sly_gcm_open(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    const void *tag);
// The same with `text` as additional data, which is read but never written.
int sly_gcm_authenticate(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    void *tag);
int sly_gcm_verify(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    const void *tag);

// MARK: Hashing

// Returns the fetched digest, which the process owns.
const EVP_MD *sly_digest(int function);

// `code` has room for the function's whole output, 32 or 64 bytes.
int sly_hmac(
    int function, const void *key, size_t key_count, const void *message, size_t message_count, void *code);

// RFC 5869, section 2.3. `count` is at most 255 outputs of the function.
int sly_hkdf_expand(
    int function, const void *key, size_t key_count, const void *info, size_t info_count, void *out,
    size_t count);

#endif
