"""The tables of README and docs, made from results/. A test fails where a document has another one."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
RECIPES = tuple(ROOT / "netspace_jax" / "domains" / name / "presets.py" for name in ("images", "fields"))
_BLOCK = re.compile(r"<!-- table: ([\w-]+) -->\n.*?<!-- end -->", re.DOTALL)

# Preset, what it is, and the figures to expect of it: (label, name of the figure).
PRESETS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("digits", "3,840 LeNetLikes, each from its own initialisation", (
        ("encoder alone: agreement", "reconstruct/agreement_test"), ("gap", "reconstruct/gap_test"),
        ("refined: agreement", "refined/agreement_test"), ("gap", "refined/gap_test"))),
    ("digits-tasks", "2,048 LeNetLikes, each on digits turned, sheared, scaled, inverted in its own way", (
        ("a new task from 1 example", "adapt/1/space"), ("from 5", "adapt/5/space"), ("from 50", "adapt/50/space"),
        ("members, trained on all of their own", "adapt/5/member"), ("one network for all", "adapt/5/pooled"))),
    ("digits-labels", "1,008 LeNetLikes, each told that another half of the digits is yes", (
        ("a new half from 5 examples", "adapt/5/space"), ("from 10", "adapt/10/space"), ("from 20", "adapt/20/space"),
        ("from 50", "adapt/50/space"), ("members, trained on all of theirs", "adapt/5/member"))),
    ("cifar10-tasks", "400 small CNNs, each on photographs (JPEG-compressed) under its own conditions", (
        ("a new task from 1 example", "adapt/1/space"), ("from 5", "adapt/5/space"), ("from 50", "adapt/50/space"),
        ("members, trained on all of their own", "adapt/5/member"), ("one network for all", "adapt/5/pooled"))),
    ("digits-shared", "2,304 LeNetLikes from one shared initialisation", (
        ("encoder alone: agreement", "reconstruct/agreement_test"), ("gap", "reconstruct/gap_test"),
        ("refined: agreement", "refined/agreement_test"), ("gap", "refined/gap_test"))),
    ("digits-large", "14,592 LeNetLikes and a larger autoencoder", (
        ("encoder alone: agreement", "reconstruct/agreement_test"), ("gap", "reconstruct/gap_test"),
        ("refined: agreement", "refined/agreement_test"), ("gap", "refined/gap_test"))),
    ("digits-multi", "LeNetLike, VanillaCNN, ResNet8, ResNet32 in one space, one ResNet56 teaches", (
        ("generated accuracy", "reconstruct/accuracy_test"), ("head accuracy", "architecture/accuracy_test"))),
    ("digits-multi-own", "144 of each of these, each network its own teacher", (
        ("encoder alone: agreement", "reconstruct/agreement_test"), ("refined", "refined/agreement_test"))),
    ("digits-unseen", "VanillaCNN and ResNet8 never shown", (
        ("VanillaCNN", "unseen/vanilla_cnn/accuracy"), ("ResNet8", "unseen/resnet8/accuracy"))),
    ("cifar10-small", "256 LeNetLikes of the paper's size on CIFAR-10 (JPEG-compressed images)", (
        ("encoder alone: agreement", "reconstruct/agreement_test"), ("gap", "reconstruct/gap_test"),
        ("refined: agreement", "refined/agreement_test"), ("gap", "refined/gap_test"))),
    ("cifar10-resnet8", "64 ResNet8s of the paper's size on CIFAR-10 (JPEG-compressed images)", (
        ("encoder alone: agreement", "reconstruct/agreement_test"), ("gap", "reconstruct/gap_test"),
        ("refined: agreement", "refined/agreement_test"), ("gap", "refined/gap_test"))),
    ("cifar10-tutorial", "256 networks of PyTorch's CIFAR-10 tutorial (JPEG-compressed images)", (
        ("encoder alone: agreement", "reconstruct/agreement_test"), ("gap", "reconstruct/gap_test"),
        ("refined: agreement", "refined/agreement_test"), ("gap", "refined/gap_test"))),
    ("chairs", "1,024 procedural chairs in SIRENs", (
        ("generated against its SIREN: within 0.01", "shapes/within_0.01"), ("IoU", "shapes/iou"),
        ("refined", "shapes/refined_within_0.01"), ("IoU", "shapes/refined_iou"))),
    ("tables", "perceptrons on rows of numbers, one task a baseball player", (
        ("variance explained for a new player from 3 rows", "few_rows/3/space"),
        ("by a mixed-effects model", "few_rows/3/mixed"))),
    ("pictures", "1,797 digits, each in a SIREN of its own", (
        ("PSNR of members", "pictures/psnr_members"), ("encoder alone", "pictures/psnr_generated"),
        ("refined", "pictures/psnr_refined"), ("class from the embedding", "classify/embedding"),
        ("from pixels", "classify/inputs"), ("from weights", "classify/flat"))),
    ("fashion-pictures", "7,000 images of Fashion-MNIST, each in a SIREN of its own", (
        ("PSNR of members", "pictures/psnr_members"), ("encoder alone", "pictures/psnr_generated"),
        ("refined", "pictures/psnr_refined"), ("class from the embedding", "classify/embedding"),
        ("from pixels", "classify/inputs"), ("from weights", "classify/flat"))),
    ("signals", "3,000 sines, each in a SIREN of its own", (
        ("amplitude and frequency by linear regression: mean squared error", "readout/mse_embedding"),
        ("from weights", "readout/mse_flat"))),
    ("series", "1,096 days of demand for power, each in a SIREN of its own", (
        ("class from the embedding", "classify/embedding"), ("from the values", "classify/inputs"),
        ("a gap filled: error", "gaps/gap_space"), ("by a straight line", "gaps/gap_interpolated"))),
)  # fmt: skip

_LATER = "needs an accelerator; not measured"

# Presets that have no results: what they are, and why.
UNMEASURED = (
    ("imported", "networks that exist (`--zoo DIR`)", "[docs/networks.md](docs/networks.md)"),
    ("pictures-large", "the literature's 55,000 / 5,000 / 10,000 images", "[docs/fields.md](docs/fields.md)"),
    ("meshes, deepsdf", "shapes of a folder (`--dataset FOLDER`)", "[docs/shapes.md](docs/shapes.md)"),
    ("cifar10-single, tiny-imagenet-single", "the paper: 186 ResNet8s, E 4096, 1,000 passes", _LATER),
    ("cifar10-multi, cifar10-unseen, tiny-imagenet-multi, tiny-imagenet-unseen", "the paper: 4 architectures", _LATER),
)  # fmt: skip


def results(name: str) -> Mapping[str, Any] | None:
    """The file of results of an experiment, or None."""
    path = ROOT / "results" / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def number(figure: Mapping[str, float | None]) -> str:
    """Mean, and standard deviation over seeds where there are several."""
    mean, std = figure["mean"], figure["std"]
    if mean is None:
        return "–"
    digits = 4 if abs(mean) < 0.1 else 3 if abs(mean) < 10 else 1 if abs(mean) < 1000 else 0
    return f"{mean:,.{digits}f}" + (f" ± {std:,.{digits}f}" if std is not None else "")


def minutes(found: Mapping[str, Any]) -> str:
    """Minutes of a run, where nothing else ran on the machine."""
    return f"{found['figures']['seconds/total']['mean'] / 60:.1f}" if found.get("quiet", True) else "–"


def listed(found: Mapping[str, Any], wanted: tuple[tuple[str, str], ...]) -> str:
    """The figures to expect, each behind its label."""
    figures = found["figures"]
    return ", ".join(f"{label} {number(figures[key])}" for label, key in wanted if key in figures)


def seeds(found: Mapping[str, Any]) -> str:
    """How many seeds, and whether they share one zoo."""
    count = len(found["seeds"])
    zoo = " of NetSpace, one of the zoo" if count > 1 and found.get("settings", {}).get("zoo_seed") is not None else ""
    return f"{count} seed{'s' if count > 1 else ''}{zoo}"


def source(found: Mapping[str, Any]) -> str:
    """Where the figures of a table come from."""
    parts = found.get("parts") or [found]
    commits = ", ".join(dict.fromkeys(part["commit"] for part in parts))
    dates = ", ".join(dict.fromkeys(part["date"] for part in parts))
    machines = " and ".join(dict.fromkeys(part["machine"] for part in parts))
    command, _, rest = found["command"].partition("; ")  # behind it, what took other flags
    beside = [seed for part in parts if not part.get("quiet", True) for seed in part.get("seeds", ())]
    busy = ""
    if not found.get("quiet", True):
        busy = "; other work ran beside"
    elif beside:
        busy = f"; other work ran beside seeds {', '.join(map(str, beside))}, whose seconds do not count"
    return f"`{command}`{f' ({rest})' if rest else ''}, commit {commits}, {dates}; {machines}{busy}."


def presets() -> list[str]:
    """The presets with minutes and figures."""
    lines = ["| preset | what | minutes | figures on unseen networks |", "|---|---|---|---|"]
    for name, what, wanted in PRESETS:
        found = results(name)
        if found is None:
            lines.append(f"| `{name}` | {what} | – | not measured in this version |")
            continue
        lines.append(f"| `{name}` | {what} | {minutes(found)} | {listed(found, wanted)} ({seeds(found)}) |")
    for names, what, note in UNMEASURED:
        lines.append(f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {what} | – | {note} |")
    return lines


def fidelity(name: str) -> list[str]:
    """What one run's section on fidelity measured, over seeds."""
    found = results(name)
    if found is None:
        return ["Not measured in this version."]
    figures = found["figures"]
    ways = (
        ("encoder alone", "reconstruct"),
        ("refined", "refined"),
        ("mean embedding", "baseline/mean_embedding"),
        ("nearest training network", "baseline/nearest_network"),
        ("distilled without a space, equal steps", "baseline/distilled"),
        ("distilled without a space, ten times the steps", "baseline/distilled_10"),
        ("10 % noise on the weights", "baseline/noise"),
    )
    lines = ["| network | agreement | gap |", "|---|---|---|"]
    lines += [
        f"| {label} | {number(figures[f'{key}/agreement_test'])} | {number(figures[f'{key}/gap_test'])} |"
        for label, key in ways
        if f"{key}/agreement_test" in figures
    ]
    if "spread/members" in figures:
        lines += ["", "| pairs of like accuracy disagree on | all | both from 0.8 |", "|---|---|---|"]
        lines += [
            f"| {which} | {number(figures[f'spread/{which}'])} | {number(figures[f'spread/{which}_high'])} |"
            for which in ("members", "generated", "refined")
        ]
    return [*lines, "", source(found)]


