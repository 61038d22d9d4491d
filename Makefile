# `make figures` and `make test` set everything up when it is missing; both work as the first command after a clone.

PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
PIP := $(VENV)/bin/python -m pip install -q --disable-pip-version-check --progress-bar on
# Where PyTorch comes from: an index's address, nothing for what pip installs by default, or auto, as kit/preflight.py says.
TORCH_INDEX ?= auto
EXTRAS := lab

.PHONY: figures test lab writeup clean help
.DEFAULT_GOAL := help

help::
	@echo "make figures   run the notebooks; every figure appears under figures/"
	@echo "make test      run the test suite"
	@echo "make lab       open the notebooks in JupyterLab"
	@echo "make writeup   build the report, as PDF and PowerPoint, and say what is still open"
	@echo "make clean     remove the environment, the figures and caches"

figures: $(READY)
	@$(VENV)/bin/python notebooks/run.py

test: $(READY)
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -n 2 --dist loadfile

lab: $(READY)
	@$(VENV)/bin/python -m kit lab

writeup: $(READY)
	@$(VENV)/bin/python -c "from kit.requirements import lacking; raise SystemExit(bool(lacking('report')))" || { \
		echo "Installing what the report needs"; $(PIP) -e ".[report]"; }
	@$(VENV)/bin/python -m kit report

clean:
	rm -rf $(VENV) figures build writeup/build *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything that can be wrong is looked at before anything is installed, and said in one line.
$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or run \`make PYTHON=...\`" >&2; exit 1; }
	@$(VENV)/bin/python -c "import importlib.util as u; raise SystemExit(not u.find_spec('torch'))" 2>/dev/null || { \
		index=$$($(PYTHON) -I kit/preflight.py "$(TORCH_INDEX)") || exit 1; \
		test -x $(VENV)/bin/python || { echo "Creating $(VENV)"; $(PYTHON) -m venv $(VENV) || exit 1; }; \
		echo "Installing PyTorch, which is large and takes a minute or more"; \
		test -z "$$index" || $(PIP) --index-url "$$index" torch torchvision || \
			echo "PyTorch: what pip installs by default, since $$index did not provide it"; }
	@echo "Installing the kit"
	@$(PIP) -e ".[$(EXTRAS)]" || \
		{ echo "The installation stopped: pip's last message says why; fix it and run the same command again" >&2; exit 1; }
	@touch $@

-include instructor/wing.mk # instructors' targets, in copies that have them
