#!/usr/bin/python3
"""The model of lib/model in PyTorch, for comparison: trains or samples, and prints a row of CSV

  name,precision,phase,tokens_per_s,peak_rss_mib,threads

tokens_per_s is that of the median step; of the "sample" phase, tokens of finished text a second.
One measurement a process, so that the peak memory is its own. Needs torch alone; written for 1.13,
and as fast there as it gets without kernels of one's own. torch_check.py proves that it is the same
model: the same losses, and the same weights after a step. tests/bench/torch runs it.
"""

import argparse
import math
import resource
import sys
import time

import torch
import torch.nn.functional as F

CHUNK = 512  # rows whose logits exist at one time, where no gradient needs them later


def shapes(c):
    """Name -> shape of every tensor, as in weights.c and in checkpoints."""
    C, d, W, V = c.width, c.embed, c.time_width, (c.active + 63) // 64 * 64
    slots = 2 + c.self_cond + c.posterior
    linear = {"in": (C, (slots * d + 1 + 15) // 16 * 16), "time.0": (W, W), "time.1": (W, W)}
    s = {"embed.weight": (V, d), "embed.bias": (V,)}
    if c.positions:
        s["position"] = (c.row_len, C)
    for i in range(c.layers):
        b = f"blocks.{i}."
        linear[b + "modulation"] = (6 * C, W)
        linear[b + "attention.qkv"] = (3 * C, C)
        linear[b + "attention.out"] = (C, C)
        linear[b + "mlp.up"] = (4 * C, C)
        linear[b + "mlp.down"] = (C, 4 * C)
        if c.qk_norm:
            s[b + "attention.scale"] = (c.heads,)
    linear["head.modulation"] = (2 * C, W)
    linear["head"] = (d, C)
    for name, (out, into) in linear.items():
        s[name + ".weight"] = (out, into)
        s[name + ".bias"] = (out,)
    return s


def initial(c):
    """Weights to measure with: of the size that weights.c begins with, not the same numbers."""
    w = {}
    for name, shape in shapes(c).items():
        w[name] = torch.randn(shape) / math.sqrt(shape[-1]) if len(shape) > 1 else torch.zeros(shape)
        if name.endswith("attention.scale"):
            w[name] += math.sqrt(c.width // c.heads)
        elif name.endswith("modulation.bias"):
            w[name] += 0.5
    w["embed.bias"][c.active:] = -1e6
    return w


class CrossEntropy(torch.autograd.Function):
    """F.cross_entropy of every row, with the probabilities kept for the gradient."""

    @staticmethod
    def forward(ctx, logits, ids):
        p = F.log_softmax(logits, -1, dtype=torch.float32)
        ce = -p.gather(1, ids[:, None])[:, 0]
        ctx.save_for_backward(p.exp_(), ids)
        ctx.dtype = logits.dtype
        return ce

    @staticmethod
    def backward(ctx, d_ce):
        p, ids = ctx.saved_tensors
        p = p.mul_(d_ce[:, None])
        p.scatter_add_(1, ids[:, None], -d_ce[:, None])
        return p.to(ctx.dtype), None


class Model:
    """lib/model/denoiser.c and transformer.c. w: name -> tensor."""

    def __init__(self, c, w):
        self.c, self.w = c, w
        D = c.width // c.heads
        angle = torch.arange(c.row_len)[:, None] * 10000 ** (-2.0 * torch.arange(D // 2) / D)
        self.rope = angle.cos()[:, None, None, :], angle.sin()[:, None, None, :]
        self.prepare()

    def prepare(self):
        """After every change of the weights: the table, and the operands of the products."""
        dtype = torch.bfloat16 if self.c.precision == "bf16" else torch.float32
        w = self.w["embed.weight"]
        self.e = w * (w.square().sum(-1, keepdim=True).add(1e-30) / self.c.embed).rsqrt()
        # Once a step: autocast would do it again for the passes without a gradient.
        self.low = {n: v.to(dtype) for n, v in self.w.items() if n not in ("embed.weight", "position")}
        self.e_low = self.e.to(dtype)
        self.rope_low = [r.to(dtype) for r in self.rope]

    def linear(self, name, x):
        return F.linear(x, self.low[name + ".weight"], self.low[name + ".bias"])

    def logits(self, D):
        return F.linear(D, self.e_low, self.low["embed.bias"])

    def expect(self, D):
        """The mean embedding under softmax(logits): [M,d]."""
        parts = [torch.softmax(self.logits(part), -1) @ self.e_low for part in D.split(CHUNK)]
        return torch.cat(parts).float()

    def attention(self, a, b):
        c, (cos, sin) = self.c, self.rope_low
        B, T, H, D = len(a), c.row_len, c.heads, c.width // c.heads
        qkv = self.linear(b + "attention.qkv", a).view(B, T, 3, H, D)
        qk, v = qkv.split((2, 1), 2)  # not by slices: their gradients fill whole arrays
        if c.qk_norm:
            qk = F.normalize(qk, dim=-1, eps=1e-6)
        x, y = qk.chunk(2, -1)
        q, k = torch.cat((x * cos - y * sin, x * sin + y * cos), -1).unbind(2)
        q = q * (self.low[b + "attention.scale"][:, None] if c.qk_norm else D**-0.5)
        p = torch.softmax(q.transpose(1, 2) @ k.permute(0, 2, 3, 1), -1)
        return self.linear(b + "attention.out", (p @ v.squeeze(2).transpose(1, 2)).transpose(1, 2).reshape(a.shape))

    def modulate(self, h, shift, scale):
        return torch.addcmul(shift, F.layer_norm(h, h.shape[-1:]), 1 + scale)

    def transformer(self, row, t):
        """F: [B,T,d] from input rows [B,T,config_input] at levels t [B]."""
        c = self.c
        angle = 100 ** torch.linspace(0, 1, c.time_width // 2) * (t.log() / 4)[:, None]
        cond = F.silu(self.linear("time.0", torch.cat((angle.cos(), angle.sin()), -1)))
        cond = F.silu(self.linear("time.1", cond))[:, None]
        h = self.linear("in", row).float()
        if c.positions:
            h = h + self.w["position"]
        for i in range(c.layers):
            b = f"blocks.{i}."
            m = self.linear(b + "modulation", cond).float().chunk(6, -1)
            h = torch.addcmul(h, m[2], self.attention(self.modulate(h, m[0], m[1]), b))
            u = self.linear(b + "mlp.up", self.modulate(h, m[3], m[4]))
            h = torch.addcmul(h, m[5], self.linear(b + "mlp.down", F.gelu(u, approximate="tanh")))
        m = self.linear("head.modulation", cond).float().chunk(2, -1)
        return self.linear("head", self.modulate(h, *m)).float()

    def posterior(self, x, t):
        """The mean embedding under each position's own, context-free posterior."""
        with torch.no_grad():
            scaled = x / t[:, None, None].square()
            return self.expect(scaled.view(-1, self.c.embed)).view_as(x)

    def forward(self, x, given, noised, p, q, t):
        """D [B,T,d], of the rows "cdcd" and "bayes" of precond.c. given: the embeddings of the true
        tokens."""
        c, m, t3 = self.c, noised[..., None], t[:, None, None]
        row = [x * (m * (1 + t3.square()).rsqrt()), given * (1 - m)]
        if c.self_cond:
            row.append(torch.zeros_like(x) if p is None else p * m)
        if c.posterior:
            row.append(q * m)
        row.append(m)
        row = torch.cat(row, -1)
        width = self.w["in.weight"].shape[1]
        row = F.pad(row, (0, width - row.shape[-1]))
        D = self.transformer(row, t)
        return D if c.precond == "cdcd" else torch.addcmul(D, x, t3 ** -2)

    def loss(self, ids, noised, weight, t, noise, n_sc):
        """Cross-entropy of every position with a weight; the first n_sc sequences see themselves."""
        given = F.embedding(ids, self.e)
        x = torch.addcmul(given, noise, t[:, None, None])
        with torch.no_grad():
            q = self.posterior(x, t) if self.c.posterior else None
            p = None
            if self.c.self_cond and n_sc:
                s = slice(0, n_sc)
                D = self.forward(x[s], given[s], noised[s], None, q if q is None else q[s], t[s])
                p = torch.zeros_like(x)
                p[s] = self.expect(D.view(-1, self.c.embed)).view_as(x[s])
        D = self.forward(x, given, noised, p, q, t).view(-1, self.c.embed)
        ids, at = ids.view(-1), weight.view(-1).nonzero()[:, 0]
        if len(at) < len(D):
            D, ids = D[at], ids[at]
        ce = CrossEntropy.apply(self.logits(D), ids)
        return torch.zeros(weight.numel()).index_copy(0, at, ce).view_as(weight)

    def estimate(self, x, p, t):
        """D and the expected embedding of a batch without given tokens."""
        q = self.posterior(x, t) if self.c.posterior else None
        return self.forward(x, torch.zeros_like(x), torch.ones(x.shape[:2]), p, q, t)


class AdamW:
    """lib/train/optimizer.c. In slices that stay in the cache: without a fused kernel, every
    operation on whole tensors would be a pass over memory."""

    SLICE = 1 << 17

    def __init__(self, w, m, v, average):
        self.w, self.m, self.v, self.average = w, m, v, average

    @torch.no_grad()
    def step(self, n, lr, beta1=0.9, beta2=0.99, eps=1e-8, decay=0.01, clip=1.0, ema=0.9999):
        grads = [p.grad for name, p in self.w.items() if not name.startswith("embed.")]
        norm = float(torch.stack(torch._foreach_norm(grads)).norm())
        c1, c2 = 1 - beta1**n, 1 - beta2**n
        ema = min(ema, (1 + n) / (10 + n))
        for name, p in self.w.items():
            embedding = name.startswith("embed.")
            keep = 1 - lr * decay * (name.endswith(".weight") and not embedding)
            g = p.grad.mul_(clip / norm) if norm > clip > 0 and not embedding else p.grad
            flat = (x.view(-1).split(self.SLICE)
                    for x in (p, g, self.m[name], self.v[name], self.average[name]))
            for p_, g_, m_, v_, average_ in zip(*flat):
                m_.lerp_(g_, 1 - beta1)
                v_.mul_(beta2).addcmul_(g_, g_, value=1 - beta2)
                p_.mul_(keep).addcdiv_(m_, (v_ / c2).sqrt_().add_(eps), value=-lr / c1)
                average_.lerp_(p_, 1 - ema)
            p.grad = None
        return norm


def autocast(c):
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=c.precision == "bf16")


def train_step(model, optimizer, batch, n_sc, n, **options):
    """One step as in trainer.c; the loss of every position, and the norm of the gradient."""
    ids, noised, weight, t, noise = batch
    with autocast(model.c):
        model.prepare()
        ce = model.loss(ids, noised, weight, t, noise, n_sc)
    (ce * weight).sum().div(len(ids)).backward()
    return ce, optimizer.step(n, **options)


def bench_train(c):
    w = {n: x.requires_grad_() for n, x in initial(c).items()}
    model = Model(c, w)
    zeros = [{n: torch.zeros_like(x) for n, x in w.items()} for _ in range(2)]
    optimizer = AdamW(w, *zeros, {n: x.detach().clone() for n, x in w.items()})
    ids = torch.randint(c.active, (c.batch, c.row_len))
    noised = torch.ones(c.batch, c.row_len)
    seconds = []
    for n in range(c.warm + c.steps):
        start = time.monotonic()
        t = math.sqrt(c.embed) * torch.logspace(math.log10(1 / 16), math.log10(18), c.batch)
        noise = torch.randn(c.batch, c.row_len, c.embed)
        batch = ids, noised, noised / c.row_len, t, noise
        train_step(model, optimizer, batch, c.batch // 2 if c.self_cond else 0, n + 1, lr=3e-4)
        seconds.append(time.monotonic() - start)
    return c.batch * c.row_len / median(seconds[c.warm:])


def bench_sample(c):
    """The Euler method of sampler.c, c.steps steps and the decision at the end."""
    seconds = []
    with torch.inference_mode(), autocast(c):
        model = Model(c, initial(c))
        t = math.sqrt(c.embed) * torch.logspace(math.log10(18), math.log10(1 / 16), c.steps + 1)
        x, p = t[0] * torch.randn(c.batch, c.row_len, c.embed), None
        for i in range(c.steps + 1):
            start = time.monotonic()
            D = model.estimate(x, p, t[i].expand(c.batch)).view(-1, c.embed)
            if i == c.steps:
                model.logits(D).argmax(-1)
                break
            p = model.expect(D).view_as(x)
            x = torch.lerp(x, p, 1 - t[i + 1] / t[i])
            seconds.append(time.monotonic() - start)
    return c.batch * c.row_len / (median(seconds) * (c.steps + 1))


def median(v):
    v = sorted(v)
    return (v[(len(v) - 1) // 2] + v[len(v) // 2]) / 2


def main():
    a = argparse.ArgumentParser(description="The model of cdcd in PyTorch: a row of CSV.")
    for name, value in (("layers", 4), ("width", 128), ("heads", 4), ("embed", 32), ("row-len", 80),
                        ("active", 232), ("batch", 64), ("time-width", 128), ("threads", 2)):
        a.add_argument("--" + name, type=int, default=value, help=f"[{value}]")
    a.add_argument("--no-self-cond", dest="self_cond", action="store_false")
    a.add_argument("--no-posterior", dest="posterior", action="store_false")
    a.add_argument("--no-positions", dest="positions", action="store_false")
    a.add_argument("--no-qk-norm", dest="qk_norm", action="store_false")
    a.add_argument("--name", default="tiny", help="first column [tiny]")
    a.add_argument("--precond", choices=("cdcd", "bayes"), default="cdcd", help="[cdcd]")
    a.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    a.add_argument("--phase", choices=("train", "sample"), default="train")
    a.add_argument("--steps", type=int, default=5, help="timed steps; of the sampler, all [5]")
    a.add_argument("--warm", type=int, default=1, help="steps before those, in training [1]")
    a.add_argument("--profile", action="store_true", help="time by operation, on standard error")
    c = a.parse_args()
    torch.set_num_threads(c.threads)
    torch.manual_seed(0)
    run = bench_train if c.phase == "train" else bench_sample
    if c.profile:
        with torch.profiler.profile() as profile:
            speed = run(c)
        print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=25,
                                           max_name_column_width=40), file=sys.stderr)
    else:
        speed = run(c)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{c.name},{c.precision},{c.phase},{speed:.1f},{peak:.0f},{c.threads}")


if __name__ == "__main__":
    main()
