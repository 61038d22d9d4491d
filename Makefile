# `make figures` and `make test` set everything up when it is missing; both work as the first command after a clone.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: figures test test-all test-machines lab writeup bench lint clean help
.DEFAULT_GOAL := help

help:
	@echo "make figures   run the notebooks; every figure appears under figures/"
	@echo "make test      run the test suite"
	@echo "make lab       open the notebooks in JupyterLab"
	@echo "make writeup   build the report, as PDF and PowerPoint, and say what is still open"
### BEGIN INSTRUCTOR
	@echo "make test-all  the suite and what takes longer: release, grading, mutants, hostile submissions, Slurm"
	@echo "make test-machines  values and marks under other processors' instructions, threads and versions (an hour)"
	@echo "make bench     measure our speed beside others and beside one bare pass (many minutes)"
	@echo "make lint      check format and style with ruff"
### END INSTRUCTOR
	@echo "make clean     remove the environment, the figures and caches"

figures: $(READY)
	@$(VENV)/bin/python notebooks/run.py

test: $(READY)
	@$(VENV)/bin/python -m pytest

lab: $(READY)
	@$(VENV)/bin/python -m jupyterlab --LabApp.default_url=/lab/tree/notebooks

writeup: $(READY)
	@$(VENV)/bin/python -m writeup

### BEGIN INSTRUCTOR
test-all: test
	@$(VENV)/bin/python -m pip install -q -e ".[dev,grading]"
	@$(VENV)/bin/python -m pytest -m long

test-machines: $(READY)
	@$(VENV)/bin/python -m pip install -q -e ".[dev,grading]"
	@$(VENV)/bin/python -m grading.machines

bench: $(READY)
	@$(VENV)/bin/python -m benchmarks.speed

lint: $(READY)
	@$(VENV)/bin/python -m pip install -q -e ".[dev]"
	@$(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check .

### END INSTRUCTOR
clean:
	rm -rf $(VENV) figures build writeup/build *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything that can be wrong is looked at before anything is installed, and said in one line.
define PREFLIGHT
import shutil, sys
def stop(reason):
    sys.stderr.write(reason + "\n"); sys.exit(1)
if sys.version_info < (3, 11):
    stop("Python %d.%d is too old: install Python 3.11 or newer and run `make PYTHON=python3.11 ...`" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    stop("This Python has no venv module: install it (Debian and Ubuntu: sudo apt install python3-venv)")
needed, free = (7 if sys.platform == "linux" else 2), shutil.disk_usage(".").free / 2**30
if free < needed:
    stop("PyTorch needs about %d GB, %.1f GB are free here: make room, or install PyTorch's CPU build as README.md says" % (needed, free))
endef
export PREFLIGHT

$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or run \`make PYTHON=...\`" >&2; exit 1; }
	@test -x $(VENV)/bin/python -a -d $(VENV)/lib || $(PYTHON) -c "$$PREFLIGHT"
	@test -x $(VENV)/bin/python || { echo "Creating $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the kit; the first time, PyTorch is large and takes a minute or more"
	@$(VENV)/bin/python -m pip install -q --disable-pip-version-check --progress-bar on -e . || \
		{ echo "The installation stopped: pip's last message says why; mend it and run the same command again" >&2; exit 1; }
	@touch $@
