# make alone says what there is to make. Packages that Debian has are installed by demo, check and bench themselves (make setup
# does it for the others); Swift must be on PATH.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

SWIFT ?= swift
CFLAGS ?= -O2

# The runtime goes into the program, so that a plain Debian runs it. Swift makes it position-independent by itself; the linker
# flags make the tables of addresses read-only after the start. The same flags everywhere, or SwiftPM would build it all again.
# Whether two accesses to one variable overlap is checked while it runs in debug builds, so in every test; each look costs, and
# what it finds here would end every tunnel of every user.
release_flags := -c release --static-swift-stdlib -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now \
    -Xswiftc -enforce-exclusivity=unchecked
release_dir := .build/release

version := $(shell sed -n 's/.*static let version = "\(.*\)"/\1/p' Sources/WstanControl/Release.swift)
# Of the last change, so that the same sources give the same bytes.
source_date := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)

# Debian's packaging strips by itself, and keeps what it has taken off for wstan-dbgsym.
INSTALL_PROGRAM ?= install -s
prefix ?= /usr
sbindir ?= $(prefix)/sbin
bindir ?= $(prefix)/bin
sysconfdir ?= /etc
mandir ?= $(prefix)/share/man
bashcompdir ?= $(prefix)/share/bash-completion/completions
zshcompdir ?= $(prefix)/share/zsh/vendor-completions
fishcompdir ?= $(prefix)/share/fish/vendor_completions.d
unitdir ?= $(prefix)/lib/systemd/system
docdir ?= $(prefix)/share/doc/wstan
userunitdir ?= $(prefix)/lib/systemd/user
sysusersdir ?= $(prefix)/lib/sysusers.d

units := wstand.service wstand@.service wstand.socket wstand@.socket wstand-control.socket wstand-control@.socket

.PHONY: help
help: ## this list
	@echo 'wstan: targets'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { name[++n] = $$1; text[n] = $$2; if (length($$1) > width) width = length($$1) } \
	    END { for (i = 1; i <= n; i++) printf "  %-*s  %s\n", width, name[i], text[i] }' Makefile

.PHONY: demo
demo: ## a server and a client on this machine, a page and a large file through them (KEEP=1 leaves them running)
	@scripts/setup build demo
	@KEEP=$(KEEP) scripts/demo

.PHONY: check
check: ## every test that is quick enough for every commit
	@scripts/check

.PHONY: check-full
check-full: ## check, and all the proofs below, a short benchmark, interoperation of the debug build (KEEP_GOING=1: all steps)
	@scripts/check full

.PHONY: check-autobahn
check-autobahn: ## the Autobahn testsuite against our WebSocket, as server and as client (needs a Python 2.7)
	@scripts/setup build prove
	@Tests/autobahn/run

.PHONY: fuzz
fuzz: ## libFuzzer against every decoder and state machine: SECONDS=60 for each, TARGET='...' for some
	@scripts/setup build prove
	@SECONDS_EACH=$(SECONDS) TARGET='$(TARGET)' scripts/fuzz

.PHONY: check-asan
check-asan: ## unit tests and a part of interoperation with AddressSanitizer
	@scripts/setup build check prove
	@scripts/sanitize address

.PHONY: check-tsan
check-tsan: ## unit tests and a part of interoperation with ThreadSanitizer
	@scripts/setup build check prove
	@scripts/sanitize thread

.PHONY: attack
attack: ## floods by strangers and by a key holder: what they cost others, and whether the goals are met (five minutes, as root)
	@scripts/setup build check
	@$(MAKE) --no-print-directory release
	@Tests/attack/run $(FLOODS)

.PHONY: soak
soak: ## everything at once through a pair of the release build: MINUTES=1
	@scripts/setup build prove
	@$(MAKE) --no-print-directory release
	@Tests/soak/run $(MINUTES)

.PHONY: build
build: ## debug programs, in .build/debug
	$(SWIFT) build

.PHONY: release
release: ## release programs, in .build/release
	$(SWIFT) build $(release_flags)

.PHONY: bench
bench: ## what a tunnel costs beside two bare relays, and whether the goals are met (about a quarter of an hour)
	@scripts/setup build bench
	@$(MAKE) --no-print-directory release .build/bench/tunbench .build/bench/tlsrelay .build/bench/delayline
	@bench/run

