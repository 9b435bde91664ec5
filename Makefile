# `make` alone lists the targets.

PYTHON ?= python3
DATA ?= ../shared/data
MODEL ?= runs/nuclei

VENV := .venv
STAMP := $(VENV)/installed
RUN := $(VENV)/bin/python

# The tests start dozens of processes, each of which would translate all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick test-headless test-headless-1 test-headless-2 \
	test-window test-window-1 test-window-2 fuzz lint bench train clean

help:
	@echo "make demo    open napari, segment a sample image (a screenshot if there is no display)"
	@echo "make test    run all tests, those with a real napari window included"
	@echo "make test-quick    those that need neither a window nor seconds, until one fails"
	@echo "make fuzz    damage thousands of files, models and training sets, for minutes"
	@echo "make lint    ruff and mypy"
	@echo "make bench   measure speed, memory and accuracy"
	@echo "make train   train a model like the bundled one, for hours (DATA=$(DATA) MODEL=$(MODEL))"
	@echo "             EPOCHS, STEPS, RATE, SEED, WEIGHTS, START: see the Makefile"
	@echo "make setup   only make the environment $(VENV) (PYTHON=$(PYTHON))"
	@echo "make clean   remove what the other targets made"

setup: $(STAMP)

$(STAMP): setup.cfg pyproject.toml tools/setup_environment.py
	@$(PYTHON) tools/setup_environment.py
	@touch $@

demo: $(STAMP)
	@$(RUN) tools/demo.py

# TensorFlow and OpenGL must not meet in a process, so there are two suites, at the same time.
# Tests often wait, for the engine or another process. So there are two processes of each suite.
# The two share its tests: each takes the next file that the other has not taken.
test: $(STAMP)
	@echo "Four processes test at once. What they tell comes when each is done, in some minutes."
	@claims=$$(mktemp -d) && \
	$(MAKE) --no-print-directory --jobs=4 --keep-going --output-sync=target CLAIMS=$$claims \
		test-headless-1 test-headless-2 test-window-1 test-window-2; \
	status=$$?; rm -r $$claims; exit $$status

test-quick: $(STAMP)
	@$(RUN) -m pytest -x -q -m "not slow"

test-headless: $(STAMP)
	@$(RUN) -m pytest

test-window: $(STAMP)
	@$(RUN) tools/with_display.py $(RUN) -m pytest tests/widgets

test-headless-1 test-headless-2: $(STAMP)
	@$(RUN) -m pytest --claims=$(CLAIMS)/headless

test-window-1 test-window-2: $(STAMP)
	@$(RUN) tools/with_display.py $(RUN) -m pytest tests/widgets --claims=$(CLAIMS)/window

# The short run of these is a part of the tests.
fuzz: $(STAMP)
	@$(RUN) -m pytest tests/fuzz --hypothesis-profile=fuzz -q

lint: $(STAMP)
	@status=0; \
	$(RUN) -m ruff check . || status=1; \
	$(RUN) -m ruff format --check . || status=1; \
	$(RUN) -m mypy || status=1; \
	exit $$status

bench: $(STAMP)
	@status=0; \
	for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; $(RUN) $$script || status=1; \
	done; \
	exit $$status

# Makes a model in the folder MODEL in two commands. What was interrupted goes on where it
# stopped with the same command, and what is done is not done again. With more data it is the
# same command, too: add a group to tools/prepare_data.py and here.
#
# START is what the training begins with: the bundled model, whose network is as narrow as it
# has to be for its speed, or an encoder alone (START="--architecture mobilenetv2"; Keras
# downloads its weights of ImageNet unless --encoder-weights says otherwise; a network made like
# that can be narrowed afterwards with tools/narrow_model.py).
# WEIGHTS says how often each group is trained on. Steps are of 8 patches of 256 x 256 pixels.
#
# On two cores with nothing else running a step takes 0.24 to 0.43 s if the processor has
# bfloat16: 2 to 4 hours for 30,000. Without it expect two to three times as long, which is how
# the times of Retrain differ. The data take 2 minutes the first time.
START ?= --model nuclei
EPOCHS ?= 60
STEPS ?= 500
RATE ?= 3e-3
SEED ?= 0
SYNTHETIC_STAIN ?= 0.15
STAIN_AUGMENTATION ?= 0.35
GROUPS := grey stained brightfield simulated kromp_sections kromp_cells tnbc \
	simulated_fluorescent simulated_stained
WEIGHTS ?= 26 22 4 5 8 7 12 10 6
TRAINING_DATA := BBBC038 stage 1 training set (Data Science Bowl 2018); Kromp et al. 2020, \
doi 10.1038/s41597-020-00608-w; Naylor et al. 2019, doi 10.5281/zenodo.1175282; simulated \
nuclei and tissue; the first encoder began with weights from ImageNet
DATA_LICENSE := CC0-1.0; of Naylor et al., CC-BY-4.0; of ImageNet, the terms of access at \
image-net.org
train: $(STAMP)
	@$(RUN) tools/prepare_data.py $(DATA) runs/data
	@test -d $(MODEL) || $(VENV)/bin/nucseg train $(addprefix runs/data/,$(GROUPS)) \
		--validation $(addprefix runs/data/validation/,$(GROUPS)) \
		--sampling-weights $(WEIGHTS) --output $(MODEL) $(START) --seed $(SEED) --keep-last \
		--epochs $(EPOCHS) --steps-per-epoch $(STEPS) --learning-rate $(RATE) \
		--synthetic-stain $(SYNTHETIC_STAIN) --stain-augmentation $(STAIN_AUGMENTATION) \
		--name nuclei --license BSD-3-Clause \
		--description "Nuclei in fluorescence, stained tissue and bright field, of any size" \
		--training-data "$(TRAINING_DATA)" --data-license "$(DATA_LICENSE)"

clean:
	rm -rf $(VENV) build dist *.egg-info demo.png runs/data \
		.mypy_cache .pytest_cache .ruff_cache tests/widgets/.pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
