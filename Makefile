# `make` alone lists the targets.

PYTHON ?= python3
DATA ?= ../shared/data
MODEL ?= runs/nuclei

VENV := .venv
STAMP := $(VENV)/installed
RUN := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-headless test-window lint bench train clean

help:
	@echo "make demo    open napari, segment a sample image (a screenshot if there is no display)"
	@echo "make test    run all tests, those with a real napari window included"
	@echo "make lint    ruff and mypy"
	@echo "make bench   measure speed, memory and accuracy"
	@echo "make train   train the bundled model (DATA=$(DATA) MODEL=$(MODEL))"
	@echo "make setup   only make the environment $(VENV) (PYTHON=$(PYTHON))"
	@echo "make clean   remove what the other targets made"

setup: $(STAMP)

$(STAMP): setup.cfg pyproject.toml tools/setup_environment.py
	@$(PYTHON) tools/setup_environment.py
	@touch $@

demo: $(STAMP)
	@$(RUN) tools/demo.py

# TensorFlow and OpenGL must not meet in a process, so there are two, at the same time.
test: $(STAMP)
	@echo "Two test suites run at once. What they tell comes when each is done, in some minutes."
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target \
		test-headless test-window

test-headless: $(STAMP)
	@$(RUN) -m pytest

test-window: $(STAMP)
	@$(RUN) tools/with_display.py $(RUN) -m pytest tests/widgets

lint: $(STAMP)
	@status=0; \
	$(RUN) -m ruff check . || status=1; \
	$(RUN) -m ruff format --check . || status=1; \
	$(RUN) -m mypy || status=1; \
	exit $$status

bench: $(STAMP)
	@for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; $(RUN) $$script || exit 1; \
	done

# Makes the model that is bundled in models/, in the folder MODEL, in five runs: from scratch;
# on with smaller steps and more stained tissue; on with one level more, with more stained
# tissue again, and with more simulation. The shares are those of grey fluorescence, stained
# tissue, bright field and simulation among the patches.
TRAIN := $(VENV)/bin/nucseg train $(addprefix runs/data/,grey stained brightfield simulated)
train: $(STAMP)
	@$(RUN) tools/prepare_data.py $(DATA) runs/data
	@test -d $(MODEL)-1 || $(TRAIN) --output $(MODEL)-1 \
		--share 72 17 4 7 --widths 32 48 96 192
	@test -d $(MODEL)-2 || $(TRAIN) --output $(MODEL)-2 --model $(MODEL)-1 \
		--share 55 33 5 7 --epochs 7 --learning-rate 5e-4
	@test -d $(MODEL)-3 || $(TRAIN) --output $(MODEL)-3 --model $(MODEL)-2 \
		--share 48 36 8 8 --epochs 18 --learning-rate 7e-4 --widths 32 48 96 192 256
	@test -d $(MODEL)-4 || $(TRAIN) --output $(MODEL)-4 --model $(MODEL)-3 \
		--share 42 44 7 7 --epochs 8 --learning-rate 6e-4
	@$(TRAIN) --output $(MODEL) --model $(MODEL)-4 \
		--share 44 38 7 11 --epochs 13 --steps-per-epoch 300 --learning-rate 7e-4 \
		--painted 0.12 --name nuclei \
		--description "Nuclei in fluorescence, stained tissue and bright field, of any size" \
		--training-data "BBBC038 stage 1 training set (Data Science Bowl 2018), simulated nuclei" \
		--data-license CC0-1.0 --license BSD-3-Clause

clean:
	rm -rf $(VENV) build dist *.egg-info demo.png runs/data \
		.mypy_cache .pytest_cache .ruff_cache tests/widgets/.pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
