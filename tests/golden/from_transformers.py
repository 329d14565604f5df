"""Makes tests/golden/models/: tiny GPT-2 and Llama models with random weights, and what `transformers` says about them.

Run with a Python of its own (pip install torch==2.13.0 transformers==5.24.0 gguf==0.19.0 tokenizers==0.23.3 accelerate)
then `python -m tests.golden.from_transformers [the SmolLM2 GGUF]`. Tests compare with the files and need none of these.

    tiny-gpt2/  tiny-llama/  model.safetensors config.json tokenizer.json
    tiny-llama.gguf          the same Llama, tensors stored in all six ways that are read; the site's tests run it
    tiny.npz                 logits, hidden states and their gradients of both, and of transformers' reading of the GGUF
    tokens.json              hard texts and their tokens, by the `tokenizers` library
    smollm2.json             the top five of 20 texts by transformers' reading of the real file, and tokens of the texts
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
OUT = HERE / "models"
SIZES = {"layers": 2, "heads": 4, "kv": 2, "d": 64, "mlp": 96, "vocab": 352, "ctx": 64}
LENGTH = 24  # tokens of the golden text
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

HARD = [
    "Hello world, it's 1234 o'clock; they're 99.5% sure.",
    "  leading,   runs of   spaces    and a tail   ",
    "tabs\tand\nnew\n\nlines\r\nand CRLF \r\n\r\n end",
    "don't DON'T can'T we've I'll 'tis ''quoted'' 's",
    "naïve café Straße ŒUVRE ﬁne ǅ ª º",
    "cafe\u0301 n\u0303 a\u0300\u0301\u0302 (combining marks)",
    "สวัสดีชาวโลก ภาษาไทย ๑๒๓",
    "你好，世界。 一二三 〇 ３４",
    "नमस्ते दुनिया १२३ क्षि",
    "שלום עולם مرحبا بالعالم ١٢٣",
    "emoji 🦆🦆 👩‍👩‍👧‍👦 🇩🇪 ❤️ 1️⃣",
    "½ ¾ ² Ⅷ ⅻ ① ૪ 𝟘𝟙 numbers of all sorts",
    "\u00a0non\u2003breaking\u3000blanks\u202f1\u2028line\u0085next",
    "\x00\x01\x1c\x1d\x1e\x1f\x7f control \x0b\x0c characters",
    "a" * 70 + " " * 60 + "\n" * 9 + "!" * 40,
    "1" * 30 + " 2 3  4   5",
    "x=1;\n    if x:\n        return  {'a': [1,2,3]}  # comment",
    "<|im_start|>user\nHi<|im_end|>",
    "_under_score_ __init__ a_b 5_6",
    "\ufeffBOM \u200b zero \u200d width \u00ad soft \ufffd",
    "ΑΒΓ αβγ ΆΈ Ωμέγα; Привет, мир! ѐ",
    "’s ‘t “quotes” — dash … • bullets",
    "",
    " ",
    "\n",
]

TEXTS = [
    "The capital of France is",
    "When Mary and John went to the store, John gave a drink to",
    "Once upon a time there was a little",
    "The opposite of hot is",
    "2, 4, 6, 8,",
    "def add(a, b):\n    return",
    "The quick brown fox jumps over the lazy",
    "Water boils at 100 degrees",
    "Romeo and",
    "In the year 1969, the first man landed on the",
    "My name is Clara and I am a",
    "<p>Hello</p><p>World</p><",
    "ein zwei drei",
    "The cat sat on the mat. The dog sat on the",
    "Monday Tuesday Wednesday",
    "Albert Einstein was born in",
    "She opened the door and saw",
    "To be, or not to be, that is the",
    "The sun rises in the east and sets in the",
    "abra cadabra abra cad",
]


def tokenizer(kind: str):
    """A byte-level BPE of 352 tokens, learned from the hard texts and this file. kind: "gpt-2" or "smollm"."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Digits(individual_digits=True)
    made.pre_tokenizer = byte_level if kind == "gpt-2" else pre_tokenizers.Sequence([digits, byte_level])
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZES["vocab"],
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([*HARD, *TEXTS, Path(__file__).read_text(encoding="utf-8")], trainer)
    return made


