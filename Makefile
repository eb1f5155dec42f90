# demo and test do everything on a fresh machine; each target is one line.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test test-all test-integration lint bench costs docs golden screenshots tenant fuzz dist zipapp deb rpm release clean

demo: .venv ; $(BIN)/python -m tests.tenant demo
# Tests are compiled once before eight workers begin: they wait more than they work.
test: .venv ; $(BIN)/python -m pytest --collect-only -qq >/dev/null && $(BIN)/python -m pytest -n 8 --dist worksteal $(if $(ROOM),tests/$(ROOM))
test-all: .venv ; SWEEPS=all HYPOTHESIS=patient $(BIN)/python -m pytest -n 8 --dist worksteal
test-integration: .venv ; SWEEPS=all $(BIN)/python -m pytest tests/integration
lint: .venv ; $(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
bench: costs ; $(BIN)/python -m tests.bench
# Instructions beside those stored: COSTS=check fails where they are worse, COSTS=store stores them, COSTS=TREE measures another tree.
costs: .venv .bench ; .bench/bin/python -m compileall -q check_mapi_connectivity && $(BIN)/python -m tests.costs $(COSTS)
docs: .venv ; $(BIN)/python -m generate
tenant: .venv ; $(BIN)/python -m tests.tenant
golden: .venv ; GOLDEN=write $(BIN)/python -m pytest -q -n 4 --dist worksteal tests/test_golden.py tests/test_recordings.py tests/explain/test_golden.py
screenshots: .venv ; SCREENSHOTS=write $(BIN)/python -m pytest tests/integration/test_icingaweb.py
fuzz: .venv ; $(BIN)/python -m tests.fuzz
dist: .venv ; packaging/dist $(BIN)/python
zipapp: .venv ; $(BIN)/python packaging/zipapp/build.py
deb: ; packaging/deb
rpm: ; packaging/rpm
release: .venv ; packaging/release $(BIN)/python $(MAKE)
clean: ; rm -rf .venv .bench .tenant build dist *.egg-info

.venv: setup.cfg pyproject.toml ; $(PYTHON) -m venv .venv && $(BIN)/pip install --quiet -e '.[test,lint]' && $(BIN)/python -m compileall -q check_mapi_connectivity && touch .venv

# The ruler of `bench`: Debian's interpreter and these libraries.
.bench: tests/costs.txt ; /usr/bin/python3 -m venv .bench && .bench/bin/pip install --quiet -r tests/costs.txt && touch .bench