.PHONY: bench-smoke
bench-smoke: ## one short round of bench, to see that it works; its figures prove nothing
	@BENCH_ROUNDS=1 BENCH_SECONDS=1 BENCH_PEERS=no BENCH_REPORT_ONLY=1 $(MAKE) --no-print-directory bench

.PHONY: bench-instructions
bench-instructions: ## instructions of the hot paths, by callgrind, beside those that are written down (UPDATE=yes writes them)
	@scripts/setup build bench
	@$(MAKE) --no-print-directory release .build/bench/tunbench
	@bench/instructions $(if $(UPDATE),--update)

.build/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wall -Wextra -o $@ $< $(LDLIBS)

.build/bench/tlsrelay: LDLIBS += -lssl -lcrypto

.PHONY: setup
setup: ## install the Debian packages that building and testing need
	@scripts/setup build demo check prove bench

# Installs what `make release` has built, and builds nothing, since it often runs as root. An edited configuration stays. The key
# is not made here: it is for the group of a user that systemd-sysusers makes. `wstanctl init` makes it.
.PHONY: install
install: ## install the release build (DESTDIR, prefix, and every ...dir above)
	@test -x $(release_dir)/wstand || { echo 'nothing to install yet: make release' >&2; exit 1; }
	install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir) $(DESTDIR)$(sysconfdir) $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir)
	$(INSTALL_PROGRAM) -m 755 $(release_dir)/wstand $(DESTDIR)$(sbindir)/wstand
	$(INSTALL_PROGRAM) -m 755 $(release_dir)/wstanctl $(DESTDIR)$(bindir)/wstanctl
	@if [ -e $(DESTDIR)$(sysconfdir)/wstan.conf ] && ! cmp -s etc/wstan.conf $(DESTDIR)$(sysconfdir)/wstan.conf; then \
	    echo '$(DESTDIR)$(sysconfdir)/wstan.conf stays as it is; the new one is beside it as wstan.conf.new'; \
	    install -m 644 etc/wstan.conf $(DESTDIR)$(sysconfdir)/wstan.conf.new; \
	else \
	    install -m 644 etc/wstan.conf $(DESTDIR)$(sysconfdir)/wstan.conf; \
	fi
	for page in docs/man/*.[1-8]; do \
	    install -D -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit; \
	done
	install -d $(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir) $(DESTDIR)$(fishcompdir)
	$(release_dir)/wstanctl --generate-completion-script bash | sed '1{/^#!/d}' >$(DESTDIR)$(bashcompdir)/wstanctl
	$(release_dir)/wstanctl --generate-completion-script zsh >$(DESTDIR)$(zshcompdir)/_wstanctl
	$(release_dir)/wstanctl --generate-completion-script fish >$(DESTDIR)$(fishcompdir)/wstanctl.fish
	install -m 644 contrib/completion/wstand.bash $(DESTDIR)$(bashcompdir)/wstand
	chmod 644 $(DESTDIR)$(bashcompdir)/wstanctl $(DESTDIR)$(zshcompdir)/_wstanctl $(DESTDIR)$(fishcompdir)/wstanctl.fish
	install -d $(DESTDIR)$(userunitdir)
	for unit in $(units); do \
	    sed -e 's|/usr/sbin/wstand|$(sbindir)/wstand|' -e 's|/usr/bin/wstanctl|$(bindir)/wstanctl|' \
	        -e 's|/etc/wstan|$(sysconfdir)/wstan|' contrib/systemd/$$unit >$(DESTDIR)$(unitdir)/$$unit && \
	        chmod 644 $(DESTDIR)$(unitdir)/$$unit || exit; \
	done
	sed -e 's|/usr/sbin/wstand|$(sbindir)/wstand|' -e 's|/usr/bin/wstanctl|$(bindir)/wstanctl|' contrib/systemd/user/wstand.service \
	    >$(DESTDIR)$(userunitdir)/wstand.service
	chmod 644 $(DESTDIR)$(userunitdir)/wstand.service
	install -m 644 contrib/systemd/wstan.sysusers $(DESTDIR)$(sysusersdir)/wstan.conf
	@if [ -z '$(DESTDIR)' ]; then printf '%s\n' '' 'Installed. Next, as root:' '' \
	    '    systemd-sysusers && systemctl daemon-reload' \
	    '    wstanctl init server                    # on a server: makes a key, and says how to start it' \
	    '    wstanctl init client NAME --uri URI     # on a client'; fi

# They are beside each other there, and contrib/ is examples/. What is not installed is named without a link.
.PHONY: install-docs
install-docs: ## install the documents, with links that fit there (DESTDIR, docdir)
	install -d $(DESTDIR)$(docdir)
	for file in README.md NEWS.md CONTRIBUTING.md docs/*.md; do \
	    sed -E -e 's#\]\((\.\./)?docs/#](#g' -e 's#\]\((\.\./)?contrib/#](examples/#g' -e 's#\]\(\.\./#](#g' \
	        -e 's#\[([^]]*)\]\(man/[^)]*\)#\1#g' $$file >$(DESTDIR)$(docdir)/$${file##*/} && \
	        chmod 644 $(DESTDIR)$(docdir)/$${file##*/} || exit; \
	done

# What `install` puts there is asked of `install` itself, so that the two cannot differ. Keys, state and an edited configuration stay.
.PHONY: uninstall
uninstall: ## remove what install has put there (same DESTDIR, prefix, and every ...dir)
	@test -x $(release_dir)/wstand || { echo 'make uninstall asks make install for its files, and that needs the build: make release' >&2; exit 1; }
	@set -e; stage=$$(mktemp -d); trap 'rm -rf "$$stage"' EXIT; \
	$(MAKE) --no-print-directory install DESTDIR="$$stage" INSTALL_PROGRAM=install >/dev/null; \
	(cd "$$stage" && find . -type f -printf '/%P\n') | while read -r file; do \
	    case $$file in $(sysconfdir)/*) \
	        rm -f "$(DESTDIR)$$file.new"; \
	        if [ -e "$(DESTDIR)$$file" ] && ! cmp -s "$$stage$$file" "$(DESTDIR)$$file"; then \
	            echo "$(DESTDIR)$$file was edited and stays"; continue; \
	        fi ;; \
	    esac; \
	    rm -fv "$(DESTDIR)$$file"; \
	done
	@if [ -z '$(DESTDIR)' ]; then printf '%s\n' '' 'Removed. Running services go on until they are stopped: systemctl disable --now wstand' \
	    'Keys and state stay: /etc/wstan /etc/wstan.conf.d /var/lib/wstan'; fi

# Everything that dpkg-buildpackage writes goes there, too, and nothing beside the tree.
deb_dir := $(CURDIR)/.build/deb

.PHONY: deb
deb: ## the Debian packages, in .build/deb
	@scripts/setup build deb
	@[ "$$(dpkg-parsechangelog -S Version)" = '$(version)' ] || \
	    { echo 'debian/changelog has another version than Sources/WstanControl/Release.swift' >&2; exit 1; }
	rm -rf $(deb_dir) && mkdir -p $(deb_dir)
	DEB_DESTDIR=$(deb_dir) dpkg-buildpackage -b -us -uc --buildinfo-option=-u$(deb_dir) --changes-option=-u$(deb_dir) \
	    --buildinfo-file=$(deb_dir)/wstan.buildinfo --changes-file=$(deb_dir)/wstan.changes
	dh_clean
	@ls -l $(deb_dir)/*.deb

dist_dir := .build/dist
dist_name := wstan-$(version)-linux-$(shell uname -m)

.PHONY: dist
dist: release ## a tarball of what `make install` installs, for those without Debian packages, in .build/dist
	rm -rf $(dist_dir) && mkdir -p $(dist_dir)
	$(MAKE) --no-print-directory install DESTDIR=$(CURDIR)/$(dist_dir)/$(dist_name)
	$(MAKE) --no-print-directory install-docs DESTDIR=$(CURDIR)/$(dist_dir)/$(dist_name)
	install -m 644 -t $(dist_dir)/$(dist_name)/usr/share/doc/wstan LICENSE
	install -d $(dist_dir)/$(dist_name)/usr/share/doc/wstan/examples
	cp -R $$(cat debian/wstan.examples) $(dist_dir)/$(dist_name)/usr/share/doc/wstan/examples
	tar -C $(dist_dir)/$(dist_name) --owner=0 --group=0 --numeric-owner --sort=name --mtime=@$(source_date) -c . | gzip -n9 \
	    >$(dist_dir)/$(dist_name).tar.gz
	rm -rf $(dist_dir)/$(dist_name)
	@ls -l $(dist_dir)/$(dist_name).tar.gz

.PHONY: system-test
system-test: deb dist ## the life of the package in a booted Debian of its own, as root (TESTS='003 004': only those)
	@scripts/setup system
	@Tests/system/run $(TESTS)

.PHONY: clean
clean: ## remove everything that was built
	rm -rf .build
