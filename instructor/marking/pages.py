"""What each address answers. The pages hold no decision about marks: those are the desk's and the records'."""

import json
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tornado.ioloop import IOLoop
from tornado.web import HTTPError

from instructor.grading.shown import shown
from instructor.marking.access import Refusing
from instructor.marking.answers import plain_name
from instructor.marking.desk import LONGEST_GRADER, Desk, Drawing
from instructor.marking.entries import EntryError, adjustment_words
from instructor.marking.records import LONGEST_COMMENT, LONGEST_REASON, Answer, Conflict, Mark
from instructor.marking.rendering import Renderer
from instructor.marking.scheme import Question
from instructor.marking.sharing import says_the_same
from instructor.marking.telling import counted, figure_lines, percent, undone_words
from kit.assignment import FIGURES, QUESTIONS

FOLDER = Path(__file__).with_name("page")
KINDS = {".css": "text/css", ".js": "text/javascript"}
NOT_DRAWN = {"style_own_pair": "Not drawn anew: the student's own pictures are not in the submission."}
AHEAD = ThreadPoolExecutor(1)  # makes ready what is asked for next
PAGES = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
PAGES.filters["points"] = lambda points: f"{points:g}"
PAGES.filters.update(counted=counted, percent=percent, shown=shown)


def address(question: str, code: str = "") -> str:
    return f"/question/{quote(question)}" + (f"/{code}" if code else "")


class Page(Refusing):
    """A handler that knows the desk."""

    @property
    def desk(self) -> Desk:
        return self.settings["desk"]

    @property
    def renderer(self) -> Renderer:
        return self.settings["renderer"]

    def show(self, template: str, **values: object) -> None:
        common = {"desk": self.desk, "grader": self.grader, "address": address, "longest_grader": LONGEST_GRADER}
        self.finish(PAGES.get_template(template).render(**common, **values))

    def question(self, name: str) -> Question:
        question = self.desk.question(name)
        if question is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        return question

    def submission(self, code: str) -> str:
        if code not in self.desk.codes:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        return self.desk.codes[code]

    def say(self, status: HTTPStatus, **values: object) -> None:
        self.set_status(status)
        self.finish(values)

    def entry(self) -> object:
        """The JSON that a page has sent."""
        if self.request.headers.get("Content-Type", "").partition(";")[0] != "application/json":
            raise HTTPError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            return json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise HTTPError(HTTPStatus.BAD_REQUEST) from error


class Overview(Page):
    """All questions, and how far each is."""

    def get(self) -> None:
        desk = self.desk
        problems = {name: problem for name, problem in desk.records.submissions().items() if problem}
        values = {"progress": desk.progress(), "flagged": desk.flagged(), "warned": desk.warned(), "problems": problems}
        finished = self.desk.question(self.get_argument("finished", ""))
        self.show("overview.html", **values, finished=finished)


class Grader(Page):
    """Who marks in this browser."""

    def post(self) -> None:
        name = self.get_body_argument("grader", "").strip()[:LONGEST_GRADER]
        if name:
            self.keep("grader", name)
        self.redirect("/", status=HTTPStatus.SEE_OTHER)


class NextAnswer(Page):
    """The way to the next answer that nobody has marked, and into a finished question to its first one."""

    def get(self, name: str) -> None:
        question, code = self.question(name), self.get_argument("after", "")
        after = self.submission(code) if code else None
        found = self.desk.next_open(question.name, after, self.grader)
        if found is None and after is None:  # from the list of questions: to look through it again
            found = next(iter(self.desk.orders[question.name]), None)
        self.redirect(address(name, self.desk.order.code(found)) if found else f"/?finished={quote(name)}")


