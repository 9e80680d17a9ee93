#include "COpenSSL.h"

#include <limits.h>
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// MARK: Start

// 256 KiB hold about three thousand keys of 64 bytes, and fit into the memory that an ordinary user may lock (8 MiB
// on Debian 12; where it is 64 KiB, the heap works but is not locked). 32 bytes, a key, is the smallest block.
static const size_t secure_heap_count = 262144;
static const size_t secure_heap_block = 32;

// libcrypto shares the heap and has no fallback when it is full: a curve operation would fail, and so would a
// thread that draws its first random bytes. Therefore secrets, which may live long, use at most three quarters of
// the heap, and numbers seven eighths. Beyond that, both use ordinary memory, which is also cleansed. The last
// eighth is left to libcrypto's own allocations: the random generators, half a KiB for each thread.
static const size_t room_for_secrets = 262144 / 4 * 3;
static const size_t room_for_numbers = 262144 / 8 * 7;

static struct {
    EVP_CIPHER *gcm;
    EVP_MAC *hmac;
    int heap_state;
    int ready;
} library;

// Indexed by SLY_SHA256 and SLY_SHA512.
static struct {
    const char *name;
    size_t count;
    EVP_MD *digest;
} functions[] = {{"SHA2-256", 32, NULL}, {"SHA2-512", 64, NULL}};

// Ordinary memory that libcrypto frees is cleansed, because libcrypto does not do so in places that matter:
// multiplying a point other than the generator leaves a copy of the scalar in the freed heap (3.0,
// ecp_nistp521.c).

static void *take(size_t count, const char *file, int line) {
    (void)file, (void)line;
    return malloc(count);
}

static void give_back(void *bytes, const char *file, int line) {
    (void)file, (void)line;
    if (bytes != NULL) OPENSSL_cleanse(bytes, malloc_usable_size(bytes));
    free(bytes);
}

// The system's realloc would not cleanse the old bytes when it moves them.
static void *resize(void *bytes, size_t count, const char *file, int line) {
    size_t held = malloc_usable_size(bytes);
    if (count != 0 && count <= held) return bytes;
    void *moved = count == 0 ? NULL : take(count, file, line);
    // If the allocation failed, the old bytes stay; if the new size is 0, they are freed below.
    if (count != 0 && moved == NULL) return NULL;
    if (moved != NULL && held != 0) memcpy(moved, bytes, held);
    give_back(bytes, file, line);
    return moved;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void) {
    // This fails if libcrypto has allocated memory before; then libcrypto keeps its own functions.
    CRYPTO_set_mem_functions(take, resize, give_back);
    // A process may exit while one of its threads is computing a handshake. libcrypto's exit handler would destroy its
    // locks while that thread uses them, and the process would crash instead of returning its exit code. The operating
    // system frees all resources anyway.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
#if !__has_feature(address_sanitizer)
    // Under the sanitizer, secrets stay in ordinary memory, because the sanitizer checks that memory for misuse. It would
    // also report memory to which only the secure heap points as leaked.
    library.heap_state = CRYPTO_secure_malloc_init(secure_heap_count, secure_heap_block);
#endif
    library.gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    library.hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    library.ready = library.gcm != NULL && library.hmac != NULL;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; ++i) {
        functions[i].digest = EVP_MD_fetch(NULL, functions[i].name, NULL);
        library.ready = library.ready && functions[i].digest != NULL;
    }
}

int sly_prepare(void) {
    pthread_once(&once, prepare);
    return library.ready;
}

int sly_heap_state(void) {
    return library.heap_state;
}

int sly_next_error(char *text, size_t size) {
    unsigned long code = ERR_get_error();
    if (code == 0) return 0;
    ERR_error_string_n(code, text, size);
    return 1;
}

// MARK: Secret memory

// Without a heap, do not call CRYPTO_secure_used: libcrypto 3.0 takes a lock that does not exist then.
static int heap_has_room(size_t count, size_t limit) {
    sly_prepare();
    return library.heap_state != SLY_HEAP_UNAVAILABLE && count <= limit
        && CRYPTO_secure_used() <= limit - count;
}

void *sly_secret_new(size_t count) {
    void *bytes = NULL;
    if (count == 0) count = 1;
    if (heap_has_room(count, room_for_secrets)) {
        // A failure (fragmentation) is expected here, and must not stay in the error queue.
        ERR_set_mark();
        bytes = OPENSSL_secure_zalloc(count);
        ERR_pop_to_mark();
    }
    return bytes != NULL ? bytes : OPENSSL_zalloc(count);
}

void sly_secret_free(void *bytes, size_t count) {
    OPENSSL_secure_clear_free(bytes, count == 0 ? 1 : count);
}

int sly_numbers_fit_secure_heap(void) {
    return heap_has_room(0, room_for_numbers);
}

// MARK: AES-256-GCM

struct sly_gcm {
    // One context for both directions: GCM uses the same key schedule for both, so changing the direction costs nothing.
    EVP_CIPHER_CTX *context;
    // Built once; each call only sets the pointer to the caller's tag.
    OSSL_PARAM tag[2];
};

