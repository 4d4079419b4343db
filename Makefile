# `make test` is the whole proof: it installs what it needs, then checks format, lints, licences, and runs every test.

TOOLS := target/tools
DENY_VERSION := 0.20.2
# Debian package names by the command that they bring.
NEEDS := cc:gcc make:make luacheck:lua-check python3:python3 curl:curl script:bsdutils

.PHONY: test tools format lint deny build unit advisories bench-stores

test: tools format lint deny build unit

# Installs what is missing, saying so.
tools:
	@set -e; missing=; \
	for need in $(NEEDS); do command -v $${need%%:*} >/dev/null || missing="$$missing $${need##*:}"; done; \
	python3 -c 'import venv, ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	  echo "installing Debian packages:$$missing"; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -q && $$sudo apt-get install -y -q --no-install-recommends $$missing; \
	fi
	@for part in rustfmt clippy; do cargo $${part#rust} --version >/dev/null 2>&1 || rustup component add $$part; done
	@$(TOOLS)/bin/cargo-deny --version 2>/dev/null | grep -q ' $(DENY_VERSION)$$' || { \
	  echo "installing cargo-deny $(DENY_VERSION) into $(TOOLS)"; \
	  cargo install cargo-deny --version $(DENY_VERSION) --locked --debug --root $(TOOLS); }

format:
	cargo fmt --check

lint:
	cargo clippy --all-targets --locked -- -D warnings
	luacheck --quiet src/ledger/rules

deny:
	$(TOOLS)/bin/cargo-deny --locked check --hide-inclusion-graph bans licenses sources

build:
	cargo build --locked --all-targets

unit:
	cargo test --locked

# Known vulnerabilities; reads the advisory database over the network.
advisories:
	$(TOOLS)/bin/cargo-deny --locked check advisories

# The figures behind docs/decisions/001-embedded-store.md.
bench-stores:
	cargo run --release --manifest-path benches/stores/Cargo.toml