COUNTS = (1, 3, 5, 10, 20, 50)

# Rows of tables about fields, each a label and names of figures: `table: WHICH-RESULTS` in a document.
LISTS: dict[str, tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "psnr": (("networks of pictures never seen", "mean PSNR (dB), unless it says otherwise"), (
        ("members", ("pictures/psnr_members",)),
        ("generated, encoder alone", ("pictures/psnr_generated",)),
        ("refined", ("pictures/psnr_refined",)),
        ("networks in the zoo", ("zoo/members",)),
        ("seconds in which they were fitted and stored", ("zoo/seconds",)))),
    "reading": (("class read from", "linear", "perceptron"), (
        ("embedding", ("classify/embedding_linear", "classify/embedding")),
        ("the data itself", ("classify/inputs_linear", "classify/inputs")),
        ("flat weights", ("classify/flat_linear", "classify/flat")),
        ("statistics of weights", ("classify/statistics_linear", "classify/statistics")),
        *((f"outputs at {count} learned coordinates", ("", f"classify/coordinates_{count}"))
          for count in (4, 16, 64, 256)),
        ("the same said of a permuted copy: by embedding", ("", "classify/permuted_embedding_same")),
        ("the same said of a permuted copy: by weights", ("", "classify/permuted_flat_same")))),
    "use": (("what", "figure"), (
        ("same class among the 5 nearest by embedding", ("retrieval/embedding_precision",)),
        ("… by pixels", ("retrieval/pixels_precision",)),
        ("… by weights", ("retrieval/weights_precision",)),
        ("half way between two: PSNR to the nearest picture, by embeddings", ("walk/embeddings_nearest_psnr",)),
        ("… by weights", ("walk/weights_nearest_psnr",)),
        ("… by fading the pictures", ("walk/fading_nearest_psnr",)),
        ("… of test pictures themselves", ("walk/pictures_nearest_psnr",)),
        ("drawn anew: PSNR to the nearest picture", ("samples/nearest_psnr",)),
        ("between pixels: PSNR of members to bicubic interpolation", ("super/members_against_bicubic",)),
        ("… of generated networks", ("super/generated_against_bicubic",)),
        ("bits of a refined embedding, 6 for each value", ("compression/bits",)),
        ("… its PSNR", ("compression/psnr",)),
        ("… bits of JPEG at that PSNR", ("compression/jpeg_bits",)),
        ("… bits of JPEG without headers", ("compression/jpeg_scan_bits",)),
        ("… bits of the decoder, shared by all pictures of the set", ("compression/decoder_bits",)))),
    "readout": (("read from", "mean squared error", "amplitude", "frequency"), tuple(
        (label, tuple(f"readout/mse_{key}{end}" for end in ("", "_amplitude", "_frequency")))
        for label, key in (("embedding", "embedding"), ("outputs at the probes", "probes"),
                           ("statistics of weights", "statistics"), ("flat weights", "flat")))),
    "pairwise": (("two networks of one architecture agree on", "test networks", "those generated from them"), tuple(
        (label, tuple(f"pairwise/{key}/{of}" for of in ("members", "generated")))
        for label, key in (("LeNetLike", "lenetlike"), ("VanillaCNN", "vanilla_cnn"), ("ResNet8", "resnet8"),
                           ("ResNet32", "resnet32")))),
    "unseen": (("accuracy on test images", "generated", "distilled from the same teacher", "trained directly"), tuple(
        (label, tuple(f"{key}/{end}" for end in ("accuracy", "distilled_accuracy", "scratch_accuracy")))
        for label, key in (("VanillaCNN, never shown", "unseen/vanilla_cnn"),
                           ("ResNet8, never shown", "unseen/resnet8")))),
    "novelty": (("networks", "accuracy", "distance", "agreement", "error IoU"), tuple(
        (label, tuple(f"novelty/{key}_{what}" for what in ("accuracy", "distance", "agreement", "error_iou")))
        for label, key in (("test networks", "members"), ("generated from them", "generated"),
                           ("the same, refined", "refined"),
                           ("drawn from a Gaussian mixture over embeddings", "mixture"),
                           ("drawn from a kernel density over embeddings", "kernel"),
                           ("test networks, 10 % noise on the weights", "noise"),
                           ("average of the training networks' weights", "average"),
                           ("drawn from a Gaussian of the training networks' weights", "gaussian")))),
    "adapt": (("what a new task gets from k examples of it", *(f"k = {count}" for count in COUNTS)), tuple(
        (label, tuple(f"adapt/{count}/{key}" for count in COUNTS)) for label, key in (
            ("**the space**: the network read in the examples", "space"),
            ("the same from the inputs alone, without labels", "space_unlabelled"),
            ("nearest member", "nearest"), ("nearest member, tuned", "nearest_tuned"),
            ("vote of the nearest 16", "vote"), ("mean of their weights", "mean_weights"),
            ("one network for all tasks", "pooled"), ("the same, tuned", "pooled_tuned"),
            ("one ten times as large", "pooled_large"), ("MAML", "maml"), ("MAML, first order", "maml_first_order"),
            ("ANIL", "anil"),
            ("the network for all, its inputs aligned", "aligned"), ("the same, tuned by entropy (TENT)", "tent"),
            ("linear probe", "probe"), ("from scratch", "scratch"),
            ("hypernetwork, trained on all tasks' data", "hypernetwork"),
            ("member, trained on all data of the task", "member")))),
    "inputs": (("a space learned from", *(f"k = {count}" for count in COUNTS)), tuple(
        (label, tuple(f"inputs/{count}/{key}" for count in COUNTS)) for label, key in (
            ("all inputs of each network's own training, without labels", "own"),
            ("300 of them, kept with each network", "kept_300"), ("30 of them", "kept_30"),
            ("a public pool: the same for all networks", "pool"),
            ("of the pool for each network what it is surest of", "pool_surest")))),
    "gaps": (("what was seen", "**space**", "its posterior alone", "descent in it", "training signal that fits best",
              "Gaussian of the signals", "straight lines", "network of its own"), tuple(
        (label, tuple(f"gaps/{key}_{way}" for way in (
            "space", "posterior", "descent", "nearest", "gaussian", "interpolated", "own")))
        for label, key in (("a quarter, at random instants", "irregular"), ("all but a quarter in a row", "gap"),
                           ("all, with noise", "noise")))),
}  # fmt: skip


