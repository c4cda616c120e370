.DEFAULT_GOAL := help
.PHONY: help setup demo board test test-real test-tmux campaign capture-screens check format schemas collection wheels man matrix bench dist site clean

READY := .venv/.ready
DEMO_READY := .venv/.demo-ready
IN_VENV := PATH="$(CURDIR)/.venv/bin:$$PATH"

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1 - \2/p' Makefile

setup: $(READY) ## make .venv; install what is missing, or say how to
	@echo "Ready: .venv/bin/reconciler"

$(READY): pyproject.toml .ci/setup
	@.ci/setup
	@touch $@

# The tests need more, so what is ready for them is ready for the demo.
$(DEMO_READY): pyproject.toml .ci/setup
	@[ $(READY) -nt pyproject.toml ] || .ci/setup demo
	@touch $@

demo: $(DEMO_READY) ## lose and get back a small lab of agents, without any account
	@$(IN_VENV) manifests/demo/run

board: $(DEMO_READY) ## open the board on a small lab of played agents
	@$(IN_VENV) manifests/board/run

# Most tests wait for other programs: more workers than cores. Each keeps taking tests until none is left (worksteal),
# and reads what another one has compiled. A test that hangs ends its worker and is named; no test is timed by this.
test: export PYTHONDONTWRITEBYTECODE =
test: $(READY) ## run all tests; ARGS="tests/plan -k drift" runs some
	@echo "Running the tests; all of them take about ten minutes on two cores"
	@.venv/bin/pytest -q -n 6 --dist worksteal --tb short --timeout 900 --timeout-method thread $(ARGS)

test-real: $(READY) ## drive the real agent CLIs, from npm, against a stub of their models; ARGS=--newest, ARGS=--all-versions
	@RECONCILER_REAL=1 .venv/bin/pytest -q tests/real $(ARGS)

test-tmux: $(READY) ## try every tmux of Debian, fetched once; PROGRAMS=/opt/tmux/bin/tmux adds yours
	@.venv/bin/python tests/versions/run.py $(PROGRAMS)

campaign: $(READY) ## try thousands of faults, damaged files and commands at once; COARSE=10 SHARE=2 is the second tenth
	@RECONCILER_CAMPAIGN=$(or $(COARSE),1) RECONCILER_SHARE=$(SHARE) .venv/bin/pytest -q -n 2 tests/campaign $(ARGS)

capture-screens: $(READY) ## capture the screens of the real agent CLIs anew; ARGS="qwen-0.24.4 codex/idle" are some
	@$(IN_VENV) python tests/real/capture.py $(ARGS)

check: $(READY) ## lint, formatting, types, layers
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: $(READY) ## format, and fix what can be fixed
	@.venv/bin/ruff format
	@.venv/bin/ruff check --fix

schemas: $(READY) ## write schemas/*.json anew from the code
	@for file in schemas/*.schema.json; do \
		.venv/bin/reconciler schema print "$$(basename "$$file" .schema.json)" >"$$file.new" && mv "$$file.new" "$$file" \
			|| { rm -f "$$file.new"; exit 1; }; \
	done

collection: $(READY) ## lint the Ansible collection reconciler.fleet, and build it as a file in dist/
	@.ci/collection

wheels: $(READY) ## make one tar of wheels in dist/, for `reconciler fleet install`; PYTHON=3.12 PLATFORM=manylinux2014_aarch64
	@.ci/wheels "$(PYTHON)" "$(PLATFORM)"

matrix: $(READY) ## write the matrix of driven versions into docs/agent-types.md anew
	@.venv/bin/python docs/make_matrix.py

man: $(READY) ## write docs/reconciler.1 anew from the help texts
	@.venv/bin/python docs/make_man.py

bench: $(READY) ## measure the speed that is promised
	@.venv/bin/python bench/run.py

dist: $(READY) ## build the release into dist/, check it, and run the demo from its wheel
	@.ci/dist

site: $(READY) ## build the site of the documentation into build/site/html, and check its links
	@.ci/site

clean: ## remove what these commands made
	@rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find reconciler tests bench -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
