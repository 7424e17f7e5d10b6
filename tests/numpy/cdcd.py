#!/usr/bin/python3
"""The model of cdcd in numpy: an independent description of what the C library computes.

This module was written from the papers and the man pages, for reading. It computes forward passes
only, in double precision, without any attention to speed. Shapes: B sequences of T positions,
embeddings of d components, V words in the (padded) vocabulary, width C, H heads.

    import cdcd
    checkpoint = cdcd.Checkpoint("model.safetensors")
    model = checkpoint.model()                           # averaged weights; average=False: the last
    rows = cdcd.NoisedRows("valid.noised")
    batch = checkpoint.batch(rows)                       # indices, mask, target weights, levels
    noise = cdcd.gaussian(rows.seeds, model.T, model.d)
    losses = model.losses(batch, noise, shown=len(rows.seeds))

    cdcd.py losses CHECKPOINT NOISED                     the same as CSV on standard output

It needs numpy, and zstd(1) to read shards. The formats are those of cdcd-checkpoint(5) and
cdcd-shard(5).

Sources: [CDCD] Dieleman et al. 2022, arXiv:2211.15089. [EDM] Karras et al. 2022, arXiv:2206.00364.
[DiT] Peebles & Xie 2022, arXiv:2212.09748. [DPM] Lu et al. 2022, arXiv:2211.01095.
[VDM] Kingma et al. 2021, arXiv:2107.00630. [ADAMW] Loshchilov & Hutter 2019, arXiv:1711.05101.
[MUON] Jordan et al. 2024, kellerjordan.github.io/posts/muon. [POLAR] Amsel et al. 2025,
arXiv:2505.16932.
"""

import json
import math
import struct
import subprocess
import sys

import numpy as np

# --- files ---


