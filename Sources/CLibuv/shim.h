// libuv as Swift sees it. EventIO is the only importer.
#ifndef SALLYPORT_CLIBUV_SHIM_H
#define SALLYPORT_CLIBUV_SHIM_H

#include <uv.h>

#endif
