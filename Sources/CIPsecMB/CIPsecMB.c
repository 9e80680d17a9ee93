#define _GNU_SOURCE
#include "CIPsecMB.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// MARK: Loading

// The library's one-call functions, whose names and types are the same in all versions 1.x. The layout of the memory that they
// use for a key and for a call is private to the library; only its size has to be known here. sly_mb_gcm_overran detects
// a library that needs more.
typedef void (*expand_key)(const void *key, void *expanded);
typedef void (*process)(
    const void *expanded, void *call, uint8_t *out, const uint8_t *in, uint64_t count, const uint8_t *nonce,
    const uint8_t *header, uint64_t header_count, uint8_t *tag, uint64_t tag_count);
typedef void (*begin_tag)(const void *expanded, void *call, const uint8_t *nonce, uint64_t nonce_count);
typedef void (*update_tag)(const void *expanded, void *call, const uint8_t *in, uint64_t count);
typedef void (*end_tag)(const void *expanded, void *call, uint8_t *tag, uint64_t tag_count);
typedef const char *(*version)(void);

static struct {
    expand_key expand;
    process encrypt;
    process decrypt;
    begin_tag begin;
    update_tag update;
    end_tag end;
    version version;
    int state;
} library;

static int has_instructions(void) {
#if defined(__x86_64__)
    // This is also false if the operating system does not save the AVX-512 registers.
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("vaes") && __builtin_cpu_supports("vpclmulqdq");
#else
    return 0;
#endif
}

static int find_functions(void *handle) {
    library.expand = (expand_key)dlsym(handle, "aes_gcm_pre_256_vaes_avx512");
    library.encrypt = (process)dlsym(handle, "aes_gcm_enc_256_vaes_avx512");
    library.decrypt = (process)dlsym(handle, "aes_gcm_dec_256_vaes_avx512");
    library.begin = (begin_tag)dlsym(handle, "imb_aes_gmac_init_256_vaes_avx512");
    library.update = (update_tag)dlsym(handle, "imb_aes_gmac_update_256_vaes_avx512");
    library.end = (end_tag)dlsym(handle, "imb_aes_gmac_finalize_256_vaes_avx512");
    library.version = (version)dlsym(handle, "imb_get_version_str");
    return library.expand != NULL && library.encrypt != NULL && library.decrypt != NULL && library.begin != NULL
        && library.update != NULL && library.end != NULL && library.version != NULL;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    if (!has_instructions()) {
        library.state = SLY_MB_NO_INSTRUCTIONS;
        return;
    }
    // Load only the name that Debian's package installs, from the system's search path: never a configurable path.
    void *handle = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        library.state = SLY_MB_MISSING;
        return;
    }
    library.state = find_functions(handle) ? SLY_MB_LOADED : SLY_MB_UNSUITABLE;
}

int sly_mb_load(void) {
    pthread_once(&once, load);
    return library.state;
}

const char *sly_mb_version(void) {
    return library.version();
}

// MARK: AES-256-GCM

// The schedule of 15 round keys and 48 powers of the hash key takes 1008 bytes; a call needs 88.
enum { alignment = 64, key_count = 1024, call_count = 128, guard_count = 64, guard_byte = 0xA5 };

struct sly_mb_gcm {
    _Alignas(alignment) unsigned char expanded[key_count];
    unsigned char behind_key[guard_count];
    _Alignas(alignment) unsigned char call[call_count];
    unsigned char behind_call[guard_count];
};

static const size_t nonce_count = 12;
enum { tag_count = 16 };

sly_mb_gcm *sly_mb_gcm_new(void) {
    sly_mb_gcm *gcm = aligned_alloc(alignment, sizeof *gcm);
    if (gcm == NULL) return NULL;
    memset(gcm, 0, sizeof *gcm);
    memset(gcm->behind_key, guard_byte, guard_count);
    memset(gcm->behind_call, guard_byte, guard_count);
    return gcm;
}

void sly_mb_gcm_free(sly_mb_gcm *gcm) {
    if (gcm == NULL) return;
    explicit_bzero(gcm, sizeof *gcm);
    free(gcm);
}

int sly_mb_gcm_set_key(sly_mb_gcm *gcm, const void *key) {
    library.expand(key, gcm->expanded);
    return 1;
}

int sly_mb_gcm_overran(const sly_mb_gcm *gcm) {
    for (size_t index = 0; index < guard_count; index++) {
        if (gcm->behind_key[index] != guard_byte || gcm->behind_call[index] != guard_byte) return 1;
    }
    return 0;
}

// The library does not accept NULL, not even for an empty buffer.
static const void *something(const sly_mb_gcm *gcm, const void *bytes) {
    return bytes != NULL ? bytes : gcm->call;
}

// Takes the same time wherever the difference is.
static int are_equal(const unsigned char *a, const unsigned char *b) {
    unsigned char difference = 0;
    for (size_t index = 0; index < tag_count; index++) difference |= a[index] ^ b[index];
    // Keep the compiler from adding an early exit.
    __asm__ volatile("" : "+r"(difference));
    return difference == 0;
}

static void make_tag(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    void *tag) {
    library.begin(gcm->expanded, gcm->call, nonce, nonce_count);
    if (header_count != 0) library.update(gcm->expanded, gcm->call, header, header_count);
    if (count != 0) library.update(gcm->expanded, gcm->call, text, count);
    library.end(gcm->expanded, gcm->call, tag, tag_count);
}

int sly_mb_gcm_seal(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    void *tag) {
    uint8_t *place = (uint8_t *)something(gcm, text);
    library.encrypt(
        gcm->expanded, gcm->call, place, place, count, nonce, something(gcm, header), header_count, tag, tag_count);
    return 1;
}

int sly_mb_gcm_open(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    const void *tag) {
    unsigned char computed[tag_count];
    uint8_t *place = (uint8_t *)something(gcm, text);
    library.decrypt(
        gcm->expanded, gcm->call, place, place, count, nonce, something(gcm, header), header_count, computed,
        tag_count);
    if (are_equal(computed, tag)) return 1;
    // The buffer already contains the plaintext of a forgery, which the caller must not see. Nor may the correct tag remain in
    // memory.
    if (count != 0) explicit_bzero(text, count);
    explicit_bzero(computed, sizeof computed);
    return 0;
}

int sly_mb_gcm_authenticate(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    void *tag) {
    make_tag(gcm, nonce, header, header_count, text, count, tag);
    return 1;
}

int sly_mb_gcm_verify(
    sly_mb_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    const void *tag) {
    unsigned char computed[tag_count];
    make_tag(gcm, nonce, header, header_count, text, count, computed);
    int is_right = are_equal(computed, tag);
    explicit_bzero(computed, sizeof computed);
    return is_right;
}
