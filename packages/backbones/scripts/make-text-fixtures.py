"""Writes src/__fixtures__/tiny-t5, a T5 encoder of random weights in the layout that transformers.js reads, what
transformers makes of some prompts with it (tiny-t5-run.safetensors), and prompts with what diffusers' PixArt pipeline
cleans them to (clean-prompts.json).

    python scripts/make-text-fixtures.py

Needs torch, transformers, tokenizers, onnx, onnxscript, safetensors, diffusers, ftfy and beautifulsoup4; their versions
are recorded in clean-prompts.json.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import onnx
import torch
from diffusers import PixArtAlphaPipeline
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

OUTPUT = Path(__file__).resolve().parent.parent / "src" / "__fixtures__"
FOLDER = OUTPUT / "tiny-t5"
TOKENS = 12

PROMPTS = [
    "a small cactus with a happy face in the desert",
    "",
    "an astronaut riding a horse on the moon, and then a very long walk back to the rocket ship",
]

CORPUS = PROMPTS + ["a photo of a cat and a dog on the beach at night", "the quick brown fox jumps over the lazy dog"]

TO_CLEAN = [
    "  A Small CACTUS with a happy face  ",
    "a photo of <person> in paris",
    "see https://example.com/a/b?c=d&e=f for more, or www.example.org/page",
    "<b>bold</b> and <a href='x'>linked</a> text<br/>here",
    "by @some_artist on behance",
    "一只猫 a cat ㌔ on a mat",
    "em\u2014dash, en\u2013dash and minus\u2212sign \u301c",
    "\u201cquoted\u201d \u2018single\u2019 \u00abguillemets\u00bb `ticks`",
    "tom &quot;and&quot jerry &amp; friends &lt;3",
    "server at 192.168.0.1 is down",
    "meeting at 5:30   ",
    "line\\none\\ntwo",
    "issue #12 and #1234 and #123456",
    "order 1234567 shipped",
    "my_photo.jpg and DSC.png in a row",
    "\"\"\"wow\"\"\" ''great'' ... indeed....",
    "***sale*** [now] {only} | ~cheap~ \\o/ #!",
    "end . of . sentence",
    "this-is-my-cute-cat_and_dog",
    "state-of-the art",
    "jc6640 and jc6640vc and 6640vc231",
    "free shipping worldwide shipping and free download free",
    "click for details, click here",
    "a png image, jpeg images of page 12",
    "j2d1a2a x9y8z7",
    "size 1024x768 or 3.5\u00d74 or 12\u044513",
    "word  :  colon",
    "no space,after comma.and dot/slash",
    "'quoted whole'",
    "\"another quoted\"",
    "_leading underscore",
    "trailing dash-",
    ".hidden",
    "tabs\tand\nnew lines",
    "percent%20encoded+plus%21",
    "caf\u00e9 na\u00efve \u00fcber stra\u00dfe",
    "e\u0301 combining accent",
    "\uff26\uff35\uff2c\uff2c \uff57\uff49\uff44\uff54\uff48 123",
    "\ufb01ne \ufb02ow \ufb03x",
    "emoji \U0001f600 party \U0001f389",
    "a < b and c > d",
    "comment <!-- hidden --> visible",
    "&eacute;t&eacute; &copy; 2020 &#39;x&#39;",
    "\u0410\u0431\u0432 @\u043d\u0438\u043a 123\u0430\u0431\u0432456",
    "a beautiful landscape, 8k, highly detailed, artstation, concept art, sharp focus",
    "An oil painting of a fox in the style of van Gogh; vivid colours!",
    "",
    "   ",
]


def main():
    torch.manual_seed(601)
    torch.set_num_threads(1)
    tokenizer = make_tokenizer()
    model = make_model(len(tokenizer))
    export(model)
    with torch.no_grad():
        given = tokenizer(PROMPTS, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt")
        hidden = model(**given).last_hidden_state
    run = {"ids": given.input_ids.int(), "mask": given.attention_mask.int(), "embeddings": hidden}
    save_file({key: value.contiguous() for key, value in run.items()}, OUTPUT / "tiny-t5-run.safetensors")
    pipeline = PixArtAlphaPipeline.__new__(PixArtAlphaPipeline)
    packages = "torch transformers tokenizers onnx onnxscript safetensors diffusers ftfy beautifulsoup4".split()
    manifest = {
        "script": "scripts/make-text-fixtures.py",
        "versions": {name: version(name) for name in packages} | {"python": sys.version.split()[0]},
        "tolerance": {"relative": 1e-5, "of": "the largest magnitude of an array", "why": "float32 through two layers"},
        "encoded": PROMPTS,
        "cleaned": [[prompt, PixArtAlphaPipeline._text_preprocessing(pipeline, prompt, True)[0]] for prompt in TO_CLEAN],
    }
    (OUTPUT / "clean-prompts.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=True) + "\n")


def make_tokenizer():
    """A Unigram tokenizer with the special tokens and the ending of T5's."""
    words = sorted({word for text in CORPUS for word in text.split()})
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -9.0)]
    pieces += [(letter, -10.0) for letter in sorted(set("".join(words)))]
    pieces += [(f"\u2581{word}", -5.0 - 0.01 * i) for i, word in enumerate(words)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    FOLDER.mkdir(parents=True, exist_ok=True)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=TOKENS
    )
    fast.save_pretrained(FOLDER)
    return fast


def make_model(vocabulary):
    config = T5Config(
        vocab_size=vocabulary, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=8, relative_attention_max_distance=16, pad_token_id=0, eos_token_id=1,
    )
    # Its plain attention is what the exporter takes.
    config._attn_implementation = "eager"
    model = T5EncoderModel(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape)
            parameter.copy_(1 + 0.1 * noise if "layer_norm" in name else noise * (0.5 if parameter.ndim > 1 else 0.1))
    model.config.save_pretrained(FOLDER)
    return model


class Encoder(torch.nn.Module):
    """The encoder with a plain tensor as its result, as exported graphs have it."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def export(model):
    folder = FOLDER / "onnx"
    folder.mkdir(exist_ok=True)
    # Two tensors: the exporter takes one object for one input.
    ids, mask = torch.ones(2, TOKENS, dtype=torch.int64), torch.ones(2, TOKENS, dtype=torch.int64)
    shapes = {0: torch.export.Dim.DYNAMIC}
    torch.onnx.export(
        Encoder(model), (ids, mask), str(folder / "encoder_model.onnx"), dynamo=True, external_data=False,
        input_names=["input_ids", "attention_mask"], output_names=["last_hidden_state"],
        dynamic_shapes={"input_ids": shapes, "attention_mask": shapes},
    )
    exported = onnx.load(folder / "encoder_model.onnx")
    for part in [*exported.graph.node, *exported.graph.value_info, *exported.graph.input, exported.graph, exported]:
        part.ClearField("metadata_props")
    onnx.save(exported, folder / "encoder_model.onnx")


if __name__ == "__main__":
    main()
