/* `describe` promises more than the table has: the entry WHERE is null. */
#include "base.h"
PLUGIN(t->WHERE = NULL)