def figures_of(which: str, name: str) -> list[str]:
    """One of `LISTS` with the figures of one file of results."""
    found = results(name)
    if found is None:
        return ["Not measured in this version."]
    header, rows = LISTS[which]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for label, keys in rows:
        if any(key in found["figures"] for key in keys):
            cells = [number(found["figures"][key]) if key in found["figures"] else "" for key in keys]
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return [*lines, "", source(found)]


def many() -> list[str]:
    """Zoos of growing size: seconds of each part, memory, disk."""
    found = results("many")
    if found is None:
        return ["Not measured in this version."]
    which = "seconds/" if found["quiet"] else "cores/"
    parts = [key for key in found["rows"][0] if key.startswith(which)]
    names = [key.partition("/")[2] for key in parts]
    header = ["networks", "PSNR (dB)", *(f"{name} (s)" for name in names), "outside training", "memory (MB)", "files"]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in found["rows"]:
        cells = [f"{row['networks']:,}", f"{row['psnr']:.1f}", *(f"{row[part]:.1f}" for part in parts)]
        lines.append(
            "| " + " | ".join([*cells, f"{row['outside']:.0%}", f"{row['memory']:,.0f}", f"{row['files']}"]) + " |"
        )
    busy = "" if found["quiet"] else "; other work ran beside, so seconds are those of both cores together"
    return [*lines, "", f"`{found['command']}`, {found['date']}; {found['machine']}{busy}."]


