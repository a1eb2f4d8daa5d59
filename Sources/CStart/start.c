#include "start.h"

#include <stdlib.h>
#include <string.h>
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

void wstan_erase_argument(const char *text) {
    size_t size = strlen(text);
    if (size == 0) return;
    for (int index = 1; index < count; index++) {
        for (char *found = strstr(arguments[index], text); found; found = strstr(found + size, text)) memset(found, 'x', size);
    }
}
