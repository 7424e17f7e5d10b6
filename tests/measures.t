#!/bin/sh
# The arithmetic of the tables of pipelines/, compared with results computed by hand.
. tests/lib.sh

# --- bound.awk: d = 2, t from 1 to 4

cat >"$T/info" <<'END'
schedule: cauchy, t from 1 to 4
model.embed: 2
model.row_len: 5
END
header=t,u,ce_nats,squared_error,targets
printf '%s\n' $header 1,0,0.5,0.1,4 1,0,1.1,0.1,2 1,0,,,0 >"$T/lowest"
printf '%s\n' $header 2,0.25,1,8,4 3,0.3,,,0 4,0.5,2,16,2 >"$T/losses"
bound() { # bound COLUMN
	cat "$T/info" "$T/lowest" "$T/losses" | awk -f pipelines/bound.awk |
		awk -F, -v column="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR == 2 { print $at[column] }'
}
# d / 2 t_max^2 = 2 / 32, and CE(t_min) = (4 x 0.5 + 2 x 1.1) / 6 = 0.7. Squared errors over t^2 are 2 and
# 1, their mean over the tokens is (4 x 2 + 2 x 1) / 6 = 5 / 3, and the integral is ln 4 times that.
# 0.0625 + 0.7 + 1.386294 x 1.666667 = 3.072991
is 'bound.awk: computes the bound in nats per token' "$(bound bound_token_nats)" 3.072991
is 'bound.awk: multiplies the nats per token by the mean number of targets, not by the row length' \
	"$(bound held_out_nats)" 9.2190
# sqrt(4 x 2 x (2 - 1)^2 / 2) = 2, over 6 targets, times ln 4
is 'bound.awk: computes the standard error of the integral' "$(bound bound_token_error)" 0.462098
is 'bound.awk: computes the mean cross-entropy of the rows' "$(bound ce_nats)" 1.500000
# 0.25 x 1 + 0.25 x (1 + 2) / 2 + 0.5 x 2
is 'bound.awk: computes the integral of the cross-entropy over the schedule' "$(bound ce_schedule_nats)" 1.625000
fails 'bound.awk: refuses losses without targets' 1 'no column targets' sh -c \
	"{ cat '$T/info'; printf 't,u,ce_nats,squared_error\n1,0,0.5,0.1\n'; } | awk -f pipelines/bound.awk"
fails 'bound.awk: refuses an empty file' 1 'no losses' sh -c "cat '$T/info' '$T/lowest' | awk -f pipelines/bound.awk"

# --- kinds.awk

columns=held_out_nats,ce_nats,word_nats,entropy_nats,grammatical,consistent
printf '%s\n' text,$columns a.1,1,46.05,7.1,1,0,1 a.2,3,46.05,7.1,2,0,1 a.3,5,46.0500001,7.1,6,0,1 b.1,1,2,3,4,5,6 \
	>"$T/table"
awk -F, -v runs='a.1 a.2 a.3 b.1' -f pipelines/kinds.awk "$T/table" >"$T/kinds"
is 'kinds.awk: computes means and standard deviations over the seeds, also of nearly equal values' \
	"$(sed -n 2p "$T/kinds")" 'a,3,3,2,46.05,5.8e-08,7.1,0,3,2.6,0,0,1,0'
is 'kinds.awk: one seed has no standard deviation' "$(sed -n 3p "$T/kinds")" 'b,1,1,,2,,3,,4,,5,,6,'

# --- steps.awk: the first step, which is quickest here, does not count

printf 'step,seconds,comm_s\n1,0.5,0.1\n2,2.5,0.4\n3,3.5,0.3\n4,4.5,0.2\n5,6,0.1\n' >"$T/steps.csv"
is 'steps.awk: takes the quickest step after the first, and the least time in MPI' \
	"$(awk -f pipelines/steps.awk "$T/steps.csv" | tr '\n' ' ')" 'step_s,comm_s,update_s 1.000000,0.200000, '
printf 'kernel,calls,seconds,share\nproject,9,4,0.8\nmuon products,5,0.6,0.12\nmuon,5,0.3,0.06\nadamw,5,0.1,0.02\n' \
	>"$T/profile.csv"
is 'steps.awk: computes the time of the optimizer in each of the five steps from a profile' \
	"$(awk -f pipelines/steps.awk "$T/profile.csv" "$T/steps.csv" | tail -n 1)" 1.000000,0.200000,0.2

# --- stack.awk, mean.awk

