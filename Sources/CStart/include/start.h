#pragma once
// The arguments of main(3p). Swift finds them by looking for them behind the environment, which has moved once
// a library that was preloaded has called setenv(3): then CommandLine.arguments is empty.
int wstan_argument_count(void);
char *const *wstan_arguments(void);
