# What only instructors make. The Makefile includes this where it exists.

EXTRAS := grading,training
help::
	@echo "make test-all  the suite and what takes longer: release, grading, mutants, hostile submissions, Slurm"
	@echo "make test-machines  values and marks under other processors' instructions, threads and versions (an hour)"
	@echo "make bench     measure our speed beside others and beside one bare pass (many minutes)"
	@echo "make lint      check format, style and types"
	@echo "make coverage  how much of the teaching modules their tests run"

.PHONY: test-all test-machines bench lint coverage

test-all: $(READY)
	@$(PIP) -e ".[dev,grading,training]"
	@OMP_NUM_THREADS=1 $(VENV)/bin/python -m pytest -m "long or not long" -n logical --dist loadfile \
		--no-loadscope-reorder -p instructor.tests.support.in_parallel

test-machines: $(READY)
	@$(PIP) -e ".[dev,grading,training]"
	@$(VENV)/bin/python -m instructor.machines

bench: $(READY)
	@$(PIP) -e ".[bench,training]"
	@$(VENV)/bin/python -m instructor.benchmarks.speed

lint: $(READY)
	@$(PIP) -e ".[dev]"
	@$(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff check -q --preview --select PLW1514 . # text is opened with its encoding
	@$(VENV)/bin/mypy

coverage: $(READY)
	@$(PIP) -e ".[dev]"
	@$(VENV)/bin/python -m pytest tests --cov=visualizers --cov=style_transfer --cov=sanity_checks --cov-report=term-missing
