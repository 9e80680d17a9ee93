// Intel's IPsec Multi-Buffer library as Swift sees it: AES-256-GCM on processors with VAES and AVX-512, several
// times as fast as libcrypto 3.0. It is loaded when somebody asks for it and may be missing; nothing is needed
// of it to build. CryptoPrimitives is the only importer.
//
// Everything but sly_mb_load may only be called after that has said SLY_MB_LOADED. The five functions of a
// cipher take and give what those of COpenSSL of the same name do: 1 is done, 0 is refused.
#ifndef SALLYPORT_CIPSECMB_H
#define SALLYPORT_CIPSECMB_H

#include <stddef.h>

// What came of loading.
enum {
    SLY_MB_LOADED = 0,
    // The library is not installed.
    SLY_MB_MISSING = 1,
    // It has not the functions that are needed.
    SLY_MB_UNSUITABLE = 2,
    // The processor or the system has not the instructions.
    SLY_MB_NO_INSTRUCTIONS = 3,
};

// Loads the library, once for the process; every later call, from any thread, only reports: one of SLY_MB_….
int sly_mb_load(void);

// The version that the library says it has, such as "1.3.0".
const char *sly_mb_version(void);

// One key. One thread at a time.
typedef struct sly_mb_gcm sly_mb_gcm;

// NULL when there is no memory. Without a key until sly_mb_gcm_set_key.
sly_mb_gcm *sly_mb_gcm_new(void);
void sly_mb_gcm_free(sly_mb_gcm *gcm);
// `key` is 32 bytes.
int sly_mb_gcm_set_key(sly_mb_gcm *gcm, const void *key);

// Whether the library has written behind the memory that it was given: then it is not the one that is meant.
int sly_mb_gcm_overran(const sly_mb_gcm *gcm);

// `nonce` is 12 bytes, `tag` 16; `text` is changed in place.
int sly_mb_gcm_seal(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    void *tag);
int sly_mb_gcm_open(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    const void *tag);
// The same with `text` as additional data: read, never written.
int sly_mb_gcm_authenticate(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    void *tag);
int sly_mb_gcm_verify(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    const void *tag);

#endif
