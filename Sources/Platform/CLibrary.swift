// The C library, under one name for all operating systems: every other target imports Platform and never Glibc or Darwin.
#if canImport(Glibc)
    @_exported public import Glibc
#elseif canImport(Musl)
    @_exported public import Musl
#elseif canImport(Darwin)
    @_exported public import Darwin
#endif
