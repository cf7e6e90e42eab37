# From a bare clone:  make demo  sends photographs through a noisy channel,  make test  runs the gate.
# Both make .venv by themselves; all they need is Python 3.11, pip, git and a C compiler.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV   ?= .venv
JOBS   ?= 2
KODAK  ?=

BIN     := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# .venv holds an editable install, so that what you edit is what runs. The gate judges what users get instead: a regular
# install, made afresh each time.
COPY    := build/installed
GATED   := PYTHONPATH=$(CURDIR)/$(COPY) MYPYPATH=$(CURDIR)/$(COPY)

.PHONY: demo test lint types unit docs bench clean help

help:
	@echo "make demo    photographs through a noisy channel by five systems, and where the pictures are"
	@echo "make test    the gate: ruff, mypy, pytest, docs"
	@echo "make lint    ruff alone        make docs   the manual, in docs/_build/html"
	@echo "make bench   figures beside those of GNU Radio, ZeroMQ, liquid-dsp and Sionna: ten minutes"
	@echo "make clean   removes all that these made, .venv aside"

# The extras of the demo: its flowgraph has a coded link beside the learned ones.
demo: $(VENV)/.with-models,links
	$(BIN)/semcom run demo --var esn0_db=10 --out out/demo/10dB
	$(BIN)/semcom run demo --var esn0_db=1 --out out/demo/1dB
	@echo
	@echo "Side by side, sent, HEVC + LDPC without and with diffusion, DeepJSCC, CDM-JSCC D and P, at 10 dB and at 1 dB:"
	@$(BIN)/semcom sheet out/demo/10dB out/demo/1dB --out out/demo

test: lint types unit docs

lint: $(VENV)/.with-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(COPY)
	$(GATED) $(BIN)/mypy -p semcom

unit: $(COPY)
	$(GATED) $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

docs: $(COPY)
	$(GATED) $(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build/html
	@echo "Manual:    docs/_build/html/index.html"

bench: $(VENV)/.with-bench
	$(BIN)/python benchmarks/quickstart_time.py
	$(BIN)/python benchmarks/engine_samples.py 3
	$(BIN)/python benchmarks/hop_inproc.py 3
	$(BIN)/python benchmarks/hop_tcp.py
	$(BIN)/python benchmarks/awgn_throughput.py
	$(BIN)/python benchmarks/ldpc_throughput.py
	$(BIN)/python benchmarks/cdm_jscc_receiver.py --sizes 256x256 --steps 1 4 --rounds 3
	$(BIN)/python benchmarks/sc_sic_latency.py
	@rm -rf out/bench
	$(BIN)/python benchmarks/latent_diffusion_latency.py --budget 60 --out out/bench/latent-diffusion.csv
	$(BIN)/python benchmarks/soak.py 50000
	$(BIN)/python benchmarks/sync_throughput.py
	$(BIN)/python benchmarks/radio_latency.py 20
	$(BIN)/python benchmarks/zmq_radio.py 1
	$(BIN)/python benchmarks/false_alarms.py --out out/bench/noise.csv
	$(BIN)/python benchmarks/burst_peers.py --bursts 3 --out out/bench/peers.csv
	$(BIN)/python benchmarks/sync_peers.py 1
	$(BIN)/python benchmarks/radio_loopback.py --bursts 2 --cfo 0.02 --clock-ppm 40 --out out/bench/pictures
	@if [ -n "$(KODAK)" ]; then for one in deepjscc_kodak deepjscc_q_kodak links_kodak cdm_jscc_kodak sweep_speed; do \
	$(BIN)/python benchmarks/$$one.py --data "$(KODAK)" || exit 1; done; \
	$(BIN)/python benchmarks/comparison.py --data "$(KODAK)" --images 4 --budget 30 --docs out/bench || exit 1; \
	else echo "skipped: picture quality on Kodak: make bench KODAK=FOLDER"; fi

clean:
	rm -rf build dist out docs/_build docs/blocks docs/cli.md docs/systems.md *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

.PHONY: $(COPY)
$(COPY): $(VENV)/.with-test
	@rm -rf $(COPY)
	@$(INSTALL) --no-deps --no-build-isolation --target $(COPY) .

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV)

# One stamp a list of extras: .with-test is .[test], installed again when the lists of dependencies change.
$(VENV)/.with-%: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing gr-semcom[$*] and what it needs into $(VENV): a minute or two"
	@$(INSTALL) 'setuptools>=77'
	@$(INSTALL) --no-build-isolation --editable '.[$*]'
	@touch $@
