// What libFuzzer, which the compiler links in, offers to a program that has a main function of its own.
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*entrance)(const uint8_t *bytes, size_t count));
