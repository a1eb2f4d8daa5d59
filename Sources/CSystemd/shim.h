#pragma once
#include <systemd/sd-daemon.h>
// Where our messages come from in the source is nobody's business; this also keeps the functions' own names.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>
