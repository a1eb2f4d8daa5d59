#include "start.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static int count;
static char *const *arguments;

// glibc calls constructors with what it calls main with.
__attribute__((constructor)) static void keep(int argc, char **argv) {
    count = argc;
    arguments = argv;
}

int wstan_argument_count(void) { return count; }
char *const *wstan_arguments(void) { return arguments; }

void wstan_forbid_dumps(void) {
    if (getenv("WSTAN_DUMPS")) return;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}
