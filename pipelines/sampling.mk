# Compares samplers, temperatures and weights of the context guidance for one checkpoint:
# make -f pipelines/sampling.mk MODEL=..., with the settings of eval.mk. See there for models that
# demo.mk did not train.
#
# A lower score temperature gives more probable and less varied text. frontier.csv and .png show the
# score of the judge against the entropy of the words, a point for each temperature and each weight
# in CONTEXT (denoise --context-guidance), beside the held-out text, and a 5-gram model and (with
# AUTOREGRESSIVE) an autoregressive one at the same temperatures. A lower score is better only at
# equal entropy. samplers.csv and .png show the score against the number of network evaluations, for
# each sampler. With MASKED (eval.mk), the pictures use the masked model as judge.

TEMPERATURES = 0.6 0.7 0.8 0.9 1
CONTEXT = 1
SAMPLER = euler
SAMPLE_STEPS = 100
SAMPLERS = euler exp heun 2m ancestral
EVALUATIONS = 10 20 50 100 200

OUT = $(basename $(MODEL))-sampling

# The name of a run is SAMPLER-EVALUATIONS-TEMPERATURE, or, with context guidance of another weight
# than 1, SAMPLER-EVALUATIONS-TEMPERATURE-WEIGHT. heun evaluates the network twice per step.
frontier = $(foreach w,$(CONTEXT),$(TEMPERATURES:%=$(SAMPLER)-$(SAMPLE_STEPS)-%$(patsubst \
	%,-%,$(filter-out 1,$w))))
samplers = $(foreach s,$(SAMPLERS),$(foreach n,$(EVALUATIONS),$s-$n-1))
RUNS = $(sort $(frontier) $(samplers))
LOSS_RUNS =
OTHER_REFERENCES = $(TEMPERATURES:%=5gram-0-%) \
	$(if $(AUTOREGRESSIVE),$(TEMPERATURES:%=autoregressive-0-%))
SETTINGS = $(SAMPLER)
part = $(word $1,$(subst -, ,$2))
steps = $(if $(filter heun,$(call part,1,$1)),$$(($(call part,2,$1) / 2)),$(call part,2,$1))
odd = $(filter %1 %3 %5 %7 %9,$(EVALUATIONS))
$(if $(and $(filter heun,$(SAMPLERS)),$(odd)),$(error \
	EVALUATIONS: $(odd): heun needs even numbers, as it makes two evaluations per step))
# 2m does not take a temperature.
temperature_option = $(if $(filter 1,$(call part,3,$1)),,--temperature $(call part,3,$1))
context_option = $(addprefix --context-guidance ,$(call part,4,$1))
sampling = --sampler $(call part,1,$1) --steps $(call steps,$1) $(call temperature_option,$1) \
	$(call context_option,$1) $(DENOISE_OPTIONS)

show: show-sampling

include pipelines/eval.mk

columns = text sampler evaluations temperature masked_nats word_nats entropy_nats distinct_2 \
	grammatical consistent

# The rows named in $1, with the columns above that the table has.
select = awk -F, -v wanted='$1' -v columns='$(subst $(space),$(comma),$(columns))' \
	-f pipelines/select.awk $<

$(OUT)/frontier.csv: $(OUT)/table.csv pipelines/select.awk
	$(call select,$(frontier) $(OTHER_REFERENCES) held-out) > $@

$(OUT)/samplers.csv: $(OUT)/table.csv pipelines/select.awk
	$(call select,$(samplers)) > $@

masked_judge = -y masked_nats --ylabel 'the masked judge, nats a token'
ngram_judge = -y word_nats --ylabel 'the judge, nats a word'
judge = $(if $(MASKED),$(masked_judge),$(ngram_judge))

about_frontier = A lower temperature makes text likelier and less varied. At equal entropy, lower \
	is better.
$(OUT)/frontier.png: $(OUT)/frontier.csv
	plotcsv -x entropy_nats $(judge) -c sampler --dot 5 \
		--title 'Temperature: likeliness against variety' \
		--xlabel 'entropy of the words, nats' -o $@ $<

about_samplers = The judge's score of each sampler, by the work for each story. Lower is better.
$(OUT)/samplers.png: $(OUT)/samplers.csv
	plotcsv -x evaluations $(judge) -g sampler --log-x --title 'Samplers' \
		--xlabel 'evaluations of the network' -o $@ $<

show-sampling: $(OUT)/frontier.csv $(OUT)/samplers.csv $(OUT)/frontier.png $(OUT)/samplers.png
	@echo
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/frontier.csv
	@echo
	@awk -v rows=1 -f pipelines/table.awk $(OUT)/samplers.csv
	@echo; $(call pictures,$(OUT)/frontier.png $(OUT)/samplers.png)

.PHONY: show-sampling