def ways() -> list[str]:
    """One preset, computed as a core likes it and as an accelerator does."""
    lines = ["| way | seeds | encoder alone: agreement, gap | refined: agreement, gap |", "|---|---|---|---|"]
    sources = []
    for way, name in (("cpu", "digits"), ("accelerator", "digits-accelerator")):
        found = results(name)
        if found is None:
            return ["Not measured in this version."]
        figures = found["figures"]
        pairs = [
            ", ".join(number(figures[f"{which}/{what}_test"]) for what in ("agreement", "gap"))
            for which in ("reconstruct", "refined")
        ]
        lines.append(f"| `--lowering {way}` | {len(found['seeds'])} | {' | '.join(pairs)} |")
        sources += ["", source(found)]
    return [*lines, *sources]


def table(name: str) -> list[str]:
    """A table by the name that its marker in a document has."""
    if name == "results":  # the presets, in a document that lies in docs/ itself
        return [line.replace("](docs/", "](") for line in presets()]
    if name in ("presets", "many", "ways"):
        return {"presets": presets, "many": many, "ways": ways}[name]()
    which, _, of = name.partition("-")
    return fidelity(of) if which == "fidelity" else figures_of(which, of)


def rendered(text: str) -> str:
    """A document with its tables made anew."""

    def block(match: re.Match[str]) -> str:
        return "\n".join([f"<!-- table: {match[1]} -->", *table(match[1]), "<!-- end -->"])

    return _BLOCK.sub(block, text)


def write() -> Iterator[Path]:
    """Write the documents whose tables differ; yields them."""
    for paths, made in ((DOCUMENTS, rendered), (RECIPES, recipes)):
        for path in paths:
            text = path.read_text()
            if made(text) != text:
                path.write_text(made(text))
                yield path


def expected(name: str) -> str | None:
    """What a preset's docstring says of its figures; None for one that has no results."""
    wanted = {preset: labels for preset, _, labels in PRESETS}
    found = results(name)
    if name not in wanted or found is None:
        return None
    took = f"{minutes(found)} minutes on two CPU cores; " if found.get("quiet", True) else ""
    return f"{took}{listed(found, wanted[name])} (mean of {seeds(found)})."


def recipes(text: str) -> str:
    """A module of presets with the figures in its docstrings made anew."""

    def sentence(match: re.Match[str]) -> str:
        command, name = match[1], match[2] or "digits"
        found = expected(name)
        if found is None:
            return match[0]
        lines = textwrap.wrap(f"`{command}`: {found}", 116, break_on_hyphens=False)
        return "    " + "\n    ".join(lines) + '\n    """'

    return re.sub(r'    `(python train\.py(?: ([\w-]+))?)`: [^`]*?"""', sentence, text)
