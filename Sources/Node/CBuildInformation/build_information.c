// C, because only C targets can be given a value by Package.swift.
#include "build_information.h"

const char *heddle_commit(void) { return HEDDLE_COMMIT; }