class AnswerPage(Page):
    """One answer, with everything that its mark needs."""

    async def get(self, name: str, code: str) -> None:
        desk, question, submission = self.desk, self.question(name), self.submission(code)
        if not self.grader:
            self.redirect("/")
            return
        answer = desk.records.answer(submission, question.name)
        html = await IOLoop.current().run_in_executor(None, self.renderer.html, answer.text)
        drawings = desk.drawings(submission)
        mark = desk.records.mark(submission, question.name)
        counts = desk.counts(question.name)
        self.show(
            "answer.html",
            question=question,
            submission=submission,
            code=code,
            answer=answer,
            answer_html=html,
            render=self.renderer.html,
            figures=self.figures(answer, drawings),
            mark=mark,
            done=mark.done and not desk.is_changed(answer, mark),
            changed=desk.is_changed(answer, mark),
            onward=self.onward(question, submission),
            sharing=desk.sharing(question.name, submission),
            is_model=says_the_same(answer.text, question.model_answer),
            about_figures=list(figure_lines(QUESTIONS[question.name]["figures"], drawings, desk.scheme.figure_titles)),
            comments=desk.records.earlier_comments(question.name),
            others=desk.claim(question.name, submission, self.grader),
            place=desk.position(question.name, submission) + 1,
            total=len(desk.orders[question.name]),
            marked=sum(counts.values()),
            own=counts.get(self.grader, 0),
            adjustment=adjustment_words(mark),
            longest_comment=LONGEST_COMMENT,
            longest_reason=LONGEST_REASON,
        )
        self.make_ready(question, submission)

    def onward(self, question: Question, submission: str) -> str:
        """Where Enter leads: to the next open answer, and in a finished question to the next one."""
        desk, code = self.desk, self.desk.order.code(submission)
        if not desk.is_finished(question.name):
            return f"{address(question.name)}?after={code}"
        following = desk.neighbour(question.name, submission, 1)
        is_last = desk.position(question.name, following) == 0
        return "/" if is_last else address(question.name, desk.order.code(following))

    def figures(self, answer: Answer, drawings: dict[str, Drawing]) -> list[tuple[str, str, Drawing | None, str]]:
        """Address and caption of each figure, what the submitted code draws in its place, and why it cannot be."""
        names = [plain_name(Path(place).stem) for place in answer.figures]
        own = address(answer.question, self.desk.order.code(answer.submission))
        return [
            (f"{own}/figure/{number}", caption(name), drawings.get(name), NOT_DRAWN.get(name, ""))
            for number, name in enumerate(names)
        ]

    def make_ready(self, question: Question, submission: str) -> None:
        """Set the next open answer and draw its figures while this one is read."""
        following = self.desk.next_open(question.name, submission, self.grader)
        if following is not None:
            answer = self.desk.records.answer(following, question.name)
            AHEAD.submit(self.renderer.html, answer.text)
            for place in answer.figures:
                AHEAD.submit(self.settings["pictures"].jpeg, *self.desk.figure(following, place))

    def post(self, name: str, code: str) -> None:
        question, submission = self.question(name), self.submission(code)
        if not self.grader:
            raise HTTPError(HTTPStatus.FORBIDDEN)
        try:
            mark = self.desk.enter(question, submission, self.entry(), self.grader)
        except EntryError as error:
            self.say(HTTPStatus.BAD_REQUEST, problem=str(error))
        except Conflict as conflict:
            self.say(HTTPStatus.CONFLICT, **as_json(conflict.current), mine=as_json(conflict.entered))
        else:
            counts = self.desk.counts(question.name)
            self.say(HTTPStatus.OK, **as_json(mark), marked=sum(counts.values()), own=counts.get(self.grader, 0))


class Undo(Page):
    """Takes back what this grader entered last, on whatever page."""

    def post(self) -> None:
        self.entry()
        try:
            undone = self.desk.undo(self.grader)
        except Conflict as conflict:
            self.say(HTTPStatus.CONFLICT, **as_json(conflict.current))
            return
        if undone is None:
            self.say(HTTPStatus.OK, address=None)
            return
        place = address(undone.question, self.desk.order.code(undone.submission))
        label = shown(self.desk.label(undone.submission))
        self.say(HTTPStatus.OK, address=place, words=undone_words(self.question(undone.question), label, undone))


class Figure(Page):
    """A picture that an answer refers to."""

    async def get(self, name: str, code: str, number: str) -> None:
        question, submission = self.question(name), self.submission(code)
        places = self.desk.records.answer(submission, question.name).figures
        if int(number) >= len(places):
            raise HTTPError(HTTPStatus.NOT_FOUND)
        which = self.desk.figure(submission, places[int(number)])
        found = await IOLoop.current().run_in_executor(None, self.settings["pictures"].jpeg, *which)
        if isinstance(found, str):
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self.set_header("Content-Type", "image/jpeg")
        self.finish(found)


class Drawn(Page):
    """A figure as submitted code draws it."""

    def get(self, sha256: str) -> None:
        found = self.desk.picture(sha256)
        if found is None:
            raise HTTPError(HTTPStatus.NOT_FOUND)
        self.set_header("Content-Type", "image/jpeg")
        self.finish(found)


class Static(Page):
    """The style sheet and the scripts."""

    def get(self, name: str) -> None:
        self.set_header("Content-Type", f"{KINDS[Path(name).suffix]}; charset=utf-8")
        self.finish((FOLDER / name).read_bytes())


def caption(name: str) -> str:
    """What a figure is: the table's caption, or the name of the file."""
    return FIGURES[name]["caption"] if name in FIGURES else shown(name, 80)


def as_json(mark: Mark) -> dict[str, object]:
    names = ("points", "criteria", "misconceptions", "comment", "grader", "flagged", "version", "done")
    return {name: getattr(mark, name) for name in names} | {"adjustment": adjustment_words(mark)}


ADDRESSES = [
    (r"/", Overview),
    (r"/grader", Grader),
    (r"/undo", Undo),
    (r"/(marking\.css|marking\.js|saving\.js|telling\.js|overview\.js)", Static),
    (r"/drawn/([0-9a-f]{64})", Drawn),
    (r"/question/([a-z0-9-]+)", NextAnswer),
    (r"/question/([a-z0-9-]+)/([0-9a-f]+)", AnswerPage),
    (r"/question/([a-z0-9-]+)/([0-9a-f]+)/figure/(\d{1,3})", Figure),
]