sly_gcm *sly_gcm_new(void) {
    if (!sly_prepare()) return NULL;
    sly_gcm *gcm = OPENSSL_zalloc(sizeof *gcm);
    if (gcm == NULL) return NULL;
    gcm->tag[0] = OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, NULL, 16);
    gcm->tag[1] = OSSL_PARAM_construct_end();
    gcm->context = EVP_CIPHER_CTX_new();
    if (gcm->context == NULL || !EVP_EncryptInit_ex2(gcm->context, library.gcm, NULL, NULL, NULL)) {
        sly_gcm_free(gcm);
        return NULL;
    }
    return gcm;
}

void sly_gcm_free(sly_gcm *gcm) {
    if (gcm == NULL) return;
    EVP_CIPHER_CTX_free(gcm->context);
    OPENSSL_free(gcm);
}

int sly_gcm_set_key(sly_gcm *gcm, const void *key) {
    return EVP_EncryptInit_ex2(gcm->context, NULL, key, NULL, NULL);
}

// Processes the header and then the text; if `out` is NULL, the text is additional data like the header. GCM
// requires the nonce: after a final, a context fails until it gets a new one.
static int process(
    EVP_CIPHER_CTX *context, const void *header, size_t header_count, void *out, const void *text,
    size_t count) {
    unsigned char rest[16];
    int written;
    if (header_count > INT_MAX || count > INT_MAX) return 0;
    return (header_count == 0 || EVP_CipherUpdate(context, NULL, &written, header, (int)header_count))
        && (count == 0 || EVP_CipherUpdate(context, out, &written, text, (int)count))
        && EVP_CipherFinal_ex(context, rest, &written) > 0;
}

static int seal_text(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *out, const void *text,
    size_t count, void *tag) {
    gcm->tag[0].data = tag;
    return EVP_EncryptInit_ex2(gcm->context, NULL, NULL, nonce, NULL)
        && process(gcm->context, header, header_count, out, text, count)
        && EVP_CIPHER_CTX_get_params(gcm->context, gcm->tag);
}

static int open_text(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *out, const void *text,
    size_t count, const void *tag) {
    // The parameter is not const because getters share the type; a setter only reads it.
    gcm->tag[0].data = (void *)tag;
    // Set the expected tag together with the nonce: if it were forgotten, the previous tag would stay in effect.
    return EVP_DecryptInit_ex2(gcm->context, NULL, NULL, nonce, gcm->tag)
        && process(gcm->context, header, header_count, out, text, count);
}

int sly_gcm_seal(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    void *tag) {
    if (seal_text(gcm, nonce, header, header_count, text, text, count, tag)) return 1;
    // Half of the text may still be plaintext.
    OPENSSL_cleanse(text, count);
    ERR_clear_error();
    return 0;
}

int sly_gcm_open(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    const void *tag) {
    if (open_text(gcm, nonce, header, header_count, text, text, count, tag)) return 1;
    // The buffer already contains the plaintext of a forgery, which the caller must not see. libcrypto's errors about
    // it must not accumulate either.
    OPENSSL_cleanse(text, count);
    ERR_clear_error();
    return 0;
}

int sly_gcm_authenticate(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    void *tag) {
    if (seal_text(gcm, nonce, header, header_count, NULL, text, count, tag)) return 1;
    ERR_clear_error();
    return 0;
}

int sly_gcm_verify(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, const void *text, size_t count,
    const void *tag) {
    if (open_text(gcm, nonce, header, header_count, NULL, text, count, tag)) return 1;
    ERR_clear_error();
    return 0;
}

// MARK: Hashing

const EVP_MD *sly_digest(int function) {
    sly_prepare();
    return functions[function].digest;
}

static EVP_MAC_CTX *keyed(int function, const void *key, size_t count) {
    if (!sly_prepare()) return NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)functions[function].name, 0),
        OSSL_PARAM_construct_end(),
    };
    // NULL would mean "the previous key", and there is none.
    if (key == NULL) key = "";
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(library.hmac);
    if (context != NULL && EVP_MAC_init(context, key, count, parameters)) return context;
    EVP_MAC_CTX_free(context);
    return NULL;
}

int sly_hmac(
    int function, const void *key, size_t key_count, const void *message, size_t message_count, void *code) {
    size_t written;
    EVP_MAC_CTX *context = keyed(function, key, key_count);
    int done = context != NULL && EVP_MAC_update(context, message, message_count)
        && EVP_MAC_final(context, code, &written, functions[function].count);
    EVP_MAC_CTX_free(context);
    return done;
}

int sly_hkdf_expand(
    int function, const void *key, size_t key_count, const void *info, size_t info_count, void *out,
    size_t count) {
    unsigned char block[EVP_MAX_MD_SIZE];
    unsigned char number = 1;
    size_t step = functions[function].count, written;
    EVP_MAC_CTX *context = keyed(function, key, key_count);
    int done = context != NULL && count <= 255 * step;
    for (size_t at = 0; done && at < count; at += step, ++number) {
        // The input of each block after the first begins with the previous block; without a key, init keeps the current one.
        if (at > 0) done = EVP_MAC_init(context, NULL, 0, NULL) && EVP_MAC_update(context, block, step);
        done = done && EVP_MAC_update(context, info, info_count) && EVP_MAC_update(context, &number, 1)
            && EVP_MAC_final(context, block, &written, step);
        if (done) memcpy((unsigned char *)out + at, block, count - at < step ? count - at : step);
    }
    OPENSSL_cleanse(block, sizeof block);
    EVP_MAC_CTX_free(context);
    return done;
}
