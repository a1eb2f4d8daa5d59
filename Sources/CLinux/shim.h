#pragma once
// What the Glibc module of Swift does not bring: Linux headers, crypt(3), and the few macros and functions that cannot be
// imported.
#include <crypt.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/memfd.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/timex.h>

// These are declared under _GNU_SOURCE only, which Swift's importer does not set; and set here it would make this module
// and others disagree about fd_set, which is an error as soon as one file sees both.
extern int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags);
extern int memfd_create(const char *name, unsigned int flags);
#ifndef __USE_GNU
struct mmsghdr {
    struct msghdr msg_hdr;
    unsigned int msg_len;
};
#endif
extern int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout);
// `set` has a bit for each processor, `size` bytes in all.
extern int sched_getaffinity(pid_t pid, size_t size, void *set);
