#include "base.h"
CSC_BRIDGE_EXPORT csc_status csc_bridge_plugin_init(const csc_host *host, csc_plugin *table, uint64_t size) {
    (void)host, (void)table, (void)size, (void)good;
    return CSC_ERROR;
}
