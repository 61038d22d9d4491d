// The keys of the page of all questions.

const questions = [...document.querySelectorAll("tbody th a")];
let typed = ""; // the digits so far: 1 may become 14

function toQuestion(digit) {
  typed = questions[Number(typed + digit) - 1] ? typed + digit : digit;
  questions[Number(typed) - 1]?.focus();
}

function move(step) {
  const place = questions.indexOf(document.activeElement);
  const next = place < 0 ? (step > 0 ? 0 : questions.length - 1) : (place + step + questions.length) % questions.length;
  questions[next].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input") || !questions.length) return;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Enter" && event.repeat) return event.preventDefault(); // held on the page before
  if (!digit) typed = "";
  if (digit) toQuestion(digit);
  else if (step) move(step);
  else return;
  event.preventDefault();
});