def read_safetensors(path):
    """Metadata (strings) and name -> array of a safetensors file."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + n])
    metadata = header.pop("__metadata__", {})
    types = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "u1", "U32": "<u4",
             "U64": "<u8"}
    tensors = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        tensors[name] = np.frombuffer(data[8 + n + begin:8 + n + end],
                                      types[t["dtype"]]).reshape(t["shape"])
    return metadata, tensors


class NoisedRows:
    """The records of a file of noised rows.

    ids [N,T]; mask [N,T], 1 where the position is noised; t [N], NaN where the level is open;
    u [N], the place in the schedule of open levels; seeds [N] of the noise (Python integers).
    """

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        content = subprocess.run(["zstd", "-dqc", path], check=True, capture_output=True).stdout
        self.t, self.u, self.seeds, masks = [], [], [], []
        at, id_bytes, T = 0, 2, 0
        while at < len(data):
            size, kind = struct.unpack_from("<I4s", data, at + 4)
            if kind == b"CDCH":
                id_bytes, T = struct.unpack_from("<I4xI", data, at + 20)
            if kind == b"CDCB":
                records = struct.unpack_from("<I", data, at + 16)[0]
                each = 16 + (T + 7) // 8
                frame = struct.unpack_from("<Q", data, at + 40)[0]
                for i in range(at + 56, at + 56 + records * each, each):
                    t, u, seed = struct.unpack_from("<ffQ", data, i)
                    self.t.append(t)
                    self.u.append(u)
                    self.seeds.append(seed)
                    bits = np.frombuffer(data[i + 16:i + each], np.uint8)
                    masks.append(np.unpackbits(bits, bitorder="little")[:T])
                at += frame
            at += 8 + size
        self.ids = np.frombuffer(content, f"<u{id_bytes}").astype(int).reshape(-1, T)
        self.mask = np.array(masks, float).reshape(-1, T)
        self.t, self.u = np.array(self.t, float), np.array(self.u, float)


# --- random numbers ---

RNG_NOISE, RNG_SAMPLE, RNG_REFINE = 1, 7, 10


def philox(seed, counter):
    """Philox4x32-10 (Salmon et al. 2011): four 32-bit words for each counter [..., 4]."""
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    v = [np.asarray(c, np.uint64) for c in np.moveaxis(np.asarray(counter, np.uint64), -1, 0)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        a, b = v[0] * np.uint64(0xD2511F53), v[2] * np.uint64(0xCD9E8D57)
        v = [(b >> shift) ^ v[1] ^ np.uint64(k0), b & low,
             (a >> shift) ^ v[3] ^ np.uint64(k1), a & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(v, -1)


def random_u64(seed, domain, a, b):
    """64 random bits: the seed of what a sampler adds in step b is random_u64(seed, 7, 0, b)."""
    words = philox(seed, [b & 0xFFFFFFFF, b >> 32, a, domain])
    return int(words[1]) << 32 | int(words[0])


def float32_functions():
    """ln, cos and sin of float32 arrays, rounded once from double precision."""
    return [lambda x, f=f: f(x.astype(float)).astype(np.float32) for f in (np.log, np.cos, np.sin)]


def gaussian(seeds, T, d, domain=RNG_NOISE, functions=None):
    """Standard normal numbers [B,T,d] of these seeds: Box-Muller on Philox, in float32.

    The C library calls logf, cosf and sinf, which differ from functions (default: rounded from
    double precision) in the last bit now and then.
    """
    ln, cos, sin = functions or float32_functions()
    n = (d + 3) // 4
    counter = np.zeros((T, n, 4), np.uint64)
    counter[..., 0] = np.arange(n)
    counter[..., 2] = np.arange(T)[:, None]
    counter[..., 3] = domain
    z = np.empty((len(seeds), T, n, 4), np.float32)
    for b, seed in enumerate(seeds):
        words = (philox(seed, counter) >> np.uint64(8)).astype(np.float32)
        for i in (0, 2):
            uniform = (words[..., i] + np.float32(0.5)) * np.float32(2**-24)
            angle = words[..., i + 1] * (np.float32(6.283185307179586) * np.float32(2**-24))
            radius = np.sqrt(np.float32(-2) * ln(uniform))
            z[b, ..., i] = radius * cos(angle)
            z[b, ..., i + 1] = radius * sin(angle)
    return z.reshape(len(seeds), T, 4 * n)[..., :d].astype(float)


# --- the mathematics of diffusion ---


def precondition(row, sigma):
    """c_skip, c_out, c_in, c_noise of D(x, sigma) = c_skip x + c_out F(c_in x, c_noise).

    For embeddings of unit variance a component (sigma_data = 1).
    """
    c_in, c_noise = 1 / np.sqrt(1 + sigma**2), np.log(sigma) / 4
    zero, one = np.zeros_like(sigma), np.ones_like(sigma)
    return {
        "karras": (1 / (1 + sigma**2), sigma / np.sqrt(1 + sigma**2), c_in, c_noise),  # EDM, table 1
        "tanh": (np.tanh(1 - sigma), np.tanh(sigma), c_in, one),
        "cdcd": (zero, one, c_in, c_noise),
        "bayes": (1 / sigma**2, one, c_in, c_noise),  # <x,e>/sigma^2 = ln N(x | e, sigma^2) + const
    }[row]


class Schedule:
    """F(t), the entropy in nats as a function of the noise level, and levels t = F^-1(u).

    [CDCD], section 3.3. u = (F(t) - F(t_min)) / (F(t_max) - F(t_min)), both ends pinned.
    """

    def __init__(self, text):
        """text: family,p1,p2,p3,p4,t_min,t_max,rmse_nats,knots as in cdcd-csv(5)."""
        field = text.split(",")
        self.family = field[0]
        self.p = [float(x) if x else 0.0 for x in field[1:5]]
        self.t_min, self.t_max = float(field[5]), float(field[6])
        self.knot_nats = np.array([float(x) for x in field[8].split()])
        self.knot_t = np.geomspace(self.t_min, self.t_max, max(len(self.knot_nats), 2))

    def nats(self, t):
        a, b, h, o = self.p
        if self.family == "uniform":
            return h * (t - self.t_min) / (self.t_max - self.t_min) + o
        if self.family == "cauchy":
            return h * (math.atan((t - a) / b) / math.pi + 0.5) + o
        if self.family == "logistic":
            return h / (1 + (t / a)**-b) + o
        if self.family == "frechet":
            return h * math.exp(-(a / t)**b) + o
        return float(np.interp(t, self.knot_t, self.knot_nats))

    def level(self, nats):
        """The t with F(t) = nats."""
        a, b, h, o = self.p
        share = (nats - o) / h if h else 0
        if self.family == "uniform":
            return self.t_min + share * (self.t_max - self.t_min)
        if self.family == "cauchy":
            return a + b * math.tan(math.pi * (share - 0.5))
        if self.family == "logistic":
            return a * (1 / share - 1)**(-1 / b)
        if self.family == "frechet":
            return a * (-math.log(share))**(-1 / b)
        return float(np.interp(nats, self.knot_nats, self.knot_t))

    def u(self, t):
        low, high = self.nats(self.t_min), self.nats(self.t_max)
        t = min(max(t, self.t_min), self.t_max)
        return min(max((self.nats(t) - low) / (high - low), 0), 1)

    def t(self, u):
        if u <= 0:
            return self.t_min
        if u >= 1:
            return self.t_max
        low, high = self.nats(self.t_min), self.nats(self.t_max)
        return min(max(self.level(low + u * (high - low)), self.t_min), self.t_max)

    def spread(self, u):
        """A level by an even spread of ln t: where held-out rows are measured."""
        return self.t_min * (self.t_max / self.t_min)**u


# --- the network ---


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def silu(x):
    return x / (1 + np.exp(-x))


def gelu(x):
    """The tanh form of Hendrycks & Gimpel 2016, arXiv:1606.08415."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def layer_norm(h):
    mean = h.mean(-1, keepdims=True)
    return (h - mean) / np.sqrt(((h - mean)**2).mean(-1, keepdims=True) + 1e-5)


