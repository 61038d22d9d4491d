// What the page says, here and on the page that follows.

const LATER = "told";

export const find = (name) => document.getElementById(name);
export const counted = (points) => `${points} ${points === 1 ? "point" : "points"}`;

// A mark with all that its grader entered.
export function inWords(mark) {
  const names = [...mark.criteria, ...mark.misconceptions, mark.adjustment].filter(Boolean).join(", ") || "nothing ticked";
  const words = [`${counted(mark.points)} (${names})`];
  if (mark.flagged) words.push("flagged");
  if (!mark.done) words.push("not finished");
  if (mark.comment) words.push(`“${mark.comment}”`);
  return words.join(", ");
}

// Whether the mark is saved.
export function sayState(words, trouble = false) {
  find("state").textContent = words;
  find("state").classList.toggle("trouble", trouble);
}

// What was done, or what to do.
export function tell(words) {
  find("told").textContent = words;
  find("told").hidden = !words;
}

export function tellThere(words, address) {
  sessionStorage.setItem(LATER, words);
  location.assign(address);
}

export function tellWhatWasLeft() {
  tell(sessionStorage.getItem(LATER) || "");
  sessionStorage.removeItem(LATER);
}
