#!/usr/bin/python3
"""Compare what the tools wrote with cdcd.py; prints the largest differences, fails beyond a bound.

  compare.py losses BOUND CHECKPOINT NOISED CSV            rows of denoise --loss, in order
  compare.py step BOUND CHANGE BEFORE NOISED CSV STEPS AFTER      the step of train between two checkpoints
  compare.py sample BOUND CHECKPOINT NOISED RAW START METHOD STEPS T TAU S0 ETA GAMMA CONTEXT
                                                           x of sample64, raw doubles
  compare.py tokens CHECKPOINT NOISED ROWS METHOD STEPS T TAU ETA GAMMA CONTEXT ROUNDS
                                                           ids of denoise from noised rows
  compare.py bound BOUND CHECKPOINT LOWEST SPREAD CSV      the output of pipelines/bound.awk

BOUND is relative to the value, or to 0.1 nats where a loss is smaller. CHANGE is relative to the largest change of a tensor in the step.
"""

import csv
import ctypes
import math
import subprocess
import sys

import numpy as np

sys.dont_write_bytecode = True
import cdcd

LEAST_NATS = 0.1


def libm_functions():
    """logf, cosf and sinf of the C library, so that Gaussians agree to the last bit."""
    libm = ctypes.CDLL("libm.so.6")
    found = []
    for name in ("logf", "cosf", "sinf"):
        f = getattr(libm, name)
        f.restype, f.argtypes = ctypes.c_float, [ctypes.c_float]
        found.append(lambda x, f=f: np.vectorize(f, otypes=[np.float32])(x))
    return found


def noise_of(model, seeds, domain=cdcd.RNG_NOISE):
    return cdcd.gaussian(seeds, model.T, model.d, domain, libm_functions())


class Report:
    """Collects the largest difference of each kind and judges it by a bound."""

    def __init__(self, bound):
        self.bound, self.worst = bound, {}

    def add(self, what, ours, theirs, scale=None, bound=None):
        ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
        if ours.shape != theirs.shape or (np.isnan(ours) != np.isnan(theirs)).any():
            sys.exit(f"{what}: shapes {ours.shape} and {theirs.shape}, or NaN in one of them")
        scale = np.abs(ours) if scale is None else scale
        with np.errstate(invalid="ignore"):
            error = np.nanmax(np.abs(ours - theirs) / np.maximum(scale, 1e-300), initial=0)
        worst, _ = self.worst.get(what, (0, 0))
        self.worst[what] = (max(worst, error), bound or self.bound)

    def finish(self):
        failed = False
        for what, (error, bound) in self.worst.items():
            print(f"{what}: {error:.2g} (at most {bound:g})")
            failed |= not error <= bound
        sys.exit(failed)


def table(path):
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def column(rows, name):
    return np.array([float(r[name]) if r[name] else math.nan for r in rows])


def compare_losses(bound, checkpoint, noised, log):
    c, rows, log = cdcd.Checkpoint(checkpoint), cdcd.NoisedRows(noised), table(log)
    batch, model = c.batch(rows), c.model()
    ce, square = model.measure(batch, noise_of(model, rows.seeds), len(rows.seeds))
    report = Report(bound)
    report.add("level", batch.t, column(log, "t"))
    report.add("u", [c.schedule.u(t) for t in batch.t], column(log, "u"), 1)
    report.add("cross-entropy", ce, column(log, "ce_nats"), np.maximum(ce, LEAST_NATS))
    report.add("squared error", square, column(log, "squared_error"), np.nanmax(square))
    report.finish()


def shown_rows(c, n):
    """How many sequences of the n rows behind checkpoint c see their own first estimate."""
    rate = c.option("self_cond") if c.config["self_cond"] else 0
    return math.floor(rate * (c.rows + n)) - math.floor(rate * c.rows)


def scaled_gradients(c, before, after):
    """What the optimiser made of the gradients: those after clipping, from the first moments."""
    def gradient(name):
        decay = c.option("muon_momentum" if c.matrices(name) else "beta1")
        name = "adam_m." + name
        return (after.tensors[name] - decay * before.tensors[name]) / (1 - decay)

    return {name: gradient(name) for name in before.names}


def updated(c, name, gradient, step, lr):
    """What cdcd.adamw or cdcd.muon makes of a tensor and its state: prefix -> (before, after)."""
    option, parts = c.option, c.matrices(name)
    decay = option("weight_decay") if cdcd.has_weight_decay(name) else 0
    if parts:
        prefixes = ("", "adam_m.", "ema.")
        state = [c.tensors[p + name] for p in prefixes]
        after = cdcd.muon(*state, gradient, parts, step, lr, option("muon_momentum"),
                          option("muon_scale"), decay, option("ema"))
    else:
        prefixes = ("", "adam_m.", "adam_v.", "ema.")
        state = [c.tensors[p + name] for p in prefixes]
        after = cdcd.adamw(*state, gradient, step, lr, option("beta1"), option("beta2"),
                           option("eps"), decay, option("ema"))
    return dict(zip(prefixes, zip(state, after)))


