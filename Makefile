# The commands of the project: people and .ci/run use the same.

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
RELEASE = $(SWIFT) build -c release --static-swift-stdlib --product sallyport
BINARY = .build/release/sallyport
FUZZ_SECONDS ?= 30
SCHEDULES ?= 1000000
SEED ?= 1

.PHONY: all demo build test lint docs fuzz soak bench bench-distance install uninstall clean dependencies

all: build

# Installs the packages that the build needs, if they are missing, and says so if it may not.
dependencies:
	@.ci/install-build-dependencies

# Both ends and an echo service on this machine. Without a terminal it ends by itself.
demo: build
	@$(BINARY) demo

build: dependencies
	$(RELEASE)

# Everything that is tested, with the release binary for the scenarios.
test: build lint
	.ci/run-tests

# Form: the formatter, and imports that a target has not declared.
lint: dependencies
	$(SWIFT) format lint --strict --recursive Sources Tests Benchmarks Fuzzing Examples
	$(SWIFT) build --explicit-target-dependency-import-check error

# The library's reference, as a DocC archive.
docs: dependencies
	.ci/docs

# Each fuzz entrance for a while: make fuzz FUZZ_SECONDS=600
fuzz: dependencies
	.ci/fuzz $(FUZZ_SECONDS)

# Random schedules of two sessions whose links are lost: make soak SCHEDULES=100000 SEED=5000000
soak: dependencies
	$(SWIFT) run -c release Soak $(SCHEDULES) $(SEED)

# The ladder: what each layer costs, in this run.
bench: dependencies
	$(SWIFT) run -c release Ladder

# A line to a place far away: how soon one stream fills it, how late the first byte comes.
bench-distance: dependencies
	$(SWIFT) run -c release Ladder distance

install: $(BINARY)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/doc/sallyport \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8
	install -s -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/sallyport
	install -m 644 tunnel.conf.example README.md CHANGELOG.md docs/OPERATIONS.md docs/PROTOCOL.md \
		$(DESTDIR)$(PREFIX)/share/doc/sallyport
	install -m 644 docs/man/tunnel.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 docs/man/sallyport.8 $(DESTDIR)$(PREFIX)/share/man/man8

uninstall:
	rm -rf $(DESTDIR)$(PREFIX)/bin/sallyport $(DESTDIR)$(PREFIX)/share/doc/sallyport \
		$(DESTDIR)$(PREFIX)/share/man/man5/tunnel.conf.5 $(DESTDIR)$(PREFIX)/share/man/man8/sallyport.8

$(BINARY): build

clean:
	rm -rf .build .build-fuzz
