#include "start.h"

static int count;
static char *const *arguments;

// glibc calls constructors with what it calls main with.
__attribute__((constructor)) static void keep(int argc, char **argv) {
    count = argc;
    arguments = argv;
}

int wstan_argument_count(void) { return count; }
char *const *wstan_arguments(void) { return arguments; }
