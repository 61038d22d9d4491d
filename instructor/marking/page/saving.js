// One answer's mark on its way to the server: every change is sent at once, one request at a time, and the latest wins.

import { counted, find, inWords, sayState, tell, tellThere } from "./telling.js";

const PAUSE = 1000; // milliseconds until the server is asked again
const CHOOSE = "First choose between the two marks: m keeps yours, t takes theirs.";

export const form = find("mark");
const comment = find("comment");
const adjustment = find("adjustment");
let version = Number(form.dataset.version);
let done = form.dataset.done === "yes";
let changed = false; // since it was sent last
let sending = null;
let refused = ""; // why it was not saved
let conflict = null; // what another grader entered meanwhile
let timer = 0;

const chosen = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

export const isDone = () => done;
export const inConflict = () => conflict !== null;
export const isWaiting = () => timer !== 0;

// Whether a criterion, a misconception or points beside them are chosen.
export const isTicked = () => Boolean(chosen("criteria").length || chosen("misconceptions").length || adjustment.value.trim());

export const post = (address, entry) =>
  fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(entry),
    keepalive: true,
  });

const entered = () => ({
  version,
  done,
  answer: form.dataset.answer,
  criteria: chosen("criteria"),
  misconceptions: chosen("misconceptions"),
  comment: comment.value,
  adjustment: adjustment.value,
  flagged: find("flagged").checked,
});

async function send() {
  sayState("Saving …");
  let reply;
  try {
    reply = await post(location.pathname, entered());
  } catch {
    sayState("Not saved yet: the program does not answer. Trying again …", true);
    changed = true;
    await pause(PAUSE);
    return;
  }
  const mark = await reply.json().catch(() => ({}));
  refused = "";
  if (reply.ok) {
    version = mark.version;
    show(mark);
  } else if (reply.status === 409) {
    meet(mark);
  } else {
    done = false;
    refused = `Not saved: ${mark.problem || `reload this page (${reply.status})`}`;
    sayState(refused, true);
  }
}

function show(mark) {
  find("points").textContent = mark.points;
  find("marked").textContent = mark.marked;
  document.querySelector(".progress progress").value = mark.marked;
  find("own").textContent = mark.own;
  sayState(mark.done ? `Marked by ${mark.grader}, saved` : "Saved. Enter finishes it");
}

async function sendAll() {
  while (changed && !conflict) {
    changed = false;
    await send();
  }
  sending = null;
}

export async function save() {
  clearTimeout(timer);
  timer = 0;
  changed = true;
  if (!conflict) sending ??= sendAll();
  await sending;
}

export function saveSoon(time) {
  clearTimeout(timer);
  timer = setTimeout(save, time);
  sayState("Not saved yet …");
}

// The mark counts from now on, or again only when Enter says so.
export function finish() {
  done = true;
  return save();
}

export function reopen() {
  done = false;
}

// Whether everything is saved; if not, the page says what stands in the way.
export async function settled() {
  if (timer || changed) await save();
  await sending;
  if (conflict) remindOfConflict();
  else if (refused) tell("First mend or clear what could not be saved.");
  return !conflict && !refused;
}

export function remindOfConflict() {
  tell(CHOOSE);
}

function meet(theirs) {
  conflict = theirs;
  find("conflict-theirs").textContent =
    `${theirs.grader} has changed this mark in the meantime. Theirs: ${inWords(theirs)}.`;
  find("conflict-mine").textContent = `Yours, not saved: ${inWords(theirs.mine)}.`;
  showConflict();
  sayState("Not saved", true);
}

function showConflict() {
  find("conflict").hidden = !conflict;
  for (const choices of form.querySelectorAll("fieldset")) choices.disabled = Boolean(conflict);
}

export async function keepMine() {
  const theirs = conflict;
  version = theirs.version;
  conflict = null;
  showConflict();
  tell("");
  await save();
  const given = counted(theirs.points);
  if (!conflict && !refused) tell(`Your mark is kept. That of ${theirs.grader}, ${given}, is replaced.`);
}

export function takeTheirs() {
  const { grader, mine } = conflict;
  const words = `The mark of ${conflict.grader} stays: ${inWords(conflict)}. Yours, ${counted(mine.points)}, is not saved.`;
  conflict = null;
  clearTimeout(timer);
  timer = 0;
  tellThere(words, location.pathname);
}

addEventListener("pagehide", () => {
  if (timer && !sending && !conflict) post(location.pathname, entered());
});
