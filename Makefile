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
.PHONY: help setup demo test test-headless test-window lint bench train clean

help:
	@echo "make demo    open napari, segment a sample image (a screenshot if there is no display)"
	@echo "make test    run all tests, those with a real napari window included"
	@echo "make lint    ruff and mypy"
	@echo "make bench   measure speed, memory and accuracy"
	@echo "make train   train the bundled model (DATA=$(DATA) MODEL=$(MODEL) ENCODER=$(ENCODER))"
	@echo "             ENCODER: file of weights of the encoder; left out, Keras downloads its own"
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
	@status=0; \
	for script in benchmarks/[a-z]*.py; do \
		echo "== $$script"; $(RUN) $$script || status=1; \
	done; \
	exit $$status

# Makes a model like the bundled one, in the folder MODEL, run by run:
#   1       train with an encoder that is pretrained on ImageNet
#   2, 3    train on, with batch normalization folded in
#   4       with a wider decoder
#   5       with more synthetic and recolored stains
#   6       average the weights of 4 and 5
#   7       train some steps at a low rate
#   8       average the weights of 6 and 7
#   9       make the model narrower, which makes it more than twice as fast
#   10-13   train on
# The model is the average of 12 and 13, which keep their last epoch. The other runs keep the
# epoch that scores best.
# The sampling weights are those of grey fluorescence, stained tissue, bright field and
# simulation. Keras downloads its weights of the encoder. The bundled model began with
# torchvision's, which tools/torchvision_mobilenet.py writes into a file for ENCODER.
GROUPS := grey stained brightfield simulated
VALIDATION := --validation $(addprefix runs/data/validation/,$(GROUPS))
TRAIN := $(VENV)/bin/nucseg train $(addprefix runs/data/,$(GROUPS)) $(VALIDATION) --name nuclei
train: $(STAMP)
	@$(RUN) tools/prepare_data.py $(DATA) runs/data
	@test -d $(MODEL)-1 || $(TRAIN) --output $(MODEL)-1 --architecture mobilenetv2 \
		$(if $(ENCODER),--encoder-weights $(ENCODER)) \
		--sampling-weights 50 36 6 8 --epochs 4 --frozen-epochs 1 --learning-rate 2e-3 \
		--synthetic-stain 0.1 --stain-augmentation 0.35
	@test -d $(MODEL)-2 || $(TRAIN) --output $(MODEL)-2 --model $(MODEL)-1 \
		--sampling-weights 50 36 6 8 --epochs 10 --steps-per-epoch 300 --learning-rate 8e-4 \
		--synthetic-stain 0.1 --stain-augmentation 0.35
	@test -d $(MODEL)-3 || $(TRAIN) --output $(MODEL)-3 --model $(MODEL)-2 --seed 1 \
		--sampling-weights 50 36 6 8 --epochs 20 --steps-per-epoch 300 --learning-rate 1e-3 \
		--synthetic-stain 0.12 --stain-augmentation 0.35
	@test -d $(MODEL)-4 || $(TRAIN) --output $(MODEL)-4 --model $(MODEL)-3 --seed 12 \
		--widths 48 64 128 192 \
		--sampling-weights 50 38 6 6 --epochs 24 --steps-per-epoch 300 --learning-rate 1e-3 \
		--synthetic-stain 0.08 --stain-augmentation 0.25
	@test -d $(MODEL)-5 || $(TRAIN) --output $(MODEL)-5 --model $(MODEL)-4 --seed 21 \
		--sampling-weights 46 38 6 10 --epochs 22 --steps-per-epoch 350 --learning-rate 1e-3 \
		--synthetic-stain 0.2 --stain-augmentation 0.5
	@test -d $(MODEL)-6 || $(RUN) tools/mean_of_models.py $(MODEL)-4 $(MODEL)-5 $(MODEL)-6 \
		$(VALIDATION)
	@test -d $(MODEL)-7 || $(TRAIN) --output $(MODEL)-7 --model $(MODEL)-6 --seed 22 \
		--sampling-weights 46 38 6 10 --epochs 4 --steps-per-epoch 300 --learning-rate 4e-4 \
		--synthetic-stain 0.2 --stain-augmentation 0.5
	@test -d $(MODEL)-8 || $(RUN) tools/mean_of_models.py $(MODEL)-6 $(MODEL)-7 $(MODEL)-8 \
		$(VALIDATION)
	@test -d $(MODEL)-9 || $(RUN) tools/narrow_model.py $(MODEL)-8 $(MODEL)-9 \
		$(addprefix runs/data/,$(GROUPS)) --widths 32 48 96 128 --expansion 4 --squeeze 2
	@test -d $(MODEL)-10 || $(TRAIN) --output $(MODEL)-10 --model $(MODEL)-9 --seed 31 \
		--sampling-weights 46 38 6 10 --epochs 12 --steps-per-epoch 350 --learning-rate 1e-3 \
		--synthetic-stain 0.2 --stain-augmentation 0.5
	@test -d $(MODEL)-11 || $(TRAIN) --output $(MODEL)-11 --model $(MODEL)-10 --seed 32 \
		--sampling-weights 46 38 6 10 --epochs 4 --steps-per-epoch 300 --learning-rate 6e-4 \
		--synthetic-stain 0.2 --stain-augmentation 0.5
	@test -d $(MODEL)-12 || $(TRAIN) --output $(MODEL)-12 --model $(MODEL)-11 --seed 41 \
		--sampling-weights 46 38 6 10 --epochs 24 --steps-per-epoch 350 --learning-rate 1e-3 \
		--synthetic-stain 0.2 --stain-augmentation 0.5 --keep-last
	@test -d $(MODEL)-13 || $(TRAIN) --output $(MODEL)-13 --model $(MODEL)-12 --seed 42 \
		--sampling-weights 46 38 6 10 --epochs 18 --steps-per-epoch 350 --learning-rate 8e-4 \
		--synthetic-stain 0.2 --stain-augmentation 0.5 --keep-last \
		--description "Nuclei in fluorescence, stained tissue and bright field, of any size" \
		--training-data "BBBC038 stage 1 training set (Data Science Bowl 2018), simulated \
nuclei; the encoder began with weights from ImageNet" \
		--data-license "CC0-1.0; of ImageNet, the terms of access at image-net.org" \
		--license BSD-3-Clause
	@test -d $(MODEL) || $(RUN) tools/mean_of_models.py $(MODEL)-12 $(MODEL)-13 $(MODEL) \
		$(VALIDATION)

clean:
	rm -rf $(VENV) build dist *.egg-info demo.png runs/data \
		.mypy_cache .pytest_cache .ruff_cache tests/widgets/.pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
