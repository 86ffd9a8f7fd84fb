# `make` lists what there is to make. CMakeLists.txt builds the library; this is for those who work
# on it or try it.

# What scripts/setup brought comes first; rustup and servers may not be on the PATH of a fresh shell.
export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin:/usr/sbin:/sbin
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# cargo, CMake and CTest share the work out themselves.
unexport MAKEFLAGS MFLAGS MAKELEVEL
.NOTPARALLEL:

JOBS := $(shell nproc)
OUT := $(CARGO_TARGET_DIR)/cmake
STAGE := $(CARGO_TARGET_DIR)/stage
PREFIX ?= /usr/local
# The libraries are built where cargo builds everything else.
CONFIGURE := cmake -S . -DCMAKE_BUILD_TYPE=Release -DEASYNET_CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)

.PHONY: help
help: ## list the targets (this is the default)
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

.PHONY: stage
stage:
	scripts/setup demo
	$(CONFIGURE) -B $(OUT)/library -DCMAKE_INSTALL_PREFIX=$(STAGE)
	cmake --build $(OUT)/library
	cmake --install $(OUT)/library

.PHONY: demo
demo: stage ## build, install to a staging folder, and show a client and a server at work
	scripts/demo $(STAGE) $(CARGO_TARGET_DIR)/demo

.PHONY: test
test: setup lint rust-tests c-tests ## run all tests, with what they need

.PHONY: setup
setup:
	scripts/setup test

.PHONY: lint
lint: ## check the format, and let clippy look
	scripts/format --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --lib --no-default-features -- -D warnings

.PHONY: rust-tests
rust-tests:
	cargo test --locked
	cargo test --locked --lib --no-default-features
	cargo test --locked --lib --no-default-features --features tls,ring tls

.PHONY: c-tests
c-tests:
	$(CONFIGURE) -B $(OUT)/tests -DEASYNET_BUILD_TESTS=ON -DEASYNET_TEST_VALGRIND=ON \
	    -DPython3_EXECUTABLE="$$(command -v python3)"
	cmake --build $(OUT)/tests -j $(JOBS)
	ctest --test-dir $(OUT)/tests -j $(JOBS) --output-on-failure --no-tests=error -LE valgrind
	ctest --test-dir $(OUT)/tests -j $(JOBS) --output-on-failure --no-tests=error -L valgrind

.PHONY: bench
bench: stage ## measure, side by side with others; ONLY=udp takes works of that name, QUICK=1 less time
	scripts/setup bench
	benches/run $(STAGE) $(if $(ONLY),"$(ONLY)")

.PHONY: header
header: ## renew include/easynet.h and include/easynet.cdef.h
	EASYNET_REFRESH=1 cargo test --locked --test header

.PHONY: licences
licences: ## renew LICENSE-THIRD-PARTY, after a change of Cargo.lock
	EASYNET_REFRESH=1 cargo test --locked --test licences

.PHONY: format
format: ## format Rust, C and C++
	scripts/format

.PHONY: install
install: ## build and install, to PREFIX (/usr/local), below DESTDIR if that is set
	scripts/setup demo
	$(CONFIGURE) -B $(OUT)/install -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	cmake --build $(OUT)/install
	cmake --install $(OUT)/install --strip

.PHONY: clean
clean: ## remove what was built
	rm -rf $(CARGO_TARGET_DIR)
