# The two commands: make demo, make test. Both install what they need and say what they do.
PYTEST = .venv/bin/python -m pytest
WORKERS ?= 2
TESTS ?= tests

# Where make install puts things. DESTDIR comes before all of them: a directory to make a package of.
PREFIX ?= /opt/cygnet
BINDIR ?= /usr/local/bin
MANDIR ?= /usr/local/share/man
UNITDIR ?= /etc/systemd/system
INSTALL = DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" BINDIR="$(BINDIR)" MANDIR="$(MANDIR)" UNITDIR="$(UNITDIR)" tools/install

.PHONY: demo test check install uninstall fuzz soak lint bench dev clean

demo: ## the oregon tunnel, live, in network namespaces (IKE=2: over IKEv2); root
	@tools/prepare demo
	@./cygnet demo $(if $(IKE),--ike $(IKE))

test: lint ## everything, with real tunnels and real peers where root allows
	@tools/prepare test
	CYGNET_RUNS=$${CYGNET_RUNS:-2000} $(PYTEST) -n $(WORKERS) --dist loadfile $(TESTS)

check: lint ## what to run before every commit: linters and the tests without namespaces
	$(PYTEST) -q -n $(WORKERS) -m "not root and not slow" $(TESTS)

install: ## cygnet with its own Python packages in $(PREFIX), the command, the manual page, the systemd unit
	@$(INSTALL) install

uninstall: ## what make install put there; the configuration stays
	@$(INSTALL) uninstall

fuzz: TESTS = tests/fuzz
fuzz: dev ## a million mutated datagrams at each engine, and more (FUZZ=1 is what make test does); 20 minutes
	CYGNET_FUZZ=$(or $(FUZZ),100) nice $(PYTEST) -q -o timeout=1800 $(TESTS)

soak: dev ## a week each of 500 lives of a tunnel in virtual time (LIVES=N; SEED=N: one, with its story)
	.venv/bin/python -m tests.soak $(if $(SEED),--seed $(SEED),--lives $(or $(LIVES),500))

lint: dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

bench: ## beside strongSwan's charon on this machine: a table and bench/results/*.json; root
	@tools/prepare dev bench
	.venv/bin/python -m bench $(BENCH)

dev: ## .venv with everything that developing needs
	@tools/prepare dev

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis bench/results