printf 'x,y\n1,2\n3,4\n' >"$T/a.csv"
printf 'y,z\n5,6\n' >"$T/b.csv"
is 'stack.awk: writes all rows with the label of their file, and leaves missing columns empty' \
	"$(awk -v label=kind,seed -v columns=y,x -f pipelines/stack.awk a,1="$T/a.csv" b,2="$T/b.csv" | tr '\n' ' ')" \
	'kind,seed,y,x a,1,2,1 a,1,4,3 b,2,5, '
echo x,y >"$T/header.csv"
fails 'stack.awk: refuses a file without rows' 1 'header.csv: no rows' \
	awk -v label=name -v columns=x -f pipelines/stack.awk one="$T/header.csv"
fails 'stack.awk: reports a missing file' 1 'cannot be read' \
	awk -v label=name -v columns=x -f pipelines/stack.awk one="$T/nowhere.csv"
printf 'x,y\n1,2\n3,\n5,5\n' >"$T/gap.csv"
is 'mean.awk: computes the mean of the cells that are not empty' \
	"$(awk -v column=y -v name=m -f pipelines/mean.awk "$T/gap.csv" | tr '\n' ' ')" 'm 3.5000 '
fails 'mean.awk: refuses a column without numbers' 1 'no numbers in a column z' \
	awk -v column=z -v name=m -f pipelines/mean.awk "$T/gap.csv"

# --- validations.awk, levels.awk, difference.awk

printf '%s\n' step,loss_nats,valid_nats 1,9, 2,8,2.5 3,7, 4,6,3 >"$T/steps.csv"
is 'validations.awk: prints the steps of a log that have a validation' \
	"$(awk -f pipelines/validations.awk "$T/steps.csv" | tr '\n' ' ')" 'step,valid_nats 2,2.5 4,3 '

# ln 1.8 and ln 2 are in the bin from 0.5 to 0.75, and their mean is ln sqrt 3.6; ln 0.5 = -0.69
printf '%s\n' t,u,ce_nats,squared_error,targets 1.8,0,1,0,1 2,0,2,0,1 0.5,0,5,0,1 3,0,,0,0 >"$T/levels.csv"
is 'levels.awk: computes the mean cross-entropy in bins of a quarter of ln t' \
	"$(awk -f pipelines/levels.awk "$T/levels.csv" | tr '\n' ' ')" 't,ce_nats 0.5,5 1.89737,1.5 '
printf '%s\n' step,rows,loss_nats 1,8,2 2,16,1 >"$T/one.csv"
printf '%s\n' step,rows,loss_nats 1,8,2.5 2,15,0.9 >"$T/two.csv"
is 'difference.awk: counts equal steps, and computes the largest and the mean difference of losses' \
	"$(paste -d , "$T/one.csv" "$T/two.csv" | awk -f pipelines/difference.awk | tail -n 1)" 1,0.5,0.3

# --- summary.awk, shape.awk

printf '%s\n' stories,grammatical,consistent,duplicates,seen 200,0.995,0.75,3,1 >"$T/summary.csv"
is 'summary.awk: prints percentages and numbers' "$(awk -f pipelines/summary.awk "$T/summary.csv" | tr -cs '0-9.\n' ' ' | xargs)" \
	'200 99.5 75.0 3 1 .'
printf '%s\n' 'parameters: 1376752 (4 layers, width 128, 4 heads, embed 32, 236 of 527 tokens)' \
	'operations: 7.22e+06 per token, by cpu, 2 threads' >"$T/dry"
is 'shape.awk: reads shape and cost from train --dry-run' \
	"$(awk -v row_len=72 -f pipelines/shape.awk "$T/dry" | tail -n 1)" 4,128,32,236,72,1376752,7.22e+06

# --- table.awk

printf 'name,x\na,1\nb,2\n' >"$T/x.csv"
printf 'name,y,z\na,3,4\n' >"$T/yz.csv"
is 'table.awk: a join leaves missing values empty' \
	"$(awk -v join=1 -f pipelines/table.awk "$T/x.csv" "$T/yz.csv" | tr '\n' ' ')" 'name,x,y,z a,1,3,4 b,2,, '
is 'table.awk: the text format has a line for each column' \
	"$(awk -f pipelines/table.awk "$T/yz.csv" | tr -s ' ' | tr '\n' '|')" 'name a|y 3|z 4|'

# --- select.awk

printf 'name,x,y\neuler-8-0.9,1,2\nexp,3,4\nheun-4-1,5,6\n' >"$T/table.csv"
is 'select.awk: selects rows and columns by name, and makes columns from parts of a name' \
	"$(awk -F, -v wanted='heun-4-1 exp' -v columns='sampler,evaluations,temperature,y,none' \
		-f pipelines/select.awk "$T/table.csv" | tr '\n' ' ')" \
	'sampler,evaluations,temperature,y exp,,,4 heun,4,1,6 '

done_testing
