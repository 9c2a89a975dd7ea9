"""A network layer by layer: a table with its arithmetic, and a chart of where its parameters and its work are."""

from collections.abc import Callable

from faceloupe.blocks import Block, chart, section, table, text
from faceloupe.inspection.layers import Anatomy, Layer
from faceloupe.numerals import counted

LARGEST = 16  # layers in the chart


def anatomy_section(anatomy: Anatomy) -> Block:
    """Return an anatomy as a section."""
    size = "×".join(map(str, anatomy.input_shape))
    work = f"{counted(anatomy.multiply_adds, 'multiply-add')} a face"
    blocks = [
        text(
            f"**{counted(anatomy.parameters, 'parameter')}** in {counted(len(anatomy.layers), 'layer')}, **{work}**, "
            f"for faces of {size} (height × width × channels)."
        )
    ]
    if anatomy.not_counted:
        blocks.append(text(f"Multiply-adds are not counted for {', '.join(anatomy.not_counted)}."))
    if anatomy.parameters or anatomy.multiply_adds:
        blocks.append(_shares(anatomy))
    caption = "Layer by layer, counted as it ran."
    blocks.append(anatomy_table("anatomy", caption, anatomy, lambda layer: f"`{layer.name}` {layer.kind}"))
    return section("anatomy", "What the network is made of", blocks)


def anatomy_table(
    id: str,  # noqa: A002 - the document's own word
    caption: str,
    anatomy: Anatomy,
    called: Callable[[Layer], str],
) -> Block:
    """Return a network layer by layer, with its arithmetic; `called` says what a layer is called."""
    columns = {
        "layer": "left",
        "output": "right",
        "parameters": "right",
        "multiply-adds a face": "right",
        "output, bytes": "right",
        "sees": "right",
    }
    rows = (
        [
            called(layer),
            " × ".join(map(str, layer.output_shape)),
            layer.parameter_arithmetic if layer.parameters else "–",
            layer.multiply_add_arithmetic if layer.multiply_adds != 0 else "–",
            layer.output_bytes_arithmetic,
            " × ".join(map(str, layer.receptive_field)) if layer.receptive_field else "–",
        ]
        for layer in anatomy.layers
    )
    note = (
        f"Parameters: {anatomy.parameter_arithmetic} ({anatomy.parameter_bytes:,} bytes). Multiply-adds: "
        f"{anatomy.multiply_add_arithmetic}. “Sees” is the receptive field in pixels."
    )
    unseen = "".join(
        f" Unseen by the layer {layer.name}, at the end of its {' × '.join(map(str, layer.input_shape))} input: "
        f"rows {layer.unseen[0]}, columns {layer.unseen[1]}."
        for layer in anatomy.layers
        if any(layer.unseen)
    )
    return table(id, caption, columns, rows, note + unseen)


def _shares(anatomy: Anatomy) -> Block:
    """Return, for the largest layers, the share of the parameters beside the share of the work."""
    shares = {
        layer.name: (
            layer.parameters / (anatomy.parameters or 1),
            (layer.multiply_adds or 0) / (anatomy.multiply_adds or 1),
        )
        for layer in anatomy.layers
        if layer.parameters or layer.multiply_adds
    }
    largest = set(sorted(shares, key=lambda name: max(shares[name]), reverse=True)[:LARGEST])
    names = [name for name in shares if name in largest]
    which = f"The {LARGEST} largest of {len(shares)} layers" if len(shares) > LARGEST else "The layers"
    return chart(
        "shares",
        "Where the parameters are, and where the work is",
        f"{which} that hold parameters or multiply, in the order of running. Shares of the "
        f"{counted(anatomy.parameters, 'parameter')} and of the {counted(anatomy.multiply_adds, 'multiply-add')}.",
        "interval",
        x={"label": "share of the network", "unit": "%", "range": [0.0, 1.0]},
        y={"label": "layer", "categories": names},
        series=[
            {"name": name, "style": style, "y": names, "x": [shares[layer][part] for layer in names]}
            for part, (name, style) in enumerate((("parameters", "orange"), ("multiply-adds", "blue")))
        ],
    )
