#include <dlfcn.h>
#include <stddef.h>

// Swift's runtime tells the sanitizer what a task or a continuation hands over, once it knows that there is one. The
// sanitizer says so by calling __tsan_on_initialize, but of that name it finds its own empty one in the program first.
__attribute__((constructor)) static void sly_enable_hooks(void) {
    void *runtime = dlopen("libswiftCore.so", RTLD_NOLOAD | RTLD_NOW);
    void (*enable)(void) = runtime != NULL ? (void (*)(void))dlsym(runtime, "__tsan_on_initialize") : NULL;
    if (enable == NULL) __builtin_trap();
    enable();
}