def random_weights(model, dtype) -> None:
    """Weights large enough that attention attends, rounded to what the file will hold."""
    import torch

    torch.manual_seed(7)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 1:
                start = 1.0 if "norm" in name or "ln_" in name else 0.0
                weight.normal_(start if name.endswith("weight") else 0.0, 0.2)
            else:
                weight.normal_(0.0, 0.6 if "emb" in name or "wte" in name or "wpe" in name else 0.2)
            weight.copy_(weight.to(dtype).float())


def configs():
    """The two architectures, tiny."""
    from transformers import GPT2Config, LlamaConfig

    s = SIZES
    gpt2 = GPT2Config(
        n_layer=s["layers"], n_head=s["heads"], n_embd=s["d"], vocab_size=s["vocab"], n_positions=s["ctx"],
        n_inner=s["mlp"], bos_token_id=0, eos_token_id=0, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    llama = LlamaConfig(
        num_hidden_layers=s["layers"], num_attention_heads=s["heads"], num_key_value_heads=s["kv"], hidden_size=s["d"],
        intermediate_size=s["mlp"], vocab_size=s["vocab"], max_position_embeddings=s["ctx"], rms_norm_eps=1e-5,
        rope_theta=1000.0, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, pad_token_id=2,
    )  # fmt: skip
    return gpt2, llama


def answers(model, ids: list[int]) -> dict[str, np.ndarray]:
    """Logits, hidden states (before each layer, then after the last norm), and the gradient of the loss at those."""
    import torch

    model.eval()
    model.set_attn_implementation("eager")
    out = model(torch.tensor([ids]), output_hidden_states=True)
    for state in out.hidden_states:
        state.retain_grad()
    loss = torch.nn.functional.cross_entropy(out.logits[0, :-1], torch.tensor(ids[1:]))
    loss.backward()
    return {
        "logits": out.logits[0].detach().numpy(),
        "hidden": torch.stack([state[0] for state in out.hidden_states]).detach().numpy(),
        "hidden_grad": torch.stack([state.grad[0] for state in out.hidden_states]).numpy(),
        "loss": np.array(loss.item()),
    }


def write_gguf(model, config, words, path: Path) -> None:
    """The Llama as llama.cpp's converter writes it, rows of queries and keys permuted; stored in all six ways."""
    import gguf
    import torch

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny random llama")
    writer.add_license("MIT")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(1000.0)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    said = json.loads(words.to_str())
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    vocabulary = sorted(said["model"]["vocab"], key=said["model"]["vocab"].get)
    writer.add_token_list(vocabulary)
    writer.add_token_types([3 if name in SPECIAL else 1 for name in vocabulary])
    writer.add_token_merges([" ".join(merge) for merge in said["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    names = {
        "self_attn.q_proj": ("attn_q", "Q4_1"), "self_attn.k_proj": ("attn_k", "Q4_0"),
        "self_attn.v_proj": ("attn_v", "F16"), "self_attn.o_proj": ("attn_output", "BF16"),
        "mlp.gate_proj": ("ffn_gate", "Q4_1"), "mlp.up_proj": ("ffn_up", "Q8_0"), "mlp.down_proj": ("ffn_down", "Q4_1"),
        "input_layernorm": ("attn_norm", "F32"), "post_attention_layernorm": ("ffn_norm", "F32"),
    }  # fmt: skip

    def put(name: str, weight: torch.Tensor, kind: str) -> None:
        stored = getattr(gguf.GGMLQuantizationType, kind)
        array = weight.detach().float().numpy()
        writer.add_tensor(name, gguf.quants.quantize(array, stored), raw_dtype=stored)

    put("token_embd.weight", model.model.embed_tokens.weight, "Q8_0")
    for layer, block in enumerate(model.model.layers):
        for theirs, (name, kind) in names.items():
            weight = block.get_submodule(theirs).weight
            if name in ("attn_q", "attn_k"):
                heads = config.num_attention_heads if name == "attn_q" else config.num_key_value_heads
                width = weight.shape[0] // heads
                weight = weight.reshape(heads, 2, width // 2, -1).swapaxes(1, 2).reshape(weight.shape)
            put(f"blk.{layer}.{name}.weight", weight, kind)
    put("output_norm.weight", model.model.norm.weight, "F32")
    put("output.weight", model.lm_head.weight, "Q8_0")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tiny() -> None:
    """The two tiny models and what transformers says about them."""
    import torch
    from transformers import GPT2LMHeadModel, LlamaForCausalLM

    golden = {"made_by": np.array("tests/golden/from_transformers.py")}
    ids = np.random.default_rng(3).integers(3, SIZES["vocab"], LENGTH).tolist()
    golden["tokens"] = np.array(ids)
    gpt2, llama = configs()
    kinds = {"tiny-gpt2": "gpt-2", "tiny-llama": "smollm"}
    tokens = {}
    for name, made in (("tiny-gpt2", GPT2LMHeadModel(gpt2)), ("tiny-llama", LlamaForCausalLM(llama))):
        dtype = torch.float16 if name == "tiny-gpt2" else torch.bfloat16
        random_weights(made, dtype)
        golden |= {f"{name}/{key}": value for key, value in answers(made, ids).items()}
        words = tokenizer(kinds[name])
        tokens[name] = [
            {"text": text, "tokens": encode(words, text, False), "control": encode(words, text, True)} for text in HARD
        ]
        if name == "tiny-llama":
            write_gguf(made, llama, words, OUT / "tiny-llama.gguf")
        made.to(dtype).save_pretrained(OUT / name)
        (OUT / name / "generation_config.json").unlink(missing_ok=True)
        words.save(str(OUT / name / "tokenizer.json"), pretty=False)
    reread = LlamaForCausalLM.from_pretrained(OUT, gguf_file="tiny-llama.gguf", dtype=torch.float32)
    golden |= {f"tiny-llama.gguf/{key}": value for key, value in answers(reread, ids).items()}
    np.savez_compressed(OUT / "tiny.npz", **golden)
    write_json(OUT / "tokens.json", tokens)


def encode(words, text: str, control: bool) -> list[int]:
    """The library's tokens. control: whether the names of control tokens in the text are those tokens."""
    from tokenizers import Tokenizer

    if control:
        return words.encode(text, add_special_tokens=False).ids
    said = json.loads(words.to_str())
    said["added_tokens"] = []
    return Tokenizer.from_str(json.dumps(said)).encode(text, add_special_tokens=False).ids


def smollm2(path: Path) -> None:
    """What transformers says about the real file: tokens of the hard texts, the top five after each of the 20."""
    import torch
    from gguf import GGUFReader
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModelForCausalLM

    fields = GGUFReader(str(path)).fields
    names, merges = (fields[f"tokenizer.ggml.{what}"].contents() for what in ("tokens", "merges"))
    words = Tokenizer(
        models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[tuple(m.split(" ")) for m in merges])
    )
    digits, byte_level = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    model.set_attn_implementation("eager")
    kept = []
    for text in TEXTS:
        ids = words.encode(text).ids
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1]
        top = logits.topk(5)
        kept.append({"text": text, "tokens": ids, "top": top.indices.tolist(), "logits": top.values.tolist()})
    hard = [{"text": text, "tokens": words.encode(text).ids} for text in HARD]
    write_json(OUT / "smollm2.json", {"made_by": "tests/golden/from_transformers.py", "texts": kept, "hard": hard})


def write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    tiny()
    if len(sys.argv) > 1:
        smollm2(Path(sys.argv[1]))
    for file in sorted(OUT.rglob("*.*")):
        if file.is_file():
            print(f"{file.relative_to(OUT)}  {file.stat().st_size:,} bytes")
