#!/usr/bin/python3
"""An autoregressive transformer in PyTorch, the baseline of autoregressive.mk. Options: see --help.

  autoregressive.py train -w VOCAB --valid ROWS -o MODEL ROWS
                                         train a model; print its learning curve as CSV
  autoregressive.py score -m MODEL ROWS  print -ln p of each row as CSV
  autoregressive.py sample -m MODEL      print new texts, one a line, as "tok -d" would

ROWS is the output of "pack --ids": the ids of one row a line. The model predicts each id of a row
from those before it, [PAD] included, and the first from none. So p is a distribution over the same
rows as that of a diffusion model, and nats per row can be compared. Ids that do not occur in the
training rows are read as [UNK].

Optimiser, learning rate and weight average are those of the preset tiny of train. Everything runs
on one thread, so that processor time can be compared. Written for PyTorch 1.13; needs nothing else.
"""

import argparse
import math
import os
import sys
import time

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    sys.exit(f"autoregressive.py: {sys.executable} has no PyTorch (Debian: python3-torch)")

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CHUNK = 64  # rows that are scored or sampled together


def fail(message):
    sys.exit(f"autoregressive.py: {message}")


def read_rows(path):
    try:
        with open(path, encoding="ascii") as file:
            rows = [[int(i) for i in line.split()] for line in file]
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except ValueError:
        fail(f"{path}: not the output of pack --ids")
    if not rows or not rows[0]:
        fail(f"{path}: no rows (expected the output of pack --ids)")
    if any(len(r) != len(rows[0]) for r in rows):
        fail(f"{path}: rows of different lengths (make them equal with pack -T)")
    return torch.tensor(rows)


