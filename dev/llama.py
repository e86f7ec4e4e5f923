"""A Llama-style decoder in PyTorch: the twin of runtime/train, for parity and speed comparisons."""

import torch
import torch.nn as nn
import torch.nn.functional as F

NORM_EPS, ROPE_BASE = 1e-5, 10000.0


def shape(layers, width, heads, kv_heads, hidden, context, vocabulary, batch, tied=False):
    model = dict(layers=layers, width=width, heads=heads, kv_heads=kv_heads, hidden=hidden, context=context,
                 vocabulary=vocabulary, rope_base=ROPE_BASE, norm_eps=NORM_EPS, tied=tied)
    return dict(model=model, batch=batch)


SHAPES = {
    "S": shape(4, 128, 4, 4, 344, 128, 1024, 16),
    "M": shape(8, 384, 6, 6, 1024, 256, 4096, 8),
    "GQA": shape(2, 96, 6, 2, 250, 65, 509, 5),
    "tied": shape(3, 64, 4, 4, 172, 96, 512, 6, tied=True),
    "GQA-tied": shape(2, 120, 6, 3, 331, 70, 307, 3, tied=True),
}


class Attention(nn.Module):
    """`fused` joins the three projections into one matrix, as the Rust side does in memory."""

    def __init__(self, c, fused):
        super().__init__()
        self.heads, self.kv_heads, self.head = c["heads"], c["kv_heads"], c["width"] // c["heads"]
        self.sizes = [self.heads * self.head, self.kv_heads * self.head, self.kv_heads * self.head]
        self.fused = fused
        if fused:
            self.qkv = nn.Linear(c["width"], sum(self.sizes), bias=False)
        else:
            for name, size in zip("qkv", self.sizes):
                setattr(self, f"{name}_proj", nn.Linear(c["width"], size, bias=False))
        self.o_proj = nn.Linear(c["width"], c["width"], bias=False)

    def forward(self, x, cos, sin):
        rows, length, width = x.shape
        parts = self.qkv(x).split(self.sizes, -1) if self.fused else [self.q_proj(x), self.k_proj(x), self.v_proj(x)]
        q, k, v = [p.view(rows, length, -1, self.head).transpose(1, 2) for p in parts]
        half = self.head // 2
        turn = lambda t: t * cos + torch.cat((-t[..., half:], t[..., :half]), -1) * sin
        out = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True,
                                             enable_gqa=self.heads != self.kv_heads)
        return self.o_proj(out.transpose(1, 2).reshape(rows, length, width))


class Mlp(nn.Module):
    def __init__(self, c, fused):
        super().__init__()
        self.fused = fused
        if fused:
            self.gate_up = nn.Linear(c["width"], 2 * c["hidden"], bias=False)
        else:
            self.gate_proj = nn.Linear(c["width"], c["hidden"], bias=False)
            self.up_proj = nn.Linear(c["width"], c["hidden"], bias=False)
        self.down_proj = nn.Linear(c["hidden"], c["width"], bias=False)

    def forward(self, x):
        gate, up = self.gate_up(x).chunk(2, -1) if self.fused else (self.gate_proj(x), self.up_proj(x))
        return self.down_proj(F.silu(gate) * up)


class Block(nn.Module):
    def __init__(self, c, fused):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(c["width"], eps=NORM_EPS)
        self.self_attn = Attention(c, fused)
        self.post_attention_layernorm = nn.RMSNorm(c["width"], eps=NORM_EPS)
        self.mlp = Mlp(c, fused)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, c, fused):
        super().__init__()
        self.embed_tokens = nn.Embedding(c["vocabulary"], c["width"])
        self.layers = nn.ModuleList([Block(c, fused) for _ in range(c["layers"])])
        self.norm = nn.RMSNorm(c["width"], eps=NORM_EPS)


class Llama(nn.Module):
    """Returns the mean cross-entropy of `targets` given `inputs`."""

    def __init__(self, c, fused=False):
        super().__init__()
        self.model = Decoder(c, fused)
        self.lm_head = nn.Linear(c["width"], c["vocabulary"], bias=False)
        if c["tied"]:
            self.lm_head.weight = self.model.embed_tokens.weight
        head = c["width"] // c["heads"]
        frequencies = (1.0 / (c["rope_base"] ** (torch.arange(0, head, 2).double() / head))).float()
        angles = torch.outer(torch.arange(c["context"]).float(), frequencies)
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, inputs, targets):
        h = self.model.embed_tokens(inputs)
        for block in self.model.layers:
            h = block(h, self.cos, self.sin)
        logits = self.lm_head(self.model.norm(h))
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def optimizer(model, rate, beta1, beta2, eps, weight_decay):
    """AdamW that decays matrices and spares norm gains."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    groups = [dict(params=matrices, weight_decay=weight_decay), dict(params=gains, weight_decay=0.0)]
    return torch.optim.AdamW(groups, lr=rate, betas=(beta1, beta2), eps=eps, fused=True)
