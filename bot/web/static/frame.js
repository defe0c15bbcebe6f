/* Every page of an officer: what was written does not vanish where the service cannot be reached. Without scripts forms work as they do. */
"use strict";
(() => {
  const lost = document.getElementById("lost"), sure = new WeakSet();
  const WITHIN_MS = 5000;
  const reachable = async () => {
    try { return (await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(WITHIN_MS) })).ok; } catch { return false; }
  };
  const say = (is) => { lost.hidden = !is; if (is) lost.scrollIntoView({ block: "nearest" }); };
  const holds = (form) => [...form.querySelectorAll("textarea")].some((one) => one.value.trim());
  if (!lost || !window.AbortSignal || !AbortSignal.timeout) return;
  /* A form that holds somebody's words is sent once the service has answered; any other only not where there is no line at all. */
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || sure.has(form) || (navigator.onLine && !holds(form))) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    const is = navigator.onLine && await reachable();
    say(!is);
    if (!is) { delete form.dataset.busy; return; }
    sure.add(form);
    form.requestSubmit(event.submitter);
  });
  addEventListener("offline", () => say(true));
  addEventListener("online", async () => say(!(await reachable())));
})();
