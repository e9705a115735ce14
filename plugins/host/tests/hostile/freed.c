/* The rows lie in memory that is given back already. */
#include "base.h"
#include <sys/mman.h>
ENTRY(next) {
    UNUSED;
    output->data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    output->len = 4096;
    munmap((void *)output->data, 4096);
    return CSC_OK;
}
PLUGIN(t->stream_next = next)
