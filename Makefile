# The commands of the project; developers and .ci/run use the same ones.

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

# Installs the packages that the build needs if they are missing; reports an error if it lacks the permission.
dependencies:
	@.ci/install-build-dependencies

# Runs both ends and an echo service on this machine. Without a terminal, the demo ends by itself.
demo: build
	@$(BINARY) demo

build: dependencies
	$(RELEASE)

# Runs all tests; the scenarios use the release binary.
test: build lint
	.ci/run-tests

# Checks the formatting, and that targets declare the modules that they import.
lint: dependencies
	$(SWIFT) format lint --strict --recursive Sources Tests Benchmarks Fuzzing Examples
	$(SWIFT) build --explicit-target-dependency-import-check error

# Builds the reference of the library as a DocC archive.
docs: dependencies
	.ci/docs

# Runs each fuzz target for FUZZ_SECONDS: make fuzz FUZZ_SECONDS=600
fuzz: dependencies
	.ci/fuzz $(FUZZ_SECONDS)

# Runs two sessions through random schedules in which links are lost: make soak SCHEDULES=100000 SEED=5000000
soak: dependencies
	$(SWIFT) run -c release Soak $(SCHEDULES) $(SEED)

# Runs the ladder, which measures the cost of each layer.
bench: dependencies
	$(SWIFT) run -c release Ladder

# Measures a simulated long-distance line: how soon one stream fills it, and how late the first byte arrives.
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
