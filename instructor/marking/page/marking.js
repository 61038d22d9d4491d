// The keys and buttons of the page of one answer.

import {
  finish, form, inConflict, isDone, isTicked, isWaiting, keepMine, post, remindOfConflict, reopen, save, saveSoon,
  settled, takeTheirs,
} from "./saving.js";
import { find, tell, tellThere, tellWhatWasLeft } from "./telling.js";

const TYPING = 400; // milliseconds without a key after which a comment is sent
const ADJUSTING = 1000;
const BOUNCE = 500; // milliseconds in which Enter on a page that nobody has touched is the last page's, bounced
const LINE = 60; // pixels
const ASKED = "asked"; // whether the question is shown
const NOTHING = "Nothing is ticked. To give no points on purpose, press 0, then Enter.";

const comment = find("comment");
const adjustment = find("adjustment");
const none = find("none");
const pane = document.querySelector("main");
const asked = document.querySelector(".asked");
const earlier = [...form.querySelectorAll("button.earlier")];
let touched = false; // something was entered on this page

// A way out of the page is taken only when everything is saved.
async function go(address) {
  if (await settled()) location.assign(address);
}

async function undo() {
  if (!(await settled())) return;
  const reply = await post("/undo", {}).catch(() => null);
  if (!reply) return tell("Not undone: the program does not answer.");
  const said = await reply.json();
  if (reply.status === 409) return tell(`Not undone: ${said.grader} has changed that mark since.`);
  if (!said.address) return tell("There is nothing left to undo.");
  tellThere(said.words, said.address);
}

async function confirm() {
  if (!touched && performance.now() < BOUNCE) return;
  if (!isTicked() && !none.checked) return tell(NOTHING);
  if (!isDone()) await finish();
  await go(form.dataset.next);
}

function chooseNone() {
  if (none.checked && isTicked()) {
    none.checked = false;
    return tell("Something is ticked or adjusted. Take that back first: 0 stands for no points.");
  }
  if (!none.checked && isDone()) {
    reopen();
    save();
  }
}

// What gives points has changed: the mark counts again when Enter says so.
function toOpen() {
  none.checked = false;
  reopen();
}

function toggle(name, number) {
  const box = form.querySelectorAll(`input[name="${name}"]`)[number - 1];
  if (box) box.click();
}

function take(words) {
  comment.value = comment.value.trim() ? `${comment.value.trim()}\n${words}` : words;
  save();
  comment.focus();
}

function toEarlier() {
  if (earlier.length) earlier[0].focus();
  else tell("There are no earlier comments on this question.");
}

function showKeys() {
  find("help").showModal();
  find("help").scrollTop = 0;
}

const actions = {
  Enter: confirm,
  0: () => none.click(),
  s: () => go(form.dataset.next),
  n: () => go(form.dataset.following),
  p: () => go(form.dataset.preceding),
  f: () => find("flagged").click(),
  u: undo,
  a: () => adjustment.focus(),
  c: () => comment.focus(),
  e: toEarlier,
  q: () => asked.querySelector("summary").click(),
  m: () => document.querySelector(".model summary").click(),
  h: () => go("/"),
  "?": showKeys,
};
const choices = { m: keepMine, t: takeTheirs, "?": actions["?"] }; // in a conflict

function act(key, shifted = false) {
  tell("");
  if (inConflict()) (choices[key] || remindOfConflict)();
  else if (key > 0) toggle(shifted ? "misconceptions" : "criteria", key);
  else actions[key]?.();
}

function moveAmongEarlier(key) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  const place = earlier.indexOf(document.activeElement);
  if (!step || place < 0) return false;
  earlier[(place + step + earlier.length) % earlier.length].focus();
  return true;
}

function scroll(key, backwards) {
  const page = 0.9 * pane.clientHeight;
  const steps = { ArrowDown: LINE, ArrowUp: -LINE, PageDown: page, PageUp: -page, " ": backwards ? -page : page };
  const ends = { Home: -pane.scrollHeight, End: pane.scrollHeight };
  const step = steps[key] ?? ends[key];
  if (step) pane.scrollBy(0, step);
  return Boolean(step);
}

// In a field, keys write; Escape leaves it, and Enter finishes the mark: in the comment together with Ctrl.
function pressInField(event) {
  if (event.key === "Escape") pane.focus();
  if (event.key !== "Enter" || (event.target === comment && !event.ctrlKey)) return;
  event.preventDefault();
  if (!event.repeat) act("Enter");
}

// Whether the key belongs to what has the focus: a button that is pressed, a box that is ticked.
function isOwn(key, target) {
  if (target.closest("button, a, summary")) return key === "Enter" || key === " ";
  return key === " " && target.matches("input");
}

// Whether the page has taken the key. A key that is held down marks and goes on only once.
function press(event) {
  if (isOwn(event.key, event.target)) return event.repeat;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (!digit && (moveAmongEarlier(event.key) || scroll(event.key, event.shiftKey))) return true;
  if (event.key === "Escape") pane.focus();
  const key = digit ?? event.key;
  if (!digit && !(key in actions) && !(key in choices)) return false;
  if (!event.repeat) act(key, event.shiftKey);
  return true;
}

document.addEventListener("keydown", (event) => {
  if (find("help").open || event.isComposing) return;
  if (event.target === comment || event.target === adjustment) return pressInField(event);
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (press(event)) event.preventDefault();
});

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("change", (event) => {
  touched = true;
  if (event.target === comment || event.target === adjustment) return isWaiting() && save();
  tell("");
  if (event.target === none) return chooseNone();
  if (event.target.name) toOpen();
  save();
});
for (const field of [comment, adjustment]) {
  field.addEventListener("input", () => {
    touched = true;
    if (field === adjustment) toOpen();
    saveSoon(field === comment ? TYPING : ADJUSTING);
  });
}
// The page as it was is not the mark as it is.
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.querySelector("header .home").addEventListener("click", (event) => {
  event.preventDefault();
  act("h");
});
for (const button of earlier) button.addEventListener("click", () => take(button.textContent));
const buttons = { previous: "p", next: "n", skip: "s", undo: "u", done: "Enter", keys: "?" };
for (const [name, key] of Object.entries(buttons)) find(name).addEventListener("click", () => act(key));
find("mine").addEventListener("click", keepMine);
find("theirs").addEventListener("click", takeTheirs);
asked.open = sessionStorage.getItem(ASKED) !== "closed";
asked.addEventListener("toggle", () => sessionStorage.setItem(ASKED, asked.open ? "open" : "closed"));
pane.focus({ preventScroll: true });
tellWhatWasLeft();
