#!/usr/bin/python3
"""Whether torch_model.py, the peer for speed, is the model of tests/numpy/cdcd.py:

  torch_check.py CHECKPOINT NOISED

compares the losses of all rows under the averaged weights, and one update of the optimiser on the
first batch. Prints the largest differences; fails where they are more than fp32 explains.
"""

import argparse
import os
import sys

import torch

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "numpy"))
import cdcd
from torch_model import AdamW, Model, train_step

CE_BOUND = 5e-6  # nats; measured: 1e-6. The other form of GELU makes 1e-5
STEP_BOUND = 1e-2  # of the largest change of a tensor; measured: 2e-4, where Adam divides by little


def tensors(arrays):
    return {name: torch.tensor(a, dtype=torch.float32) for name, a in arrays.items()}


def torch_batch(batch, noise):
    return (torch.tensor(batch.ids), *[torch.tensor(a, dtype=torch.float32)
                                       for a in (batch.mask, batch.weight, batch.t, noise)])


def configuration(c):
    if c.config["precond"] not in ("cdcd", "bayes") or c.config["copy_heads"]:
        sys.exit("torch_model.py has the preconditioning cdcd and bayes, and no copy attention")
    return argparse.Namespace(precision="fp32", **c.config)


def check_losses(c, rows):
    """The largest difference of a row's loss, nats."""
    batch, model = c.batch(rows), c.model()
    noise = cdcd.gaussian(rows.seeds, model.T, model.d)
    ids, mask, weight, t, noise32 = torch_batch(batch, noise)
    with torch.inference_mode():
        peer = Model(configuration(c), tensors(c.weights("ema.")))
        ce = peer.loss(ids, mask, weight, t, noise32, len(ids))
    ours = model.losses(batch, noise, len(ids))
    worst = abs((ce * weight).sum(-1).numpy() - ours).max()
    print(f"losses: {len(ours)} rows, mean {ours.mean():.4f} nats, largest difference {worst:.1e}")
    return worst


def check_update(c, rows):
    """The largest difference of a weight or average, of the largest change of its tensor."""
    batch = c.batch(rows, slice(0, int(c.option("batch"))), held_out=False)
    noise = cdcd.gaussian(batch.seeds, c.config["row_len"], c.config["embed"])
    w = {n: x.requires_grad_() for n, x in tensors(c.weights()).items()}
    m, v, average = [tensors(c.weights(prefix)) for prefix in ("adam_m.", "adam_v.", "ema.")]
    n, worst, options = c.step + 1, 0, ("beta1", "beta2", "eps", "clip", "ema")
    option = {name: c.option(name) for name in options}
    option["decay"] = c.option("weight_decay")
    lr = cdcd.learning_rate(c.option("lr"), c.option("lr_end"), c.option("warmup"), n,
                            c.option("steps"))
    train_step(Model(configuration(c), w), AdamW(w, m, v, average), torch_batch(batch, noise), 0, n,
               lr=lr, **option)
    del option["clip"]  # the gradients are taken from the moments, after clipping
    decay = option.pop("decay")
    for name, before in c.weights().items():
        state = [c.tensors[prefix + name].astype(float) for prefix in ("", "adam_m.", "adam_v.", "ema.")]
        g = (m[name].numpy().astype(float) - option["beta1"] * state[1]) / (1 - option["beta1"])
        expected = cdcd.adamw(*state, g, n, lr, decay=decay * cdcd.has_weight_decay(name), **option)
        for got, want in ((w[name].detach(), expected[0]), (average[name], expected[3])):
            change = abs(expected[0] - before).max()
            if change > 0:
                worst = max(worst, abs(got.numpy() - want).max() / change)
    print(f"update: largest difference {worst:.1e} of the largest change of a tensor")
    return worst


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    c, rows = cdcd.Checkpoint(sys.argv[1]), cdcd.NoisedRows(sys.argv[2])
    if not (check_losses(c, rows) <= CE_BOUND and check_update(c, rows) <= STEP_BOUND):
        sys.exit("not the same model")


if __name__ == "__main__":
    main()