def unit(x):
    return x / np.sqrt((x**2).sum(-1, keepdims=True) + 1e-12)


def rotate(x):
    """RoPE (Su et al. 2021, arXiv:2104.09864) of x [B,T,H,D]: component i turns with i + D/2."""
    T, D = x.shape[1], x.shape[3]
    angle = np.arange(T)[:, None] * 10000.0**(-2 * np.arange(D // 2) / D)
    cos, sin = np.cos(angle)[None, :, None], np.sin(angle)[None, :, None]
    a, b = x[..., :D // 2], x[..., D // 2:]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], -1)


def attention(q, k, v, scale):
    """softmax(s q k^T) v for q, k, v [B,T,H,D] and s [H]; no mask: all positions see all."""
    scores = np.einsum("bihd,bjhd->bhij", q, k) * scale[:, None, None]
    return np.einsum("bhij,bjhd->bihd", softmax(scores), v)


def level_features(c_noise, n):
    """cos and sin of c_noise [B] at n/2 frequencies, evenly spaced in ln from 1 to 100."""
    frequency = 100.0**(np.arange(n // 2) / max(n // 2 - 1, 1))
    angle = np.asarray(c_noise)[:, None] * frequency
    return np.concatenate([np.cos(angle), np.sin(angle)], -1)


class Model:
    """Weights and configuration; see cdcd-checkpoint(5) for the names of the tensors."""

    def __init__(self, config, weights):
        self.c, self.w = config, {k: np.asarray(v, float) for k, v in weights.items()}
        self.T, self.d, self.C = config["row_len"], config["embed"], config["width"]
        w = self.w["embed.weight"]
        norm = np.sqrt((w**2).sum(-1, keepdims=True) + 1e-30)
        self.e = math.sqrt(self.d) * w / norm  # [V,d], everywhere: CDCD, section 3.1

    def linear(self, name, x):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def modulation(self, name, condition, parts):
        """The linear map of the noise level, as parts of [B,1,C]."""
        return np.split(self.linear(name + "modulation", condition)[:, None, :], parts, -1)

    def block(self, l, h, condition):
        """h += g1 * Attention(mod1(LN h)); h += g2 * MLP(mod2(LN h)): adaLN-zero, [DiT]."""
        name = f"blocks.{l}."
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(name, condition, 6)
        H = self.c["heads"]
        B, T, C = h.shape
        a = (1 + scale1) * layer_norm(h) + shift1
        q, k, v = [x.reshape(B, T, H, C // H)
                   for x in np.split(self.linear(name + "attention.qkv", a), 3, -1)]
        scale = np.full(H, 1 / math.sqrt(C // H))
        if self.c["qk_norm"]:
            q, k, scale = unit(q), unit(k), self.w[name + "attention.scale"]
        o = attention(rotate(q), rotate(k), v, scale).reshape(B, T, C)
        h = h + gate1 * self.linear(name + "attention.out", o)
        a = (1 + scale2) * layer_norm(h) + shift2
        u = gelu(self.linear(name + "mlp.up", a))
        return h + gate2 * self.linear(name + "mlp.down", u)

    def copy_attention(self, a, rows):
        """Attention whose values are the input rows themselves, so that words can be copied."""
        R, (B, T, W) = self.c["copy_heads"], rows.shape
        q, k = np.split(a @ self.w["recall.qk"].T, 2, -1)
        q, k = [unit(x.reshape(B, T, R, W)) for x in (q, k)]
        values = np.repeat(rows[:, :, None, :], R, 2)
        read = attention(q, k, values, self.w["recall.scale"])
        return read.reshape(B, T, R * W) @ self.w["recall.out"]

    def network(self, rows, c_noise):
        """F [B,T,d] from input rows [B,T,W] and c_noise [B]."""
        features = level_features(c_noise, self.c["time_width"])
        condition = silu(self.linear("time.1", silu(self.linear("time.0", features))))
        h = self.linear("in", rows)
        if self.c["positions"]:
            h = h + self.w["position"]
        for l in range(self.c["layers"]):
            h = self.block(l, h, condition)
        shift, scale = self.modulation("head.", condition, 2)
        a = (1 + scale) * layer_norm(h) + shift
        out = self.linear("head", a)
        return out + self.copy_attention(a, rows) if self.c["copy_heads"] else out

    def logits(self, D):
        return D @ self.e.T + self.w["embed.bias"]

    def expected(self, D, tau=1.0):
        """The estimate of the clean embedding, sum_j p_j e_j: score interpolation, [CDCD]."""
        return softmax(self.logits(D) / tau) @ self.e

    def denoise(self, x, ids, mask, p, t, context=1.0):
        """D [B,T,d]: from noisy x [B,T,d] at levels t [B], and what is given where mask is 0.

        p [B,T,d]: the last estimate, zeros where there is none (self-conditioning).
        context: the weight of the context guidance, which multiplies D - x/t^2.
        """
        skip, out, c_in, c_noise = [np.asarray(v)[:, None, None] for v in
                                    precondition(self.c["precond"], np.asarray(t, float))]
        m = mask[..., None]
        slots = [c_in * m * x, (1 - m) * self.e[ids]]
        if self.c["self_cond"]:
            slots.append(m * p)
        if self.c["posterior"]:  # each position's own evidence: softmax(<x,e>/t^2 + b), averaged
            slots.append(m * self.expected(x / np.asarray(t)[:, None, None]**2))
        rows = np.concatenate(slots + [m], -1)
        width = (rows.shape[-1] + 15) // 16 * 16
        rows = np.pad(rows, ((0, 0), (0, 0), (0, width - rows.shape[-1])))
        alone = x / np.asarray(t)[:, None, None]**2
        D = skip * x + out * self.network(rows, c_noise[:, 0, 0])
        return alone + context * (D - alone)

    def diffuse(self, batch, noise):
        """x = e + t n, at every position."""
        return self.e[batch.ids] + batch.t[:, None, None] * noise

    def first_estimate(self, batch, x, shown):
        """Self-conditioning in training: the first `shown` sequences get their own estimate."""
        p = np.zeros_like(x)
        if self.c["self_cond"] and shown:
            first = self.denoise(x, batch.ids, batch.mask, p, batch.t)
            p[:shown] = self.expected(first)[:shown]
        return p

    def losses(self, batch, noise, shown):
        """Cross-entropy [B] of each sequence, nats a target position; NaN without a target."""
        return self.measure(batch, noise, shown)[0]

    def measure(self, batch, noise, shown):
        """Losses [B], and squared errors |e - x0|^2 [B], weighted like them."""
        x = self.diffuse(batch, noise)
        p = self.first_estimate(batch, x, shown)
        D = self.denoise(x, batch.ids, batch.mask, p, batch.t)
        logits = self.logits(D)
        top = logits.max(-1, keepdims=True)
        total = top[..., 0] + np.log(np.exp(logits - top).sum(-1))
        ce = total - np.take_along_axis(logits, batch.ids[..., None], -1)[..., 0]
        square = ((self.e[batch.ids] - self.expected(D))**2).sum(-1)
        weight = np.where(batch.weight.sum(-1, keepdims=True) > 0, batch.weight, np.nan)
        return (weight * ce).sum(-1), (weight * square).sum(-1)


class Batch:
    """What a forward pass needs of B rows: ids, mask, weight [B,T]; t [B]; seeds."""

    def __init__(self, ids, mask, weight, t, seeds):
        self.ids, self.mask, self.weight, self.t, self.seeds = ids, mask, weight, t, seeds


OLD_KEYS = {"model.copy_heads": "model.recall", "train.weight_decay": "train.decay",
            "train.self_cond": "train.self_cond_rate", "train.schedule": "train.family"}


class Checkpoint:
    """A file written by train: configuration, options, schedule, weights, moments, average."""

    def __init__(self, path):
        self.meta, self.tensors = read_safetensors(path)
        self.schedule = Schedule(self.meta["schedule"])
        self.step, self.rows = int(self.meta["step"]), int(self.meta["rows"])
        self.active = self.tensors["active.id"].astype(int)
        names = ("layers", "width", "heads", "embed", "row_len", "active", "time_width",
                 "copy_heads")
        self.config = {name: int(self.setting("model." + name)) for name in names}
        for name in ("positions", "qk_norm", "self_cond", "posterior"):
            self.config[name] = self.flag("model." + name)
        self.config["precond"] = self.meta["model.precond"]
        sets = ("ema.", "adam_m.", "adam_v.", "active.", "window.", "vocab.")
        self.names = [n for n in self.tensors if not n.startswith(sets)]

    def setting(self, key):
        """Its text; OLD_KEYS has the keys of files that earlier versions wrote."""
        return self.meta[key if key in self.meta else OLD_KEYS[key]]

    def flag(self, key):
        return self.setting(key) in ("1", "on", "true")

    def option(self, name):
        return float(self.setting("train." + name))

    def matrices(self, name):
        """How many matrices Muon updates in a tensor; 0 if AdamW updates it."""
        return matrices(name) if self.meta.get("train.optimizer") == "muon" else 0

    def weights(self, prefix=""):
        return {name: self.tensors[prefix + name] for name in self.names}

    def model(self, average=True):
        return Model(self.config, self.weights("ema." if average else ""))

    def batch(self, rows, select=slice(None), even=1):
        """Rows in the model's terms. Of open levels, the share even is even in ln t: all in
        validation, --even-levels of them in training, none in sampling. The others are F^-1.
        Both stretch their part of the u."""
        ids = rows.ids[select]
        index = np.minimum(np.searchsorted(self.active, ids), len(self.active) - 1)
        unknown = int(np.searchsorted(self.active, int(self.meta["vocab.unk"])))
        index = np.where(self.active[index] == ids, index, unknown)
        mask = rows.mask[select]
        target = mask.copy()
        if not self.flag("train.pad_loss"):
            target *= ids != int(self.meta["vocab.pad"])
        count = target.sum(-1, keepdims=True)
        weight = target / np.where(count > 0, count, 1)

        def level(u):
            if u < even:
                return float(np.float32(self.schedule.spread(u / even)))
            return self.schedule.t(float(np.float32((u - even) / (1 - even))))

        t = np.array([level(u) if math.isnan(t) else t
                      for t, u in zip(rows.t[select], rows.u[select])])
        return Batch(index, mask, weight, t, rows.seeds[select])


# --- the optimiser ---


def learning_rate(peak, end, warmup, step, total):
    """Linear warm-up over a share of all steps, then a cosine down to end * peak."""
    warm = warmup * total
    if step < warm:
        return peak * step / warm
    done = min((step - warm) / (total - warm), 1) if total > warm else 1
    return peak * (end + (1 - end) * (1 + math.cos(math.pi * done)) / 2)


def is_clipped(name):
    """Whether a tensor's gradient counts in the global norm, and is clipped."""
    return name not in ("embed.weight", "embed.bias")


def has_weight_decay(name):
    """Matrices decay; embeddings, biases, scales, positions and the output of the copy attention do not."""
    return name == "recall.qk" or (name.endswith(".weight") and name != "embed.weight")


def clip_scale(gradients, clip):
    """The factor of clipped gradients, and the global norm."""
    norm = math.sqrt(sum((g**2).sum() for name, g in gradients.items() if is_clipped(name)))
    return (clip / norm if 0 < clip < norm else 1.0), norm


def adamw(w, m, v, average, g, step, lr, beta1, beta2, eps, decay, ema):
    """One update of one tensor [ADAMW, algorithm 2]; returns w, m, v and the averaged weights."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    change = (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + eps)
    w = w - lr * (change + decay * w)
    rate = min(ema, (1 + step) / (10 + step))  # young averages forget sooner
    return w, m, v, rate * average + (1 - rate) * w


POLAR = [(8.28721201814563, -23.595886519098837, 17.300387312530933),
         (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
         (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
         (3.3184196573706015, -2.488488024314874, 0.51004894012372),
         (2.300652019954817, -1.6689039845747493, 0.4188073119525673)]


def orthogonalize(x):
    """What the polynomials a s + b s^3 + c s^5 make of the singular values s of x, [POLAR].

    They are made for values up to 1; all but the last have a margin of 1 % for rounding.
    """
    norm = np.sqrt((x**2).sum())
    if norm < 1e-30:
        return np.zeros_like(x)
    left, s, right = np.linalg.svd(x / (1.01 * norm), full_matrices=False)
    for i, (a, b, c) in enumerate(POLAR):
        s = s / 1.01 if i < 4 else s
        s = a * s + b * s**3 + c * s**5
    return left @ (s[:, None] * right)


def matrices(name):
    """How many matrices Muon updates in a tensor; they follow each other in its rows."""
    if name.startswith("blocks."):
        name = name.split(".", 2)[2]
    return {"in.weight": 1, "attention.qkv.weight": 3, "attention.out.weight": 1,
            "mlp.up.weight": 1, "mlp.down.weight": 1, "recall.qk": 2, "recall.out": 1}.get(name, 0)


def muon(w, m, average, g, parts, step, lr, momentum, scale, decay, ema):
    """One update of a tensor of so many matrices [MUON]; returns w, m and the averaged weights."""
    m = momentum * m + (1 - momentum) * g
    ahead = momentum * m + (1 - momentum) * g  # Nesterov
    change = np.concatenate([scale * math.sqrt(max(u.shape)) * orthogonalize(u)
                             for u in np.split(ahead, parts)])
    w = w - lr * (change + decay * w)
    rate = min(ema, (1 + step) / (10 + step))
    return w, m, rate * average + (1 - rate) * w


# --- sampling ---


def sample(model, schedule, batch, noise, step_noise=None, method="euler", steps=100,
           temperature=1.0, tau=1.0, scale=1.0, eta=1.0, guidance=1.0, context=1.0,
           start="noise"):
    """x at the last level, its last estimate, and the ids that result; all sequences at once.

    From each sequence's level batch.t down to t_min, in steps that are even in u. start: "noise"
    (x = scale t n) or "damaged" (x = e + t n). step_noise(i): normal numbers for step i [B,T,d]
    (ancestral). Positions with mask 0 keep their ids.
    """
    x = model.diffuse(batch, noise) if start == "damaged" else \
        scale * batch.t[:, None, None] * noise
    everything = np.ones_like(batch.mask)
    with_given, without = np.zeros_like(x), np.zeros_like(x)  # estimates so far

    def estimate(x, t, p):
        """The guided estimate (Ho & Salimans 2022); without: no token is taken for given."""
        nonlocal without
        found = model.expected(model.denoise(x, batch.ids, batch.mask, p, t, context), tau)
        if guidance == 1:
            return found
        without = model.expected(model.denoise(x, batch.ids, everything, without, t, context), tau)
        guided = without + guidance * (found - without)
        return np.where(batch.mask[..., None] > 0, guided, without)

    start_u = [schedule.u(t) for t in batch.t]
    now, before, last, p = batch.t, None, None, with_given
    for i in range(steps):
        target = np.array([schedule.t(u * (1 - (i + 1) / steps)) for u in start_u])
        then = np.minimum(now, target)
        s, t = then[:, None, None], now[:, None, None]
        found = estimate(x, now, p)
        if method == "euler":
            x = x + (s - t) * (x - found) / (temperature * t)
        elif method == "exp":
            x = found + (s / t)**(1 / temperature) * (x - found)
        elif method == "heun":  # EDM, algorithm 1
            slope = (x - found) / (temperature * t)
            ahead = x + (s - t) * slope
            found = estimate(ahead, then, found)
            x = x + (s - t) * (slope + (ahead - found) / (temperature * s)) / 2
        elif method == "2m":  # DPM-Solver++(2M)
            D = found
            if last is not None:
                with np.errstate(divide="ignore", invalid="ignore"):
                    rho = np.log(before / now) / np.log(now / then)
                    half = np.where(now > then, 1 / (2 * rho), 0)[:, None, None]
                D = (1 + half) * found - half * last
            x = s / t * x + (1 - s / t) * D
        else:  # ancestral: EDM, appendix; s_up^2 + s_down^2 = s^2
            up = np.minimum(s, eta * s * np.sqrt(t**2 - s**2) / t)
            down = np.sqrt(s**2 - up**2)
            x = found + (down / t)**(1 / temperature) * (x - found) + up * step_noise(i)
        before, now, last, p = now, then, found, found
    D = model.denoise(x, batch.ids, batch.mask, p, now)
    ids = np.where(batch.mask > 0, model.logits(D).argmax(-1), batch.ids)
    return x, p, ids


def refine(model, schedule, batch, ids, rounds, noises, options, ratio=0.01):
    """The ids of samples after rounds that hide half of each row, and sample improbable halves.

    noises(seeds): the first noise and step_noise; options: those of sample after step_noise, up to
    context. A half is improbable if a hidden token is less than ratio as probable as the most
    probable token of its position.
    """
    B, T = ids.shape
    scale = options[4]
    for r in range(rounds):
        hidden = [[random_u64(seed, RNG_REFINE, r, j) & 1 for j in range(T)] for seed in batch.seeds]
        seeds = [random_u64(seed, RNG_REFINE, r, T) for seed in batch.seeds]
        half = Batch(ids, batch.mask * hidden, batch.weight, np.full(B, schedule.t_max), seeds)
        noise, step_noise = noises(seeds)
        x = scale * schedule.t_max * noise
        p = softmax(model.logits(model.denoise(x, ids, half.mask, np.zeros_like(x), half.t)))
        of_ids = np.take_along_axis(p, ids[..., None], -1)[..., 0] / p.max(-1)
        improbable = ((of_ids < ratio) & (half.mask > 0)).any(-1)
        again = sample(model, schedule, half, noise, step_noise, *options)[2]
        ids = np.where(improbable[:, None], again, ids)
    return ids


# --- likelihood ---


def likelihood_bound(d, t_min, t_max, lowest_losses, t, squared_errors):
    """Nats a token: d / 2 t_max^2 + CE(t_min) + the integral of t^-3 E|e - x0|^2 dt, [VDM].

    lowest_losses: of rows at t_min; squared_errors: of rows at levels t, even in ln t.
    """
    integral = math.log(t_max / t_min) * np.mean(squared_errors / t**2)
    return d / (2 * t_max**2) + np.mean(lowest_losses) + integral


def main(argv):
    if len(argv) != 4 or argv[1] != "losses":
        sys.exit("usage: cdcd.py losses CHECKPOINT NOISED")
    checkpoint, rows = Checkpoint(argv[2]), NoisedRows(argv[3])
    batch, model = checkpoint.batch(rows), checkpoint.model()
    noise = gaussian(rows.seeds, model.T, model.d)
    ce, square = model.measure(batch, noise, len(rows.seeds))
    print("t,u,ce_nats,squared_error")
    for t, c, s in zip(batch.t, ce, square):
        print(f"{t:.9g},{checkpoint.schedule.u(t):.9g},{c:.9g},{s:.9g}")


if __name__ == "__main__":
    main(sys.argv)
