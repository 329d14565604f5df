"""The whole model as one drawing: each block opens on its live tensor and leads to the page that explains it."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from explainer.kernel import model, ops
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies.attention_facts import head_scores
from explainer.studies.next_token import Word, whole_word
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

ANYWHERE = {"tokens": "tokens", "embed": "blocks.0.resid_pre", "unembed": "logits", "next": "logits"}


class WholeModel(Widget):
    """From the text to the next token: click a block, see the numbers that it made of this prompt."""

    slug = "whole-model"
    title = "The whole model, at work on your words"
    own_only = (
        "This figure draws every matrix of a model as large as the storyteller. Thirty layers of vectors 576 "
        "wide have no room here: the picture above shows them, bundled."
    )
    reads = ("prompt", "block")
    beyond = ("block",)
    functions = (model.forward, model.transformer_block, model.attention, model.mlp)

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        trace = lab.trace(tokens)
        names = lab.names_of(tokens)
        probs = ops.softmax(trace["logits"][-1].astype("float64"))
        _, top, chances = top_tokens(probs, 6)
        return join(
            [
                c.controls(
                    c.beyond(c.name_field(lab.name_in(s.prompt))),
                    c.text_field(
                        "prompt", "Prompt", s.prompt, placeholder="Once there was a", hint=c.tokens_in(len(tokens))
                    ),
                ),
                tag(
                    "div",
                    self.diagram(names, whole_word(tokens)),
                    c.beyond(self.opened(trace, names, top, chances)),
                    class_="whole",
                ),
            ]
        )

    def diagram(self, names: list[str], word: Word) -> Markup:
        config = lab.model().config
        rows = [self.block("tokens", "Tokens", how_many(len(names), "piece of text", "pieces of text"))]
        rows.append(self.block("embed", "Embedding + position", f"each becomes {config.d_model} numbers"))
        for layer in range(config.n_layers):
            rows.append(
                tag(
                    "div",
                    tag("span", f"layer {layer}", class_="layer-name"),
                    self.block(
                        f"attention {layer}", "Attention", f"{config.n_heads} heads read earlier tokens", "head"
                    ),
                    self.block(f"mlp {layer}", "MLP", "each token by itself", "resid"),
                    class_="layer",
                )
            )
        rows.append(self.block("unembed", "Unembedding", f"a score for each of {config.n_vocab} tokens", "vocab"))
        pieces = ", then ".join(
            f"{name} {percent(p)}" for name, p in zip(lab.names_of(word.added), word.probs, strict=True)
        )
        rows.append(
            self.block(
                "next",
                "Softmax, then one draw",
                tag("span", "most likely: ", c.token(word.text), f" ({pieces})"),
                "vocab",
            )
        )
        rows.append(tag("p", "The token drawn is written behind the text, and all of it runs again.", class_="loop"))
        return tag("div", *rows, class_="diagram", role="group", aria_label="Blocks of the model")

    def block(self, name: str, title: str, sub: object, colour: str = "resid") -> Markup:
        return tag(
            "button",
            tag("strong", title),
            tag("span", sub),
            type="button",
            data_set="block",
            value=name,
            aria_pressed=str(self.state.block == name).lower(),
            class_=f"block colour-{colour}",
        )

    def opened(self, trace: Trace, names: list[str], top: list[str], chances: list[float]) -> Markup:
        """What the chosen block made of the prompt, and where to read on."""
        name = self.state.block
        kind, _, layer = name.partition(" ")
        body: list[object]
        if kind == "tokens":
            body = [
                tag(
                    "p",
                    (
                        "The model never sees letters, only the numbers of these pieces. Word pieces that it does not "
                        "know fall apart into bytes; nothing is unknown."
                    ),
                ),
                c.figure("block-tokens", c.token_strip(names, label="Tokens of the prompt")),
            ]
        elif kind == "attention":
            body = [
                tag(
                    "p",
                    tag("span", "Rows read", class_="axis-query"),
                    ", ",
                    tag("span", "columns are read", class_="axis-key"),
                    "; the stronger the colour, the more is carried over. Nothing later can be read.",
                ),
                tag(
                    "div",
                    *[self.head(trace, names, int(layer), h) for h in range(lab.model().config.n_heads)],
                    class_="columns head-maps",
                ),
                link("attention", f"Open layer {layer} and follow one head step by step"),
            ]
        elif kind == "mlp":
            body = [
                tag(
                    "p",
                    (
                        "The same two matrices for every token, whatever the text is. "
                        "What they add to each token’s numbers:"
                    ),
                ),
                self.heat(trace, f"blocks.{layer}.mlp_out", names),
                link("paths", "See what can reach what, and how many layers that takes"),
            ]
        elif kind == "embed":
            body = [
                tag(
                    "p",
                    (
                        "Each token’s vector plus the vector of its place: the first entries in the residual stream, "
                        "to which every block adds."
                    ),
                ),
                self.heat(trace, "blocks.0.resid_pre", names),
                link("paths", "Follow the stream upwards"),
            ]
        elif kind == "unembed":
            shown = trace["logits"][-1]
            ids, _, _ = top_tokens(ops.softmax(shown.astype("float64")), 8)
            body = [
                tag(
                    "p",
                    (
                        "The last token’s numbers, compared with every token of the vocabulary: "
                        "one score (logit) each. The eight highest:"
                    ),
                ),
                c.figure(
                    "block-logits",
                    charts.bars(
                        [lab.tokenizer().display(i) for i in ids],
                        [float(shown[i]) for i in ids],
                        label="logits of the next token",
                        text=number,
                    ),
                ),
                link("temperature", "Turn scores into chances"),
            ]
        else:
            body = [
                tag(
                    "p",
                    (
                        "Scores become chances that sum to 1. One of the tokens is drawn by them; "
                        "that is the only place where luck comes in."
                    ),
                ),
                c.figure(
                    "block-next",
                    charts.bars(top, chances, label="chances of the next token", scale=1.0),
                    note=(
                        "A token is a piece of text; ␣ is the space before a word. "
                        "A word of several tokens is written one piece at a time."
                    ),
                ),
                link("feedback", "Let it write"),
            ]
        return tag("div", tag("h4", heading(kind, layer)), *body, class_="opened")

    def head(self, trace: Trace, names: list[str], layer: int, head: int) -> Markup:
        """The pattern of one head, with what the head measurably does."""
        pattern = trace[f"blocks.{layer}.attn.pattern"][head]
        role, _ = head_scores().label(layer, head)
        table = c.heat_table(
            pattern,
            names,
            names,
            label=f"pattern of head {layer}.{head}",
            size="fill",
            masked=~np.tri(len(names), dtype=bool),
        )
        return c.figure(
            f"block-head-{head}",
            table,
            title=f"Head {layer}.{head}",
            caption=role,
            about={"layer": layer, "head": head},
        )

    def heat(self, trace: Trace, key: str, names: list[str]) -> Markup:
        values = trace[key]
        table = c.heat_table(
            values,
            names,
            [str(i) for i in range(values.shape[1])],
            label=key,
            signed=True,
            size="fill bare",
            col_axis="resid",
        )
        return c.figure("block-heat", table, caption=c.shape(key, trace.axes(key), values.shape))


def heading(kind: str, layer: str) -> str:
    """What a block is called above its numbers."""
    named = {
        "attention": "Attention",
        "mlp": "MLP",
        "embed": "Embedding and position",
        "tokens": "Tokens",
        "unembed": "Unembedding",
        "next": "Softmax, then one draw",
    }
    return f"{named[kind]} of layer {layer}" if layer else named[kind]


def link(page: str, words: str) -> Markup:
    return tag("p", tag("a", f"{words} →", href=f"{page}/", data_page_link=page))
