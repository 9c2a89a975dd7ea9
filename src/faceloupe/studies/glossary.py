"""The words of a study's page that a first-year student need not know, each explained where it stands."""

import re
from collections.abc import Iterable, Mapping

GLOSSARY = {
    "fully-connected network": "A network in which every unit sees every number of the layer before it: here, every "
    "pixel. Also called a multilayer perceptron, MLP; on this page FCNN.",
    "convolutional network": "A network whose first layer slides small filters over the picture. On this page CNN.",
    "hidden unit": "A weighted sum of all numbers of the layer before, plus a bias, that passes through a ReLU.",
    "ReLU": "The function max(0, x): what is above 0 passes, what is below becomes 0.",
    "dead unit": "A unit whose sum is above 0 for no face. Its ReLU puts out 0 for everybody, and training no longer "
    "changes its weights.",
    "parameter": "A number of the network that training changes: a weight or a bias.",
    "weight": "What a number is multiplied with before it enters a sum.",
    "multiply-add": "One multiplication with the addition that follows it: the unit in which the work of a network is "
    "counted.",
    "filter": "A small square of weights, also called a kernel. Laid on a part of the picture, each weight is "
    "multiplied with the pixel under it, and the products are added up.",
    "feature map": "What one filter puts out, arranged like the picture: one number for each place it was laid on.",
    "pooling": "Each window of a feature map is replaced by its largest number.",
    "fit": "One training of one network, from its random start to its last epoch.",
    "epoch": "One round of training over all training captures.",
    "seed": "The number from which all that is random is drawn: which captures are held out, the first weights, the "
    "order of the captures.",
    "capture": "One photograph of a person.",
    "mean pixel": "The average of all pixels of the training captures: one number. Subtracted from every pixel, it "
    "makes dark places negative and bright ones positive.",
    "logit": "The number in which a network that tells two people apart ends: below 0 for the first, above 0 "
    "for the second; the farther from 0, the surer it is.",
    "loss": "What training makes small: how surprised the network is by who a face really shows, 0 if it was sure and "
    "right. Here cross-entropy, in nats.",
    "point": "A difference of percentages: from 90 % to 85 % is 5 points.",
    "training accuracy": "The share of the captures that the network was trained on which it gets right.",
    "held out": "Captures that the network was not trained on. What it does on them shows whether it learned more than "
    "those it has seen.",
    "overfitting": "To learn the training captures and to fail on others.",
    "learning rate": "How far each step of training moves the weights.",
    "initialisation": "How the first, random weights are drawn.",
    "linear probe": "A straight cut through the numbers that a layer puts out, laid so that it tells two people apart "
    "as well as it can. How well it does on captures that it was not laid for says how linearly separable they are.",
    "linearly separable": "Two groups of points are linearly separable if a straight line, or in more dimensions a "
    "flat plane, has one group on either side.",
    "correlation": "How alike two rows of numbers rise and fall: 1 for the same up to scale, 0 for unrelated.",
    "interval": "Where the true value lies, as far as chance allows to say: a 95 % interval holds it in 95 of 100 "
    "studies like this one.",
    "verdict": "Supported or contradicted where the whole interval of what was measured lies on one side of a limit "
    "that is the same for every study; not shown where the interval holds the limit, or there are too few pairs.",
    "dense layer": "A layer of units that each see every number of the layer before.",
    "flatten": "To write the numbers of all feature maps into one row.",
}
"""Word -> what it means; ``[[word]]`` in a text opens it, ``[[as written|word]]`` does so in another form."""


LEAD = {
    "fully-connected network": "fully-connected network",
    "convolutional network": "convolutional network",
    "seeds": "seed",
    "hidden units": "hidden unit",
    "dead": "dead unit",
    "overfitted": "overfitting",
    "mean pixel": "mean pixel",
    "points": "point",
    "interval": "interval",
}
"""What the lead says -> the word of the glossary that it is."""


def explained(texts: Iterable[str], words: Mapping[str, str]) -> list[str]:
    """Mark words in texts where each stands first, so that the page explains them there.

    What is bold, figures and the name of the data, is left as it is.
    """
    left = dict(words)
    marked = []
    for text in texts:
        parts = re.split(r"(\*\*.+?\*\*)", text)
        for place, part in enumerate(parts[::2]):
            for written in [written for written in left if written in part]:
                entry = left.pop(written)
                mark = f"[[{written}]]" if written == entry else f"[[{written}|{entry}]]"
                part = part.replace(written, mark, 1)
            parts[2 * place] = part
        marked.append("".join(parts))
    return marked
