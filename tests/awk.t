#!/bin/sh
# The small programs in awk, on tables whose results are worked out by hand.
. tests/lib.sh

# --- bound.awk: d / 2 t_max^2 = 1/4, the lowest level 0.6, and ln 4 times the mean of 1/2, 1/2, 1

{
	printf '%s\n' 'model.embed: 8' 'model.row_len: 3' 'schedule: cauchy, t from 1 to 4'
	printf 't,u,ce_nats,squared_error\n1,0,0.5,9\n1,0,0.7,9\n1,0,,\n'
	printf 't,u,ce_nats,squared_error\n1,0.25,1,0.5\n2,0.5,2,2\n3,0.6,,\n4,0.75,4,16\n'
} >"$T/losses"
is 'bound.awk: of three rows at t = 1, 2 and 4' "$(awk -f pipelines/bound.awk "$T/losses" | tr '\n' ' ')" \
	'bound_row_nats,ce_nats,ce_schedule_nats,bound_token_nats,bound_token_error 5.3226,2.333333,2.375000,1.774196,0.163376 '

# --- kinds.awk: standard deviations of a sample

cat >"$T/runs.csv" <<-END
	name,held_out_nats,ce_nats,word_nats,entropy_nats,grammatical,consistent
	a.1,1,2,3,4,0.5,0
	b.1,7,7,7,7,7,7
	a.2,4,2,3,4,0.5,1
	other,9,9,9,9,9,9
END
is 'kinds.awk: means and standard deviations over two seeds, and over one' \
	"$(awk -F, -v runs='a.1 a.2 b.1' -f pipelines/kinds.awk "$T/runs.csv" | tail -n 2 | tr '\n' ' ')" \
	'a,2,2.5,2.1,2,0,3,0,4,0,0.5,0,0.5,0.71 b,1,7,,7,,7,,7,,7,,7, '

# --- steps.awk: the first step, which is quickest here, does not count

printf 'step,seconds,comm_s\n1,0.5,0.1\n2,2.5,0.4\n3,3.5,0.3\n4,4.5,0.2\n5,6,0.1\n' >"$T/steps.csv"
is 'steps.awk: the quickest step but for the first, and its least time in MPI' \
	"$(awk -v name=run, -f pipelines/steps.awk "$T/steps.csv")" run,1.000000,0.200000

# --- table.awk

printf 'name,x\na,1\nb,2\n' >"$T/x.csv"
printf 'name,y,z\na,3,4\n' >"$T/yz.csv"
is 'table.awk: a join leaves empty what one table does not have' \
	"$(awk -v join=1 -f pipelines/table.awk "$T/x.csv" "$T/yz.csv" | tr '\n' ' ')" 'name,x,y,z a,1,3,4 b,2,, '
is 'table.awk: as text, a line a column' \
	"$(awk -f pipelines/table.awk "$T/yz.csv" | tr -s ' ' | tr '\n' '|')" 'name a|y 3|z 4|'

# --- select.awk

printf 'name,x,y\neuler-8-0.9,1,2\nexp,3,4\nheun-4-1,5,6\n' >"$T/table.csv"
is 'select.awk: rows and columns by name, and the parts of a name' \
	"$(awk -F, -v wanted='heun-4-1 exp' -v columns='sampler,evaluations,temperature,y,none' \
		-f pipelines/select.awk "$T/table.csv" | tr '\n' ' ')" \
	'sampler,evaluations,temperature,y exp,,,4 heun,4,1,6 '

done_testing
