"""Made submissions for the tests and the benchmark of marking, and records filled without any."""

import io
import json
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from instructor.marking.asked import QUESTION_HEADING
from instructor.marking.records import Answer, Records
from instructor.marking.scheme import load_scheme
from instructor.release.markers import PROMPT, strip_report
from kit.assignment import MODULES, QUESTIONS, REPORT
from kit.paths import KIT

TEMPLATE = strip_report((KIT / REPORT).read_text("utf-8"), REPORT)
FIGURES = "writeup/build/figures/"
Files = dict[str, bytes]


def put(records: Records, answer: Answer) -> None:
    """What is entered of an answer when submissions are read."""
    words = "INSERT OR IGNORE INTO submissions VALUES (?, '', '', '')"
    records.connection.execute(words, (answer.submission,))
    row = (answer.submission, answer.question, answer.text, answer.note, json.dumps(answer.figures), answer.sha256)
    records.connection.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)


def report(answers: Mapping[str, str]) -> str:
    """The report that students get, with these answers in the places of the first prompts of their questions."""
    lines, question = [], ""
    left = dict(answers)
    for line in TEMPLATE.split("\n"):
        heading = QUESTION_HEADING.match(line)
        question = heading["name"] if heading else question
        lines.append(left.pop(question) if line == PROMPT and question in left else line)
    return "\n".join(lines)


def picture(seed: int, size: tuple[int, int] = (240, 80), quality: int = 85) -> bytes:
    """A JPEG of large coloured patches, another one for each seed."""
    chance = random.Random(seed)
    small = Image.new("RGB", (12, 8))
    small.putdata([tuple(chance.randrange(256) for _ in "rgb") for _ in range(96)])
    written = io.BytesIO()
    small.resize(size, Image.Resampling.BICUBIC).save(written, "JPEG", quality=quality)
    return written.getvalue()


def files(answers: Mapping[str, str], figures: Mapping[str, bytes] | None = None) -> Files:
    """A submission of this report, whose code is of no interest."""
    numbered = enumerate((figures or {}).items(), start=1)
    pictures = {f"{FIGURES}{number:02}-{name}.jpg": content for number, (name, content) in numbered}
    return {MODULES[0]: b"x = 1\n", REPORT: report(answers).encode("utf-8", "surrogatepass"), **pictures}


def pack(path: Path, content: Files) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def all_figures(seed: int) -> dict[str, bytes]:
    """One for each figure of the table, of this student alone."""
    names = [name for question in QUESTIONS.values() for name in question["figures"]]
    return {name: picture(1000 * seed + number) for number, name in enumerate(names)}


def model_answers() -> dict[str, str]:
    return {question.name: question.model_answer for question in load_scheme().questions}


HOSTILE = {
    "one-pass": "<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">",
    "what-to-differentiate": '<svg onload="document.title = 1"><a href="javascript:1">x</a></svg> [a](javascript:b)',
    "saliency-maps": "![](http://192.0.2.1/spy.png) ![](data:image/png;base64,AAAA) <iframe src=//192.0.2.1></iframe>",
    "guided-backprop-and-grad-cam": "$" + "{" * 9000 + "$ and $\\def\\a{\\a\\a}\\a$",
    "early-layer": "x" * 10 * 2**20,
    "saliency-against-grad-cam": "[" * 9000,
    "fooling": "![](../../../../etc/passwd) ![](../figures/..%2f..%2fpasswd) <base href=http://192.0.2.1>",
    "class-visualization": "> " * 9000 + "deep",
    "ascent": "`" * 9000 + "\u202eright to left\u0000\u0007",
    "regularization": '<style>body { display: none }</style><div style="position:fixed;inset:0">over everything</div>',
    "style-transfer": '<form action="/undo" method="post"><input name="x"></form>{=html} `<b>x</b>`{=html}',
    "own-pair": "<meta http-equiv=refresh content='0; url=http://192.0.2.1'><link rel=stylesheet href=//192.0.2.1>",
}
ARABIC = "الاشتقاق **خطي**: مشتقة المجموع $\\sum_n s_n$ هي مجموع المشتقات."
CHINESE = "求导是**线性**的：和的梯度等于梯度之和 $\\nabla \\sum_n s_n$。每张图像的分数只取决于它自己的像素。"


def ten_submissions(folder: Path) -> None:
    """Full, empty, half, hostile, in Arabic and Chinese, copied words and figures, another's figures, damaged."""
    full = model_answers()
    half = dict(list(full.items())[:6])
    own = {question: f"{text} In my words, this is what I saw in the pictures." for question, text in full.items()}
    copied = {question: text.replace("gradient", "derivative") for question, text in own.items()}
    pack(folder / "ada.zip", files(full, all_figures(1)))
    pack(folder / "bob.zip", files({}))
    pack(folder / "cleo.zip", files(half, dict(list(all_figures(3).items())[:4])))
    names = {
        f"{FIGURES}../../x.png".replace("../", "%2e%2e"): b"\x89PNG not one",
        f"{FIGURES}01-a<b>'\"&.jpg": picture(4),
    }
    pack(folder / "dan 'eve' <b>.zip", {**files(HOSTILE), **names})
    pack(folder / "farida.zip", files(dict.fromkeys(QUESTIONS, ARABIC), all_figures(5)))
    pack(folder / "guo.zip", files(dict.fromkeys(QUESTIONS, CHINESE), all_figures(6)))
    pack(folder / "hal.zip", files(own, all_figures(7)))
    pack(folder / "ivy.zip", files(copied, all_figures(7)))
    another = {**all_figures(8), "style_own_pair": picture(7013, quality=40)}
    pack(folder / "jan.zip", files({**half, "own-pair": full["own-pair"]}, another))
    (folder / "kim.zip").write_bytes(b"PK\x03\x04 cut short")
