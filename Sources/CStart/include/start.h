#pragma once
// The arguments of main(3p). Swift finds them by looking for them behind the environment, which has moved once
// a library that was preloaded has called setenv(3): then CommandLine.arguments is empty.
int wstan_argument_count(void);
char *const *wstan_arguments(void);

// No core is written of this process, and only root looks into it: ptrace(2), /proc/PID/mem. Files in /proc/PID belong to root then
// (PR_SET_DUMPABLE of prctl(2)); it reads its own all the same.
// Not with WSTAN_DUMPS in the environment, for debugging.
void wstan_forbid_dumps(void);

// Overwrites a text with as many x, in the arguments that the kernel shows (/proc/PID/cmdline).
void wstan_erase_argument(const char *text);
