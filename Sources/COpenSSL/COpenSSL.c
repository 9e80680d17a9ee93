#include "COpenSSL.h"

#include <limits.h>
#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// MARK: Start

// 256 KiB hold some three thousand keys of 64 bytes, and fit the memory that an ordinary user may lock (8 MiB
// on Debian 12; where it is 64 KiB, the heap works but is not locked). 32 is the smallest block: a key.
static const size_t secure_heap_count = 262144;
static const size_t secure_heap_block = 32;

// The heap is shared with libcrypto, which does not look elsewhere when it is full: a curve operation, or a
// thread that draws its first random bytes, would simply fail. So secrets, which may live long, stop at three
// quarters and numbers at seven eighths; both go on in ordinary memory, which is cleansed all the same. The
// last eighth is for what libcrypto takes on its own account: the random generators, half a KiB a thread.
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

// Ordinary memory that libcrypto gives back is wiped, because it forgets to in places that matter:
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

// The system's realloc would leave the old bytes behind when it moves them.
static void *resize(void *bytes, size_t count, const char *file, int line) {
    size_t held = malloc_usable_size(bytes);
    if (count != 0 && count <= held) return bytes;
    void *moved = count == 0 ? NULL : take(count, file, line);
    // Refused, so the old bytes stay; or none wanted, so they go.
    if (count != 0 && moved == NULL) return NULL;
    if (moved != NULL && held != 0) memcpy(moved, bytes, held);
    give_back(bytes, file, line);
    return moved;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void) {
    // Refused when libcrypto has allocated before; then it works as it always does.
    CRYPTO_set_mem_functions(take, resize, give_back);
    // A process may exit while one of its threads is in the middle of a handshake's arithmetic. libcrypto would take its
    // locks down under that thread, and the process would end with a fault instead of its exit code; the system takes
    // everything back anyway.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
#if !__has_feature(address_sanitizer)
    // Under the sanitizer secrets stay in ordinary memory: it watches that for misuse, and takes what only
    // the secure heap points to for leaked.
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

// Without a heap libcrypto must not even be asked how much of it is used: 3.0 takes a lock that is not there.
static int heap_has_room(size_t count, size_t limit) {
    sly_prepare();
    return library.heap_state != SLY_HEAP_UNAVAILABLE && count <= limit
        && CRYPTO_secure_used() <= limit - count;
}

void *sly_secret_new(size_t count) {
    void *bytes = NULL;
    if (count == 0) count = 1;
    if (heap_has_room(count, room_for_secrets)) {
        // A failure is an answer here (fragmentation), not news for whoever reads the queue next.
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
    // One for both directions: GCM schedules the same key for either, so turning round costs nothing.
    EVP_CIPHER_CTX *context;
    // Built once; each call only points it at the caller's tag.
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

// The header and then the text; with `out` NULL the text is additional data like the header. GCM makes the
// nonce obligatory: after a final, a context refuses to go on until it has a new one.
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
    // The parameter is not const because getters share the type; a setter only reads.
    gcm->tag[0].data = (void *)tag;
    // The expected tag travels with the nonce: one forgotten would leave the last one's in force.
    return EVP_DecryptInit_ex2(gcm->context, NULL, NULL, nonce, gcm->tag)
        && process(gcm->context, header, header_count, out, text, count);
}

int sly_gcm_seal(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    void *tag) {
    if (seal_text(gcm, nonce, header, header_count, text, text, count, tag)) return 1;
    // Half of it may still be plaintext.
    OPENSSL_cleanse(text, count);
    ERR_clear_error();
    return 0;
}

int sly_gcm_open(
    sly_gcm *gcm, const void *nonce, const void *header, size_t header_count, void *text, size_t count,
    const void *tag) {
    if (open_text(gcm, nonce, header, header_count, text, text, count, tag)) return 1;
    // The plaintext of a forgery is already in the buffer, and nobody may see it. What the library had to say
    // about it must not pile up either.
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
    // NULL would mean "the key of the last time", and there is none.
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
        // Each block after the first begins with the one before it; without a key, init keeps the key.
        if (at > 0) done = EVP_MAC_init(context, NULL, 0, NULL) && EVP_MAC_update(context, block, step);
        done = done && EVP_MAC_update(context, info, info_count) && EVP_MAC_update(context, &number, 1)
            && EVP_MAC_final(context, block, &written, step);
        if (done) memcpy((unsigned char *)out + at, block, count - at < step ? count - at : step);
    }
    OPENSSL_cleanse(block, sizeof block);
    EVP_MAC_CTX_free(context);
    return done;
}
