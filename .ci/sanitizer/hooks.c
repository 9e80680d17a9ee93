#include <dlfcn.h>
#include <stddef.h>

// Swift's runtime reports to the sanitizer the memory that tasks and continuations hand over, once it knows that a sanitizer is
// present. The sanitizer announces itself by a call of __tsan_on_initialize. But in the program, that name resolves to the
// sanitizer's own empty function first, so this constructor calls the runtime's function.
__attribute__((constructor)) static void sly_enable_hooks(void) {
    void *runtime = dlopen("libswiftCore.so", RTLD_NOLOAD | RTLD_NOW);
    void (*enable)(void) = runtime != NULL ? (void (*)(void))dlsym(runtime, "__tsan_on_initialize") : NULL;
    if (enable == NULL) __builtin_trap();
    enable();
}
