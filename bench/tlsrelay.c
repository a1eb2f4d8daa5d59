// tlsrelay: a bare relay of which one side is TLS. Two in a row, without frames, requests or keys of their own, are the floor of
// what a pair over wss must cost on this machine with this OpenSSL.
//
//   tlsrelay server LISTENPORT CONNECTPORT CERTIFICATE KEY     takes TLS, connects plainly
//   tlsrelay client LISTENPORT CONNECTPORT                     takes plain connections, connects with TLS; looks at no certificate
//
// All on 127.0.0.1. cc -O2 -Wall -o tlsrelay tlsrelay.c -lssl -lcrypto
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// What tunbench's own relay reads at once.
#define BUF (256 * 1024)
static char buf[BUF];
static int ep;

// One side of a connection. `rest` is what it could not take yet; meanwhile nothing is read from the other one.
struct side { int fd; SSL *tls; struct side *other; char *rest; size_t off, len; int dead; };

static void die(const char *what) { perror(what); ERR_print_errors_fp(stderr); exit(1); }

// Both return a count, 0 for "later", -1 for the end.
static ssize_t take(struct side *s) {
    if (!s->tls) {
        ssize_t r = read(s->fd, buf, BUF);
        return r > 0 ? r : r < 0 && errno == EAGAIN ? 0 : -1;
    }
    ERR_clear_error();  // what another connection left there would be taken for this one's
    // A record at a time is what OpenSSL gives; the other side gets them together.
    size_t n = 0;
    int r = 1;
    while (n + 16384 <= BUF && (r = SSL_read(s->tls, buf + n, BUF - n)) > 0) n += r;
    if (n) return n;
    int e = SSL_get_error(s->tls, r);
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
}
static ssize_t give(struct side *s, const char *from, size_t n) {
    if (!s->tls) {
        ssize_t w = write(s->fd, from, n);
        return w >= 0 ? w : errno == EAGAIN ? 0 : -1;
    }
    ERR_clear_error();
    size_t done = 0;
    while (done < n) {
        int w = SSL_write(s->tls, from + done, n - done);
        if (w > 0) { done += w; continue; }
        int e = SSL_get_error(s->tls, w);
        if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) break;
        return -1;
    }
    return done;
}

static void want(struct side *s) {
    struct epoll_event e = {.events = (s->other->rest ? 0 : EPOLLIN) | (s->rest ? EPOLLOUT : 0), .data.ptr = s};
    if (epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &e)) die("epoll_ctl");
}
static void watch(struct side *s) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &e)) die("epoll_ctl");
}

// From s to the other; returns whether it goes on.
static int carry(struct side *s) {
    struct side *o = s->other;
    while (!o->rest) {
        ssize_t r = take(s);
        if (r <= 0) return r == 0;
        ssize_t w = give(o, buf, r);
        if (w < 0) return 0;
        if (w < r) {
            o->rest = malloc(r - w); memcpy(o->rest, buf + w, r - w); o->off = 0; o->len = r - w;
            want(o); want(s);
        } else if (!s->tls) return 1;  // the kernel tells when there is more; what OpenSSL holds it does not know
    }
    return 1;
}
static int push(struct side *s) {
    ssize_t w = give(s, s->rest + s->off, s->len - s->off);
    if (w < 0) return 0;
    if ((s->off += w) < s->len) return 1;
    free(s->rest); s->rest = 0;
    want(s); want(s->other);
    return carry(s->other);
}

static struct sockaddr_in at(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}
static SSL *session(SSL_CTX *ctx, int fd, int accepts) {
    SSL *tls = SSL_new(ctx);
    if (!tls || !SSL_set_fd(tls, fd)) die("SSL_new");
    if (accepts) SSL_set_accept_state(tls); else SSL_set_connect_state(tls);
    return tls;
}

int main(int c, char **v) {
    int serves = c == 6 && !strcmp(v[1], "server");
    if (!serves && !(c == 4 && !strcmp(v[1], "client"))) { fprintf(stderr, "usage: see the head of tlsrelay.c\n"); return 2; }
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *ctx = SSL_CTX_new(serves ? TLS_server_method() : TLS_client_method());
    if (!ctx) die("SSL_CTX_new");
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    // The suite that wstand chooses.
    if (!SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256")) die("suites");
    if (serves && (SSL_CTX_use_certificate_chain_file(ctx, v[4]) != 1 ||
                   SSL_CTX_use_PrivateKey_file(ctx, v[5], SSL_FILETYPE_PEM) != 1))
        die("certificate");

    ep = epoll_create1(0);
    int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in here = at(atoi(v[2])), there = at(atoi(v[3]));
    if (bind(l, (void *)&here, sizeof here) || listen(l, 4096)) die("listen");
    struct side door = {.fd = l};
    watch(&door);
    struct epoll_event ev[64];
    struct side *grave[64]; int graves = 0;
    for (;;) {
        int n = epoll_wait(ep, ev, 64, -1);
        for (int i = 0; i < n; i++) {
            struct side *s = ev[i].data.ptr;
            if (s == &door) {
                int fd;
                while ((fd = accept4(l, 0, 0, SOCK_NONBLOCK)) >= 0) {
                    struct side *x = calloc(2, sizeof *x), *y = x + 1;
                    x->other = y; y->other = x; x->fd = fd;
                    // On loopback it is connected when this returns, and with a blocking socket it surely is.
                    y->fd = socket(AF_INET, SOCK_STREAM, 0);
                    if (connect(y->fd, (void *)&there, sizeof there)) die("connect");
                    int flags = 1;
                    if (ioctl(y->fd, FIONBIO, &flags)) die("ioctl");
                    setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    setsockopt(y->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    if (serves) x->tls = session(ctx, x->fd, 1); else y->tls = session(ctx, y->fd, 0);
                    watch(x); watch(y);
                }
                continue;
            }
            if (s->dead) continue;
            int goes = 1;
            if (ev[i].events & EPOLLOUT && s->rest) goes = push(s);
            // A handshake may have let out what waited for it.
            if (goes && ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) goes = carry(s) && (!s->rest || push(s));
            if (!goes) {
                struct side *x = s < s->other ? s : s->other, *y = x + 1;
                x->dead = y->dead = 1;
                SSL_free(x->tls); SSL_free(y->tls); close(x->fd); close(y->fd); free(x->rest); free(y->rest);
                grave[graves++] = x;
            }
        }
        while (graves) free(grave[--graves]);
    }
}