class Model(torch.nn.Module):
    """A decoder: pre-norm, rotary and learned positions, embeddings shared with the output."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        C, V, T = c["width"], len(c["ids"]), c["row_len"]
        D = C // c["heads"]
        self.embed = torch.nn.Parameter(torch.randn(V, C) / math.sqrt(C))
        self.start = torch.nn.Parameter(torch.zeros(C))
        self.position = torch.nn.Parameter(torch.zeros(T, C))
        self.bias = torch.nn.Parameter(torch.zeros(V))
        self.blocks = torch.nn.ParameterList()
        for _ in range(c["layers"]):
            for out, into, gain in ((3 * C, C, 1), (C, C, 0), (4 * C, C, 1), (C, 4 * C, 0)):
                self.blocks.append(torch.nn.Parameter(gain * torch.randn(out, into) / math.sqrt(into)))
        angle = torch.arange(T)[:, None] * 10000 ** (-2.0 * torch.arange(D // 2) / D)
        self.rope = angle.cos().bfloat16(), angle.sin().bfloat16()
        self.future = torch.full((T, T), -math.inf).triu(1).bfloat16()

    def matrices(self):
        """The matrices that Muon updates: queries, keys and values are one each."""
        return [m for w in self.blocks for m in (w.chunk(3) if len(w) == 3 * self.c["width"] else (w,))]

    def rotate(self, x):
        cos, sin = (r[: x.shape[-2]] for r in self.rope)
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * sin, a * sin + b * cos), -1)

    def attention(self, x, qkv, out):
        B, T, C = x.shape
        q, k, v = F.linear(x, qkv).view(B, T, 3, self.c["heads"], -1).permute(2, 0, 3, 1, 4)
        q = self.rotate(q) / math.sqrt(q.shape[-1])
        score = q @ self.rotate(k).transpose(-1, -2) + self.future[:T, :T]
        p = torch.softmax(score, -1)
        return F.linear((p @ v).transpose(1, 2).reshape(B, T, C), out)

    def norm(self, x):
        return F.layer_norm(x, x.shape[-1:]).bfloat16()

    def forward(self, index):
        """Logits [B,T+1,V] of each id and the next one; index [B,T] may have T = 0."""
        x = torch.cat((self.start.expand(len(index), 1, -1), self.embed[index]), 1)
        x = x * math.sqrt(self.c["width"]) + self.position[: x.shape[1]]
        w = [w.bfloat16() for w in self.blocks]
        for qkv, out, up, down in zip(w[0::4], w[1::4], w[2::4], w[3::4]):
            x = x + self.attention(self.norm(x), qkv, out)
            x = x + F.linear(F.gelu(F.linear(self.norm(x), up)), down)
        return F.linear(self.norm(x), self.embed.bfloat16(), self.bias.bfloat16()).float()

    def nats(self, index):
        """-ln p of each id: [B,T]."""
        logits = self(index[:, :-1]).flatten(0, 1)
        return F.cross_entropy(logits, index.flatten(), reduction="none").view(index.shape)

    def index(self, rows):
        """Indices into the ids in use of the ids in rows."""
        ids, unknown = self.c["ids"], self.c["vocab"].index("[UNK]")
        table = torch.full((len(self.c["vocab"]),), ids.index(unknown))
        table[ids] = torch.arange(len(ids))
        return table[rows]


def row_nats(model, rows):
    """-ln p of each row."""
    with torch.no_grad():
        return torch.cat([model.nats(model.index(r)).double().sum(1) for r in rows.split(CHUNK)])


def text_tokens(c, rows):
    """Number of ids of each row other than [PAD] and [CLS]."""
    pad, first = c["vocab"].index("[PAD]"), c["vocab"].index("[CLS]")
    return ((rows != pad) & (rows != first)).sum(1)


class Optimizer:
    """Muon for the matrices and AdamW for the rest, as in lib/train/optimizer.c, with its EMA."""

    def __init__(self, model, o):
        self.o, self.model, self.step = o, model, 0
        self.ema = [p.detach().clone() for p in model.parameters()]
        self.m = [torch.zeros_like(p) for p in model.parameters()]
        self.v = [torch.zeros_like(p) for p in model.parameters()]
        self.muon = {id(p) for p in model.blocks}

    def rate(self):
        warm = 0.03 * self.o.steps
        if self.step < warm:
            return self.o.lr * self.step / warm
        done = min(1, (self.step - warm) / max(1, self.o.steps - warm))
        return self.o.lr * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * done)))

    @staticmethod
    def orthogonalize(x):
        """U V^T of x = U S V^T, roughly: Jordan et al. 2024, kellerjordan.github.io/posts/muon."""
        y = x.T if len(x) > x.shape[1] else x
        y = (y / (y.norm() + 1e-12)).bfloat16()
        for _ in range(5):
            a = y @ y.T
            y = 3.4445 * y + (-4.7750 * a + 2.0315 * a @ a) @ y
        return (y.T if len(x) > x.shape[1] else y).float()

    def update(self, p, g, m, v, lr):
        if id(p) in self.muon:
            m.lerp_(g, 0.1)
            g = g.lerp(m, 0.9)
            parts = g.chunk(3) if len(p) == 3 * p.shape[1] else (g,)
            u = torch.cat([self.orthogonalize(x) * 0.8 * math.sqrt(max(x.shape)) for x in parts])
        else:
            m.lerp_(g, 0.1)
            v.lerp_(g.square(), 0.01)
            u = m / (1 - 0.9**self.step) / ((v / (1 - 0.99**self.step)).sqrt() + 1e-8)
        p.mul_(1 - lr * 0.01 * (p.dim() > 1)).sub_(lr * u)

    @torch.no_grad()
    def advance(self):
        self.step += 1
        params = list(self.model.parameters())
        torch.nn.utils.clip_grad_norm_(params, 1)
        for p, m, v, e in zip(params, self.m, self.v, self.ema):
            self.update(p, p.grad, m, v, self.rate())
            e.lerp_(p, 1 - min(self.o.ema, (1 + self.step) / (10 + self.step)))
            p.grad = None


def averaged(model, optimizer):
    """A model with the average of the weights."""
    other = Model(model.c)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        for p, e in zip(other.parameters(), optimizer.ema):
            p.copy_(e)
    return other


class Batches:
    """Numbers of the rows of each batch: every row once, in random order, and again."""

    def __init__(self, n, size):
        self.n, self.size, self.order = n, size, torch.tensor([], dtype=torch.long)

    def next(self):
        while len(self.order) < self.size:
            self.order = torch.cat((self.order, torch.randperm(self.n)))
        batch, self.order = self.order[: self.size], self.order[self.size :]
        return batch


class Training:
    """A training between two steps, which --state keeps to continue it bit for bit."""

    def __init__(self, o, config, rows):
        self.o, self.model = o, Model(config)
        self.optimizer, self.batches = Optimizer(self.model, o), Batches(len(rows), o.batch)
        self.spent, self.curve = 0.0, ["step,processor_s,train_nats,row_nats,token_nats"]
        named = ("steps", "batch", "lr", "ema", "valid_every", "seed")
        checksum = (rows.flatten() * torch.arange(rows.numel())).sum().item()
        self.settings = {**config, **{k: getattr(o, k) for k in named}, "rows": checksum}

    def tensors(self):
        opt = self.optimizer
        return [*self.model.parameters(), *opt.ema, *opt.m, *opt.v]

    def save(self):
        """Replace the file of the state at once, so that a kill leaves the old or the new one."""
        saved = {
            "settings": self.settings,
            "step": self.optimizer.step,
            "spent": self.spent,
            "curve": self.curve,
            "tensors": [t.detach() for t in self.tensors()],
            "order": self.batches.order.clone(),
            "random": torch.get_rng_state(),
        }
        try:
            torch.save(saved, self.o.state + ".tmp")
            os.replace(self.o.state + ".tmp", self.o.state)
        except (OSError, RuntimeError) as error:
            fail(f"{self.o.state}: {error}")

    def load(self):
        try:
            saved = torch.load(self.o.state)
            settings = saved["settings"]
        except Exception:  # as in load
            fail(f"{self.o.state}: not a state that autoregressive.py train wrote")
        other = [k for k in self.settings if settings.get(k) != self.settings[k]]
        if other:
            fail(f"{self.o.state}: has another {other[0]}; remove it to start again")
        with torch.no_grad():
            for t, s in zip(self.tensors(), saved["tensors"]):
                t.copy_(s)
        self.spent, self.curve = saved["spent"], saved["curve"]
        self.optimizer.step, self.batches.order = saved["step"], saved["order"]
        torch.set_rng_state(saved["random"])
        print(f"{self.o.state}: continues after step {saved['step']}", file=sys.stderr)


def read_vocab(path):
    try:
        with open(path, encoding="utf-8") as file:
            vocab = file.read().split("\n")
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{path}: not UTF-8")
    missing = [s for s in SPECIAL if s not in vocab]
    if missing:
        fail(f"{path}: has no token {missing[0]}")
    return vocab[:-1] if vocab[-1] == "" else vocab


def train(o):
    rows, valid, vocab = read_rows(o.rows), read_rows(o.valid), read_vocab(o.vocab)
    if o.width % (2 * o.heads):
        fail(f"--width {o.width}: not a multiple of twice --heads")
    if max(rows.max(), valid.max()) >= len(vocab):
        fail(f"{o.vocab}: {len(vocab)} tokens, but the rows have larger ids")
    if rows.shape[1] != valid.shape[1]:
        fail(f"{o.valid}: rows of {valid.shape[1]} ids (expected {rows.shape[1]}, as in {o.rows})")
    ids = sorted(set(rows.unique().tolist()) | {vocab.index(s) for s in SPECIAL[:4]})
    c = {"layers": o.layers, "width": o.width, "heads": o.heads, "row_len": rows.shape[1]}
    tr = Training(o, {**c, "ids": ids, "vocab": vocab}, rows)
    model, optimizer = tr.model, tr.optimizer
    n = sum(p.numel() for p in model.parameters())
    print(f"{n} parameters, {len(ids)} tokens in use, {len(rows)} rows", file=sys.stderr)
    if o.state and os.path.exists(o.state):
        tr.load()
    index, tokens = model.index(rows), text_tokens(model.c, valid).double().mean()
    print(*tr.curve, sep="\n", flush=True)
    begun = time.process_time()
    while optimizer.step < o.steps:
        loss = model.nats(index[tr.batches.next()]).mean()
        loss.backward()
        optimizer.advance()
        if optimizer.step % o.valid_every and optimizer.step != o.steps:
            continue
        tr.spent += time.process_time() - begun
        nats = row_nats(averaged(model, optimizer), valid).mean()
        at = f"{optimizer.step},{tr.spent:.1f}"
        tr.curve.append(f"{at},{loss * rows.shape[1]:.4f},{nats:.4f},{nats / tokens:.4f}")
        print(tr.curve[-1], flush=True)
        if o.state:
            tr.save()
        begun = time.process_time()
    torch.save({"config": model.c, "weights": averaged(model, optimizer).state_dict()}, o.output)


def load(path):
    try:
        saved = torch.load(path)
        model = Model(saved["config"])
        model.load_state_dict(saved["weights"])
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except Exception:  # torch.load has no exception of its own for other files
        fail(f"{path}: not a model that autoregressive.py train wrote")
    return model


def score(o):
    model, rows = load(o.model), read_rows(o.rows)
    if rows.shape[1] != model.c["row_len"]:
        fail(f"{o.rows}: rows of {rows.shape[1]} ids (expected {model.c['row_len']}, as in training)")
    print("tokens,nats")
    for tokens, nats in zip(text_tokens(model.c, rows), row_nats(model, rows)):
        print(f"{tokens},{nats:.6f}")


def text_of(c, index):
    """The words of a row, up to [SEP]; "tok --lines" and "tok -d" set the spaces as in other texts."""
    words = []
    for i in index.tolist():
        token = c["vocab"][c["ids"][i]]
        if token == "[SEP]":
            break
        if token.startswith("##") and words:
            words[-1] += token[2:]
        elif token not in SPECIAL:
            words.append(token)
    return " ".join(words)


def sample(o):
    model = load(o.model)
    with torch.no_grad():
        for first in range(0, o.count, CHUNK):
            index = torch.zeros((min(CHUNK, o.count - first), 0), dtype=torch.long)
            for _ in range(model.c["row_len"]):
                p = torch.softmax(model(index)[:, -1] / o.temperature, -1)
                index = torch.cat((index, torch.multinomial(p, 1)), 1)
            for row in index:
                print(text_of(model.c, row))


class Parser(argparse.ArgumentParser):
    """Errors are one line, as in the tools."""

    def error(self, message):
        print(f"autoregressive.py: {message}", file=sys.stderr)
        sys.exit(2)


def positive(kind):
    def parse(text):
        value = kind(text)
        if not 0 < value < 1e9:
            raise argparse.ArgumentTypeError(f"not above 0: {text}")
        return value

    return parse


def main():
    count, real = positive(int), positive(float)
    parser = Parser(description="An autoregressive transformer, as a baseline.")
    modes = parser.add_subparsers(dest="mode", required=True)
    t = modes.add_parser("train", help="train a model; print its learning curve as CSV")
    t.add_argument("rows", help="training rows: output of pack --ids")
    t.add_argument("--valid", required=True, help="held-out rows")
    t.add_argument("-w", "--vocab", required=True, help="vocabulary of the rows, one token per line")
    t.add_argument("-o", "--output", required=True, help="model to write")
    t.add_argument("-n", "--steps", type=count, default=1000, help="steps [1000]")
    t.add_argument("-B", "--batch", type=count, default=32, help="rows per step [32]")
    t.add_argument("--layers", type=count, default=4, help="blocks [4]")
    t.add_argument("--width", type=count, default=128, help="channels [128]")
    t.add_argument("--heads", type=count, default=4, help="attention heads [4]")
    t.add_argument("--lr", type=real, default=3e-3, help="peak learning rate [0.003]")
    t.add_argument("--ema", type=real, default=0.999, help="decay of the average of the weights [0.999]")
    t.add_argument("--valid-every", type=count, default=250, help="steps between validations [250]")
    t.add_argument("--state", help="file to continue from, if it exists, and to write at each validation")
    m = modes.add_parser("score", help="print the text tokens and -ln p of each row as CSV")
    m.add_argument("rows", help="rows: output of pack --ids")
    s = modes.add_parser("sample", help="print new texts, one a line")
    s.add_argument("-n", "--count", type=count, default=10, help="number of texts [10]")
    s.add_argument("-T", "--temperature", type=real, default=1, help="temperature [1]")
    for mode in (m, s):
        mode.add_argument("-m", "--model", required=True, help="model that train wrote")
    for mode in (t, s):
        mode.add_argument("-s", "--seed", type=int, default=1, help="random seed [1]")
    o = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(getattr(o, "seed", 1))
    {"train": train, "score": score, "sample": sample}[o.mode](o)


main()
