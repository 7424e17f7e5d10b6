#!/usr/bin/python3
"""Whether torch_model.py is the model of lib/model, by what train wrote:

  torch_check.py loss CHECKPOINT NOISED CSV           validation: the averaged weights on NOISED
  torch_check.py step CHECKPOINT NOISED CSV NEXT      the step after CHECKPOINT gives NEXT

CSV is the standard output of the run: levels and cross-entropies. Noise, masks and tokens come from
the noised rows (cdcd-shard(5)), weights and moments from the checkpoint (cdcd-checkpoint(5)).
Prints the greatest differences; fails where they are more than arithmetic in fp32 explains.
"""

import argparse
import csv
import json
import math
import struct
import subprocess
import sys

import torch

sys.dont_write_bytecode = True
from torch_model import AdamW, Model, shapes, train_step

CE_BOUND = 5e-6  # nats a token; measured: 1e-6. The other GELU makes 1e-5
STEP_BOUND = 1e-2  # of the length of a tensor's step; measured: 2e-4, where Adam divides by next to nothing


def checkpoint(path):
    """Metadata, and name -> tensor, of a safetensors file."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + n])
    meta = header.pop("__metadata__")
    types = {"F32": torch.float32, "F64": torch.float64, "I32": torch.int32, "I64": torch.int64,
             "U32": torch.int32, "U64": torch.int64}
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        raw = bytearray(data[8 + n + begin:8 + n + end])
        tensors[name] = torch.frombuffer(raw, dtype=types[t["dtype"]]).view(t["shape"])
    return meta, tensors


def noised_rows(path):
    """Ids [N,T], masks [N,T] and seeds [N] of a file of noised rows."""
    with open(path, "rb") as f:
        data = f.read()
    content = subprocess.run(["zstd", "-dqc", path], check=True, capture_output=True).stdout
    at, seeds, masks = 0, [], []
    while at < len(data):
        size, kind = struct.unpack_from("<I4s", data, at + 4)
        if kind == b"CDCH":
            id_bytes, T = struct.unpack_from("<I4xI", data, at + 20)
        if kind == b"CDCB":
            records = struct.unpack_from("<I", data, at + 16)[0]
            frame = struct.unpack_from("<Q", data, at + 40)[0]
            each = 16 + (T + 7) // 8
            for i in range(at + 56, at + 56 + records * each, each):
                seeds.append(struct.unpack_from("<Q", data, i + 8)[0])
                masks.append([data[i + 16 + j // 8] >> j % 8 & 1 for j in range(T)])
            at += frame
        at += 8 + size
    ids = struct.unpack(f"<{len(content) // id_bytes}{'H' if id_bytes == 2 else 'I'}", content)
    return torch.tensor(ids).view(-1, T), torch.tensor(masks, dtype=torch.float32), seeds


def gaussian(seeds, T, d):
    """rng_normal_at of rng.c: Philox4x32-10 and Box-Muller, [N,T,d]."""
    low = 0xFFFFFFFF
    v = [torch.arange(d // 4)[None, None, :], torch.tensor(0), torch.arange(T)[None, :, None],
         torch.tensor(1)]
    k0 = torch.tensor([s & low for s in seeds])[:, None, None]
    k1 = torch.tensor([s >> 32 for s in seeds])[:, None, None]
    for _ in range(10):
        a, b = v[0] * 0xD2511F53, v[2] * 0xCD9E8D57
        v = [(b >> 32 & low) ^ v[1] ^ k0, b & low, (a >> 32 & low) ^ v[3] ^ k1, a & low]
        k0, k1 = k0 + 0x9E3779B9 & low, k1 + 0xBB67AE85 & low
    z = []
    for i in (0, 2):
        u = ((v[i] >> 8).float() + 0.5) * 2.0**-24
        angle = (v[i + 1] >> 8).float() * (6.283185307179586 * 2.0**-24)
        radius = (-2 * u.log()).sqrt()
        z += [radius * angle.cos(), radius * angle.sin()]
    return torch.stack([x.expand(len(seeds), T, d // 4) for x in z], -1).reshape(len(seeds), T, d)


class Run:
    """A checkpoint, the rows, and the log that belong together."""

    def __init__(self, path, noised, log):
        self.meta, self.tensors = checkpoint(path)
        self.c = argparse.Namespace(precision="fp32")
        for name in ("layers", "width", "heads", "embed", "row_len", "active", "time_width"):
            setattr(self.c, name, int(self.meta["model." + name]))
        for name in ("self_cond", "posterior", "positions", "qk_norm"):
            setattr(self.c, name, self.meta["model." + name] in ("1", "on", "true"))
        self.c.precond = self.meta["model.precond"]
        if self.c.precond not in ("cdcd", "bayes"):
            sys.exit(f"{path}: preconditioning {self.c.precond}, neither cdcd nor bayes")
        self.ids, self.masks, self.seeds = noised_rows(noised)
        self.step = int(self.meta["step"])
        with open(log, newline="") as f:
            self.log = list(csv.DictReader(f))

    def option(self, name):
        return float(self.meta["train." + name])

    def weights(self, prefix=""):
        return {name: self.tensors[prefix + name] for name in shapes(self.c)}

    def batch(self, first, rows):
        """The batch of train for the rows of the log, which begin with row first of the stream."""
        n = slice(first, first + len(rows))
        active = self.tensors["active.id"].long()
        ids = torch.searchsorted(active, self.ids[n]).clamp(max=len(active) - 1)
        unknown = (active == int(self.meta["vocab.unk"])).nonzero()[0, 0]
        ids = torch.where(active[ids] == self.ids[n], ids, unknown)
        weight = self.masks[n].clone()
        if self.meta["train.pad_loss"] not in ("1", "on", "true"):
            weight *= self.ids[n] != int(self.meta["vocab.pad"])
        weight /= weight.sum(-1, keepdim=True).clamp(min=1)
        t = torch.tensor([float(r["t"]) for r in rows])
        return ids, self.masks[n], weight, t, gaussian(self.seeds[n], self.c.row_len, self.c.embed)

    def lr(self, step):
        """optimizer_lr of optimizer.c."""
        total = self.option("steps")
        warm = self.option("warmup") * total
        if step < warm:
            return self.option("lr") * step / warm
        done = min((step - warm) / (total - warm), 1) if total > warm else 1
        end = self.option("lr_end")
        return self.option("lr") * (end + (1 - end) * 0.5 * (1 + math.cos(math.pi * done)))


def against(name, ce, weight, rows):
    ours = torch.tensor([float(r["ce_nats"]) for r in rows])
    worst = ((ce * weight).sum(-1) - ours).abs().max().item()
    print(f"{name}: {len(rows)} rows, mean {ours.mean():.4f} nats, greatest difference {worst:.1e}")
    return worst <= CE_BOUND


def check_loss(path, noised, log):
    run = Run(path, noised, log)
    rows = [r for r in run.log if r["split"] == "valid" and int(r["step"]) == run.step]
    if not rows:
        sys.exit(f"{log}: no validation at step {run.step}, which is that of {path}")
    with torch.inference_mode():
        model = Model(run.c, run.weights("ema."))
        ids, noise_mask, weight, t, noise = run.batch(0, rows)
        ce = model.loss(ids, noise_mask, weight, t, noise, len(rows))
    return against("validation", ce, weight, rows)


def check_step(path, noised, log, after):
    run = Run(path, noised, log)
    rows = [r for r in run.log if r["split"] == "train" and int(r["step"]) == run.step + 1]
    if not rows:
        sys.exit(f"{log}: no step {run.step + 1}, which comes after {path}")
    w = {n: x.requires_grad_() for n, x in run.weights().items()}
    before = {n: x.detach().clone() for n, x in w.items()}
    optimizer = AdamW(w, run.weights("adam_m."), run.weights("adam_v."), run.weights("ema."))
    batch = run.batch(int(run.meta["rows"]), rows)
    rate, first = run.option("self_cond_rate"), int(run.meta["rows"])
    n_sc = math.floor(rate * (first + len(rows))) - math.floor(rate * first) if run.c.self_cond else 0
    names = ("beta1", "beta2", "eps", "decay", "clip", "ema")
    ce, _ = train_step(Model(run.c, w), optimizer, batch, n_sc, run.step + 1, lr=run.lr(run.step + 1),
                       **{name: run.option(name) for name in names})
    good = against(f"step {run.step + 1}", ce.detach(), batch[2], rows)
    next_ = checkpoint(after)[1]
    worst = max((((w[n].detach() - next_[n]).norm() / (next_[n] - before[n]).norm()).item(), n) for n in w
                if not torch.equal(next_[n], before[n]))
    ema = max((optimizer.average[n] - next_["ema." + n]).abs().max().item() for n in w)
    print(f"weights: greatest difference {worst[0]:.1e} of the length of a step, in {worst[1]}; "
          f"averages: {ema:.1e}")
    return good and worst[0] <= STEP_BOUND and ema <= 1e-4


def main():
    torch.set_num_threads(1)
    checks = {("loss", 5): check_loss, ("step", 6): check_step}
    check = checks.get((sys.argv[1] if len(sys.argv) > 1 else "", len(sys.argv)))
    if not check:
        sys.exit(__doc__)
    if not check(*sys.argv[2:]):
        sys.exit("not the same model")


if __name__ == "__main__":
    main()
