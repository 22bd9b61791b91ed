// Comfort only: every page works without this.
"use strict";
const form = document.querySelector("form.answer");
const ticket = document.querySelector(".ticket");

if (form) {
  const text = form.elements.text, key = "draft " + form.dataset.draft;
  const done = new URLSearchParams(location.search).has("done");
  if (done) localStorage.removeItem(key);
  else if (!text.value) text.value = localStorage.getItem(key) || "";
  text.addEventListener("input", () => text.value ? localStorage.setItem(key, text.value) : localStorage.removeItem(key));
}

if (ticket) {
  const look = async () => {
    if (document.hidden) return;
    const answer = await fetch(`/tickets/${ticket.dataset.number}/version`).catch(() => null);
    if (answer && answer.ok && !answer.redirected && await answer.text() !== ticket.dataset.version)
      document.querySelector(".notice.new").hidden = false;
  };
  setInterval(look, 20000);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter" && form && form.contains(document.activeElement))
    return form.querySelector("button.main").click();
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) return;
  const find = document.querySelector("form.find input");
  const target = { "/": find, r: form && form.elements.text }[event.key];
  if (target) { event.preventDefault(); target.focus(); }
  if (event.key === "q") location.href = "/";
});
