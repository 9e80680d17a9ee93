// Intel's IPsec Multi-Buffer library as Swift sees it: AES-256-GCM on processors with VAES and AVX-512, several
// times as fast as libcrypto 3.0. It is loaded on request and may be missing; building does not need it.
// CryptoPrimitives is the only importer.
//
// Only sly_mb_load may be called before sly_mb_load has returned SLY_MB_LOADED. The five functions of a cipher
// have the parameters and results of the functions of the same name in COpenSSL: 1 means success, 0 failure.
#ifndef SALLYPORT_CIPSECMB_H
#define SALLYPORT_CIPSECMB_H

#include <stddef.h>

// The results of sly_mb_load.
enum {
    SLY_MB_LOADED = 0,
    // The library is not installed.
    SLY_MB_MISSING = 1,
    // The library lacks functions that are needed.
    SLY_MB_UNSUITABLE = 2,
    // The processor or the operating system does not support the instructions.
    SLY_MB_NO_INSTRUCTIONS = 3,
};

// Loads the library, once per process, and returns one of SLY_MB_…. Later calls, from any thread, only return the result.
int sly_mb_load(void);

// The version that the library reports, such as "1.3.0".
const char *sly_mb_version(void);

// A cipher under one key. Use it from one thread at a time.
typedef struct sly_mb_gcm sly_mb_gcm;

// Returns NULL if memory is exhausted. The cipher has no key until sly_mb_gcm_set_key.
sly_mb_gcm *sly_mb_gcm_new(void);
void sly_mb_gcm_free(sly_mb_gcm *gcm);
// `key` is 32 bytes.
int sly_mb_gcm_set_key(sly_mb_gcm *gcm, const void *key);

// Whether the library has written past the memory that it was given. If so, it is not a version that this code supports.
int sly_mb_gcm_overran(const sly_mb_gcm *gcm);

// `nonce` is 12 bytes, `tag` 16; `text` is changed in place.
int sly_mb_gcm_seal(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    void *tag);
int sly_mb_gcm_open(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    const void *tag);
// The same with `text` as additional data, which is read but never written.
int sly_mb_gcm_authenticate(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    void *tag);
int sly_mb_gcm_verify(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    const void *tag);

#endif
