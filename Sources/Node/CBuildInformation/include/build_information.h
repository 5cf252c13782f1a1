#ifndef HEDDLE_BUILD_INFORMATION_H
#define HEDDLE_BUILD_INFORMATION_H

/// The commit that the executable was built from, or "unknown" outside a git checkout.
const char *heddle_commit(void);

#endif
