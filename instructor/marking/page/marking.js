"use strict";
// One answer's mark: every change is sent at once, one request at a time, and the latest state wins.

const form = document.getElementById("mark");
const PAUSE = 1000; // milliseconds until the server is asked again
const TYPING = 400; // milliseconds without a key after which a comment is sent

if (form) {
  const find = (name) => document.getElementById(name);
  const comment = find("comment");
  const adjustment = find("adjustment");
  let version = Number(form.dataset.version);
  let done = form.dataset.done === "yes";
  let changed = false; // since it was sent last
  let sending = null;
  let conflict = null; // what another grader entered meanwhile
  let timer = 0;

  const chosen = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
  const say = (words, trouble = false) => {
    find("state").textContent = words;
    find("state").classList.toggle("trouble", trouble);
  };
  const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
  const post = (address, entry) =>
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
    say("Saving …");
    let reply;
    try {
      reply = await post(location.pathname, entered());
    } catch {
      say("Not saved yet: the program does not answer. Trying again …", true);
      changed = true;
      await pause(PAUSE);
      return;
    }
    const mark = await reply.json().catch(() => ({}));
    if (reply.ok) {
      version = mark.version;
      find("points").textContent = mark.points;
      find("marked").textContent = mark.marked;
      document.querySelector(".progress progress").value = mark.marked;
      find("own").textContent = mark.own;
      say(mark.done ? `Marked by ${mark.grader}, saved` : "Saved, not marked yet");
    } else if (reply.status === 409) {
      meet(mark);
    } else {
      say(`Not saved: ${mark.problem || `reload this page (${reply.status})`}`, true);
    }
  }

  function save() {
    clearTimeout(timer);
    timer = 0;
    changed = true;
    sending ??= (async () => {
      while (changed && !conflict) {
        changed = false;
        await send();
      }
      sending = null;
    })();
    return sending;
  }

  function meet(theirs) {
    conflict = theirs;
    const names = [...theirs.criteria, ...theirs.misconceptions, theirs.adjustment].filter(Boolean).join(", ") || "nothing ticked";
    const words = theirs.comment ? `, “${theirs.comment}”` : "";
    find("conflict-words").textContent =
      `${theirs.grader} has changed this mark in the meantime: ${theirs.points} points (${names})${words}. Yours is not saved.`;
    find("conflict").hidden = false;
    find("theirs").focus();
    say("Not saved", true);
  }

  function keepMine() {
    version = conflict.version;
    conflict = null;
    find("conflict").hidden = true;
    form.querySelector("input").focus();
    save();
  }

  // A way out of the page is taken only when everything is saved.
  async function go(address) {
    if (timer || changed || sending) await save();
    if (!conflict && !find("state").classList.contains("trouble")) location.assign(address);
  }

  async function undo() {
    if (timer || sending) await save();
    const reply = await post("/undo", {}).catch(() => null);
    if (!reply) return say("Not undone: the program does not answer.", true);
    const said = await reply.json();
    if (reply.status === 409) return say(`Not undone: ${said.grader} has changed that mark since.`, true);
    if (!said.address) return say("There is nothing left to undo.");
    location.assign(said.address);
  }

  async function finish() {
    done = true;
    await save();
    await go(form.dataset.next);
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

  const earlier = [...form.querySelectorAll("button.earlier")];
  const actions = {
    Enter: finish,
    s: () => go(form.dataset.next),
    n: () => go(form.dataset.following),
    p: () => go(form.dataset.preceding),
    f: () => find("flagged").click(),
    u: undo,
    a: () => adjustment.focus(),
    c: () => comment.focus(),
    e: () => earlier[0]?.focus(),
    m: () => document.querySelector(".model summary").click(),
    h: () => go("/"),
    "?": () => find("help").showModal(),
  };

  function moveAmongEarlier(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const place = earlier.indexOf(document.activeElement);
    if (!step || place < 0) return false;
    earlier[(place + step + earlier.length) % earlier.length].focus();
    event.preventDefault();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (find("help").open || event.isComposing) return;
    if (event.target === comment || event.target === adjustment) {
      if (event.key === "Escape") event.target.blur();
      if (event.key === "Enter" && event.target === adjustment) event.preventDefault();
      if (event.key === "Enter" && event.ctrlKey) finish();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || moveAmongEarlier(event)) return;
    if (event.key === "Escape") return document.activeElement.blur();
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    const own = event.target.closest("button, a, summary");
    if (digit) {
      toggle(event.shiftKey ? "misconceptions" : "criteria", Number(digit[1]));
    } else if (actions[event.key] && !(event.key === "Enter" && own)) {
      actions[event.key]();
    } else {
      return;
    }
    event.preventDefault();
  });

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target.name) done = true;
    save();
  });
  for (const field of [comment, adjustment]) {
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(save, field === comment ? TYPING : PAUSE);
      say("Not saved yet …");
    });
  }
  addEventListener("pagehide", () => {
    if (timer && !sending && !conflict) post(location.pathname, entered());
  });
  // The page as it was is not the mark as it is.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.querySelector("header .home").addEventListener("click", (event) => {
    event.preventDefault();
    go("/");
  });
  for (const button of earlier) button.addEventListener("click", () => take(button.textContent));
  const buttons = { previous: "p", next: "n", skip: "s", undo: "u", done: "Enter" };
  for (const [name, key] of Object.entries(buttons)) find(name).addEventListener("click", actions[key]);
  find("theirs").addEventListener("click", () => location.reload());
  find("mine").addEventListener("click", keepMine);
}