def compare_update(report, bound, before, after, step):
    """Weights, moments and average that follow from the gradients, by cdcd.py."""
    option = before.option
    gradients = scaled_gradients(before, before, after)
    norm = column([step], "grad_norm")[0]
    _, clipped = cdcd.clip_scale(gradients, 0)
    report.add("clipped norm", min(norm, option("clip") or norm), clipped)
    n = int(step["step"])
    lr = cdcd.learning_rate(option("lr"), option("lr_end"), option("warmup"), n, option("steps"))
    report.add("learning rate", lr, column([step], "lr")[0])
    kinds = {"": "weights", "adam_m.": "first moments", "adam_v.": "second moments",
             "ema.": "averages"}
    for name in before.names:
        muon = " of Muon" if before.matrices(name) else ""
        for prefix, (old, value) in updated(before, name, gradients[name], n, lr).items():
            change = np.abs(value - old).max()
            if change > 0:
                report.add(kinds[prefix] + muon, value, after.tensors[prefix + name], change,
                           bound)


def compare_step(bound, change, before, noised, log, steps, after):
    before, after, rows = cdcd.Checkpoint(before), cdcd.Checkpoint(after), cdcd.NoisedRows(noised)
    number = str(before.step + 1)
    log = [r for r in table(log) if r["step"] == number and r["split"] == "train"]
    step = [r for r in table(steps) if r["step"] == number][0]
    batch = before.batch(rows, slice(before.rows, before.rows + len(log)),
                         before.option("even_levels"))
    model = before.model(average=False)
    report = Report(bound)
    ce = model.losses(batch, noise_of(model, batch.seeds), shown_rows(before, len(log)))
    report.add("level", batch.t, column(log, "t"))
    report.add("cross-entropy", ce, column(log, "ce_nats"), np.maximum(ce, LEAST_NATS))
    report.add("mean loss", np.nanmean(ce), column([step], "loss_nats")[0])
    compare_update(report, float(change), before, after, step)
    report.finish()


def run_sampler(even, checkpoint, noised, start, method, steps, T, tau, s0, eta, gamma,
                context, rounds=0):
    c, rows = cdcd.Checkpoint(checkpoint), cdcd.NoisedRows(noised)
    batch, model = c.batch(rows, even=even), c.model()
    batch.t = batch.t.astype(np.float32).astype(float)  # as in the record of a row

    def noises(seeds):
        def step_noise(i):
            steps = [cdcd.random_u64(int(seed), cdcd.RNG_SAMPLE, 0, i) for seed in seeds]
            return noise_of(model, steps, cdcd.RNG_SAMPLE)

        return noise_of(model, seeds), step_noise

    options = [method, int(steps), *[float(v) for v in (T, tau, s0, eta, gamma, context)]]
    x, _, ids = cdcd.sample(model, c.schedule, batch, *noises(rows.seeds), *options, start=start)
    ids = cdcd.refine(model, c.schedule, batch, ids, int(rounds), noises, options)
    return c, rows, x, ids


def compare_sample(bound, checkpoint, noised, raw, *options):
    _, _, x, _ = run_sampler(1, checkpoint, noised, *options)
    theirs = np.fromfile(raw, float).reshape(x.shape)
    report = Report(bound)
    report.add("x", x, theirs, np.abs(x).max(-1, keepdims=True))
    report.finish()


def compare_tokens(checkpoint, noised, path, method, steps, T, tau, eta, gamma, context, rounds):
    c, rows, _, ids = run_sampler(0, checkpoint, noised, "damaged", method, steps, T, tau, 1,
                                  eta, gamma, context, rounds)
    content = subprocess.run(["zstd", "-dqc", path], check=True, capture_output=True).stdout
    theirs = np.frombuffer(content, f"<u{c.meta['vocab.id_bytes']}").reshape(rows.ids.shape)
    ours = c.active[ids]  # given ids, too: those that are not active have become [UNK]
    print(f"{(ours != theirs).sum()} of {ours.size} ids differ; "
          f"{(ours != rows.ids).sum()} are not those of the rows")
    sys.exit((ours != theirs).any() or not (ours != rows.ids).any())


def compare_bound(bound, checkpoint, lowest, spread, log):
    c, log, losses = cdcd.Checkpoint(checkpoint), table(log)[0], []
    for path in (lowest, spread):
        rows = cdcd.NoisedRows(path)
        batch, model = c.batch(rows), c.model()
        losses.append((batch.t, *model.measure(batch, noise_of(model, rows.seeds), len(rows.t))))
    value = cdcd.likelihood_bound(model.d, c.schedule.t_min, c.schedule.t_max, losses[0][1],
                                  losses[1][0], losses[1][2])
    report = Report(bound)
    report.add("bound, nats a token", value, float(log["bound_token_nats"]))
    report.add("mean cross-entropy", losses[1][1].mean(), float(log["ce_nats"]))
    report.finish()


def main(argv):
    commands = {"losses": compare_losses, "step": compare_step, "sample": compare_sample,
                "bound": compare_bound}
    if argv[1:2] == ["tokens"]:
        compare_tokens(*argv[2:])
    elif len(argv) > 3 and argv[1] in commands:
        commands[argv[1]](float(argv[2]), *argv[3:])
    sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv)
