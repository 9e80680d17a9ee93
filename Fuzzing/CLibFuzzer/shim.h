// The function of libFuzzer for programs that have their own main function. The compiler links libFuzzer in.
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*entrance)(const uint8_t *bytes, size_t count));
